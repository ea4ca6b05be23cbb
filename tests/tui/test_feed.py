"""The feed: every record is told once, in order, in few batches, and waiting costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from textual.app import App

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tui.feed import FRAME_SECONDS, SessionsChanged, feed


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.inspector = inspector
        self.spans: list[tuple[int, int]] = []
        self.times: list[float] = []
        self.heard = asyncio.Event()

    def on_mount(self) -> None:
        self.run_worker(feed(self.inspector, self), name="feed")

    def on_sessions_changed(self, event: SessionsChanged) -> None:
        self.spans.append((event.batch.first, event.batch.last))
        self.times.append(asyncio.get_running_loop().time())
        self.heard.set()

    async def hear(self, last: int) -> None:
        """Wait until records up to `last` were told."""
        async with asyncio.timeout(10):
            while not self.spans or self.spans[-1][1] < last:
                self.heard.clear()
                await self.heard.wait()


async def test_nothing_is_lost_and_batches_join(inspector: Inspector) -> None:
    app = Host(inspector)
    wire = make.Wire()
    async with app.run_test() as pilot:
        for _ in range(500):
            inspector.feed(wire.got({"type": "keepalive"}))
            await asyncio.sleep(0)
        await app.hear(500)
        assert app.spans[0][0] == 0
        assert all(one[1] == two[0] for one, two in zip(app.spans, app.spans[1:], strict=False))
        assert all(first < last for first, last in app.spans)
        gaps = [two - one for one, two in zip(app.times, app.times[1:], strict=False)]
        assert all(gap > FRAME_SECONDS * 0.5 for gap in gaps)
        told = len(app.spans)
        await pilot.pause()
        assert len(app.spans) == told


async def test_what_was_there_before_is_told_too(inspector: Inspector) -> None:
    inspector.feed_all(make.Wire().turn("resp_1"))
    app = Host(inspector)
    async with app.run_test():
        await app.hear(len(inspector.recording))
        assert app.spans == [(0, len(inspector.recording))]


async def test_it_stops_following_when_the_screen_goes(inspector: Inspector) -> None:
    app = Host(inspector)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert len(inspector._followers) == 1
    assert not inspector._followers
