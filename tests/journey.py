"""Journeys: what a person does on a session screen, held against the log of the fake server.

A server outlives its screens here, and a folder of drafts may, so that a journey can end one run and begin
another. What left is read where it arrived: in the server's log, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sessions.compose import Create
from sessions.drafts import Drafts
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.settings import load
from sessions.wire.clock import SystemClock
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import plan_from
from tests.make import WALL
from tests.scene import NO_SETTINGS, Scene
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.launch import Launch, profile_facts
from tui.screens.session import SessionScreen
from tui.sockets import Sockets

MODEL = "gpt-6-astra"


def serving(**options: Any) -> FakeServer:
    """A server to be entered; its answers are the same every time, its log keeps every frame."""
    return FakeServer(Options(**{"seed": 1, "keep_frames": True, **options}))


class Journey(Scene):
    """A scene that knows the server at the other end."""

    server: FakeServer

    @property
    def heard(self) -> list[str]:
        """Every frame that the server got, oldest first, over all sockets."""
        return [frame.decode() for visit in self.server.log for frame in visit.received]

    @property
    def heard_last(self) -> dict[str, Any]:
        """The newest frame that the server got, decoded."""
        frame: dict[str, Any] = json.loads(self.heard[-1])
        return frame

    async def say(self, text: str) -> None:
        """Write, press Enter, and wait for the end of the turn."""
        count = len(self.screen.inspector.sessions.turns)
        await self.write(text)
        await self.press("enter")
        await self.turn_ended(count + 1)

    async def shows(self, text: str) -> None:
        """Wait until this can be read on the screen; when it cannot, say what can."""
        try:
            await self.until(lambda: text in screen_text(self.app))
        except TimeoutError:
            raise AssertionError(f"{text!r} is not on the screen:\n{screen_text(self.app)}") from None

    async def is_open(self) -> None:
        """Wait until the composer speaks to an open socket."""
        await self.until(lambda: self.screen.session is not None and self.screen.session.phase == "open")
        await self.pilot.pause()


@asynccontextmanager
async def journey(
    server: FakeServer,
    *,
    size: tuple[int, int] = (120, 40),
    state: Path | None = None,
    create: Create | None = None,
    is_read_only: bool = False,
    names: tuple[str, ...] = (),
    environ: Mapping[str, str] = NO_SETTINGS,
    **flags: Any,
) -> AsyncIterator[Journey]:
    """One run of turnscope against this server; `state` keeps drafts, `flags` are settings.

    With `names` it has a session for each of them, in tabs.
    """
    settings = load({"base_url": server.base_url, "profile": "fake", **flags}, {**NO_SETTINGS, **environ})
    plan = plan_from(settings, {})
    inspector = Inspector(Recording.create(None, source="test"), plan.secrets)
    launch = Launch(
        plan=plan,
        settings=settings,
        create=create or Create(model=MODEL),
        profile=profile_facts(settings),
        drafts=Drafts(state, "fake", endpoint=server.base_url, wall=lambda: WALL)
        if state is not None
        else None,
        names=names,
    )
    screen = SessionScreen(inspector, Sockets(inspector, SystemClock()), launch, is_read_only=is_read_only)
    app = TurnscopeApp(lambda: screen)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        scene = Journey(app, screen, pilot)
        scene.server = server
        await scene.until(lambda: screen.session is not None and screen.session.phase != "opening")
        await pilot.pause()
        yield scene
        await screen.sockets.close_all()
