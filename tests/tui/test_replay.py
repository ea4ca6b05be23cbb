"""The replay: a recording on the session's screen, moved by hand, with nothing that could be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from sessions.moment import Measure, Moment
from sessions.playback import Pace, Playback
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Record
from sessions.reducer import fold
from tests.conftest import HandClock
from tests.make import WALL, Wire, create, error
from tests.screen import screen_lines, screen_text
from tui import keys
from tui.app import TurnscopeApp
from tui.screens.replay import ReplayScreen
from tui.widgets.chain import Chain
from tui.widgets.composer import Composer
from tui.widgets.events import Events
from tui.widgets.pane import Motion
from tui.widgets.raw import Raw
from tui.widgets.talk import Talk
from tui.widgets.timebar import TimeBar

PATIENCE_SECONDS = 15.0


def conversation() -> list[Record]:
    """Three turns, the second of which fails; a silence of half a minute before the third."""
    wire = Wire(step=0.05)
    records = [wire.open(), *wire.turn("resp_1", "The first answer.")]
    records += [wire.sent(create("again")), wire.got(error("server_error", status=500))]
    wire.wait(30.0)
    return [*records, *wire.turn("resp_3", "The third answer."), wire.close()]


class Play:
    """A replay on a screen, the clock that drives it, and the hands on its keys."""

    def __init__(self, app: TurnscopeApp, screen: ReplayScreen, pilot: Pilot[Any], clock: HandClock) -> None:
        self.app = app
        self.screen = screen
        self.playback = screen.playback
        self.pilot = pilot
        self.clock = clock

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds; when it does not, say what can be read."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(screen_text(self.app)) from None

    async def rests(self) -> None:
        """Wait until the playhead is where it was sent and every view shows that."""
        await self.until(
            lambda: not self.playback.is_folding and self.playback.inspector is self.screen.inspector
        )
        events = self.screen.query_one(Events)
        await self.until(lambda: events.filter is not None or events.row_count() >= self.position)
        await self.pilot.pause(0.05)

    async def press(self, *pressed: str) -> None:
        """Press keys, and wait for what they do to the playhead."""
        await self.pilot.press(*pressed)
        await self.rests()

    async def shows(self, text: str) -> None:
        """Wait until this can be read."""
        await self.until(lambda: text in screen_text(self.app))

    @property
    def position(self) -> int:
        """Records before the playhead."""
        return self.playback.position


@asynccontextmanager
async def opened(
    path: Path, *, size: tuple[int, int] = (120, 40), is_live: bool = False, wall: int = WALL
) -> AsyncIterator[Play]:
    """The replay of this file."""
    clock = HandClock(wall=wall)
    screen = ReplayScreen(Playback(Reading.open(path), clock, is_live=is_live))
    app = TurnscopeApp(lambda: screen)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        play = Play(app, screen, pilot, clock)
        await play.rests()
        yield play


def written(path: Path, records: Iterable[Record]) -> Recording:
    """A recording of these, whose writer is still there."""
    recording = Recording.create(path, source="test")
    for record in records:
        recording.append(record)
    recording.flush()
    return recording


def content(path: Path) -> bytes:
    """What stands in the file."""
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A finished recording of the conversation."""
    path = tmp_path / "a.jsonl"
    written(path, conversation()).close()
    return path


