"""A scope: which connections the views of a screen show, all or some; a value, pure.

Its one rule: a scope never loses a connection; one that belongs to a named session gains those that it opens
later. Where all are shown, nothing is asked for each record.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from sessions.roster import label
from sessions.session import Session, Turn
from sessions.state import State
from tui.veil import line


@dataclass(frozen=True)
class Scope:
    """The connections that are shown, by number; `ALL` for every one, also those to come."""

    numbers: frozenset[int] = frozenset()
    name: str = ""  #: of the named session that these connections belong to
    is_all: bool = False

    def has(self, session: int) -> bool:
        """Whether this connection is shown."""
        return self.is_all or session in self.numbers

    @property
    def key(self) -> Hashable:
        """What the places of its reader are kept under; it stays the same when a named session grows."""
        return self.name or self.numbers

    def plus(self, session: int) -> Scope:
        """The same scope with one connection more."""
        return self if self.has(session) else replace(self, numbers=self.numbers | {session})

    def newest(self, state: State) -> int:
        """The newest connection that is shown and known; 0 when there is none."""
        known = state.sessions
        return max(known if self.is_all else self.numbers & known.keys(), default=0)

    def sessions(self, state: State) -> list[Session]:
        """The connections that are shown, in the order of arrival."""
        return [session for session in state.sessions.values() if self.has(session.number)]

    def turns(self, state: State, after: int = 0) -> Sequence[Turn]:
        """The turns that are shown, of those whose number is above `after`; the state's own list for all."""
        turns = state.turns[after:] if after else state.turns
        return turns if self.is_all else [turn for turn in turns if turn.session in self.numbers]

    def last_turn(self, state: State) -> Turn | None:
        """The newest turn that is shown."""
        if self.is_all:
            return state.turns[-1] if state.turns else None
        newest = (session.turns[-1] for session in self.sessions(state) if session.turns)
        return max(newest, key=lambda turn: turn.number, default=None)

    def has_turn(self, turn: Turn | None) -> bool:
        """Whether this turn is shown."""
        return turn is not None and self.has(turn.session)

    def words(self, state: State) -> str:
        """What is shown, in a word or two: a name, `c4`, `all`; "" where there is nothing to choose from."""
        if self.is_all:
            return "all" if len(state.sessions) > 1 else ""
        if self.name:
            return line(self.name, 32)
        return " ".join(label(session) for session in self.sessions(state)[:3])


ALL = Scope(is_all=True)


def only(session: int) -> Scope:
    """Just this connection."""
    return Scope(frozenset({session}))


def foremost(state: State) -> Session | None:
    """The connection to tell of while none is chosen: the newest that is not over, else the newest."""
    known = state.sessions.values()
    standing = (session for session in known if not session.phase.is_over)
    return max(standing, key=_number, default=None) or max(known, key=_number, default=None)


def _number(session: Session) -> int:
    return session.number
