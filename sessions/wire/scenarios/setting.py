"""What all connections of one fake server share: options, dialect, faults, the store, ids."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.faults import Chosen, Fault
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.memory import Storage
from sessions.wire.scenarios.options import Options

_Kind = TypeVar("_Kind", bound=Fault)


class Setting(NamedTuple):
    """One running server, as its connections see it."""

    options: Options
    dialect: Dialect
    faults: tuple[Chosen, ...]
    storage: Storage
    ids: Ids

    def hitting(self, kind: type[_Kind], number: int) -> list[tuple[_Kind, str]]:
        """The faults of one kind that hit this create or connection, with their arguments."""
        return [
            (one.fault, one.argument)
            for one in self.faults
            if isinstance(one.fault, kind) and one.hits(number)
        ]

    def fault(self, name: str, number: int) -> str | None:
        """The argument of the named fault when it hits this create or connection, else None."""
        for one in self.faults:
            if one.fault.name == name and one.hits(number):
                return one.argument
        return None
