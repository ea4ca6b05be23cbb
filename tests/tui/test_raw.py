"""Raw over a hand-made recording: four views, handshakes, what cannot be decoded, and sixteen megabytes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from tests import make
from tests.scene import playing
from tests.screen import screen_lines, screen_text
from tests.transcripts import plain
from tui.sheets import View
from tui.widgets.events import Events
from tui.widgets.raw import Raw


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.raw = Raw(inspector)

    def compose(self) -> ComposeResult:
        yield self.raw


async def settled(pilot: Pilot[None], raw: Raw) -> None:
    """Wait until the record is read and laid out."""
    await pilot.app.workers.wait_for_complete(list(raw.workers))
    for _ in range(2_000):
        await pilot._wait_for_screen()
        if raw._record is not None and raw._sheet.progress >= 1.0:
            break
    else:
        raise AssertionError("the record was not laid out")
    await pilot.pause()


async def test_before_anything_is_chosen(inspector: Inspector) -> None:
    app = Host(inspector)
    async with app.run_test(size=(80, 10)) as pilot:
        assert "Choose an event" in screen_text(app)
        await pilot.press("j", "enter", "v", "w", "G", "g", "n")
        app.raw.show_record(5)
        assert app.raw.record is None
        assert app.raw.record_text() == ""


async def test_four_views_of_one_event(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1", "Hello there.")])
    app = Host(inspector)
    async with app.run_test(size=(100, 24)) as pilot:
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        assert "raw   event 1" in screen_lines(app)[0]
        assert "[tree] pretty  raw  hex    c>s  response.create  T1" in screen_lines(app)[1]
        assert 'model                "gpt-5.4"' in screen_text(app)
        for view, shown in (
            ("[pretty]", '  "model": "gpt-5.4",'),
            ("[raw]", '"model":"gpt-5.4"'),
            ("[hex]", "7b 22 74"),
        ):
            await pilot.press("v")
            await settled(pilot, app.raw)
            assert view in screen_lines(app)[1]
            assert shown in screen_text(app)
        assert app.raw.record_text() == inspector.recording.record(1).payload.decode()


async def test_path_and_value_of_the_row_under_the_cursor(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got(make.item_added(make.message("msg_1", "Hi")))])
    app = Host(inspector)
    async with app.run_test(size=(100, 24)) as pilot:
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        assert json.loads(app.raw.copy_text())["type"] == "response.output_item.added"
        await pilot.press("g", "slash", *"msg_1", "enter")
        while app.raw.search is None or not app.raw.search.is_complete(app.raw.search_count()):
            await pilot.pause()
        assert app.raw.path() == "item.id"
        assert app.raw.copy_text() == "msg_1"
        assert "item.id" in screen_lines(app)[-1]


async def test_enter_folds_and_keeps_the_cursor(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got(make.completed("resp_1", [make.message("msg_1", "Hi")]))])
    app = Host(inspector)
    async with app.run_test(size=(100, 40)) as pilot:
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        before = len(app.raw._sheet)
        await pilot.press("g", "j", "enter")
        assert app.raw.path() == "response"
        assert len(app.raw._sheet) == 2
        await pilot.press("enter")
        assert len(app.raw._sheet) == before


async def test_handshakes_and_closes_are_told_in_words(inspector: Inspector) -> None:
    one, two = make.Wire(), make.Wire(session=2)
    inspector.feed_all([one.open(), one.close(1011, "boom"), two.refused("forbidden", "bare", status=403)])
    app = Host(inspector)
    async with app.run_test(size=(100, 24)) as pilot:
        for number, words in (
            (0, "the socket is open"),
            (1, "1011  server or upstream error"),
            (2, "remedy"),
        ):
            app.raw.show_record(number)
            await settled(pilot, app.raw)
            assert words in screen_text(app)
        app.raw.set_view(View.RAW)
        await settled(pilot, app.raw)
        assert "HTTP/1.1 403" in screen_text(app)


@pytest.mark.parametrize(
    ("payload", "shown", "told"),
    [
        (b"hello", "hello", "a word is no number"),
        (b'{"a":[1,2', "[2 items]", "it ends before it is complete"),
        (b"\xff\xfe\x00", "\ufffd", "a word is no number"),
        (b"", "", "it is empty"),
        (b'"just a string"', '"just a string"', ""),
    ],
)
async def test_what_is_no_event(inspector: Inspector, payload: bytes, shown: str, told: str) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got(payload, Kind.BINARY)])
    app = Host(inspector)
    async with app.run_test(size=(100, 12)) as pilot:
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        assert shown in screen_text(app)
        assert told in screen_lines(app)[-1]


async def test_it_stays_when_more_arrives_and_when_it_is_resized(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got(make.completed("resp_1", [make.message("m", "word " * 300)]))])
    app = Host(inspector)
    async with app.run_test(size=(100, 12)) as pilot:
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        await pilot.press("g", *"jjjj")
        path = app.raw.path()
        inspector.feed_all(wire.turn("resp_2"))
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert app.raw.record == 1
        assert app.raw.path() == path
        assert app.focused is app.raw


async def test_wrap_is_turned_on_and_off(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got({"type": "x", "text": "word " * 200})])
    app = Host(inspector)
    async with app.run_test(size=(80, 20)) as pilot:
        app.raw.set_view(View.RAW)
        app.raw.show_record(1)
        await settled(pilot, app.raw)
        assert len(app.raw._sheet) > 5
        await pilot.press("w")
        assert len(app.raw._sheet) == 1
        await pilot.press("l", "l")
        assert app.raw.left == 16
        assert "word" in screen_lines(app)[2]


async def test_hostile_text_does_nothing(inspector: Inspector) -> None:
    wire = make.Wire()
    evil = "\x1b]52;c;aGk=\x07\x9b2J\u202e[@click=app.quit]x[/]\u200d\u65e5\U0001f469\u200d\U0001f467"
    inspector.feed_all([wire.open(), wire.got({evil: evil, "type": evil}), wire.got(evil)])
    app = Host(inspector)
    async with app.run_test(size=(80, 12)) as pilot:
        for number in (1, 2):
            app.raw.show_record(number)
            for _ in View:
                await settled(pilot, app.raw)
                lines = screen_lines(app)
                assert not any(
                    ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for line in lines for char in line
                )
                assert "\u202e" not in "".join(lines)
                await pilot.press("v")


async def test_sixteen_megabytes_are_read_with_words_that_say_so(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got(b'{"type":"x","b":"' + b"x" * (16 << 20) + b'"}')])
    inspector.feed(wire.got({"type": "small"}))
    app = Host(inspector)
    async with app.run_test(size=(80, 12)) as pilot:
        app.raw.show_record(1)
        assert app.raw.row(0, 80).plain == "reading 16.8 MB\u2026"
        await settled(pilot, app.raw)
        assert "16,777,218 bytes" in screen_text(app)
        app.raw.show_record(2)
        app.raw.show_record(1)
        app.raw.show_record(2)  # the person does not wait: the large one must not come back later
        await pilot.pause()
        await settled(pilot, app.raw)
        assert "raw   event 2" in screen_lines(app)[0]
        assert '"small"' in screen_text(app)


async def test_a_record_chosen_while_out_of_sight_is_laid_out_when_it_comes_into_sight(
    inspector: Inspector,
) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got({"type": "x", "text": "word " * 200})])
    app = Host(inspector)
    app.raw.display = False
    async with app.run_test(size=(80, 20)) as pilot:
        app.raw.set_view(View.RAW)
        app.raw.show_record(1)
        await pilot.pause()
        app.raw.display = True
        await pilot.pause()
        await settled(pilot, app.raw)
        assert 5 < len(app.raw._sheet) < 20
        assert '{"type":"x"' in screen_text(app)


async def test_nothing_to_follow_and_nothing_to_freeze(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got({"type": "x"}), wire.got(make.completed("resp_1"))])
    app = Host(inspector)
    async with app.run_test(size=(80, 20)) as pilot:
        app.raw.show_record(1)
        await pilot.press("space", "F")
        app.raw.show_record(2)
        await settled(pilot, app.raw)
        assert "usage" in screen_text(app)
        assert "frozen" not in screen_text(app)


async def test_an_exchange_shows_its_heads_above_its_json(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed(wire.asked({"model": "gpt-5.4", "input": "Hi"}))
    inspector.feed(wire.answered("gone", status=404, media_type="text/plain"))
    inspector.feed(wire.streamed(make.created("resp_1")))
    inspector.feed(wire.streamed(": keep-alive"))
    app = Host(inspector)
    async with app.run_test(size=(100, 40)) as pilot:
        for view in (View.TREE, View.PRETTY):
            app.raw.set_view(view)
            app.raw.show_record(0)
            await settled(pilot, app.raw)
            shown = screen_text(app)
            assert shown.index("POST /v1/responses HTTP/1.1") < shown.index("gpt-5.4")
            app.raw.show_record(1)
            await settled(pilot, app.raw)
            assert "404" in screen_text(app)
            assert "gone" in screen_text(app)
            app.raw.show_record(2)
            await settled(pilot, app.raw)
            shown = screen_text(app)
            assert shown.index("response.created") < shown.index("resp_1")
            app.raw.show_record(3)
            await settled(pilot, app.raw)
            assert "comment            keep-alive" in screen_text(app)
        app.raw.set_view(View.RAW)
        app.raw.show_record(2)
        await settled(pilot, app.raw)
        assert "data: {" in screen_text(app)


async def test_beside_the_events_it_takes_room_only_for_a_chosen_one() -> None:
    async with playing(plain(), size=(80, 24)) as scene:
        await scene.press("2")
        assert "Choose an event" not in screen_text(scene.app)
        rows = scene.screen.query_one(Events).rows_height
        assert rows > 12
        await scene.press("k")
        assert scene.screen.query_one("#raw").size.height > 0
        assert scene.screen.query_one(Events).rows_height < rows
        events = scene.screen.query_one(Events)
        assert events.is_in_sight(events.cursor)
