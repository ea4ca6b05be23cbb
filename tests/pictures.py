"""The README's pictures at 120x40, from the real program on loopback, as the screen paints them.

    python -m tests.pictures [--only NAME] [WIDTHxHEIGHT ...]

Writes an SVG for each picture and size, and where `rsvg-convert` is installed a PNG instead, as the README
shows it. What a tap's clients said is made by hand; everything else is said by the built-in server.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from textual.pilot import Pilot

from sessions.playback import Playback
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.wire.fake import FakeServer, Options
from sessions.wire.scenarios.answers import demo
from tests.conftest import HandClock
from tests.make import WALL
from tests.palette import with_palette
from tests.scene import arguments
from tests.tapped_clients import NOW_SECONDS, tapped_clients
from tui.app import TurnscopeApp
from tui.entrance import prepare_examination, session_screen
from tui.launch import launch_demo
from tui.picture import portable
from tui.screens.doctor import DoctorScreen
from tui.screens.session import SessionScreen
from tui.screens.tap import TapScreen

FOLDER = Path(__file__).resolve().parent.parent / "tui" / "pictures"
_PATIENCE_SECONDS = 30.0
_EXAMINATION_SECONDS = 180.0


async def _until(pilot: Pilot[Any], holds: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await pilot.pause(0.02)


_ADVANCE, _CELL = 0.60205, 12.2  # of DejaVu Sans Mono in its size; of a column of Rich's picture, in pixels
_TALL = 1.045  # a line of the picture is so much higher than the font's lines and blocks
_DRAWN = re.compile(r'<text([^>]*?)y="([\d.]+)"([^>]*)>((?:[\u2500-\u259f]|&#160;)+)</text>')


def fitted(svg: str) -> str:
    """The picture in one font, which every converter has, at the size of its columns; frames are joined."""
    family = re.compile(r"font-family: [^;]*DejaVu[^;]*;")
    svg = family.sub("font-family: DejaVu Sans Mono, monospace;", svg)
    svg = svg.replace("font-size: 20px", f"font-size: {_CELL / _ADVANCE:.3f}px")

    def joined(found: re.Match[str]) -> str:
        before, y, after, drawn = found.groups()
        place = f'transform="translate(0 {y}) scale(1 {_TALL}) translate(0 -{y})"'
        return f'<text{before}y="{y}"{after} {place}>{drawn}</text>'

    return _DRAWN.sub(joined, svg)


# A session with the demo's server ---------------------------------------------------------------------------


async def _say(screen: SessionScreen, pilot: Pilot[Any], text: str) -> None:
    turns = screen.inspector.sessions.turns
    number = len(turns) + 1
    screen.composer.write(text)
    await pilot.press("f5")
    await _until(pilot, lambda: len(turns) >= number and not turns[number - 1].is_live)
    await pilot.pause(0.2)


async def _session(size: tuple[int, int]) -> str:
    args = argparse.Namespace(verb="demo", rate=400.0, seed=7, no_record=True)
    launch = launch_demo(args)
    try:
        screen = session_screen(args, launch)
        app = TurnscopeApp(lambda: screen)
        async with app.run_test(size=size) as pilot:
            await _until(pilot, lambda: screen.inspector.sessions.sessions)
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


# A tap with three programs ----------------------------------------------------------------------------------


async def _tap(size: tuple[int, int]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tap-openai.jsonl"
        facts: dict[str, str | int] = {"upstream": "https://api.openai.com/v1", "pid": 1}
        recording = Recording.create(path, "tap", facts)
        for record in tapped_clients():
            recording.append(record)
        recording.flush()
        clock = HandClock(wall=WALL + round(NOW_SECONDS * 1_000_000))
        screen = TapScreen(Playback(Reading.open(path), clock, is_live=True))
        app = TurnscopeApp(lambda: screen)
        async with app.run_test(size=size) as pilot:
            await _until(pilot, lambda: screen.inspector.sessions.sessions and not screen.playback.is_folding)
            screen.show_urls("http://127.0.0.1:8377/v1")
            await pilot.press("0", "g", "j", "j")
            screen.tick()  # once a second it tells what happened
            await pilot.pause(0.3)
            picture = app.export_screenshot(title="turnscope tap")
        recording.close()
        return picture


# The doctor on a server that goes wrong on purpose ----------------------------------------------------------


async def _doctor(size: tuple[int, int]) -> str:
    async with FakeServer(Options(seed=7, faults=("sequence-gap", "usage-missing"))) as server:
        args = arguments("doctor", address=server.base_url, profile="openai", model="gpt-6-astra")
        ready = prepare_examination(args)
        app = TurnscopeApp(ready)
        async with app.run_test(size=size) as pilot:
            screen = app.screen
            assert isinstance(screen, DoctorScreen)
            await _until(pilot, lambda: screen._is_done, _EXAMINATION_SECONDS)
            await pilot.press("g")
            await pilot.pause(0.3)
            return app.export_screenshot(title="turnscope doctor")


PICTURES: Mapping[str, Callable[[tuple[int, int]], Coroutine[Any, Any, str]]] = MappingProxyType(
    {"session": _session, "tap": _tap, "doctor": _doctor}
)


def main(words: list[str]) -> int:
    """Write the pictures of these sizes."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures")
    parser.add_argument("--only", choices=PICTURES, help="this picture alone")
    parser.add_argument("sizes", nargs="*", default=["120x40"], metavar="WIDTHxHEIGHT")
    args = parser.parse_args(words)
    FOLDER.mkdir(exist_ok=True)
    for name in [args.only] if args.only else PICTURES:
        for size in args.sizes:
            width, _, height = size.partition("x")
            svg = FOLDER / f"{name}-{size}.svg"
            drawn = portable(asyncio.run(PICTURES[name]((int(width), int(height)))))
            svg.write_text(fitted(drawn), encoding="utf-8")
            if (converter := shutil.which("rsvg-convert")) is not None:
                png = svg.with_suffix(".png")
                subprocess.run([converter, "--width", "1320", "--output", str(png), str(svg)], check=True)
                png.write_bytes(with_palette(png.read_bytes()))
                svg.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
