"""Calls answered by hand: the form, the frame, and what is kept half-way."""

from __future__ import annotations

import json

from sessions.compose import Create
from tests.scene import talking
from tests.screen import screen_text
from tui.screens.answering import Answering

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


async def test_calls_are_answered_from_the_form_in_one_frame() -> None:
    async with talking(create=Create(model="gpt-6-astra", tools=(WEATHER,))) as scene:
        await scene.write("What is the weather in Oslo? Call get_weather.")
        await scene.press("enter")
        await scene.turn_ended(1)
        assert "F8 answers" in screen_text(scene.app)
        await scene.press("f8")
        assert isinstance(scene.app.screen, Answering)
        await scene.press(*"cold", "f5")
        await scene.turn_ended(2)
        frame = json.loads(scene.last_sent())
        (output,) = frame["input"]
        assert output["type"] == "function_call_output"
        assert output["output"] == "cold"
        assert frame["tools"]
        assert frame["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id
        assert not scene.screen.sending.has_open_calls


async def test_a_half_filled_answer_is_kept() -> None:
    async with talking(create=Create(model="gpt-6-astra", tools=(WEATHER,))) as scene:
        await scene.write("What is the weather in Oslo? Call get_weather.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("f8", *"cold", "escape", "f8")
        await scene.press(*"er", "f5")
        await scene.turn_ended(2)
        assert json.loads(scene.last_sent())["input"][0]["output"] == "colder"
