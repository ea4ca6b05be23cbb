"""A moment of a recording as a person writes it: `1:30`, `+10s`, `#1200`, `T5`, `40%`, `end`.

Its one rule: what could mean two things is refused, with both ways to say it. Whether the recording has such
a moment is for whoever holds it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

HELP = "1:30   +10s   -10s   #1200 (record)   T5 (turn)   40%   start   end"

_CLOCK = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h)")
_NUMBER = re.compile(r"(#|[Tt])(\d+)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Measure(StrEnum):
    """What a moment is counted in."""

    SECONDS = "seconds"  #: since the recording began
    STEP = "step"  #: seconds from the playhead, either way
    RECORD = "record"
    TURN = "turn"
    SHARE = "share"  #: of the whole time, 0 to 1
    END = "end"


class Moment(NamedTuple):
    """Where a person wants to be."""

    measure: Measure
    value: float = 0.0


def parse(text: str) -> Moment:
    """The moment that these words name; raises ValueError with a sentence when they name none."""
    words = text.strip()
    if words.casefold() in ("start", "begin", "0"):
        return Moment(Measure.SECONDS, 0.0)
    if words.casefold() == "end":
        return Moment(Measure.END)
    if words[:1] in ("+", "-") and (seconds := _seconds(words[1:].strip())) is not None:
        return Moment(Measure.STEP, seconds if words[0] == "+" else -seconds)
    if (seconds := _seconds(words)) is not None:
        return Moment(Measure.SECONDS, seconds)
    if found := _NUMBER.fullmatch(words):
        return Moment(Measure.RECORD if found[1] == "#" else Measure.TURN, float(found[2]))
    if (found := _SHARE.fullmatch(words)) and float(found[1]) <= 100:
        return Moment(Measure.SHARE, float(found[1]) / 100)
    if re.fullmatch(r"[+-]?\d+", words):
        number = words.lstrip("+-")
        raise ValueError(f"{words}: {words}s is a time, #{number} a record, T{number} a turn")
    raise ValueError(f"{words!r} is no moment; write one of  {HELP}")


def _seconds(words: str) -> float | None:
    if found := _CLOCK.fullmatch(words):
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3])
    if found := _SECONDS.fullmatch(words):
        return float(found[1]) * _UNITS[found[2]]
    return None
