"""A tour of what a session can show: the steps that a demo sends, and the tools that go with them.

Its one rule: every step works against the default scenario, so the tour can be left at any point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sessions.wire.scenarios.answer import Ask, Scenario, Step
from sessions.wire.scenarios.answers import conversation

#: two function tools, so that one can be called, and both at once
TOOLS: tuple[Mapping[str, Any], ...] = (
    {
        "type": "function",
        "name": "get_weather",
        "description": "Current weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name of the city"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
        "strict": True,
    },
    {
        "type": "function",
        "name": "get_time",
        "description": "Local time of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
)


class DemoStep(NamedTuple):
    """One prompt of the tour."""

    prompt: str
    shows: str  #: what to look at
    needs_tools: bool = False
    settings: Mapping[str, Any] = {}


STEPS: tuple[DemoStep, ...] = (
    DemoStep(
        "Remember the code word heliotrope. And what are you?",
        "a first turn: created, deltas, completed, usage",
    ),
    DemoStep("Which code word did I tell you?", "the chain carries the meaning; only the new input was sent"),
    DemoStep("What is the weather in Oslo?", "a tool call, its arguments growing", needs_tools=True),
    DemoStep("Call both tools for Lima.", "two calls, answered in one frame", needs_tools=True),
    DemoStep(
        "Think about it: why does this chain send less input than HTTP?",
        "reasoning before the answer",
        settings={"reasoning": {"effort": "high", "summary": "auto"}},
    ),
    DemoStep("What is a fork?", "press b on an earlier turn afterwards"),
    DemoStep("/markdown", "code, lists and wide characters"),
    DemoStep("Please refuse this.", "a refusal: completed, not failed"),
    DemoStep("/hostile", "text that tries to act on the terminal, and cannot"),
    DemoStep("How long does this socket live?", "the countdown in the header"),
)


def answer(ask: Ask) -> Iterable[Step]:
    """As in `conversation`."""
    return conversation.answer(ask)


SCENARIO = Scenario(
    "demo", "as conversation; the tour that `turnscope demo` offers is written for it", answer
)
