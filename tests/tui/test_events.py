"""The list of events over a hand-made recording: rows, filters, folds, finding, selection, and scale."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Record
from tests import make
from tests.screen import screen_lines
from tui.rows import Clock
from tui.scope import only
from tui.widgets.events import Events
from tui.widgets.pane import Motion


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.inspector = inspector
        self.events = Events(inspector)
        self.selected: list[int] = []
        self.opened: list[int] = []
        self.follower = inspector.follow()

    def compose(self) -> ComposeResult:
        yield self.events

    def on_events_selected(self, event: Events.Selected) -> None:
        self.selected.append(event.record)

    def on_events_opened(self, event: Events.Opened) -> None:
        self.opened.append(event.record)

    def feed(self, *records: Record) -> None:
        """Records arrive, as the screen tells the list."""
        self.inspector.feed_all(records)
        self.events.show(self.follower.take())

    def numbers(self) -> list[str]:
        """The first column of the rows in sight."""
        return [words[0] for line in screen_lines(self)[2:-1] if (words := line[1:-2].split())]

    def motion(self) -> Motion:
        """Whether it follows, holds or is frozen now."""
        return self.events.motion


async def settled(pilot: Pilot[None]) -> None:
    """Wait until the list has taken up everything and no search is on."""
    app = pilot.app
    assert isinstance(app, Host)
    for _ in range(400):
        await pilot.pause()
        search = app.events.search
        is_done = search is None or search.is_complete(app.events.search_count())
        if not app.events._index.behind and is_done:
            await pilot.pause()
            return
    raise AssertionError("the list did not come to rest")


def conversation() -> list[Record]:
    """An opening, two turns with a long silence between, an unknown event, a close: 26 records."""
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_1", "Hello there, my friend.")]
    wire.wait(2.4)
    records += wire.turn("resp_2", "Bye.", previous_response_id="resp_1")
    return [*records, wire.got({"type": "codex.new_thing", "x": 1}), wire.close(1000)]


async def test_only_a_filter_is_told_as_filtering(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1")])
    app = Host(inspector)
    async with app.run_test() as pilot:
        await settled(pilot)
        inspector.feed_all(wire.turn("resp_2"))  # not yet shown: the list is behind
        assert app.events.state_words() == "following"
        app.events.set_filter("resp_2")
        await settled(pilot)
        inspector.feed_all(wire.turn("resp_3"))
        assert "filtering" in app.events.state_words()


async def test_rows_say_what_crossed_the_wire(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(120, 32)) as pilot:
        await settled(pilot)
        lines = screen_lines(app)
        assert "events 26" in lines[0]
        assert lines[1].split()[1:6] == ["#", "+turn", "gap", "dir", "type"]
        assert lines[2].split()[1:] == [
            "0",
            "-",
            "open",
            "-",
            "-",
            "133",
            "101",
            "in",
            "14",
            "ms,",
            "direct",
            "\u2503",
        ]
        assert any("\u2026 2.4s of silence \u2026" in line for line in lines)
        assert any("parent T1, 1 item" in line for line in lines)
        assert any("? unknown type" in line for line in lines)
        assert any("1000 normal end" in line for line in lines)


async def test_folding_shows_runs_of_deltas_as_one_row(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(120, 32)) as pilot:
        await pilot.press("d")
        await settled(pilot)
        assert app.numbers()[6:8] == ["6", "10"]
        assert any("4 folded" in line for line in screen_lines(app))
        assert "deltas folded" in screen_lines(app)[-1]
        await pilot.press("d")
        await settled(pilot)
        assert app.numbers()[6:8] == ["6", "7"]


async def test_the_filter_line(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(120, 32)) as pilot:
        await pilot.press("f", *"turn:2 !*.delta")
        await settled(pilot)
        assert "events 9 of 26   filter turn:2 !*.delta" in screen_lines(app)[0]
        await pilot.press("enter")
        assert app.focused is app.events
        await pilot.press("f", *" dir:up")
        await settled(pilot)
        assert "dir:up is none of dir:c" in screen_lines(app)[-1]
        await pilot.press("escape")
        await settled(pilot)
        assert app.events.filter is not None
        assert app.events.filter.text == "turn:2 !*.delta"
        assert app.focused is app.events
        app.events.set_filter("")
        await settled(pilot)
        assert "events 26" in screen_lines(app)[0]


async def test_the_cursor_stays_on_its_record_when_the_filter_changes(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        app.events.select(14)
        assert app.events.record == 14
        app.events.set_filter("!*.delta")
        await settled(pilot)
        assert app.events.record == 14
        app.events.set_filter("*.delta")
        await settled(pilot)
        assert app.events.record == 19
        assert app.selected == []


async def test_choosing_tells_the_record(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("g", "j", "enter")
        await pilot.pause()
        assert app.selected == [0, 1]
        assert app.opened == [1]
        assert app.events.copy_text().split()[:4] == ["1", "0.020", "10ms", "c>s"]


async def test_finding_looks_into_whole_payloads(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([*conversation(), wire.got({"type": "codex.far", "text": "x" * 5_000 + " needle"})])
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("g", "slash", *"friend", "enter")
        await settled(pilot)
        assert "1 of 5" in screen_lines(app)[-1]
        found = [app.events.record]
        for _ in range(5):
            await pilot.press("n")
            await settled(pilot)
            found.append(app.events.record)
        assert found == [9, 10, 11, 12, 13, 9]
        await pilot.press("N")
        await settled(pilot)
        assert app.events.record == 13
        await pilot.press("slash", *"NEEDLE", "enter")
        await settled(pilot)
        assert app.events.record == 26
        await pilot.press("escape")
        assert app.events.search is None
        await pilot.press("slash", *"not there", "enter")
        await settled(pilot)
        assert "nothing found" in screen_lines(app)[-1]
        assert app.events.record == 26


async def test_arrivals_move_nothing_while_it_holds_or_is_frozen(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("k")
        before = app.numbers()
        wire = make.Wire(at=20.0)
        app.feed(*wire.turn("resp_3", "One two three."))
        await settled(pilot)
        assert app.numbers() == before
        assert "holding +" in screen_lines(app)[-1]
        await pilot.press("G")
        app.feed(*wire.turn("resp_4", "One two three."))
        await settled(pilot)
        assert app.motion() is Motion.FOLLOWING
        assert app.numbers()[-1] == str(len(inspector.recording) - 1)
        await pilot.press("space")
        before = app.numbers()
        app.feed(*wire.turn("resp_5", "One two three."))
        await settled(pilot)
        assert app.numbers() == before
        assert "frozen +" in screen_lines(app)[-1]


async def test_another_filter_ends_a_freeze(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(100, 32)) as pilot:
        app.events.set_filter("type:keepalive")
        await settled(pilot)
        await pilot.press("space")
        app.events.set_filter("!*.delta")
        await settled(pilot)
        assert app.motion() is Motion.HOLDING
        assert len(app.numbers()) > 15


async def test_a_folded_run_grows_in_its_row(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create()), wire.got(make.text_delta("m", "a"))])
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("d")
        for _ in range(3):
            app.feed(wire.got(make.text_delta("m", "b")))
            await settled(pilot)
        assert any("4 folded" in line for line in screen_lines(app))
        assert app.numbers() == ["0", "1", "2"]


async def test_three_clocks(inspector: Inspector) -> None:
    inspector.feed_all(conversation())
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        for name in ("+start", "utc", "+turn"):
            await pilot.press("C")
            await pilot.pause()
            assert name in screen_lines(app)[1]
        assert app.events.clock is Clock.TURN


async def test_hostile_events_do_nothing_to_the_screen(inspector: Inspector) -> None:
    wire = make.Wire()
    evil = "\x1b]52;c;aGk=\x07\x9b2J\u202e[@click=app.quit]x[/]\u200d\u65e5" * 50
    inspector.feed_all([wire.open(), wire.got({"type": evil, "a": evil}), wire.got(make.error(evil, evil))])
    inspector.feed_all([wire.got(b"\xff\xfe"), wire.got("[" * 10_000), wire.got('"\\ud800"')])
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await settled(pilot)
        lines = screen_lines(app)
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for line in lines for char in line)
        assert all(line.endswith("\u2503") for line in lines[1:-1])


async def test_a_hundred_thousand_records_are_searched_and_filtered_in_slices(inspector: Inspector) -> None:
    wire = make.Wire(step=0.001)
    delta = wire.got(make.text_delta("msg_1", "word "))
    inspector.feed_all([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    inspector.feed_all(delta._replace(elapsed=1 + n / 1_000) for n in range(100_000))
    inspector.feed(delta._replace(payload=b'{"type":"x","needle":1}', elapsed=200.0))
    app = Host(inspector)
    async with app.run_test(size=(100, 14)) as pilot:
        await settled(pilot)
        assert app.numbers()[-1] == "100003"
        app.events.find("needle", start=0)
        slices = 0
        while app.events.search is None or not app.events.search.is_complete(app.events.search_count()):
            slices += 1
            await pilot._wait_for_screen()
        assert slices > 10  # the screen came to its turn again and again while it searched
        assert app.events.record == 100_003
        app.events.clear_find()
        app.events.set_filter("!*.delta")
        await settled(pilot)
        assert "events 4 of 100,004" in screen_lines(app)[0]


async def test_a_gap_is_measured_among_the_connections_that_are_shown(inspector: Inspector) -> None:
    one, other = make.Wire(1), make.Wire(2)
    app = Host(inspector)
    async with app.run_test(size=(120, 14)) as pilot:
        records = [one.open(), other.open(), *one.turn("resp_1", "Hi")]
        one.wait(20)
        other.now = one.now - 0.04
        app.feed(*records, other.got({"type": "keepalive"}), one.got({"type": "keepalive"}))
        app.events.show_scope(only(1))
        await settled(pilot)
        silence, row = screen_lines(app)[-3:-1]
        assert "20.0s of silence" in silence
        assert "20.0s" in row
