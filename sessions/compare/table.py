"""What the timed workflows came to: medians, the gain of WebSocket over HTTP + SSE, and bars of text.

Its one rule: a number stands for what was measured. A round in which a tool was not called as often as it
should have been, or a turn failed, is no measurement and is left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import Any, NamedTuple

_BESIDE = 28 + 9  # characters of a line before its bar, and after it
_LONGEST_BAR = 80  # characters; longer ones are not read any better
_TRANSPORTS = ("ws", "http")


class Timed(NamedTuple):
    """One run of one workflow over one transport."""

    transport: str  #: ws or http
    tool_calls: int  #: as asked for
    made: int  #: calls that the model made
    turns: int
    connections: int  #: that were dialled for it
    opening_ms: float  #: until the first create could leave; an HTTP connection is dialled by its create
    total_ms: float  #: from nothing to the end of the last answer, opening included
    problem: str = ""  #: why it is no measurement, "" when it is one


class Row(NamedTuple):
    """One workflow over both transports: medians over the rounds, None where none could be measured."""

    tool_calls: int
    rounds_over: tuple[int, int]  #: that were measured over WebSocket and over HTTP
    websocket_ms: float | None
    http_ms: float | None
    opening_ms: float | None  #: of the socket; it is part of `websocket_ms`
    connections: tuple[float, float] | None  #: dialled over WebSocket and over HTTP

    @property
    def rounds(self) -> int:
        """Rounds of which both transports were measured."""
        return min(self.rounds_over)

    @property
    def is_measured(self) -> bool:
        """Whether there is a time at all."""
        return max(self.rounds_over) > 0

    @property
    def gain(self) -> float | None:
        """Share of HTTP's time that WebSocket saves; negative when it is slower."""
        if self.websocket_ms is None or not self.http_ms:
            return None
        return 1 - self.websocket_ms / self.http_ms

    @property
    def label(self) -> str:
        """What the workflow is called."""
        if not self.tool_calls:
            return "simple query"
        return f"{self.tool_calls} tool call{'' if self.tool_calls == 1 else 's'}"

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for machine-readable faces."""
        gain = self.gain
        return {
            "event": "workflow",
            "tool_calls": self.tool_calls,
            "turns": self.tool_calls + 1,
            "rounds": self.rounds,
            "rounds_over": {"ws": self.rounds_over[0], "http": self.rounds_over[1]},
            "websocket_ms": _rounded(self.websocket_ms),
            "http_ms": _rounded(self.http_ms),
            "gain": None if gain is None else round(gain, 3),
            "websocket_opening_ms": _rounded(self.opening_ms),
            "connections": None
            if self.connections is None
            else {"ws": self.connections[0], "http": self.connections[1]},
        }


def rows(timed: Iterable[Timed]) -> tuple[Row, ...]:
    """One row a workflow, in the order in which they were asked for."""
    by_calls: dict[int, dict[str, list[Timed]]] = {}
    for one in timed:
        runs = by_calls.setdefault(one.tool_calls, {name: [] for name in _TRANSPORTS})
        if not one.problem:
            runs[one.transport].append(one)
    return tuple(_row(calls, runs["ws"], runs["http"]) for calls, runs in by_calls.items())


def table(found: Iterable[Row]) -> Iterator[str]:
    """The table, as lines."""
    yield f"{'workflow':<16}{'HTTP + SSE':>12}{'WebSocket':>12}{'gain':>8}   connections"
    for row in found:
        gain = "-" if row.gain is None else f"{row.gain * 100:.0f} %"
        dialled = "" if row.connections is None else f"{row.connections[1]:g} and {row.connections[0]:g}"
        times = f"{time_words(row.http_ms):>12}{time_words(row.websocket_ms):>12}"
        yield f"{row.label:<16}{times}{gain:>8}   {dialled}"


def bars(found: Iterable[Row], width: int = 80) -> Iterator[str]:
    """The same times as bars; the longest leaves room for its label in a terminal of `width` columns."""
    room = max(10, min(_LONGEST_BAR, width - _BESIDE))
    drawn = list(found)
    longest = max((time for row in drawn for time in (row.http_ms, row.websocket_ms) if time), default=0.0)
    for row in drawn:
        for name, time in (("HTTP + SSE", row.http_ms), ("WebSocket", row.websocket_ms)):
            if time is None:
                continue
            length = max(1, round(room * time / longest)) if longest else 1
            label = row.label if name == "HTTP + SSE" else ""
            yield f"{label:<16}{name:<12}{'█' * length} {time_words(time)}"


def time_words(milliseconds: float | None) -> str:
    """`180 ms`, `2.5 s`, `-`."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _row(calls: int, ws: list[Timed], http: list[Timed]) -> Row:
    both = (ws, http)
    dialled = tuple(median(one.connections for one in runs) for runs in both) if ws and http else None
    return Row(
        calls,
        (len(ws), len(http)),
        median(one.total_ms for one in ws) if ws else None,
        median(one.total_ms for one in http) if http else None,
        median(one.opening_ms for one in ws) if ws else None,
        (dialled[0], dialled[1]) if dialled is not None else None,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
