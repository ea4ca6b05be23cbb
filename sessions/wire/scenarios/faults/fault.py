"""The kinds of faults; a family's file is a table of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from sessions.wire.scenarios.answer import Step
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Unit


class Opening(NamedTuple):
    """How an upgrade is answered instead of 101."""

    status: int = 0  #: 0: not at all
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    wait_seconds: float = 0.0
    goes_on: bool = False  #: answer 101 after all
    stays_open: bool = False  #: the response never ends
    unless_model: bool = False  #: only when the URL has no `?model=`
    is_for_posts: bool = False  #: a POST to the same path is answered so, too: it is about who asks


class OpeningFault(NamedTuple):
    """Spoils the answer to an upgrade."""

    name: str
    line: str
    opening: Callable[[str], Opening]
    needs_number: bool = False


class UnitFault(NamedTuple):
    """Spoils what one turn sends."""

    name: str
    line: str
    act: Callable[[Iterator[Unit], str, Turn], Iterator[Unit]]
    needs_number: bool = False


class StepFault(NamedTuple):
    """Spoils what the model does."""

    name: str
    line: str
    act: Callable[[Iterable[Step], str], Iterable[Step]]
    needs_number: bool = False


class StateFault(NamedTuple):
    """Changes what the server remembers, or how a connection behaves as a whole."""

    name: str
    line: str
    needs_number: bool = False


Fault: TypeAlias = OpeningFault | UnitFault | StepFault | StateFault
