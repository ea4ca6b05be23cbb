"""What a person sends, against the real fake server: what leaves, and what is said before it does."""

from __future__ import annotations

import json

from sessions.compose import Create
from tests.scene import talking
from tests.screen import screen_text
from tui.screens.reader import Reader
from tui.widgets.composer import Mode


async def test_enter_sends_and_the_next_turn_continues_the_chain() -> None:
    async with talking() as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        first = json.loads(scene.last_sent())
        assert "previous_response_id" not in first
        assert scene.screen.composer.text == ""
        await scene.write("Which word was it?")
        await scene.press("enter")
        await scene.turn_ended(2)
        turns = scene.screen.inspector.sessions.turns
        assert json.loads(scene.last_sent())["previous_response_id"] == turns[0].response_id
        assert "heliotrope" in turns[1].responses[0].text
        assert "heliotrope" in screen_text(scene.app)


async def test_nothing_is_sent_before_somebody_asks() -> None:
    async with talking(suggestions=("Hello there",)) as scene:
        await scene.press("escape", "1", "2", "3", "tab")
        assert scene.screen.inspector.sessions.turns == []


async def test_a_suggestion_is_taken_by_one_key_and_sent_by_another() -> None:
    async with talking(suggestions=("Hello there", "And now?")) as scene:
        await scene.press("right")
        assert scene.screen.composer.text == "Hello there"
        assert scene.screen.inspector.sessions.turns == []
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("right")
        assert scene.screen.composer.text == "And now?"


async def test_an_empty_message_is_not_sent_and_says_so() -> None:
    async with talking() as scene:
        await scene.press("enter")
        assert "Nothing to send" in screen_text(scene.app)
        assert scene.screen.inspector.sessions.turns == []


async def test_ctrl_j_makes_a_line() -> None:
    async with talking() as scene:
        await scene.press("a", "ctrl+j", "b")
        assert scene.screen.composer.text == "a\nb"


async def test_a_broken_frame_is_pointed_out_and_can_still_be_sent_on_purpose() -> None:
    async with talking() as scene:
        await scene.press("ctrl+t")
        assert scene.screen.composer.mode is Mode.JSON
        assert json.loads(scene.screen.composer.text)["type"] == "response.create"
        await scene.write('{"type": "response.create",\n "model": }')
        assert "line 2, column" in screen_text(scene.app)
        count = len(scene.screen.inspector.recording)
        await scene.press("f5")
        assert len(scene.screen.inspector.recording) == count
        await scene.press("f5")
        await scene.until(lambda: len(scene.screen.inspector.recording) > count)
        assert scene.last_sent() == '{"type": "response.create",\n "model": }'


async def test_json_that_was_changed_is_not_lost_by_a_look_at_the_text() -> None:
    async with talking() as scene:
        await scene.write("Hello.")
        await scene.press("ctrl+t")
        changed = scene.screen.composer.text + '"broken'
        await scene.write(changed)
        await scene.press("ctrl+t")
        assert scene.screen.composer.text == "Hello."
        assert "changed JSON kept: ctrl+t" in screen_text(scene.app)
        await scene.press("ctrl+t")
        assert scene.screen.composer.text == changed
        assert "only one object fits into a frame" in screen_text(scene.app)
        await scene.press("ctrl+t")
        await scene.write("Another text.")
        await scene.press("ctrl+t")
        assert json.loads(scene.screen.composer.text)["input"] == "Another text."


async def test_json_written_by_hand_leaves_byte_for_byte() -> None:
    text = '{ "type" : "response.create", "model":"gpt-6-astra",\n\n "input" : "Hé" }'
    async with talking() as scene:
        await scene.press("ctrl+t")
        await scene.write(text)
        await scene.press("f5")
        await scene.turn_ended(1)
        assert scene.last_sent() == text


async def test_a_sent_frame_is_taken_up_again_as_it_was() -> None:
    async with talking() as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.turn_ended(1)
        sent = scene.last_sent()
        await scene.press("escape", "r")
        assert scene.screen.composer.text == sent
        assert scene.screen.composer.mode is Mode.JSON


async def test_the_preview_shows_the_frame_and_sends_it() -> None:
    async with talking() as scene:
        await scene.write("Hello.")
        await scene.press("f3")
        assert isinstance(scene.app.screen, Reader)
        shown = screen_text(scene.app)
        assert "response.create" in shown
        assert '"Hello."' in shown
        assert scene.screen.inspector.sessions.turns == []
        await scene.press("f5")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["input"] == "Hello." or "Hello." in scene.last_sent()


async def test_a_running_answer_is_steered() -> None:
    async with talking(think_ms=3_000.0) as scene:
        await scene.write("Tell me something.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.press("escape", "s", *"shorter", "enter")
        await scene.until(lambda: "response.steer" in scene.last_sent())
        frame = json.loads(scene.last_sent())
        assert frame["input"] == "shorter"
        assert frame["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id


async def test_a_send_that_will_fail_is_told_first() -> None:
    async with talking(create=Create(model="gpt-6-astra", store=False)) as scene:
        for number, text in enumerate(("One.", "Two."), 1):
            await scene.write(text)
            await scene.press("enter")
            await scene.turn_ended(number)
        await scene.press("escape", "left_square_bracket", "left_square_bracket", "b")
        count = len(scene.screen.inspector.sessions.turns)
        await scene.write("From the first.")
        await scene.press("enter")
        assert "once more sends it all the same" in screen_text(scene.app).replace("\n", " ") or count == 2
        assert len(scene.screen.inspector.sessions.turns) == count
        assert scene.screen.composer.text == "From the first."
        await scene.press("enter")
        await scene.turn_ended(3)
        assert scene.screen.inspector.sessions.turns[2].failure is not None
