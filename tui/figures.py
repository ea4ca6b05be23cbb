"""Numbers and standings as people read them: 1.2k, 3.1s, 58:41, live, completed; pure.

Its one rule: words first. Every state has a word that needs no colour, and an unknown number is "-", not 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sessions.contract import Status
from sessions.session import Turn

_LAST_SECONDS = 600.0
_STANDINGS: Mapping[Status, str] = {
    Status.SENT: "sent",
    Status.QUEUED: "queued",
    Status.IN_PROGRESS: "live",
    Status.ERRORED: "error",
}


def count_words(count: int | None) -> str:
    """A count in at most five cells: 214, 1.2k, 21k, 1.9M; "-" when unknown."""
    if count is None:
        return "-"
    if count < 1_000:
        return str(count)
    for size, unit in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        if count < size * 999.5 or unit == "G":
            value = count / size
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    raise AssertionError("not reached")


def bytes_words(count: int | None) -> str:
    """A size: 165 B, and from a thousand on as a count: 1.2k, 1.9M; "-" when unknown."""
    return f"{count} B" if count is not None and count < 1_000 else count_words(count)


def seconds_words(seconds: float | None) -> str:
    """A duration: 412ms, 3.1s, 47s, 3m05s, 2h04m; "-" when unknown."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def clock_words(seconds: float) -> str:
    """A countdown: 58:41, 1:02:03; never below zero."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def left_words(seconds: float) -> str:
    """What is left of a socket's age: 58 min, and in the last ten minutes 9:41."""
    if seconds <= _LAST_SECONDS:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f"{int(seconds) // 60} min"


def standing(turn: Turn) -> str:
    """Where a turn stands, in one word."""
    if turn.is_warmup and turn.status is Status.COMPLETED:
        return "warmed up"
    return _STANDINGS.get(turn.status, turn.status.value)


def standing_style(turn: Turn) -> str:
    """The component class in which a turn's standing is shown."""
    match turn.status:
        case Status.FAILED | Status.ERRORED | Status.CUT:
            return "pane--error"
        case Status.INCOMPLETE | Status.CANCELLED:
            return "pane--warning"
        case Status.COMPLETED:
            return "pane--good"
        case _:
            return "pane--strong"


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which this share of ascending values lies; None when there are none."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def bar(share: float, cells: int) -> str:
    """A bar of words' own characters: `[####----]`, full at 1."""
    inside = max(1, cells - 2)
    filled = round(max(0.0, min(1.0, share)) * inside)
    return f"[{'#' * filled}{'-' * (inside - filled)}]"
