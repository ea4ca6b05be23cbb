"""Turns -> columns, as a log of commits draws branches: the oldest first, forks to the right; pure.

Its one rule: a chain is a tree, and a turn stands under what it continues. The first turn that continues a
parent keeps its column; each later one is a fork and takes the first free column. Nothing is indented by
depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sessions.contract import Status
from sessions.session import Turn

MOST_COLUMNS = 8  # columns that are drawn; branches beyond share the last one


class Kind(StrEnum):
    """What a row of the drawing stands for."""

    TURN = "turn"
    DETAIL = "detail"
    FORK = "fork"


class Row(NamedTuple):
    """One row: which turn it is about and the lines at its left."""

    kind: Kind
    turn: int
    graph: str
    column: int


def branches(turns: Sequence[Turn], *, has_details: bool = True) -> list[Row]:
    """The rows of these turns, in their order."""
    present = {turn.number for turn in turns}
    children: dict[int, list[int]] = {}
    for turn in turns:
        if turn.follows in present and turn.follows < turn.number:
            children.setdefault(turn.follows, []).append(turn.number)
    rows: list[Row] = []
    active: list[int] = []  # per column the turn that it leads to, 0 when it is free
    reserved: dict[int, int] = {}
    for turn in turns:
        column = reserved.pop(turn.number, -1)
        if column < 0:
            column = _free(active)
        active[column] = turn.number
        rows.append(Row(Kind.TURN, turn.number, _lines(active, column, marker(turn)), column))
        following = children.get(turn.number, [])
        active[column] = following[0] if following else 0
        if following:
            reserved[following[0]] = column
        while active and not active[-1]:
            active.pop()
        if has_details:
            rows.append(Row(Kind.DETAIL, turn.number, _lines(active, -1, ""), column))
        forks = []
        for number in following[1:]:
            fork = _free(active)
            active[fork] = number
            reserved[number] = fork
            forks.append(fork)
        if forks:
            rows.append(Row(Kind.FORK, turn.number, _fork(active, column, forks), column))
    return rows


WAITING = "?"  #: the sign of a turn whose calls wait for answers


def marker(turn: Turn) -> str:
    """One sign for where a turn stands.

    `o` ended, `?` ended and its calls wait for answers, `x` failed, `*` live, `~` warm-up, `.` only sent.
    """
    match turn.status:
        case Status.FAILED | Status.ERRORED | Status.CUT | Status.CANCELLED:
            return "x"
        case Status.SENT:
            return "."
        case Status.QUEUED | Status.IN_PROGRESS:
            return "*"
        case _:
            if turn.response is not None and turn.response.pending_calls:
                return WAITING
            return "~" if turn.is_warmup else "o"


def _free(active: list[int]) -> int:
    for column, number in enumerate(active):
        if not number:
            return column
    active.append(0)
    return len(active) - 1


def _lines(active: Sequence[int], column: int, sign: str) -> str:
    count = min(MOST_COLUMNS, max(len(active), column + 1))
    own = min(column, MOST_COLUMNS - 1)
    cells = [
        sign if at == own and column >= 0 else "\u2502" if at < len(active) and active[at] else " "
        for at in range(count)
    ]
    return " ".join(cells)


def _fork(active: Sequence[int], column: int, forks: Sequence[int]) -> str:
    own = min(column, MOST_COLUMNS - 1)
    ends = {min(fork, MOST_COLUMNS - 1) for fork in forks} - {own}
    first, last = min(own, *ends, own), max(own, *ends, own)
    out: list[str] = []
    for at in range(min(MOST_COLUMNS, len(active))):
        is_line = bool(active[at])
        if at == own:
            sign = "\u253c" if first < own < last else "\u2524" if first < own else "\u251c"
        elif at in ends:
            sign = "\u256d" if at == first else "\u256e" if at == last else "\u252c"
        elif first < at < last:
            sign = "\u253c" if is_line else "\u2500"
        else:
            sign = "\u2502" if is_line else " "
        out.append(sign)
        out.append("\u2500" if first <= at < last else " ")
    return "".join(out).rstrip()
