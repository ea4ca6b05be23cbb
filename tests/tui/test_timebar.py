"""The time bar as a widget: it paints the line, in colours of its own, and tells where it was clicked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from sessions.playback import Playback
from sessions.reading import Reading
from sessions.recording import Recording
from tests.conftest import HandClock
from tests.make import Wire, create, error
from tests.screen import screen_lines, segments_at
from tui.timeline import time_line
from tui.widgets.timebar import TimeBar


class Bar(App[None]):
    """Nothing but the line."""

    CSS = "TimeBar { height: 1; } TimeBar > .timebar--error { color: ansi_red; }"

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback
        self.sought: list[float] = []

    def compose(self) -> ComposeResult:
        """The line."""
        yield TimeBar(self._playback)

    def on_time_bar_sought(self, event: TimeBar.Sought) -> None:
        """Note where it was clicked."""
        self.sought.append(event.share)


@asynccontextmanager
async def shown(tmp_path: Path, cells: int) -> AsyncIterator[tuple[Bar, Pilot[Any], Playback]]:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    wire = Wire()
    records = [wire.open(), wire.sent(create()), wire.got(error("server_error", status=500))]
    wire.wait(10.0)
    for record in [*records, wire.close()]:
        recording.append(record)
    recording.close()
    playback = Playback(Reading.open(path), HandClock())
    while playback.advance(5.0) <= 0:
        pass
    app = Bar(playback)
    async with app.run_test(size=(cells, 3)) as pilot:
        await pilot.pause()
        yield app, pilot, playback
    playback.reading.close()


async def test_it_paints_the_line_with_errors_in_their_own_colour(tmp_path: Path) -> None:
    async with shown(tmp_path, 90) as (app, _, playback):
        line = time_line(playback, 90)
        assert screen_lines(app)[0] == line.text.plain
        (mark,) = [segment for segment in segments_at(app, 0) if segment.text == "!"]
        (bar,) = [segment for segment in segments_at(app, 0) if segment.text.startswith("━━")]
        assert mark.style is not None
        assert bar.style is not None
        assert mark.style.color != bar.style.color


async def test_a_click_on_the_bar_tells_its_share_and_elsewhere_nothing(tmp_path: Path) -> None:
    async with shown(tmp_path, 90) as (app, pilot, playback):
        line = time_line(playback, 90)
        for cell in (0, (line.bar_cells - 1) // 2, line.bar_cells - 1):
            await pilot.click(TimeBar, offset=(line.bar_start + cell, 0))
        assert app.sought == [0.0, (line.bar_cells - 1) // 2 / (line.bar_cells - 1), 1.0]
        await pilot.click(TimeBar, offset=(3, 0))
        assert len(app.sought) == 3


async def test_without_room_for_a_bar_a_click_is_nothing(tmp_path: Path) -> None:
    async with shown(tmp_path, 16) as (app, pilot, _):
        await pilot.click(TimeBar, offset=(10, 0))
        assert app.sought == []
