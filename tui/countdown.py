"""The countdown of a session's age limit: words, a bar, and how urgent it is; pure.

It counts from the 101 (the guide says only that a connection lasts up to 60 minutes; gateways count from the
accept) and stands still when the session has ended.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sessions.session import Session, remaining
from tui.figures import bar, clock_words

WARN_SECONDS, ALARM_SECONDS = 600.0, 120.0


class Urgency(StrEnum):
    """How near the age limit is."""

    CALM = "calm"
    WARN = "warn"
    ALARM = "alarm"
    OVER = "over"


class Countdown(NamedTuple):
    """What is left of a session's time."""

    seconds: float
    share: float  #: of the whole lifetime, from 1 down to 0
    urgency: Urgency

    @property
    def words(self) -> str:
        """`58:41 left`, with what to do about it when that is soon."""
        left = f"{clock_words(self.seconds)} left"
        match self.urgency:
            case Urgency.WARN:
                return f"{left}, roll over soon"
            case Urgency.ALARM:
                return f"{left}, ROLL OVER NOW"
            case Urgency.OVER:
                return "0:00 left, age limit reached"
            case _:
                return left

    def bar(self, cells: int) -> str:
        """The bar, which empties."""
        return bar(self.share, cells)


def countdown(session: Session, now: float) -> Countdown:
    """What is left at `now`, seconds of recording time.

    It warns at 10 and at 2 minutes; for a lifetime shorter than that, at a half and at a fifth of it.
    """
    left = remaining(session, now)
    lifetime = max(session.lifetime, 0.001)
    return Countdown(left, left / lifetime, urgency(left, lifetime))


def urgency(left: float, lifetime: float) -> Urgency:
    """How near the end is, with so many seconds left of a lifetime."""
    is_short = lifetime <= WARN_SECONDS
    warn, alarm = (lifetime / 2, lifetime / 5) if is_short else (WARN_SECONDS, ALARM_SECONDS)
    if left <= 0:
        return Urgency.OVER
    if left <= alarm:
        return Urgency.ALARM
    return Urgency.WARN if left <= warn else Urgency.CALM
