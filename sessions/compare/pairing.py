"""Which exchange of one side stands beside which of the other.

Its one rule: what was asked is paired, lane by lane where both sides have the same lanes, in order. An output
that answers a call, and a create that is asked once more after a failure, belong to the question before them:
a side whose model calls no tool, or that needs no second try, is still compared with itself afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import zip_longest
from typing import Any, NamedTuple

from sessions.contract import Status
from sessions.dialects import create_fields
from sessions.events import Undecodable, whole
from sessions.moves import Exchange
from sessions.resent import is_a_models

_FAILED = frozenset({Status.FAILED, Status.ERRORED, Status.CUT, Status.CANCELLED})


class Because(StrEnum):
    """Why an exchange was made."""

    ASKED = "asked"  #: somebody asked something new
    CALLED = "called"  #: its input answers calls of the model
    AGAIN = "again"  #: the same input as before, after a failure


class Couple(NamedTuple):
    """One exchange of each side, None where a side has none."""

    a: Exchange | None
    b: Exchange | None
    because: Because  #: of the one that is there, of A's when both are


class _Group(NamedTuple):
    """A question and what followed from it."""

    at: int  #: place of the question on its side
    members: list[tuple[Exchange, Because]]


def couples(a: Iterable[Exchange], b: Iterable[Exchange]) -> list[Couple]:
    """All exchanges of both sides, each once, in the order of A and then of what only B has."""
    ours, theirs = _by_lane(a), _by_lane(b)
    if ours.keys() != theirs.keys():
        ours, theirs = _in_one(ours), _in_one(theirs)
    found: list[tuple[float, list[Couple]]] = []
    for lane, groups in ours.items():
        for one, other in zip_longest(groups, theirs[lane]):
            at = one.at if one is not None else other.at + 0.5
            found.append((at, list(_within(one, other))))
    return [couple for _, several in sorted(found, key=lambda pair: pair[0]) for couple in several]


def _within(one: _Group | None, other: _Group | None) -> Iterator[Couple]:
    ours, theirs = one.members if one is not None else [], other.members if other is not None else []
    for mine, its in zip_longest(ours, theirs):
        because = (mine or its)[1]
        yield Couple(mine[0] if mine else None, its[0] if its else None, because)


def _by_lane(exchanges: Iterable[Exchange]) -> dict[str | None, list[_Group]]:
    lanes: dict[str | None, list[_Group]] = {}
    for place, exchange in enumerate(exchanges):
        groups = lanes.setdefault(exchange.lane, [])
        because = _because(exchange, groups[-1].members[-1][0] if groups else None)
        if because is Because.ASKED or not groups:
            groups.append(_Group(place, []))
        groups[-1].members.append((exchange, because))
    return lanes


def _because(exchange: Exchange, before: Exchange | None) -> Because:
    if exchange.turns and exchange.turns[0].answers and _brings_outputs(_input(exchange)):
        return Because.CALLED
    if before is not None and before.turns[-1].status in _FAILED and _input(before) == _input(exchange):
        return Because.AGAIN
    return Because.ASKED


def _brings_outputs(given: object) -> bool:
    """Whether outputs are what is new in an input; those of a history that is sent again are old."""
    items: list[Any] = given if isinstance(given, list) else []
    for item in reversed(items):
        kind = item.get("type", "message") if isinstance(item, dict) else ""
        if not isinstance(kind, str) or is_a_models(item):
            return False
        if kind.endswith("_output") or kind == "mcp_approval_response":
            return True
    return False


def _input(exchange: Exchange) -> object:
    event = whole(exchange.payload)
    if isinstance(event, Undecodable):
        return exchange.payload
    return create_fields(event.body)[0].get("input")


def _in_one(lanes: dict[str | None, list[_Group]]) -> dict[str | None, list[_Group]]:
    """Every group as if there were one lane."""
    return {None: sorted((one for groups in lanes.values() for one in groups), key=lambda one: one.at)}
