"""The first picture: it stands at once, and says what went wrong when nothing can follow."""

from __future__ import annotations

import asyncio
import threading

from sessions.errors import SettingsError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.wire.clock import SystemClock
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.screens.opening import Opening, Ready
from tui.screens.session import SessionScreen
from tui.sockets import Sockets


def an_empty_session() -> SessionScreen:
    inspector = Inspector(Recording.create(None))
    return SessionScreen(inspector, Sockets(inspector, SystemClock()))


async def test_it_stands_while_the_session_is_prepared_and_is_replaced_by_it() -> None:
    gate = threading.Event()

    def prepare() -> Ready:
        gate.wait(10)
        return an_empty_session

    app = TurnscopeApp(lambda: Opening("starting …", prepare))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "starting …" in screen_text(app)
        gate.set()
        async with asyncio.timeout(10):
            while not isinstance(app.screen, SessionScreen):
                await pilot.pause()


async def test_a_mistake_is_told_and_nothing_crashes() -> None:
    def prepare() -> Ready:
        raise SettingsError("there is no setting 'modle'", file="config.toml", line=3, nearest="model")

    app = TurnscopeApp(lambda: Opening("starting …", prepare))
    async with app.run_test(size=(80, 24)) as pilot:
        async with asyncio.timeout(10):
            while "cannot begin" not in screen_text(app):
                await pilot.pause()
        shown = screen_text(app)
        assert "config.toml:3" in shown
        assert "did you mean 'model'?" in shown
        assert "ctrl+q leaves" in shown
