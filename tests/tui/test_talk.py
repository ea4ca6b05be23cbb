"""Talk on a screen: it streams, follows, holds its place, folds, freezes, links to records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Record
from tests import make
from tests.screen import screen_lines, segments_at
from tui.laid import Place
from tui.widgets.pane import Motion
from tui.widgets.talk import Talk, schema_problems


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = [
        "../../tui/widgets/pane.tcss",
        "../../tui/widgets/talk.tcss",
    ]

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.inspector = inspector
        self.talk = Talk(inspector)
        self.told: list[Message] = []
        self.follower = inspector.follow(len(inspector.recording))

    def compose(self) -> ComposeResult:
        yield self.talk

    def on_talk_selected(self, event: Talk.Selected) -> None:
        self.told.append(event)

    def on_talk_opened(self, event: Talk.Opened) -> None:
        self.told.append(event)

    def feed(self, *records: Record) -> None:
        self.inspector.feed_all(records)
        self.talk.show(self.follower.take())

    def inside(self) -> list[str]:
        """The rows of the pane, without its frame and scroll bar."""
        return [line[1:-2].rstrip() for line in screen_lines(self)[1:-1]]


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is left to be laid out."""
    app = pilot.app
    assert isinstance(app, Host)
    await pilot.pause()
    for _ in range(200):
        if not app.talk._is_settling:
            break
        await pilot.pause(0.01)
    assert not app.talk._is_settling


def started(wire: make.Wire, number: int = 1) -> list[Record]:
    """A turn that has begun to speak."""
    item = f"m{number}"
    return [
        wire.sent(make.create(f"question {number}")),
        wire.got(make.created(f"resp_{number}")),
        wire.got(make.item_added(make.message(item, status="in_progress"))),
        wire.got(make.part_added(item)),
    ]


def many(wire: make.Wire, count: int) -> list[Record]:
    records = [wire.open()]
    for number in range(1, count + 1):
        records += wire.turn(
            f"resp_{number}", f"answer {number}\nin\nfour\nlines", input=f"question {number}"
        )
    return records


async def test_words_appear_as_they_arrive(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire))
        app.feed(wire.got(make.text_delta("m1", "Hello ")))
        await pilot.pause()
        assert "model   Hello ▌" in app.inside()
        app.feed(wire.got(make.text_delta("m1", "world")))
        await pilot.pause()
        assert "model   Hello world▌" in app.inside()
        app.feed(
            *wire.got_all(
                [
                    make.text_done("m1", "Hello world"),
                    make.item_done(make.message("m1", "Hello world")),
                    make.completed("resp_1"),
                ]
            )
        )
        await pilot.pause()
        assert "model   Hello world" in app.inside()
        assert "following" in screen_lines(app)[-1]


