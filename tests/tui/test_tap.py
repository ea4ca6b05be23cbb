"""The screen of a tap: who is connected, what happened to them, recipes, and how it is left."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from sessions.cli import Parser
from sessions.commands.tap import VERB
from sessions.conversation import converse
from sessions.errors import UsageError
from sessions.inspector import Inspector
from sessions.playback import Playback
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.secret import Secret
from sessions.version import version
from sessions.wire.connect import connect
from sessions.wire.control import ask
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from tests.conftest import HandClock
from tests.make import WALL, Wire, answer, create, created
from tests.screen import screen_lines, screen_text
from tui import keys
from tui.app import TurnscopeApp
from tui.entrance import replay_screen
from tui.screens.choose import Choose
from tui.screens.tap import TapScreen
from tui.tapping import RunningTap, start_tap

PATIENCE_SECONDS = 20.0
SIZES = [(80, 24), (120, 40), (200, 60)]
FACTS: dict[str, str | int] = {"upstream": "https://api.openai.com/v1", "pid": 1}
TURN = '{"type":"response.create","model":"m","input":"hi"}'


class Watch:
    """A tap's screen and the hands on its keys."""

    def __init__(self, app: TurnscopeApp, screen: TapScreen, pilot: Pilot[Any]) -> None:
        self.app = app
        self.screen = screen
        self.pilot = pilot

    async def until(self, condition: Any) -> None:
        """Wait until something holds; when it does not, say what can be read."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(screen_text(self.app)) from None

    async def shows(self, text: str) -> None:
        """Wait until this can be read."""
        await self.until(lambda: text in screen_text(self.app))


@asynccontextmanager
async def watching(screen: TapScreen, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Watch]:
    """The application over this screen."""
    app = TurnscopeApp(lambda: screen)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        watch = Watch(app, screen, pilot)
        await watch.until(lambda: not screen.playback.is_folding)
        await pilot.pause(0.1)
        yield watch


def tap_screen(path: Path, relay: RunningTap | None = None, elapsed: float = 0.0) -> TapScreen:
    """The screen of this recording, `elapsed` seconds after its beginning."""
    clock = HandClock(wall=WALL + round(elapsed * 1_000_000))
    return TapScreen(Playback(Reading.open(path), clock, is_live=True), relay)


def recorded(path: Path, records: Iterable[Record]) -> Recording:
    """A tap's recording whose writer is still there."""
    # its size is shown, and must not depend on how long the version of this checkout is
    even = {"note": "-" * (40 - len(version()))}
    recording = Recording.create(path, "tap", {**FACTS, **even})
    for record in records:
        recording.append(record)
    recording.flush()
    return recording


def digest(wire: Wire, agrees: int = 1) -> Record:
    return wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "digest", "agrees": agrees})


def three_clients() -> list[Record]:
    """One that streams, one that closed, and one that took HTTP after five tries."""
    python: dict[str, Any] = {"client": "AsyncOpenAI/Python 3.52.0", "peer": "127.0.0.1:40001"}
    codex: dict[str, Any] = {
        "client": "codex_cli_rs/0.169.0",
        "peer": "127.0.0.1:40002",
        "pair": "s-1",
    }
    node: dict[str, Any] = {"client": "OpenAI/JS 7.55.0", "peer": "127.0.0.1:40003"}
    first = Wire(1)
    records = [first.open(**node), *first.turn("resp_1", "All is well."), first.close(), digest(first)]
    streams = Wire(2, at=1.0)
    records += [streams.open(**python), streams.sent(create("go on")), streams.got(created("resp_2"))]
    for number, at in enumerate((2.0, 2.1, 2.5, 3.3, 5.0), 3):
        records.append(Wire(number, at=at).refused("upgrade_required", status=426, **codex))
    post = Wire(8, at=5.1)
    posted = [post.asked({"model": "m", "input": "Hi"}, **codex), post.answered()]
    return [*records, *posted, *post.streamed_all(answer("resp_3", "Over HTTP.")), post.ended()]


