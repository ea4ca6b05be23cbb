"""The screen of a comparison: made live on two servers, read with keys, left with its exit code."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from textual.pilot import Pilot

from sessions.cli import Parser
from sessions.commands.compare import VERB
from sessions.compare.report import plain
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.screen import screen_lines, screen_text
from tui.app import TurnscopeApp
from tui.entrance import entry
from tui.screens.compare import CompareScreen, Turns
from tui.screens.reader import Reader


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, and a key that must not be seen."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-screen-key-0123456789")


def arguments(*words: str) -> argparse.Namespace:
    """The parsed command line."""
    parser = Parser(prog="turnscope compare")
    VERB.prepare(parser)
    args = parser.read(words)
    args.verb = "compare"
    return args


async def made(app: TurnscopeApp, pilot: Pilot[int]) -> CompareScreen:
    """Wait until the comparison is complete."""
    for _ in range(200):
        await pilot.pause()
        await app.workers.wait_for_complete()
        if isinstance(app.screen, CompareScreen) and not app.workers:
            break
    screen = app.screen
    assert isinstance(screen, CompareScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_it_aligns_two_servers_and_explains_the_chosen_row(size: tuple[int, int]) -> None:
    async with FakeServer(Options()) as a, FakeServer(Options(faults=("usage-missing@2",))) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "Hi again", "--no-record")))
        async with app.run_test(size=size) as pilot:
            screen = await made(app, pilot)
            shown = screen_text(app)
            assert a.base_url.removeprefix("http") in shown
            assert "2 turns" in shown
            assert "turn 1" in shown
            assert "breaking usage" in shown
            assert max(map(len, screen_lines(app))) <= size[0]
            await pilot.press("n")
            await pilot.pause()
            chosen = screen.query_one(Turns).highlighted
            assert chosen is not None
            assert chosen > 0
            assert "Cost tracking reads nothing" in screen_text(app)
            assert "input_tokens" in screen_text(app)  # both sides in full, where there is room below
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, Reader)
            assert "input_tokens" in screen_text(app)
            await pilot.press("escape", "q")
    assert app.return_value == 1


async def test_only_breaking_ones_and_back() -> None:
    async with FakeServer(Options()) as a, FakeServer(Options(faults=("no-sequence",))) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "--no-record")))
        async with app.run_test(size=(100, 30)) as pilot:
            screen = await made(app, pilot)
            turns = screen.query_one(Turns)
            all_rows = turns.option_count
            await pilot.press("b")
            await pilot.pause()
            assert turns.option_count < all_rows
            await pilot.press("b", "j", "j", "k")
            await pilot.pause()
            assert turns.option_count == all_rows
            assert turns.highlighted == 1


async def test_a_side_that_refuses_is_shown_and_counts_as_the_table_says() -> None:
    async with FakeServer(Options()) as a, FakeServer(Options(faults=("404",))) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "--no-record")))
        async with app.run_test(size=(100, 30)) as pilot:
            await made(app, pilot)
            shown = screen_text(app)
            assert "refused 404 not_found" in shown
            assert "breaking opening" in shown
            await pilot.press("q")
    assert app.return_value == 3


async def test_the_report_is_copied_as_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCOPE_CLIPBOARD", "osc52")
    async with FakeServer(Options()) as a, FakeServer(Options(faults=("no-created",))) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "--no-record")))
        async with app.run_test(size=(100, 30)) as pilot:
            screen = await made(app, pilot)
            await pilot.press("y")
            await pilot.pause()
            await app.workers.wait_for_complete()
            assert app.clipboard == "\n".join(plain(screen.comparing.comparison()))
    assert "only A has response.created" in app.clipboard


async def test_it_can_be_left_while_a_side_is_silent() -> None:
    async with FakeServer(Options(faults=("silence",))) as a, FakeServer(Options()) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "--no-record")))
        async with app.run_test(size=(100, 30)) as pilot:
            while not (isinstance(app.screen, CompareScreen) and a.log):
                await pilot.pause()
            await pilot.press("q")
    assert app.return_value == 130


async def test_what_cannot_be_compared_is_said_at_once() -> None:
    app = TurnscopeApp(entry(arguments("no-file", "http://127.0.0.1:1/v1")))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "neither a recording nor an address" in screen_text(app)


async def test_the_key_is_never_on_the_screen() -> None:
    async with FakeServer(Options(faults=("401",))) as a, FakeServer(Options()) as b:
        app = TurnscopeApp(entry(arguments(a.base_url, b.base_url, "Hello", "--no-record")))
        async with app.run_test(size=(160, 50)) as pilot:
            await made(app, pilot)
            assert "sk-screen-key" not in screen_text(app)
