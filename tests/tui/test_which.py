"""The choice of a recording before one is looked at: several grow, nobody said which."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sessions.recording import Recording
from tests.make import Wire
from tests.scene import arguments
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.entrance import entry
from tui.screens.replay import ReplayScreen
from tui.screens.which import note

FOLDER = Path("turnscope/recordings")


@asynccontextmanager
async def attached(tmp_path: Path, count: int) -> AsyncIterator[tuple[TurnscopeApp, Pilot[Any]]]:
    """`turnscope attach` while so many recordings grow."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    writers = [Recording.create(folder / f"2026-01-0{number}-run.jsonl") for number in range(1, count + 1)]
    for writer in writers:
        writer.append(Wire().open())
        writer.flush()
    app = TurnscopeApp(entry(arguments("attach", file=None)))
    async with app.run_test(size=(100, 30)) as pilot:
        yield app, pilot
    for writer in writers:
        writer.close()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


async def shows(pilot: Pilot[Any], words: str) -> None:
    """Wait until these words stand on the screen."""
    for _ in range(1_000):
        if words in screen_text(pilot.app):
            return
        await pilot.pause(0.01)
    raise AssertionError(f"no {words!r} on {pilot.app.screen!r}:\n{screen_text(pilot.app)}")


async def test_the_newest_comes_first_and_a_digit_marks_it(tmp_path: Path) -> None:
    async with attached(tmp_path, 3) as (app, pilot):
        await shows(pilot, "recordings grow now")
        shown = screen_text(app)
        assert "3 recordings grow now" in shown
        assert shown.index("2026-01-03") < shown.index("2026-01-02") < shown.index("2026-01-01")
        await pilot.press("2", "enter")
        await shows(pilot, "LIVE")
        assert isinstance(app.screen, ReplayScreen)
        path = app.screen.playback.reading.path
        assert path is not None
        assert path.name == "2026-01-02-run.jsonl"


async def test_choosing_nothing_leaves(tmp_path: Path) -> None:
    async with attached(tmp_path, 2) as (app, pilot):
        await shows(pilot, "recordings grow now")
        await pilot.press("escape")
        await pilot.pause()
        assert not app.is_running


async def test_the_only_one_is_looked_at_at_once(tmp_path: Path) -> None:
    async with attached(tmp_path, 1) as (app, pilot):
        await shows(pilot, "LIVE")
        assert isinstance(app.screen, ReplayScreen)


def test_a_recording_is_told_by_its_size_and_age(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(1_200))
    os.utime(path, (100.0, 100.0))
    assert note(path, 147.0) == "1.2k, written 47s ago"
    assert note(tmp_path / "gone", 0.0) == "gone"
