"""A row as one line of plain text, for faces without a screen and for what is copied.

Its one rule: no colour, no width but what columns need, and every word through the gate for remote text.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sessions.records import Direction
from sessions.redact import screen
from sessions.safe import safe_line
from sessions.summary import Row, lane_words

ARROWS = {Direction.CLIENT: "c>s", Direction.SERVER: "s>c", Direction.LOCAL: "-"}
_NOTE_CHARACTERS = 120


def line(row: Row) -> str:
    """The row in words: number, time, gap, direction, type, lane, turn, size, note; no newline."""
    turn = f"T{row.turn}" if row.turn else "-"
    columns = (
        f"{row.number:>6}",
        f"{row.elapsed:>10.3f}",
        f"{seconds(row.gap):>6}",
        f"{ARROWS[row.direction]:<3}",
        f"{safe_line(row.type, 48):<36}",
        f"{safe_line(screen(lane_words(row)), 24):<8}",
        f"{turn:<4}",
        f"{size(row.size):>6}",
        safe_line(screen(row.note), _NOTE_CHARACTERS),
    )
    return " ".join(columns).rstrip()


def heading() -> str:
    """The names of the columns, above the lines."""
    return (
        f"{'#':>6} {'time':>10} {'gap':>6} {'dir':<3} {'type':<36} {'lane':<8} {'turn':<4} {'size':>6} note"
    )


def size(count: int) -> str:
    """Bytes in at most six characters: 310, 1.2k, 16.8M."""
    if count < 1_000:
        return str(count)
    value, unit = (count / 1_000, "k") if count < 999_950 else (count / 1_000_000, "M")
    return f"{value:.1f}{unit}"


def seconds(value: float) -> str:
    """A length of time in at most six characters: "", 3ms, 321ms, 2.4s, 12m05s."""
    if value < 0.0005:
        return ""
    if value < 0.9995:
        return f"{value * 1000:.0f}ms"
    if value < 99.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def time_of_day(wall: int) -> str:
    """Wall time as hours, minutes, seconds and milliseconds, in UTC."""
    return datetime.fromtimestamp(wall / 1_000_000, UTC).strftime("%H:%M:%S.%f")[:-3]