async def test_following_keeps_the_end_in_sight(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(*many(wire, 10))
        await settled(pilot)
        assert app.inside()[-2] == "        lines"
        app.feed(*started(wire, 11), wire.got(make.text_delta("m11", "newest")))
        await pilot.pause()
        assert "model   newest▌" in app.inside()


async def test_reading_above_is_not_moved_by_what_arrives(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(many(wire, 10))
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        app.talk.focus()
        await settled(pilot)
        await pilot.press("g", "j", "j")
        before, cursor = app.inside(), app.talk.cursor
        app.feed(*started(wire, 11), wire.got(make.text_delta("m11", "long " * 100)))
        await settled(pilot)
        assert app.inside() == before
        assert app.talk.cursor == cursor
        assert "holding +" in screen_lines(app)[-1]


async def test_a_turn_that_grows_above_does_not_move_what_is_read(inspector: Inspector) -> None:
    wire = make.Wire()
    slow = [make.on_lane(body, "slow") for body in (
        make.created("resp_s"), make.item_added(make.message("ms", status="in_progress")),
        make.part_added("ms"),
    )]  # fmt: skip
    inspector.feed_all(
        [wire.open(), wire.sent(make.create("slow one", stream_id="slow")), *wire.got_all(slow)]
    )
    for number in range(8):
        inspector.feed_all(wire.turn(f"resp_{number}", f"answer {number}", input=f"question {number}"))
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        app.talk.focus()
        await settled(pilot)
        app.talk.show_turn(4)
        await pilot.pause()
        before = app.inside()
        assert before[0].startswith("─── T4 ")
        for _ in range(10):
            app.feed(wire.got(make.on_lane(make.text_delta("ms", "growing " * 20), "slow")))
        await settled(pilot)
        assert app.inside() == before
        assert app.talk.spoken.place(app.talk.cursor) == Place(4, 0)


async def test_resizing_keeps_the_words_at_the_top(inspector: Inspector) -> None:
    wire = make.Wire()
    words = " ".join(f"w{number}" for number in range(600))
    inspector.feed_all([wire.open(), *wire.turn("resp_1", words), *wire.turn("resp_2", words)])
    app = Host(inspector)
    async with app.run_test(size=(80, 14)) as pilot:
        app.talk.focus()
        await settled(pilot)
        app.talk.hold()
        app.talk.scroll_rows_to(20)
        await pilot.pause()
        first = app.inside()[0].split()[0]
        await pilot.resize_terminal(50, 14)
        await settled(pilot)
        assert first in app.inside()[0].split()
        await pilot.resize_terminal(120, 14)
        await settled(pilot)
        assert first in app.inside()[0].split()


async def test_a_freeze_stands_still_and_thawing_brings_all(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire), wire.got(make.text_delta("m1", "Hello ")))
        app.talk.focus()
        await pilot.press("space")
        before = app.inside()
        app.feed(wire.got(make.text_delta("m1", "there")))
        app.feed(*wire.got_all([make.text_done("m1", "Hello there"), make.completed("resp_1")]))
        await pilot.pause()
        assert app.inside() == before
        assert app.talk.motion is Motion.FROZEN
        assert "frozen, 1 turn changed" in screen_lines(app)[-1]
        await pilot.press("space")
        await pilot.pause()
        assert "model   Hello there" in app.inside()


async def test_the_end_key_lets_a_frozen_picture_go_and_follows(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire), wire.got(make.text_delta("m1", "Hello ")))
        app.talk.focus()
        await pilot.press("space")
        app.feed(wire.got(make.text_delta("m1", "there")))
        await pilot.press("G")
        app.feed(*wire.got_all([make.text_done("m1", "Hello there"), make.completed("resp_1")]))
        await pilot.pause()
        assert app.talk.motion is Motion.FOLLOWING
        assert "model   Hello there" in app.inside()


async def test_enter_unfolds_thinking_and_folds_it_again(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create("x")), wire.got(make.created("resp_1"))])
    inspector.feed(wire.got(make.item_done(make.reasoning("rs_1", "Weighing one\nagainst two"))))
    inspector.feed(wire.got(make.completed("resp_1")))
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        app.talk.focus()
        await settled(pilot)
        assert app.inside()[2].startswith("think   Weighing one")
        assert app.inside()[2].endswith("+ 24 characters")
        await pilot.press("g", "j", "j", "enter")
        await pilot.pause()
        assert app.inside()[2:4] == ["think   Weighing one", "        against two"]
        await pilot.press("enter")
        await pilot.pause()
        assert app.inside()[2].endswith("+ 24 characters")


async def test_choosing_a_row_tells_turn_and_record(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1", "Hello there.")])
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        app.talk.focus()
        await settled(pilot)
        await pilot.press("g", "j", "j")
        await pilot.pause()
        chosen = [event for event in app.told if isinstance(event, Talk.Selected)]
        assert chosen[-1].turn == 1
        assert b"Hello " in inspector.recording.record(chosen[-1].record).payload
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.told[-1], Talk.Opened)