# What is read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_three_clients(tmp_path: Path, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    path = tmp_path / "tap.jsonl"
    writer = recorded(path, three_clients())
    async with watching(tap_screen(path, elapsed=6.0), size) as watch:
        await watch.shows("fell back to HTTP after 5 tries")
        await watch.shows("1 fallback")
        assert "\n".join(screen_lines(watch.app)) == snapshot
    writer.close()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_two_hundred_connections(
    tmp_path: Path, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    path = tmp_path / "tap.jsonl"
    client: dict[str, Any] = {"client": "codex_cli_rs/0.169.0"}
    opened = (Wire(n, at=n / 100).open(peer=f"127.0.0.1:{40_000 + n}", **client) for n in range(1, 201))
    writer = recorded(path, opened)
    async with watching(tap_screen(path, elapsed=2.0), size) as watch:
        await watch.shows("200 open")
        assert "\n".join(screen_lines(watch.app)) == snapshot
    writer.close()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nobody_yet(tmp_path: Path, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    path = tmp_path / "tap.jsonl"
    writer = recorded(path, [])
    async with watching(tap_screen(path), size) as watch:
        watch.screen.show_urls("http://127.0.0.1:8377/v1")
        await watch.shows("waiting for clients")
        await watch.shows("Nobody has connected yet")
        await watch.pilot.pause(0.1)
        assert "\n".join(screen_lines(watch.app)) == snapshot
    writer.close()


async def test_bytes_that_were_changed_are_told_loudly(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    wire = Wire(1)
    writer = recorded(path, [wire.open(), wire.close(), digest(wire, agrees=0)])
    async with watching(tap_screen(path)) as watch:
        await watch.shows("DIGESTS DISAGREE: c1")
        await watch.shows("bytes were changed on their way")
    writer.close()


async def test_what_happened_is_told_whole_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    writer = recorded(path, three_clients())
    async with watching(tap_screen(path, elapsed=6.0), (80, 12)) as watch:
        await watch.shows("fell back to HTTP after 5 tries")  # one line where there is no room for more
        assert "remedy" not in screen_text(watch.app)
        await watch.pilot.press("H")
        await watch.until(lambda: "what happened" in screen_text(watch.app))
        await watch.pilot.resize_terminal(120, 40)
        await watch.shows("remedy: The server says on purpose")
    writer.close()


async def test_an_ended_tap_is_told_as_ended(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    recorded(path, three_clients()).close()
    async with watching(tap_screen(path)) as watch:
        await watch.shows("TAP ENDED")
        assert watch.screen.farewell() == f"the tap has ended; turnscope replay {path}"


async def test_the_footer_has_at_most_seven_keys_and_none_of_them_sends(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    writer = recorded(path, three_clients())
    before = path.read_bytes()
    async with watching(tap_screen(path, elapsed=6.0)) as watch:
        enabled = {one.binding.id for one in watch.screen.active_bindings.values() if one.enabled}
        assert len(keys.in_footer([name for name in enabled if name])) == 7
        assert {"tap.show_happened"} <= enabled
        assert not {name for name in enabled if name and name.startswith("composer.")}
        assert enabled.isdisjoint({"session.send_now", "session.stop", "session.connection", "session.write"})
        assert not watch.screen.query("Composer")
    assert path.read_bytes() == before
    writer.close()


# A real relay -----------------------------------------------------------------------------------------------


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="turnscope tap", allow_abbrev=False)
    VERB.prepare(parser)
    return parser.read(list(words))


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async with FakeServer() as fake:
        yield fake.base_url


@pytest.fixture
async def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str) -> AsyncIterator[RunningTap]:
    """A tap of its own process."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    words = ("--upstream", upstream, "--listen", "0", "--record", str(tmp_path / "r.jsonl"))
    tap = await asyncio.to_thread(start_tap, parsed(*words))
    try:
        yield tap
    finally:
        await asyncio.to_thread(tap.stop)


def live_screen(relay: RunningTap, *, is_ours: bool = True) -> TapScreen:
    from sessions.wire.clock import SystemClock

    playback = Playback(Reading.open(relay.recording), SystemClock(), is_live=True)
    return TapScreen(playback, relay if is_ours else None)


@asynccontextmanager
async def client(base_url: str) -> AsyncIterator[Any]:
    """A client of ours on a socket through the tap."""
    plan = Plan(derive(base_url), key=Secret("sk-dummy-123456"))
    async with converse(connect(plan), Inspector(Recording.create(None)), 1, 10) as talk:
        yield talk


async def test_from_nobody_to_a_turn_that_is_read(relay: RunningTap) -> None:
    async with watching(live_screen(relay)) as watch:
        await watch.shows("Nobody has connected yet")
        await watch.shows(relay.base_url)
        async with client(relay.base_url) as talk:
            await watch.shows("1 socket open")
            assert await talk.ask(TURN) is not None
            await watch.shows("1 turn")
            await watch.pilot.press("enter")
            await watch.until(lambda: watch.screen.body.view == "talk")
            await watch.shows("completed")
            await watch.pilot.press("escape")
            await watch.until(lambda: watch.screen.body.view == "connections")
        await watch.shows("digests of 1 agree")


async def test_leaving_asks_once_and_leaves_it_running(relay: RunningTap) -> None:
    async with watching(live_screen(relay)) as watch:
        await watch.pilot.press("q")
        await watch.shows("the tap is running")
        await watch.pilot.press("ctrl+q", "ctrl+q")
        assert sum(isinstance(one, Choose) for one in watch.app.screen_stack) == 1
        await watch.pilot.press("1", "enter")
        await watch.until(lambda: not isinstance(watch.app.screen, Choose))
        assert relay.is_running()
        await watch.pilot.press("ctrl+q")
        await watch.shows("leave it running")
        await watch.pilot.press("2", "enter")
        await watch.until(lambda: watch.app.return_value == 0)
    assert relay.is_running()
    assert f"turnscope tap --stop {relay.recording}" in watch.app.farewell
    assert (await asyncio.to_thread(ask, relay.recording, "status"))["pid"] == relay.pid


async def test_stopping_says_what_is_cut_and_closes_the_recording(relay: RunningTap) -> None:
    async with watching(live_screen(relay)) as watch, client(relay.base_url) as talk:
        assert await talk.ask(TURN) is not None
        await watch.shows("1 socket open")
        await watch.pilot.press("q")
        await watch.shows("1 open, it will be cut")
        await watch.pilot.press("3", "enter")
        await watch.until(lambda: watch.app.return_value == 0)
    assert not relay.is_running()
    whole = Reading.whole(relay.recording)
    assert not whole.problems
    assert whole.record(len(whole) - 1).meta["agrees"] == 1
    whole.close()
    assert watch.app.farewell == f"the tap has ended; turnscope replay {relay.recording}"


async def test_attached_it_asks_the_tap_where_it_listens_and_leaves_without_a_word(relay: RunningTap) -> None:
    async with watching(live_screen(relay, is_ours=False)) as watch:
        await watch.shows(f"listening {relay.base_url}")
        await watch.pilot.press("q")
        await watch.until(lambda: watch.app.return_value == 0)
    assert relay.is_running()


async def test_a_port_in_use_is_an_error_before_the_screen(relay: RunningTap, tmp_path: Path) -> None:
    listen = relay.base_url.partition("://")[2].partition("/")[0]
    words = ("--upstream", relay.upstream, "--listen", listen, "--record", str(tmp_path / "s.jsonl"))
    with pytest.raises(UsageError, match=listen.rpartition(":")[2]):
        await asyncio.to_thread(start_tap, parsed(*words))


async def test_a_tap_that_ends_by_itself_says_so_with_its_last_words(relay: RunningTap) -> None:
    async with watching(live_screen(relay)) as watch:
        await watch.shows("waiting for clients")
        await asyncio.to_thread(ask, relay.recording, "stop")
        await watch.shows("TAP ENDED")
        await watch.shows("the tap has ended: ended; 0 connections")
        await watch.pilot.press("q")  # nothing is left to be asked
        await watch.until(lambda: watch.app.return_value == 0)


async def test_silence_at_the_live_edge_tells_that_a_client_never_tried_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    post = Wire(1)
    caller = {"client": "OpenAI/Python 3.52.0", "peer": "127.0.0.1:40001"}
    records = [post.asked({"model": "m", "input": "Hi"}, **caller), post.answered(), post.ended()]
    writer = recorded(path, records)
    async with watching(tap_screen(path, elapsed=1.0)) as watch:
        await watch.shows("h1")
        assert "has not tried WebSocket" not in screen_text(watch.app)
        count, came = watch.screen._last_came
        watch.screen._last_came = (count, came - 6.0)  # as if it had been quiet for so long
        watch.screen.tick()
        await watch.shows("openai-python asks over HTTP and has not tried WebSocket")
        await watch.shows("Point it here as its recipe says")
    writer.close()


def test_a_growing_recording_of_a_tap_opens_the_screen_of_a_tap(tmp_path: Path) -> None:
    path = tmp_path / "tap.jsonl"
    recorded(path, three_clients()).close()
    for is_live in (True, False):
        reading = Reading.open(path)
        assert isinstance(replay_screen(reading, None, is_live), TapScreen) is is_live
        reading.close()


async def test_a_recipe_of_somebody_elses_tap_says_that_its_token_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNSCOPE_CLIPBOARD", "osc52")
    path = tmp_path / "tap.jsonl"
    writer = recorded(path, [])
    async with watching(tap_screen(path)) as watch:
        watch.screen.show_urls("http://10.0.0.1:8377/***/v1")
        await watch.shows("Nobody has connected yet")
        await watch.pilot.press("y")
        await watch.shows("in place of the token")
        assert '"http://10.0.0.1:8377/***/v1"' in watch.app.clipboard
    writer.close()
