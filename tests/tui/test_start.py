"""The start screen: alive without a key, honest about what is resolved, and a way into everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from sessions.version import version
from tests.scene import arguments
from tests.screen import screen_lines, screen_text
from tui.app import TurnscopeApp
from tui.entrance import first_screen
from tui.screens.session import SessionScreen
from tui.screens.start import find

KEYS = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_WEBSOCKET_BASE_URL",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
)


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person without keys, settings or recordings."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@asynccontextmanager
async def started(size: tuple[int, int] = (100, 30)) -> AsyncIterator[tuple[TurnscopeApp, Pilot[Any]]]:
    app = TurnscopeApp(lambda: first_screen(arguments("start")))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


async def until(app: TurnscopeApp, pilot: Pilot[Any], text: str) -> None:
    async with asyncio.timeout(15):
        while text not in screen_text(app):
            await pilot.pause()


async def test_without_a_key_there_is_no_error_and_something_is_alive() -> None:
    async with started() as (app, pilot):
        await until(app, pilot, "heliotrope")
        await until(app, pilot, "key    not set")
        shown = screen_text(app)
        assert "DEMO" in shown
        assert "rror" not in shown
        assert "api.openai.com" in shown


async def test_what_a_person_reads_at_first(snapshot: SnapshotAssertion) -> None:
    async with started((80, 24)) as (app, pilot):
        await until(app, pilot, "key    not set")
        await until(app, pilot, "demo preview, running now")
        menu = app.screen.query_one("#menu").region
        # the preview beside the menu is alive: no two pictures of it are the same
        lines = [
            line[: menu.right] if menu.y <= number < menu.bottom else line
            for number, line in enumerate(screen_lines(app))
        ]
        assert "\n".join(lines).replace(version(), "VERSION") == snapshot


async def test_enter_takes_the_running_session_over() -> None:
    async with started() as (app, pilot):
        await until(app, pilot, "heliotrope")
        await pilot.press("1")
        async with asyncio.timeout(10):
            while not isinstance(app.screen, SessionScreen):
                await pilot.pause()
        screen = app.screen
        count = len(screen.inspector.recording)
        assert count > 1
        assert screen.sockets.is_live(screen.number)
        await pilot.pause()
        screen.composer.write("And now me.")
        await pilot.press("enter")
        turns = screen.inspector.sessions.turns
        async with asyncio.timeout(10):
            while not any(turn.status == "completed" for turn in turns[1:]):
                await pilot.pause()
        await screen.sockets.close_all()


async def test_the_ways_in_are_chosen_by_keys_and_an_address_is_checked() -> None:
    async with started() as (app, pilot):
        await pilot.press("3")
        await until(app, pilot, "which address?")
        await pilot.press(*"nonsense://x", "enter")
        await pilot.pause()
        assert "which address?" in screen_text(app)
        await pilot.press("escape")


async def test_settings_are_shown_with_their_sources() -> None:
    async with started() as (app, pilot):
        await pilot.press("5")
        await until(app, pilot, "settings, and where each came from")
        assert "default" in screen_text(app)


async def test_a_small_window_has_the_menu_alone() -> None:
    async with started((60, 20)) as (app, pilot):
        await pilot.pause()
        assert "Demo session" in screen_text(app)
        assert not app.screen.query_one("#preview").display


def test_what_is_resolved_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(arguments("start")).connect_note == "key not set"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijklmnop")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example/v1")
    found = find(arguments("start"))
    assert found.has_key
    assert any("proxy.example" in line and "OPENAI_BASE_URL" in line for line in found.lines)
    assert "sk-proj-abcdefghijklmnop" not in "".join(found.lines)


def test_a_mistake_in_the_settings_is_a_line_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('modle = "x"\n')
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(file))
    assert "modle" in find(arguments("start")).lines[0]


def test_recordings_are_listed_newest_first(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "turnscope" / "recordings"
    folder.mkdir(parents=True)
    for name in ("2026-01-01-000000-a", "2026-02-01-000000-b"):
        (folder / f"{name}.jsonl").write_text("{}\n")
    assert [path.stem for path in find(arguments("start")).recordings] == [
        "2026-02-01-000000-b",
        "2026-01-01-000000-a",
    ]
