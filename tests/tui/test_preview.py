"""The preview: a real session that runs by itself, and ends with whoever nobody took over."""

from __future__ import annotations

import asyncio
from pathlib import PurePath
from typing import ClassVar

from textual.app import App, ComposeResult

from tests.scene import arguments
from tui.launch import launch_demo
from tui.widgets.preview import PREVIEW_STYLES, Preview
from tui.widgets.talk import Talk


class Host(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = [*PREVIEW_STYLES]

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview

    def compose(self) -> ComposeResult:
        yield self.preview


async def test_it_speaks_by_itself_takes_no_focus_and_ends_with_its_server() -> None:
    launch = launch_demo(arguments("demo", seed=1))
    preview = Preview(launch)
    app = Host(preview)
    async with app.run_test(size=(60, 30)) as pilot:
        async with asyncio.timeout(15):
            while not preview._inspector.sessions.turns:
                await pilot.pause()
        assert app.focused is None
        assert preview.query_one(Talk).row_count() > 0
        preview.release()
        async with asyncio.timeout(15):
            while preview._sockets.open_sessions:
                await pilot.pause()
