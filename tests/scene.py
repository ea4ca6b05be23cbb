"""Scenes for tests of the screen: a session over hand-made records, and one over the real fake server.

Nothing is replaced: the records are records, the server is `sessions.wire.fake` on loopback, the clock is
moved by hand where a test looks at times.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from sessions.compose import Create
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Record
from sessions.settings import load
from sessions.wire.clock import SystemClock
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import plan_from
from tests.conftest import HandClock
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.launch import Launch, profile_facts
from tui.screens.session import SessionScreen
from tui.sockets import Sockets

PATIENCE_SECONDS = 10.0
NO_SETTINGS = {"TURNSCOPE_CONFIG": "/dev/null"}


class Scene:
    """An application that shows one session screen, and the hands on its keys."""

    def __init__(self, app: TurnscopeApp, screen: SessionScreen, pilot: Pilot[Any]) -> None:
        self.app = app
        self.screen = screen
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they have been taken."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        """Put a text into the composer as if it had been typed."""
        self.screen.composer.write(text)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the network or a worker brings."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await self.pilot.pause()

    async def shows(self, text: str) -> None:
        """Wait until this text can be read on the screen."""
        await self.until(lambda: text in screen_text(self.app))

    async def turn_ended(self, number: int) -> None:
        """Wait until this turn has ended and the screen knows."""
        turns = self.screen.inspector.sessions.turns
        await self.until(lambda: len(turns) >= number and not turns[number - 1].is_live)
        await self.pilot.pause()

    def last_sent(self) -> str:
        """The newest frame that left, as text."""
        recording = self.screen.inspector.recording
        sent = [
            n
            for n in range(len(recording))
            if recording.direction_at(n) == "client" and recording.kind_at(n) == "text"
        ]
        return recording.record(sent[-1]).payload.decode()


@asynccontextmanager
async def playing(
    records: Iterable[Record],
    *,
    size: tuple[int, int] = (120, 40),
    elapsed: float = 60.0,
    create: Create | None = None,
    badge: str = "",
) -> AsyncIterator[Scene]:
    """A screen over these records; with `create` it has a composer, which speaks to no socket."""
    inspector = Inspector(Recording.create(None, source="test"))
    inspector.feed_all(records)
    launch = None
    if create is not None:
        settings = load({"base_url": "https://api.openai.com/v1"}, NO_SETTINGS)
        launch = Launch(
            plan=plan_from(settings, {}),
            settings=settings,
            create=create,
            profile=profile_facts(settings),
            badge=badge,
        )
    clock = HandClock(elapsed=elapsed)
    screen = SessionScreen(inspector, Sockets(inspector, clock), launch, adopted=1 if create else 0)
    app = TurnscopeApp(lambda: screen)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        if create is not None:
            screen.composer.box.cursor_blink = False
        await pilot.pause()
        yield Scene(app, screen, pilot)


@asynccontextmanager
async def talking(
    *,
    size: tuple[int, int] = (120, 40),
    create: Create | None = None,
    is_read_only: bool = False,
    suggestions: tuple[str, ...] = (),
    **options: Any,
) -> AsyncIterator[Scene]:
    """A screen with an open socket to a fake server; `options` are the server's."""
    async with FakeServer(Options(**{"seed": 1, **options})) as server:
        settings = load({"base_url": server.base_url, "profile": "fake"}, NO_SETTINGS)
        plan = plan_from(settings, {})
        inspector = Inspector(Recording.create(None, source="test"), plan.secrets)
        launch = Launch(
            plan=plan,
            settings=settings,
            create=create or Create(model="gpt-6-astra"),
            profile=profile_facts(settings),
            badge="DEMO",
            suggestions=suggestions,
        )
        screen = SessionScreen(
            inspector, Sockets(inspector, SystemClock()), launch, is_read_only=is_read_only
        )
        app = TurnscopeApp(lambda: screen)
        async with app.run_test(size=size, notifications=True) as pilot:
            scene = Scene(app, screen, pilot)
            await scene.until(lambda: screen.session is not None and screen.session.phase != "opening")
            await pilot.pause()
            yield scene
            await screen.sockets.close_all()


def arguments(verb: str, **values: Any) -> argparse.Namespace:
    """A parsed command line of a verb, with these values in place of its defaults."""
    from importlib import import_module

    from sessions.cli import VERBS

    parser = argparse.ArgumentParser()
    import_module(VERBS[verb].module).VERB.prepare(parser)
    return argparse.Namespace(**{**vars(parser.parse_args([])), "verb": verb, **values})
