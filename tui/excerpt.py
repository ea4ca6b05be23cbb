"""An excerpt of the conversation: all turns, those of some connections, or one chain among them; pure.

Its one rule: it only grows while it is shown; what is asked whether it belongs is each turn once. It knows
numbers of turns and not one row.
"""

from __future__ import annotations

from collections.abc import Sequence

from sessions.session import Turn
from sessions.state import State
from tui.scope import ALL


class Excerpt:
    """The numbers of the turns that are shown."""

    def __init__(self) -> None:
        self.scope = ALL
        self._chain: list[int] = []  # empty: all turns of the scope are shown
        self._scoped: list[int] = []  # the turns of a scope that is not all
        self._seen = 0  # turns that were asked whether they are in the scope

    @property
    def numbers(self) -> Sequence[int] | None:
        """The turns that are shown, in their order; None for all there are and will be."""
        return self._chain or (None if self.scope.is_all else self._scoped)

    @property
    def is_chain(self) -> bool:
        """Whether one chain is shown alone."""
        return bool(self._chain)

    @property
    def is_due(self) -> bool:
        """Whether there is a scope of which no turn was looked for yet."""
        return not self.scope.is_all and not self._seen

    def lengthen(self, state: State) -> None:
        """Take up the turns that came to the chain, or to the scope, that is shown."""
        if not self.scope.is_all:
            found = self.scope.turns(state, self._seen)
            self._seen = len(state.turns)
            self._scoped += [turn.number for turn in found]
        if self._chain:
            for turn in state.turns[self._chain[-1] :]:
                if turn.follows == self._chain[-1]:
                    self._chain.append(turn.number)

    def take_chain(self, turns: Sequence[Turn]) -> None:
        """Show this chain from its root on, and what will continue it; the whole scope when it is empty."""
        self._chain = [turn.number for turn in turns]

    def begin_again(self) -> None:
        """Look for the turns of the scope from the first one on."""
        self._scoped, self._seen = [], 0

    def cut(self, known: int) -> None:
        """Begin again in another state, which has so many turns; what it knows of the chain stays."""
        self._chain = [number for number in self._chain if number <= known]
        self.begin_again()

    def words(self, state: State) -> str:
        """What is shown, in a few words; "" for everything."""
        return f"chain of T{self._chain[-1]}" if self._chain else self.scope.words(state)

    def open_calls(self, state: State) -> int:
        """Calls that wait for an answer, in connections of the scope that have not ended."""
        sessions = self.scope.sessions(state)
        return sum(1 for one in sessions if not one.phase.is_over for _ in one.pending_calls())