# What is read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_a_person_reads_at_first(
    path: Path, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with opened(path, size=size) as play:
        await play.shows("T3")
        assert "\n".join(screen_lines(play.app)) == snapshot


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_a_person_reads_at_an_error(
    path: Path, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with opened(path, size=size) as play:
        await play.press("E")
        await play.shows("server_error")
        assert "\n".join(screen_lines(play.app)) == snapshot


async def test_it_opens_at_the_end_with_the_views_at_the_top(path: Path) -> None:
    async with opened(path, size=(80, 12)) as play:
        assert play.position == len(conversation())
        assert play.playback.pace is Pace.PAUSED
        talk = play.screen.query_one(Talk)
        assert (talk.top, talk.motion) == (0, Motion.HOLDING)
        assert "T1 resp_1" in screen_text(play.app)
        assert "+" not in talk.motion_words()


@pytest.mark.parametrize(("key", "position"), [("e", 15), (">", 2), (".", 1)])
async def test_the_first_step_on_goes_from_the_start(path: Path, key: str, position: int) -> None:
    async with opened(path) as play:
        await play.shows("AT THE END, space plays it")
        await play.press({">": "greater_than_sign", ".": "full_stop"}.get(key, key))
        assert play.position == position


async def test_where_no_error_follows_the_way_back_is_told(path: Path) -> None:
    async with opened(path) as play:
        await play.press("e", "L", "e")
        await play.shows("no error after this moment; E goes back to the one before")


async def test_the_footer_has_at_most_seven_keys_and_help_tells_all(path: Path) -> None:
    async with opened(path, size=(200, 60)) as play:
        enabled = {one.binding.id for one in play.screen.active_bindings.values() if one.enabled}
        shown = keys.in_footer([name for name in enabled if name])
        assert len(shown) == 7
        assert [action.id for action in shown][-2:] == ["replay.close", "app.help"]
        assert [action.id for action in shown][:3] == ["replay.toggle_play", "replay.seek", "replay.step_on"]
        await play.pilot.press("question_mark")
        await play.shows("space play/pause   s seek")
        await play.shows("Ten seconds back.")
        await play.shows("Leave this screen; whoever writes is left alone.")


async def test_a_small_footer_keeps_the_way_out(path: Path) -> None:
    async with opened(path, size=(44, 20)) as play:
        assert screen_lines(play.app)[-1].endswith("q leave  ? help")


async def test_its_header_says_replay_and_nothing_of_a_key(path: Path) -> None:
    async with opened(path) as play:
        first = screen_lines(play.app)[0]
        assert first.endswith(" REPLAY")
        assert "key" not in first
        assert "parents at this moment" in screen_text(play.app)


async def test_what_a_killed_writer_left_open_is_called_so_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "killed.jsonl"
    first, second = Wire(1), Wire(2, at=0.01)
    writer = written(path, [first.open(), second.open(), *first.turn("resp_1")[:4]])
    writer.close()  # as the system does for whoever was killed: its lock is gone, no end was written
    async with opened(path) as play:
        await play.shows("NO END")
        assert "OPEN" not in screen_text(play.app)
        await play.pilot.press("3")
        await play.shows("without an end")
        await play.shows("no end")
        assert "open for" not in screen_text(play.app)
        await play.pilot.press("0")
        await play.shows("2 without an end of 2")
        await play.shows("without an end in T1")
        assert " left  " not in screen_lines(play.app)[1]
        assert "streaming" not in screen_text(play.app)
        await play.press("comma")
        await play.shows("2 open of 2")
        assert "without an end" not in screen_text(play.app)
        await play.press("L")
        await play.shows("2 without an end of 2")


async def test_what_still_grows_is_open(tmp_path: Path) -> None:
    wire = Wire()
    path = tmp_path / "live.jsonl"
    writer = written(path, [wire.open(), *wire.turn("resp_1")[:4]])
    async with opened(path) as play:
        await play.shows("OPEN")
        assert "without an end" not in screen_text(play.app)
        writer.close()
        play.clock.move(1.0)
        await play.shows("without an end")


# What is moved --------------------------------------------------------------------------------------------


async def test_play_runs_from_the_start_at_the_recorded_pace_and_pauses(path: Path) -> None:
    records = conversation()
    async with opened(path) as play:
        await play.pilot.press("space")
        await play.until(lambda: play.position == 0 and play.playback.pace is Pace.PLAYING)
        await play.shows("PLAYING 1x")
        assert play.screen.query_one(Talk).motion is Motion.FOLLOWING
        play.clock.move(records[4].elapsed)
        await play.until(lambda: play.position == 5)
        await play.shows("T1 of 3")
        await play.pilot.press("plus", "plus")
        await play.shows("PLAYING 4x")
        await play.pilot.press("space")
        await play.shows("PAUSED")
        held = play.position
        play.clock.move(60.0)
        await play.rests()
        assert play.position == held


async def test_the_header_counts_down_by_the_recordings_time(path: Path) -> None:
    async with opened(path) as play:
        await play.press("comma")
        await play.shows("59:28 left")
        play.screen.action_seek()
        await play.shows("go to which moment?")
        await play.pilot.press(*"0:20", "enter")
        await play.rests()
        await play.shows("59:40 left")


async def test_steps_by_event_turn_and_error(path: Path) -> None:
    records = conversation()
    async with opened(path) as play:
        await play.press("comma")
        assert play.position == len(records) - 1
        assert play.screen.query_one(Raw).record == len(records) - 2
        await play.press("less_than_sign")
        assert play.position == play.playback.turns[2] + 1
        assert "The third" not in screen_text(play.app)
        await play.press("E")
        assert play.position == play.playback.errors[0] + 1
        await play.press("full_stop")
        assert play.position == play.playback.errors[0] + 2
        await play.press("less_than_sign", "less_than_sign", "less_than_sign")
        assert play.position == play.playback.turns[0] + 1
        await play.pilot.press("less_than_sign")
        await play.shows("no turn begins before this moment")
        await play.press("e")
        assert play.position == play.playback.errors[0] + 1
        await play.pilot.press("e")
        await play.shows("no error after this moment")
        await play.press("L")
        assert play.position == len(records)


async def test_the_views_show_the_state_at_the_playhead(path: Path) -> None:
    records = conversation()
    async with opened(path) as play:
        for count in (5, 20, 1, len(records), 12, 0):
            play.screen._go_to(Moment(Measure.RECORD, count - 1) if count else Moment(Measure.SECONDS))
            await play.rests()
            assert play.position == count
            sessions = play.screen.inspector.sessions
            assert sessions.snapshot() == fold(records[:count]).snapshot()
            assert play.screen.query_one(Events).row_count() >= count
            numbers = list(play.screen.query_one(Talk).spoken.numbers)
            assert numbers == [turn.number for turn in sessions.turns]


async def test_going_back_keeps_view_zoom_and_what_was_read(path: Path) -> None:
    async with opened(path, size=(120, 30)) as play:
        await play.press("2", "z")
        events = play.screen.query_one(Events)
        events.choose_row(6)
        await play.pilot.pause()
        await play.press("comma", "comma")
        assert play.screen.focused is events
        assert (play.screen.body.view, play.screen.body.is_zoomed) == ("events", True)
        assert events.record == 6
        assert play.screen.selection.turn == 1


async def test_a_filter_and_a_chain_stay(path: Path) -> None:
    async with opened(path) as play:
        events, chain = play.screen.query_one(Events), play.screen.query_one(Chain)
        events.set_filter("delta")
        chain.select_turn(1)
        at = chain.cursor
        await play.press("comma", "less_than_sign")
        assert events.filter is not None
        assert 0 < events.row_count() < play.position
        assert chain.cursor == at


async def test_a_moment_is_asked_for_and_what_is_none_is_told(path: Path) -> None:
    async with opened(path) as play:
        await play.pilot.press("s")
        await play.shows("go to which moment?")
        await play.pilot.press(*"T9", "enter")
        await play.shows("there is no turn T9: they go from T1 to T3")
        await play.pilot.press("backspace", "2", "enter")
        await play.rests()
        assert play.position == play.playback.turns[1] + 1
        await play.pilot.press("s")
        await play.shows("go to which moment?")
        await play.pilot.press("escape")
        await play.rests()
        assert play.position == play.playback.turns[1] + 1


async def test_ten_seconds_either_way_and_silences(path: Path) -> None:
    async with opened(path) as play:
        await play.press("left_parenthesis")
        assert play.playback.elapsed() == pytest.approx(play.playback.duration - 10)
        await play.press("right_parenthesis")
        assert play.playback.is_at_end
        await play.pilot.press("u")
        await play.shows("silences cut to 2 s")


async def test_a_click_on_the_bar_seeks(path: Path) -> None:
    async with opened(path) as play:
        bar = play.screen.query_one(TimeBar)
        start, cells = bar._bar
        assert cells > 20
        await play.pilot.click(TimeBar, offset=(start + cells // 2, 0))
        await play.rests()
        assert play.playback.elapsed() == pytest.approx(play.playback.duration / 2, rel=0.1)
        before = play.playback.elapsed()
        await play.pilot.click(TimeBar, offset=(2, 0))
        await play.rests()
        assert play.playback.elapsed() == before


async def test_a_live_edge_follows_and_says_when_nobody_writes_any_more(tmp_path: Path) -> None:
    records = conversation()
    path = tmp_path / "live.jsonl"
    writer = written(path, records[:6])
    async with opened(path, is_live=True, wall=records[5].wall) as play:
        await play.shows("LIVE")
        assert play.position == 6
        writer.append(records[6])
        writer.flush()
        play.clock.move(0.2)
        await play.until(lambda: play.position == 7)
        for key in ("comma", "space"):
            await play.pilot.press(key)
            await play.shows("PAUSED")
            await play.pilot.press("L")
            await play.shows("LIVE")
        writer.close()
        play.clock.move(0.2)
        await play.shows("nobody writes this recording any more")
        await play.shows("ENDED")


async def test_leaving_the_screen_leaves_the_writer_alone(tmp_path: Path) -> None:
    records = conversation()
    path = tmp_path / "live.jsonl"
    writer = written(path, records[:6])
    before = content(path)
    async with opened(path, is_live=True) as play:
        await play.pilot.press("space", "comma", "E", "q")
    assert content(path) == before
    for record in records[6:]:
        writer.append(record)
    writer.close()
    assert writer.failure is None
    whole = Reading.whole(path)
    assert len(whole) == len(records)
    whole.close()


async def test_a_growing_file_of_several_connections_begins_with_their_list(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    wires = [Wire(1), Wire(2, at=0.005)]
    writer = written(path, [wire.open() for wire in wires])
    async with opened(path, is_live=True) as play:
        await play.until(lambda: play.screen.body.view == "connections")
        await play.pilot.press("enter")
        await play.until(lambda: play.screen.body.view == "talk")
    writer.close()


def damage(path: Path) -> None:
    """Put a broken line into the file, as its fifth, and a beginning of one behind its end."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"{broken\n", *lines[4:], b'{"n":7']))


async def test_what_is_wrong_with_the_file_is_told(path: Path) -> None:
    damage(path)
    async with opened(path) as play:
        await play.shows("line 5 of the recording")
        await play.shows("the last line is cut")
        assert play.position == len(conversation())


async def test_a_recording_without_records_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    written(path, []).close()
    async with opened(path, size=(80, 24)) as play:
        await play.shows("no records")
        await play.press("space", "comma", "full_stop", "L", "left_parenthesis")
        assert play.position == 0


async def test_a_recording_can_be_marked_to_be_kept(path: Path) -> None:
    async with opened(path) as play:
        await play.pilot.press("K")
        await play.shows("is kept now")
        assert play.screen.inspector.recording.is_kept
        await play.pilot.press("K")
        await play.shows("no longer marked")
        assert not play.screen.inspector.recording.is_kept


# What cannot be done --------------------------------------------------------------------------------------


async def test_no_key_of_a_replay_sends_or_writes(path: Path) -> None:
    before = content(path)
    harmless = {"app.quit", "replay.close", "session.picture", "session.export", "session.copy"}
    async with opened(path) as play:
        assert not play.screen.query(Composer)
        bound = {one.binding.id for one in play.screen.active_bindings.values()}
        acting = {
            action.id
            for action in keys.ACTIONS
            if action.where in (keys.Where.SESSION, keys.Where.MOVING, keys.Where.TYPING)
            and action.id not in keys.REPLAYED
        }
        assert acting
        assert not bound & acting
        for action in keys.ACTIONS:
            if action.id in bound and action.id not in harmless:
                for key in keys.keys_of(action):
                    await play.pilot.press(key)
                    while play.app.screen is not play.screen:
                        play.app.pop_screen()
                        await play.pilot.pause()
        assert not play.screen.sockets.open_sessions
        assert len(play.screen.inspector.sessions.sessions) <= 1
    assert content(path) == before
