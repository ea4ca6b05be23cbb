"""The protocols of sources: what fulfils them, to a type checker and in use."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sessions.records import Record
from sessions.source import Clock, Source
from tests.conftest import HandClock
from tests.make import Wire


class Listed:
    """A source of records that are there already."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[Record]:
        for record in self.records:
            yield record

    async def aclose(self) -> None:
        """Note that it was let go."""
        self.is_closed = True


async def test_a_source_is_iterated_and_let_go() -> None:
    wire = Wire()
    listed = Listed([wire.open(), wire.close()])
    source: Source = listed
    assert [record async for record in source] == listed.records
    await source.aclose()
    assert listed.is_closed


def test_a_clock_moved_by_hand_moves_both_times(clock: HandClock) -> None:
    told: Clock = clock
    wall = told.wall()
    clock.move(1.5)
    assert (told.wall() - wall, told.elapsed()) == (1_500_000, 1.5)