async def test_a_record_is_shown_and_its_words_marked(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(many(wire, 10))
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        await settled(pilot)
        record = next(
            number
            for number in range(len(inspector.recording))
            if inspector.sessions.type_at(number).endswith("text.delta")
            and inspector.sessions.turn_column[number] == 3
        )
        app.talk.show_record(record)
        await pilot.pause()
        line = next(index for index, text in enumerate(screen_lines(app)) if "answer 3" in text)
        marked = app.talk.style_named("talk--linked").bgcolor
        pieces = [
            piece.text for piece in segments_at(app, line) if piece.style and piece.style.bgcolor == marked
        ]
        assert app.talk.motion is Motion.HOLDING
        assert pieces == [] or "answer " in pieces  # the cursor may stand on the same row and paint over it
        assert app.talk.spoken.place(app.talk.cursor).turn == 3


async def test_find_looks_into_folds_and_over_row_ends(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(
        [wire.open(), *wire.turn("resp_1", "x " * 25 + "needle in hay", instructions="secret haystack")]
    )
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        await settled(pilot)
        rows = range(app.talk.row_count())
        assert [row for row in rows if app.talk.row_matches(row, "Haystack")] == [1]
        found = [row for row in rows if app.talk.row_matches(row, "x needle in")]
        assert len(found) == 1


async def test_only_a_chain_and_all_again(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(
        [
            wire.open(),
            *wire.turn("resp_1"),
            *wire.turn("resp_2"),
            *wire.turn("resp_3", previous_response_id="resp_1"),
        ]
    )
    app = Host(inspector)
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        app.talk.show_chain(3)
        await pilot.pause()
        heads = [row.split()[1] for row in app.inside() if row.startswith("───")]
        assert heads == ["T1", "T3"]
        assert "chain of T3" in screen_lines(app)[0]
        app.feed(*wire.turn("resp_4", previous_response_id="resp_3"), *wire.turn("resp_5"))
        await settled(pilot)
        heads = [row.split()[1] for row in app.inside() if row.startswith("───")]
        assert heads == ["T1", "T3", "T4"]
        app.talk.action_toggle_scope()
        await settled(pilot)
        assert list(app.talk.spoken.numbers) == [1, 2, 3, 4, 5]


async def test_copying_takes_the_whole_block(inspector: Inspector) -> None:
    wire = make.Wire()
    text = "many words " * 30
    inspector.feed_all([wire.open(), *wire.turn("resp_1", text)])
    app = Host(inspector)
    async with app.run_test(size=(60, 12)) as pilot:
        app.talk.focus()
        await settled(pilot)
        await pilot.press("g")
        assert app.talk.copy_text() == "resp_1"
        await pilot.press("j", "j", "j")
        assert app.talk.copy_text() == text


async def test_a_cut_socket_is_told_in_every_turn_it_cut(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 16)) as pilot:
        app.feed(wire.open(), *started(wire))
        app.feed(wire.sent(make.create("second")))
        await settled(pilot)
        assert any("queued on the default lane behind T1" in row for row in app.inside())
        app.feed(wire.lost())
        await settled(pilot)
        assert sum("the socket ended before" in row for row in app.inside()) == 2


async def test_the_heading_says_that_a_turn_has_ended(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire), wire.got(make.text_delta("m1", "all")))
        await settled(pilot)
        assert " live " in app.inside()[0]
        app.feed(wire.got(make.completed("resp_1")))
        await settled(pilot)
        assert " completed " in app.inside()[0]


async def test_an_answered_call_changes_where_it_was_made(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(70, 14)) as pilot:
        app.feed(
            wire.open(), wire.sent(make.create()), *wire.got_all(make.call_answer("resp_1", {"call_1": "{}"}))
        )
        await settled(pilot)
        assert any("PENDING" in row for row in app.inside())
        assert "1 call open" in screen_lines(app)[0]
        app.feed(wire.sent(make.create([make.function_output("call_1")], previous_response_id="resp_1")))
        await settled(pilot)
        assert not any("PENDING" in row for row in app.inside())
        assert any("answered by you" in row for row in app.inside())


async def test_a_megabyte_without_spaces_is_laid_out_in_steps(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire), wire.got(make.text_delta("m1", "x" * 1_000_000)))
        await settled(pilot)
        assert app.talk.row_count() == 3 + -(-1_000_000 // (app.talk.rows_width - 8))
        assert app.inside()[-2].endswith("x▌")


async def test_too_many_changes_at_once_lose_nothing(inspector: Inspector) -> None:
    app, wire = Host(inspector), make.Wire()
    async with app.run_test(size=(60, 12)) as pilot:
        app.feed(wire.open(), *started(wire), wire.got(make.text_delta("m1", "one ")))
        inspector.feed(wire.got(make.text_delta("m1", "two")))
        batch = app.follower.take()
        app.talk.show(batch._replace(changes=(), is_complete=False))
        await settled(pilot)
        assert "model   one two▌" in app.inside()


def test_arguments_are_checked_against_their_schema() -> None:
    schema = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
    assert schema_problems(schema, {"city": "Oslo"}) == ()
    assert schema_problems(schema, {}) == ("city is missing.",)
