"""Prompts that a fake server has read: the beginning of the next one is cached, when it is long enough."""

from __future__ import annotations

from typing import Any

from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.prompts import Prompts
from sessions.wire.scenarios.request import Create, read_create
from tests.sessions.fake_client import body_of, http, post, serving

LONG = "a long prompt " * 400
USER = {"type": "message", "role": "user", "content": LONG}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
THEN = {"type": "message", "role": "user", "content": "And then?"}


def asked(*items: dict[str, Any], **fields: Any) -> Create:
    found = read_create({"model": "m", "input": list(items), **fields}, None, store=False)
    assert not isinstance(found, Problem)
    return found


def test_what_an_earlier_create_asked_is_known_from_its_beginning_only() -> None:
    prompts = Prompts()
    assert prompts.known_items(asked(USER)) == 0
    prompts.keep(asked(USER))
    prompts.keep(asked(USER, SAID, THEN))
    assert prompts.known_items(asked(USER, SAID)) == 1
    assert prompts.known_items(asked(USER, SAID, THEN, SAID)) == 3
    assert prompts.known_items(asked(SAID, USER)) == 0
    assert prompts.known_items(asked()) == 0


def test_another_model_or_other_instructions_are_another_prompt() -> None:
    prompts = Prompts()
    prompts.keep(asked(USER))
    assert prompts.known_items(asked(USER, SAID, instructions="Be terse.")) == 0
    assert prompts.known_items(asked(USER, SAID, model="n")) == 0


async def test_a_history_that_comes_again_over_http_is_billed_as_cached() -> None:
    async with serving() as server:
        usages = []
        for items in ([USER], [USER, SAID, THEN], [THEN], [THEN, SAID, THEN]):
            answer = body_of(await http(server, post("/v1/responses", {"model": "m", "input": items})))
            usages.append(answer["usage"])
    cached = [one["input_tokens_details"]["cached_tokens"] for one in usages]
    assert cached == [0, usages[0]["input_tokens"], 0, 0]  # a short one is not worth it
