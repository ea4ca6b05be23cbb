"""Marks: short words beside records, turns and connections, the worst first; notes beside records only."""

from __future__ import annotations

import pytest

from sessions.inspector import Inspector
from tests import make
from tui.marks import Mark, Marks, Weights


@pytest.fixture
def inspector() -> Inspector:
    """A turn with a gap, an odd frame, and an answer with a field that nobody knows."""
    from sessions.recording import Recording

    inspector = Inspector(Recording.create(None))
    wire = make.Wire()
    turn = wire.turn("resp_1", "One two three four.")
    del turn[5]
    second = make.answer("resp_2")
    second[0]["x_new"] = 1
    inspector.feed_all([wire.open(), *turn, wire.got("no json"), wire.sent(make.create())])
    inspector.feed_all(wire.got_all(second))
    return inspector


def test_a_record_has_what_was_found_at_it(inspector: Inspector) -> None:
    marks = Marks(inspector)
    assert marks.at(6, 6) == Mark("! sequence-gap", "pane--error", True)
    assert marks.at(0, 5) is None
    assert marks.at(7, 7) is None


def test_a_run_has_the_worst_of_its_records(inspector: Inspector) -> None:
    marks = Marks(inspector)
    assert marks.at(0, len(inspector.recording)) == Mark("! sequence-gap +2", "pane--error", True)
    note = next(one for one in inspector.findings if one.id == "unknown-field").records[-1]
    assert marks.at(note, note) == Mark("unknown-field", "pane--dim", False)


def test_a_turn_and_a_connection_are_marked_by_what_is_to_be_mended(inspector: Inspector) -> None:
    marks = Marks(inspector)
    assert marks.turn(1).words == "1 error"
    assert marks.turn(2) == Weights(notes=1)
    assert marks.turn(2).words == ""
    assert marks.turn(99) == Weights()
    assert marks.session(1) == marks.session(0)
    assert marks.session(2) == Weights()


def test_what_comes_later_is_taken_up(inspector: Inspector) -> None:
    marks = Marks(inspector)
    before = marks.session(1)
    inspector.feed(make.Wire(at=9.0).lost())
    inspector.feed(make.Wire(2, at=9.5).refused("forbidden", "403", status=403))
    assert marks.session(1) == before
    assert marks.session(2).words == "1 error"
    assert marks.session(0).errors == before.errors + 1


def test_words_count_and_styles_name_the_worst() -> None:
    assert Weights(1, 2).words == "1 error, 2 warnings"
    assert (Weights(1, 2).style, Weights(0, 1).style, Weights().style) == (
        "pane--error",
        "pane--warning",
        "pane--dim",
    )
