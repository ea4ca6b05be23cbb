"""As many deltas as were asked for, as fast as the rate allows: `flood 100000`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import overload

from sessions.wire.scenarios.answer import Ask, Scenario, Step, Text

_COUNT = re.compile(r"\d+")
_DEFAULT, _MOST = 10_000, 10_000_000


class Repeated(Sequence[str]):
    """Eight short words over and over, without keeping them all."""

    _WORDS = (" tide", " and", " moon", " are", " old", " friends", " by", " now")

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self._WORDS[number & 7] for number in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._WORDS[index & 7]


def answer(ask: Ask) -> Iterable[Step]:
    """One message of that many deltas."""
    found = _COUNT.search(ask.text)
    fragments = Repeated(min(int(found[0]), _MOST) if found else _DEFAULT)
    return (Text("".join(fragments), fragments=fragments),)


SCENARIO = Scenario("flood", "N deltas as fast as the rate allows: “flood 100000”", answer)
