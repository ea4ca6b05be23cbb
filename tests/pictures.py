"""The README's picture: the demo's own session at 120x40, through a real socket, as the screen paints it.

    python -m tests.pictures [WIDTHxHEIGHT ...]

Writes an SVG for each size, and where `rsvg-convert` is installed a PNG instead, as the README shows it.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from sessions.wire.scenarios.answers import demo
from tui.app import TurnscopeApp
from tui.entrance import session_screen
from tui.launch import launch_demo
from tui.screens.session import SessionScreen

FOLDER = Path(__file__).resolve().parent.parent / "tui" / "pictures"
_PATIENCE_SECONDS = 30.0
_TEXT = re.compile(r'<text([^>]*?)x="([\d.]+)"([^>]*?)textLength="([\d.]+)"([^>]*)>([^<]+)</text>')


def _placed(found: re.Match[str]) -> str:
    """A run of text without its leading spaces, which the converter drops, at the place of what remains."""
    before, x, between, length, rest, content = found.groups()
    text = html.unescape(content)
    bare = text.lstrip("\xa0")
    x = float(x) + float(length) / len(text) * (len(text) - len(bare))
    return f'<text{before}x="{x:g}"{between}{rest}>{html.escape(bare, quote=False)}</text>'


async def _say(screen: SessionScreen, pilot: Pilot[Any], text: str) -> None:
    turns = screen.inspector.sessions.turns
    number = len(turns) + 1
    screen.composer.write(text)
    await pilot.press("f5")
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(turns) < number or turns[number - 1].is_live:
            await pilot.pause(0.02)
    await pilot.pause(0.2)


async def _picture(width: int, height: int) -> str:
    args = argparse.Namespace(verb="demo", rate=400.0, seed=7, no_record=True)
    launch = launch_demo(args)
    try:
        screen = session_screen(args, launch)
        app = TurnscopeApp(lambda: screen)
        async with app.run_test(size=(width, height)) as pilot:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not screen.inspector.sessions.sessions:
                    await pilot.pause(0.02)
            for step in demo.STEPS[:2]:
                await _say(screen, pilot, step.prompt)
            screen.query_one("Chain").focus()
            await pilot.press("g", "j", "b")
            await _say(screen, pilot, demo.STEPS[4].prompt)
            await _say(screen, pilot, demo.STEPS[3].prompt)
            await pilot.press("escape", "3", "G", "2", "G", "i")
            await pilot.pause(0.3)
            return app.export_screenshot(title="turnscope demo")
    finally:
        launch.release()


def main(sizes: list[str]) -> int:
    """Write the pictures of these sizes."""
    FOLDER.mkdir(exist_ok=True)
    for size in sizes or ["120x40"]:
        width, _, height = size.partition("x")
        svg = FOLDER / f"session-{size}.svg"
        svg.write_text(asyncio.run(_picture(int(width), int(height))), encoding="utf-8")
        if (converter := shutil.which("rsvg-convert")) is not None:
            png = svg.with_suffix(".png")
            svg.write_text(_TEXT.sub(_placed, svg.read_text(encoding="utf-8")), encoding="utf-8")
            subprocess.run([converter, "--width", "1320", "--output", str(png), str(svg)], check=True)
            svg.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
