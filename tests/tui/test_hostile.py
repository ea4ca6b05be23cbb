"""Hostile text and frames through the whole screen: nothing breaks, acts on the terminal, or is lost.

What the compositor would write is searched as a terminal would read it, at three sizes, in every view; what
was recorded is held against what the server says it sent.
"""

from __future__ import annotations

import asyncio

import pytest

from sessions.contract import FAMILIES
from sessions.events import Event, Undecodable
from sessions.records import Direction, Kind
from tests.escapes import foreign
from tests.journey import Journey, journey, serving
from tests.scene import PATIENCE_SECONDS
from tests.screen import screen_strips, screen_text
from tui.sheets import View
from tui.widgets.events import Events
from tui.widgets.raw import Raw

SIZES = ((80, 24), (120, 40), (200, 60))
_NEWEST, _ODDEST = 2, 3  # records that are looked at
CASES = (
    ("/hostile", ""),
    ("/hostile line", ""),
    ("/hostile names", ""),
    ("hello", "non-json"),
    ("hello", "json-not-object"),
    ("hello", "binary"),
    ("hello", "invalid-utf8"),
    ("hello", "deep-nesting"),
    ("hello", "lone-surrogates"),
    ("hello", "sse-prefix"),
    ("hello", "unknown-event"),
    ("hello", "big-frame:2"),
    ("hello", "big-frame-objects:2"),
    ("hello", "million-deltas:20000"),
)


def written(scene: Journey) -> str:
    """The whole picture as a terminal would get it; fails when there is more in it than a picture."""
    width, _ = scene.app.size
    strips = screen_strips(scene.app)
    assert {strip.cell_length for strip in strips} == {width}
    text = "\r\n".join(strip.render(scene.app.console) for strip in strips)
    assert foreign(text.encode(errors="surrogatepass")) == []
    assert text.isprintable() or not any("\ud800" <= character <= "\udfff" for character in text)
    return text


async def ended(scene: Journey) -> None:
    """Wait for the end of the turn, or of the socket."""

    def is_over() -> bool:
        session = scene.screen.session
        assert session is not None
        return session.phase.is_over or (bool(session.turns) and not session.turns[0].is_live)

    # the faults that leave the terminal event unreadable have no end but the last frame
    visit = scene.server.log[0]
    recording = scene.screen.inspector.recording

    def is_all_here() -> bool:
        count = sum(1 for n in range(len(recording)) if recording.direction_at(n) is Direction.SERVER)
        return bool(visit.sent) and count >= len(visit.sent)

    await scene.until(lambda: is_over() or is_all_here())
    await scene.until(lambda: is_all_here() or is_over())
    await scene.pilot.pause()


def worth_a_look(scene: Journey) -> list[int]:
    """The newest records, and those that differ most from what a reader expects."""
    recording = scene.screen.inspector.recording
    count = len(recording)

    def oddness(number: int) -> tuple[bool, bool, int]:
        event = recording.event(number)
        is_known = isinstance(event, Event) and event.type in FAMILIES
        return isinstance(event, Undecodable), not is_known, recording.size_at(number)

    messages = [n for n in range(1, count) if recording.kind_at(n) in (Kind.TEXT, Kind.BINARY)]
    return sorted({*messages[-_NEWEST:], *sorted(messages, key=oddness)[-_ODDEST:]})


def received(scene: Journey) -> list[bytes]:
    """Every message of the server, as it was recorded."""
    return [
        record.payload
        for record in scene.screen.inspector.recording
        if record.direction is Direction.SERVER and record.kind in (Kind.TEXT, Kind.BINARY)
    ]


@pytest.mark.parametrize(
    ("prompt", "fault"), CASES, ids=[fault or prompt.strip("/") for prompt, fault in CASES]
)
async def test_nothing_acts_on_the_terminal_and_every_byte_is_kept(prompt: str, fault: str) -> None:
    faults = (fault,) if fault else ()
    async with serving(faults=faults) as server, journey(server) as scene:
        await scene.write(prompt)
        await scene.press("enter")
        await ended(scene)
        assert server.log[0].crash is None
        await scene.press("escape", "4", "2")
        raw, events = scene.screen.query_one(Raw), scene.screen.query_one(Events)
        for number in worth_a_look(scene):
            events.select(number - 1)
            await scene.press("j")
            assert raw.record == events.record == number
            for _ in View:
                raw.action_cycle_view()
                await scene.pilot.pause()
                written(scene)
        for view in "135":
            await scene.press(view, "g")
            for size in SIZES:
                await scene.pilot.resize_terminal(*size)
                await scene.pilot.pause()
                written(scene)
        await scene.press("1", "end")
        assert "T1" in screen_text(scene.app)
        assert received(scene) == server.log[0].sent


async def test_a_flood_leaves_the_loop_to_others() -> None:
    wanted, turns, most = 60_000, 0, 0
    async with serving(faults=(f"million-deltas:{wanted}",)) as server, journey(server) as scene:
        recording = scene.screen.inspector.recording

        async def watch() -> None:
            nonlocal turns, most
            seen = 0
            async with asyncio.timeout(PATIENCE_SECONDS * 3):
                while seen < wanted:
                    await asyncio.sleep(0)
                    turns += 1
                    most = max(most, len(recording) - seen)
                    seen = len(recording)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            await scene.write("hello")
            await scene.press("enter")
        # bounded work a turn of the loop, in records: on a busy machine times prove nothing
        assert turns > 60
        assert most < 8_000
