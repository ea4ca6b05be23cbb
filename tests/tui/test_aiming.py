"""Where the next send goes, against the real fake server: its parent, its lane, a warm-up."""

from __future__ import annotations

import json

from tests.scene import talking
from tests.screen import screen_text
from tui.widgets.chain import Chain


async def test_a_fork_names_the_selected_turn_as_its_parent() -> None:
    async with talking() as scene:
        for number, text in enumerate(("One.", "Two."), 1):
            await scene.write(text)
            await scene.press("enter")
            await scene.turn_ended(number)
        await scene.press("escape", "left_square_bracket", "left_square_bracket", "b")
        assert "T1 fork" in screen_text(scene.app)
        await scene.write("Other two.")
        await scene.press("enter")
        await scene.turn_ended(3)
        turns = scene.screen.inspector.sessions.turns
        assert turns[2].parent_turn == 1
        assert len(scene.screen.inspector.sessions.children(turns[0])) == 2


async def test_a_frame_that_is_sent_again_is_told_by_what_stands_in_it() -> None:
    async with talking() as scene:
        for number, text in enumerate(("One.", "Two.", "Three."), 1):
            await scene.write(text)
            await scene.press("enter")
            await scene.turn_ended(number)
        await scene.press(
            "escape",
            *["left_square_bracket"] * 3,
            "b",
            "escape",
            "1",
            "G",
            "right_square_bracket",
            "right_square_bracket",
            "r",
        )
        await scene.shows("message, after T2")
        shown = screen_text(scene.app)
        assert "parent T2 fork" in shown, shown
        assert "T1 fork" not in shown
        assert "after T1" not in shown
        assert scene.screen.query_one(Chain)._next_parent == 2
        await scene.press("f3")
        await scene.shows("the frame to send")
        assert "parent T2" in screen_text(scene.app)
        assert "T2 is not in this connection's memory" in screen_text(scene.app)
        assert "T1 is not" not in screen_text(scene.app)
        await scene.press("escape", "ctrl+t")
        await scene.shows("message, after T1")
        assert scene.screen.query_one(Chain)._next_parent == 1


async def test_a_new_chain_and_a_replay_are_chosen_as_parents() -> None:
    async with talking() as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("escape", "P", "3", "enter")
        await scene.until(lambda: scene.screen.outgoing.aim.value == "a replay")
        await scene.write("Which word?")
        await scene.press("f5")
        await scene.turn_ended(2)
        frame = json.loads(scene.last_sent())
        assert "previous_response_id" not in frame
        assert [item["role"] for item in frame["input"]] == ["user", "assistant", "user"]
        assert "heliotrope" in scene.screen.inspector.sessions.turns[1].responses[0].text


async def test_a_warm_up_needs_no_text() -> None:
    async with talking() as scene:
        await scene.press("escape", "W", "enter")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["generate"] is False
        assert scene.screen.inspector.sessions.turns[0].is_warmup


async def test_a_lane_is_named_and_stands_beside_the_box() -> None:
    async with talking() as scene:
        await scene.press("escape", "L", "2", "enter", *"plan", "enter")
        await scene.until(lambda: scene.screen.outgoing.lane == "plan")
        assert "plan" in screen_text(scene.app)
        await scene.write("Hello.")
        await scene.press("f5")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["stream_id"] == "plan"
