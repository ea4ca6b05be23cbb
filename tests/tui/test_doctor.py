"""The screen of the doctor: outcomes as they come, one explained, tried again, copied, saved, left."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from sessions.cli import Parser
from sessions.commands.doctor import VERB
from sessions.doctor import short_turn
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.screen import screen_lines, screen_text
from tui.app import TurnscopeApp
from tui.entrance import entry
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.screens.doctor import Checks, DoctorScreen
from tui.screens.reader import Reader

KEY = "sk-screen-key-0123456789"
FEW = ("--only", "C01,C02,C06,D05,D11,F12")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home that is the current folder, no clipboard, and a key that must not be seen."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("TURNSCOPE_CLIPBOARD", "osc52")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(short_turn, "_TRAILING_SECONDS", 0.02)


def arguments(*words: str) -> argparse.Namespace:
    """The parsed command line."""
    parser = Parser(prog="turnscope doctor")
    VERB.prepare(parser)
    args = parser.read(words)
    args.verb = "doctor"
    return args


async def examined(app: TurnscopeApp, pilot: Pilot[int]) -> DoctorScreen:
    """Wait until every check has been tried."""
    for _ in range(400):
        await pilot.pause()
        await app.workers.wait_for_complete()
        if isinstance(app.screen, DoctorScreen) and app.screen._is_done:
            break
    screen = app.screen
    assert isinstance(screen, DoctorScreen)
    await pilot.pause()
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_it_shows_outcomes_in_words_and_explains_the_chosen_one(size: tuple[int, int]) -> None:
    async with FakeServer(Options(seed=1, faults=("usage-missing",))) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", *FEW)))
        async with app.run_test(size=size) as pilot:
            screen = await examined(app, pilot)
            shown = screen_text(app)
            assert "most serious" in shown
            assert "warn  D11" in shown
            assert "pass" in shown
            assert "first frame and errors" in shown
            assert max(map(len, screen_lines(app))) <= size[0]
            await pilot.press("n")
            await pilot.pause()
            shown = " ".join(screen_text(app).split())
            assert "the terminal event has no usage" in shown
            assert "errors wrapped" in shown, "the line of what the server can do"
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, Reader)
            read = screen_text(app)
            assert "who mends it: proxy" in read
            assert "Pass usage on" in read
            assert KEY not in read
            await pilot.press("escape", "q")
        assert screen.code == 0
    assert app.return_value == 0
    assert "usage-missing" in app.farewell
    assert KEY not in app.farewell


async def test_a_failure_decides_the_exit_code_and_stands_first() -> None:
    async with FakeServer(Options(seed=1, faults=("sequence-gap",))) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", *FEW)))
        async with app.run_test(size=(120, 40)) as pilot:
            await examined(app, pilot)
            lines = screen_lines(app)
            assert lines[2].strip().startswith("most serious")
            assert "FAIL  D05" in lines[3]
            assert "exit 1" in lines[1]
            await pilot.press("q")
    assert app.return_value == 1


async def test_while_results_come_choice_and_scroll_stay() -> None:
    async with FakeServer(Options(seed=1, rate=100)) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", "--budget", "500")))
        async with app.run_test(size=(80, 24)) as pilot:
            while not isinstance(app.screen, DoctorScreen):
                await pilot.pause()
            screen = app.screen
            await pilot.press("pagedown", "j", "j")
            checks = screen.query_one(Checks)
            chosen, place = checks.highlighted, checks.scroll_offset.y
            before = len(screen.examining.battery.results)
            for _ in range(300):
                await pilot.pause()
                if len(screen.examining.battery.results) > before + 5:
                    break
            assert len(screen.examining.battery.results) > before
            assert (checks.highlighted, checks.scroll_offset.y) == (chosen, place)
            await pilot.press("q")
    assert app.return_value == 130


async def test_one_check_is_tried_again_and_all_only_after_a_question() -> None:
    async with FakeServer(Options(seed=1)) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", "--only", "C01,F12")))
        async with app.run_test(size=(120, 40)) as pilot:
            screen = await examined(app, pilot)
            checks = screen.query_one(Checks)
            checks.highlighted = next(n for n, row in enumerate(screen._rows) if row.key == "F12")
            visits = len(server.log)
            await pilot.press("r")
            await pilot.pause()
            await app.workers.wait_for_complete()
            assert len(server.log) == visits + 1
            await pilot.press("R")
            await pilot.pause()
            assert isinstance(app.screen, Choose)
            assert "at most" in screen_text(app)
            await pilot.press("escape")
            await pilot.pause()
            assert len(server.log) == visits + 1
            await pilot.press("R")
            await pilot.pause()
            await pilot.press("1", "enter")
            screen = await examined(app, pilot)
            assert len(server.log) > visits + 2
            await pilot.press("q")


async def test_only_problems_and_back() -> None:
    async with FakeServer(Options(seed=1, faults=("usage-missing",))) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", *FEW)))
        async with app.run_test(size=(120, 40)) as pilot:
            screen = await examined(app, pilot)
            checks = screen.query_one(Checks)
            every = checks.option_count
            await pilot.press("o")
            await pilot.pause()
            assert checks.option_count == 4  # the worst with its heading, one group, one check
            await pilot.press("o")
            await pilot.pause()
            assert checks.option_count == every
            await pilot.press("g", "n", "n")
            last = checks.highlighted
            await pilot.press("n")
            await pilot.pause()
            assert checks.highlighted == last
            assert {one.message for one in app._notifications} == {"there is no more"}


async def test_the_report_is_saved_and_copied_without_the_key(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", *FEW)))
        async with app.run_test(size=(120, 40)) as pilot:
            await examined(app, pilot)
            await pilot.press("x")
            await pilot.pause()
            assert isinstance(app.screen, Ask)
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("x")
            await pilot.pause()
            await pilot.press(*"turnscope-doctor.json", "enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("y")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.clipboard.startswith("```text\nturnscope ")
            assert KEY not in app.clipboard
            await pilot.press("x")
            await pilot.pause()
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            messages = [one.message for one in app._notifications]
            assert messages[-1].startswith("Not saved: "), "nothing is overwritten"
    text = (tmp_path / "turnscope-doctor.md").read_text()
    assert text.startswith("```text\n")
    found = json.loads((tmp_path / "turnscope-doctor.json").read_text())
    assert "C01" in text
    assert {one["id"] for one in found["checks"]} >= {"C01", "D05", "F12"}
    assert KEY not in text + json.dumps(found)


async def test_a_refused_endpoint_is_explained() -> None:
    async with FakeServer(Options(seed=1, faults=("404",))) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", "--only", "B07,C01")))
        async with app.run_test(size=(120, 40)) as pilot:
            await examined(app, pilot)
            shown = screen_text(app)
            assert "FAIL  B07" in shown
            assert "skip  C01" in shown
            await pilot.press("q")
    assert app.return_value == 3


async def test_what_cannot_be_examined_is_said_at_once() -> None:
    app = TurnscopeApp(entry(arguments("https://proxy.example/v1")))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "name a model with --model" in screen_text(app)


async def test_the_check_that_runs_is_named_also_where_there_is_little_room() -> None:
    async with FakeServer(Options(seed=1, faults=("slow-upgrade:0.4",))) as server:
        app = TurnscopeApp(entry(arguments(server.base_url, "--model", "m", "--only", "B20")))
        async with app.run_test(size=(80, 24)) as pilot:
            said = ""
            async with asyncio.timeout(30):
                while "now B20" not in said:
                    await pilot.pause()
                    said = "".join(str(one.content) for one in app.screen.query("#tally").results(Static))
            assert said.index("now B20") == 1
            await examined(app, pilot)
            await pilot.press("end", "enter")
            await pilot.pause()
            assert isinstance(app.screen, Reader)
