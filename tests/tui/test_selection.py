"""The selection: one moment in every view, the focus where it was, steps among what is shown."""

from __future__ import annotations

from sessions.records import Record
from tests.make import Wire, create, error
from tests.scene import playing
from tests.screen import screen_text
from tui.scope import only
from tui.widgets.events import Events
from tui.widgets.talk import Talk


def two() -> list[Record]:
    """Turns T1 and T3 on one connection, the latter failed; T2 on another."""
    one, other = Wire(1), Wire(2)
    records = [one.open(), other.open(), *one.turn("resp_1"), *other.turn("resp_2")]
    return [*records, one.sent(create("broken")), one.got(error("server_error"))]


async def test_a_chosen_turn_is_chosen_everywhere_and_the_focus_stays() -> None:
    async with playing(two()) as scene:
        screen, selection = scene.screen, scene.screen.selection
        talk, events = screen.query_one(Talk), screen.query_one(Events)
        focused = screen.focused
        assert (selection.turn, selection.record) == (0, -1)
        selection.choose_turn(2)
        turn = screen.inspector.sessions.turns[1]
        assert (selection.turn, selection.record) == (2, turn.create)
        assert talk.spoken.place(talk.cursor) == (2, 0)
        assert events.cursor == turn.create
        assert screen.turn() is turn
        assert screen.focused is focused


async def test_an_event_chooses_its_turn_and_one_of_no_turn_leaves_it() -> None:
    async with playing(two()) as scene:
        selection, talk = scene.screen.selection, scene.screen.query_one(Talk)
        last = len(scene.screen.inspector.recording) - 1
        selection.choose_record(last, source="events")
        assert (selection.turn, selection.record) == (3, last)
        assert talk.linked == last
        selection.choose_record(0, source="events")
        assert (selection.turn, selection.record) == (3, 0), "an opening belongs to no turn"


async def test_a_record_that_is_not_there_changes_nothing() -> None:
    async with playing(two()) as scene:
        selection = scene.screen.selection
        selection.choose_record(4, source="talk")
        for record in (-1, len(scene.screen.inspector.recording)):
            selection.choose_record(record, source="events")
        assert (selection.turn, selection.record) == (0, 4)


async def test_steps_stay_among_the_turns_that_are_shown() -> None:
    async with playing(two()) as scene:
        screen, selection = scene.screen, scene.screen.selection
        screen.overview.show_scope(only(1))
        selection.choose_turn(1)
        selection.step_turn(1)
        assert selection.turn == 3
        selection.step_turn(-1)
        assert selection.turn == 1
        selection.step_error(1)
        assert selection.turn == 3
        selection.step_error(1)
        await scene.pilot.pause()
        assert selection.turn == 3
        assert "no failed turn there" in screen_text(scene.app)
