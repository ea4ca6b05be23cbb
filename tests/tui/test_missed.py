"""What a frozen picture has missed, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.inspector import Batch
from sessions.records import Record
from sessions.reducer import Sessions
from tests import make
from tui.missed import Missed


def batch(sessions: Sessions, records: Sequence[Record], *, is_complete: bool = True) -> Batch:
    first = sessions.records
    changes = tuple(change for record in records for change in sessions.apply(record))
    return Batch(first, sessions.records, changes, is_complete)


def test_turns_of_which_only_the_text_grew_are_not_counted() -> None:
    sessions, wire, missed = Sessions(), make.Wire(), Missed()
    begun = [wire.open(), *wire.turn("resp_1"), wire.sent(make.create()), wire.got(make.created("resp_2"))]
    begun += wire.got_all([make.item_added(make.message("m", status="in_progress")), make.part_added("m")])
    assert missed.add(batch(sessions, begun), sessions) == set()
    assert missed.turns == {1, 2}
    assert missed.words() == "frozen, 2 turns changed"
    missed.clear()
    assert not missed
    grown = batch(sessions, [wire.got(make.text_delta("m", "word"))])
    assert missed.add(grown, sessions) == {2}
    assert not missed
    assert missed.add(batch(sessions, wire.got_all([make.completed("resp_2")])), sessions) == set()
    assert missed.turns == {2}
    assert missed.words() == "frozen, 1 turn changed"
    assert missed.add(grown, sessions) == set()  # it is laid out anew anyway


def test_where_changes_were_dropped_all_turns_count() -> None:
    sessions, missed = Sessions(), Missed()
    missed.add(batch(sessions, [], is_complete=False), sessions)
    assert missed
    assert missed.is_all
    missed.add(batch(sessions, []), sessions)
    assert missed.words() == "frozen, all turns changed"
    missed.clear()
    assert not missed
