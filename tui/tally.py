"""Sums over the turns of one session, kept up while it runs: tokens, outcomes, times to the first token.

Its one rule: turns that have ended are added once; only those after the oldest open one are looked at again.
"""

from __future__ import annotations

from bisect import insort

from sessions.contract import Status
from sessions.session import Session, Turn, Usage


class Tally:
    """The sums of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done = 0  # turns that are in the sums for good
        self._settled = _Sums()
        self._all = _Sums()

    def update(self) -> None:
        """Take in what happened since the last time."""
        turns = self._session.turns
        while self._done < len(turns) and turns[self._done].status.is_over:
            self._settled.add(turns[self._done])
            self._done += 1
        rest = turns[self._done :]
        if not rest:
            self._all = self._settled
            return
        self._all = self._settled.copy()
        for turn in rest:
            self._all.add(turn)

    @property
    def usage(self) -> Usage:
        """All tokens added up; None where no response told a number."""
        return Usage(*self._all.tokens)

    @property
    def first_tokens(self) -> list[float]:
        """Seconds to the first token, ascending."""
        return self._all.firsts

    @property
    def speeds(self) -> list[float]:
        """Output tokens per second of ended responses, ascending."""
        return self._all.speeds

    @property
    def ended_well(self) -> int:
        """Turns that completed."""
        return self._all.well

    @property
    def ended_badly(self) -> int:
        """Turns that failed, were refused, cut, or stayed incomplete."""
        return self._all.badly

    @property
    def irregular(self) -> list[tuple[int, str]]:
        """Moves against the contract: the record and what it was."""
        return self._all.irregular


class _Sums:
    def __init__(self) -> None:
        self.tokens: list[int | None] = [None] * len(Usage())
        self.firsts: list[float] = []
        self.speeds: list[float] = []
        self.irregular: list[tuple[int, str]] = []
        self.well = self.badly = 0

    def copy(self) -> _Sums:
        other = _Sums()
        other.tokens = list(self.tokens)
        other.firsts = list(self.firsts)
        other.speeds = list(self.speeds)
        other.irregular = list(self.irregular)
        other.well, other.badly = self.well, self.badly
        return other

    def add(self, turn: Turn) -> None:
        self.well += turn.status is Status.COMPLETED
        self.badly += turn.status.is_over and turn.status is not Status.COMPLETED
        first = turn.time_to_first_token
        if first is not None:
            insort(self.firsts, first)
        for response in turn.responses:
            self.irregular.extend(response.irregular)
            for index, count in enumerate(response.usage or ()):
                if count is not None:
                    self.tokens[index] = (self.tokens[index] or 0) + count
            if not response.is_live and (speed := response.tokens_per_second(response.ended)) is not None:
                insort(self.speeds, speed)


def tally(session: Session) -> Tally:
    """The sums of a session as it is now."""
    made = Tally(session)
    made.update()
    return made
