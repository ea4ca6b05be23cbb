"""The session screen: five views at every size, focus and place that nothing moves."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from sessions.compose import Create
from sessions.records import Record
from tests.make import Wire, call_answer, create
from tests.scene import playing
from tests.screen import screen_text
from tests.transcripts import failure, lanes
from tui.widgets.events import Events
from tui.widgets.talk import Talk


def calls_open() -> list[Record]:
    """Two calls that nobody has answered yet, on a chain of two turns."""
    wire = Wire(step=0.05)
    return [
        wire.open(),
        *wire.turn("resp_1", "I can look that up.", model="gpt-6-astra"),
        wire.sent(
            create(
                "What is the weather in Lisbon and Oslo?", model="gpt-6-astra", previous_response_id="resp_1"
            )
        ),
        *wire.got_all(
            call_answer(
                "resp_2", {"call_1": '{"city":"Lisbon"}', "call_2": '{"city":"Oslo"}'}, parent="resp_1"
            )
        ),
    ]


def refused_opening() -> list[Record]:
    """A bare 403, and the probe that got through."""
    wire = Wire()
    return [wire.refused("forbidden", "403 Forbidden", status=403, probe="?model=any was accepted")]


async def test_what_arrives_moves_neither_focus_nor_scroll_nor_a_dialog() -> None:
    wire = Wire()
    many = [wire.open()]
    for number in range(30):
        many += wire.turn(f"resp_{number}", "Some words of an answer. " * 20)
    async with playing(many, create=Create(model="gpt-6-astra")) as scene:
        await scene.press("escape", "1", "g")
        talk, events = scene.screen.query_one(Talk), scene.screen.query_one(Events)
        events.hold()
        tops = talk.top, events.top
        await scene.press("question_mark")
        dialog = scene.app.screen
        for number in range(30, 40):
            scene.screen.inspector.feed_all(wire.turn(f"resp_{number}", "More words. " * 20))
            await scene.pilot.pause()
        await scene.until(lambda: talk.row_count() > 30 * 4)
        assert scene.app.screen is dialog
        assert (talk.top, events.top) == tops
        await scene.press("escape")
        assert scene.screen.focused is talk


async def test_below_40x10_there_is_a_plain_notice() -> None:
    async with playing(lanes(), size=(38, 9)) as scene:
        assert "too small" in screen_text(scene.app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_footer_has_at_most_seven_keys_and_fits(size: tuple[int, int]) -> None:
    async with playing(lanes(), size=size, create=Create(model="gpt-6-astra")) as scene:
        for key in ("escape", "2", "4", "3"):
            await scene.press(key)
            last = screen_text(scene.app).rstrip("\n").splitlines()[-1]
            assert "? help" in last
            assert len(last) <= size[0]


SCENES = {"lanes": lanes, "calls": calls_open, "refused": refused_opening, "failure": failure}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
async def test_what_a_person_reads(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with playing(SCENES[name](), size=size, create=Create(model="gpt-6-astra"), badge="DEMO") as scene:
        assert screen_text(scene.app) == snapshot


@pytest.mark.parametrize("size", [(50, 14), (100, 12), (38, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_a_person_reads_in_a_small_window(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with playing(lanes(), size=size, create=Create(model="gpt-6-astra")) as scene:
        await scene.press("escape")
        assert screen_text(scene.app) == snapshot
