"""What can go wrong on purpose: the table of faults, one file per family.

A fault is chosen as `name`, `name:argument`, and with `@n` for the n-th create of a connection only (for the
faults of an opening: the n-th upgrade of the server).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from sessions.errors import UsageError
from sessions.wire.scenarios.faults import closing, events, frames, opening, state
from sessions.wire.scenarios.faults.fault import (
    Fault,
    Opening,
    OpeningFault,
    StateFault,
    StepFault,
    UnitFault,
)

_FAMILIES: tuple[Sequence[Fault], ...] = (
    opening.FAULTS,
    closing.FAULTS,
    events.FAULTS,
    frames.FAULTS,
    state.FAULTS,
)
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {fault.name: fault for family in _FAMILIES for fault in family}
)
__all__ = [
    "FAULTS",
    "Chosen",
    "Fault",
    "Opening",
    "OpeningFault",
    "StateFault",
    "StepFault",
    "UnitFault",
    "choose",
    "chosen",
]


class Chosen(NamedTuple):
    """A fault that was asked for."""

    fault: Fault
    argument: str
    only: int | None  #: number of the create or connection that it hits; None: every one

    def hits(self, number: int) -> bool:
        """Whether it hits this create or connection, counted from 1."""
        return self.only is None or self.only == number


def choose(text: str) -> Chosen:
    """The fault that a text names; raises UsageError with the nearest name when there is none."""
    rest, at, number = text.rpartition("@")
    if not at:
        rest, number = text, ""
    name, _, argument = rest.partition(":")
    fault = FAULTS.get(name)
    if fault is None:
        nearest = difflib.get_close_matches(name, FAULTS, 1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else " `turnscope fake --help` lists them."
        raise UsageError(f"There is no fault {name!r}.{hint}")
    if at and not (number.isdecimal() and int(number) > 0):
        raise UsageError(f"In fault {text!r}, what follows @ is not a number from 1.")
    if argument and fault.needs_number and not argument.replace(".", "", 1).isdecimal():
        raise UsageError(f"In fault {text!r}, {argument!r} is not a number.")
    return Chosen(fault, argument, int(number) if at else None)


def chosen(texts: Iterable[str]) -> tuple[Chosen, ...]:
    """All of them; raises UsageError for the first that does not exist."""
    return tuple(choose(text) for text in texts)
