"""The fake server in other servers' manners."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode

import pytest

from sessions.wire.scenarios.dialects import DIALECTS
from tests.sessions.fake_client import client, connected, id_of, serving, text_of, types


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "nested"])
async def test_three_chained_turns_work_in_every_dialect(name: str) -> None:
    parent = None
    async with client(dialect=name) as one:
        for number, prompt in enumerate(
            ("Remember the word heron.", "What is 1+1?", "What was the word?"), 1
        ):
            events = await one.turn(prompt, previous_response_id=parent)
            assert events[-1]["type"] in ("response.completed", "response.done")
            parent = id_of(events)
            assert number < 3 or "heron" in text_of(events)


async def test_codex_tells_limits_and_metadata_and_falls_silent_after_an_error() -> None:
    async with client(dialect="codex") as one:
        events = await one.turn("Hi", store=...)
        assert types(events)[:3] == ["codex.rate_limits", "response.created", "response.metadata"]
        assert events[2]["response_id"] == id_of(events)
        wrong = await one.turn("Hi", store=True)
        assert wrong[-1]["status_code"] == 400
        assert "status" not in wrong[-1]
        assert "x-codex-primary-used-percent" in wrong[-1]["headers"]
        await one.create("Hi")
        # TCP ends some seconds later without a close frame, and nothing was answered
        assert await one.closed() == (1006, "")
        assert not one.socket.recv_messages.frames.queue


async def test_codex_knows_no_lanes() -> None:
    async with client(dialect="codex") as one:
        assert "stream_id" not in (await one.turn("Hi", stream_id="plan"))[-1]


async def test_xai_repeats_the_response_id_and_its_errors_have_no_type() -> None:
    async with client(dialect="xai", age_limit=30) as one:
        first = await one.turn("Hi")
        second = await one.turn("Hi again", previous_response_id=id_of(first))
        await one.create("Hi", top_logprobs=99)
        wrong = await one.receive()
    assert id_of(first) == id_of(second)
    assert "type" not in wrong
    assert "type" not in wrong["error"]
    assert wrong["status"] == 400


async def test_xai_names_its_own_age() -> None:
    async with client(dialect="xai", age_limit=0.05) as one:
        event = await one.receive()
    assert "25 minutes" in event["error"]["message"]
    assert event["error"]["code"] == "websocket_connection_limit_reached"


async def test_llm_interactive_proxy_has_words_of_its_own() -> None:
    chat_tool = {"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}
    async with client(dialect="llm-interactive-proxy") as one:
        events = await one.turn("Capital of Peru?")
        called = await one.turn("read file please", tools=[chat_tool])
        await one.send({"type": "session.update"})
        wrong = await one.receive()
    assert "response.output_text.delta" not in types(events)
    deltas = [event for event in events if event["type"] == "response.content_part.delta"]
    assert [event["delta"] for event in deltas] == [{"content": "Lima."}]
    response = events[-1]["response"]
    assert events[-1]["type"] == "response.done"
    assert "created" in response
    assert "created_at" not in response
    assert set(response["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert called[-1]["response"]["output"][0]["name"] == "read_file"
    assert wrong["error"]["code"] == "unsupported_event_type"
    assert wrong["request_id"].startswith("req_")


async def test_litellm_encodes_ids_and_names_no_codes() -> None:
    async with client(dialect="litellm") as one:
        events = await one.turn("Hi", previous_response_id="resp_unknown")
        assert set(events[-1]["error"]) == {"type", "message"}
        assert "status" not in events[-1]
        events = await one.turn("Hi")
    inner = b64decode(id_of(events).removeprefix("resp_")).decode()
    assert inner.startswith("litellm:custom_llm_provider:openai;model_id:")
    assert inner.rpartition("response_id:")[2].startswith("resp_")


async def test_litellm_lets_the_url_choose_the_model() -> None:
    async with serving(dialect="litellm") as server, connected(server, "/responses?model=gpt-x") as one:
        assert (await one.turn("Hi"))[-1]["response"]["model"] == "gpt-x"
        assert (await one.turn("Hi", model=...))[-1]["response"]["model"] == "gpt-x"


async def test_litellm_closes_old_connections_without_a_word() -> None:
    async with client(dialect="litellm", age_limit=0.05) as one:
        assert await one.closed() == (1000, "")
        assert not one.socket.recv_messages.frames.queue


async def test_localai_refuses_a_second_create() -> None:
    async with client(dialect="localai", rate=100) as one:
        await one.create("long 5")
        await one.until("response.created")
        await one.create("Hi")
        wrong = (await one.until("error"))[-1]
        await one.until("response.completed")
        assert (await one.turn("Hi"))[-1]["type"] == "response.completed"
    assert wrong["error"]["type"] == "invalid_request"
    assert "code" not in wrong["error"]
    assert "status" not in wrong


async def test_localai_stores_nothing_on_top_of_what_was_not_stored() -> None:
    async with client(dialect="localai") as one:
        first = await one.turn("Hi")
        wrong = await one.turn("Hi", previous_response_id=id_of(first), store=True)
    assert wrong[-1]["error"]["code"] == "invalid_store_transition"


async def test_localai_closes_at_ten_mebibytes() -> None:
    async with client(dialect="localai") as one:
        await one.create("Hi", instructions="x" * (11 << 20))
        assert (await one.closed())[0] == 1009


async def test_nested_wants_its_parameters_under_response() -> None:
    async with client(dialect="nested") as one:
        wrong = await one.turn("Hi")
        await one.send({"type": "response.create", "response": {"model": "m", "input": "Capital of Peru?"}})
        assert text_of(await one.until("response.completed")) == "Lima."
    assert wrong[-1]["error"]["param"] == "response"


async def test_flat_errors_are_flat() -> None:
    async with client(dialect="flat-error") as one:
        (wrong,) = await one.turn("Hi", previous_response_id="resp_no")
    assert wrong["code"] == "previous_response_not_found"
    assert not {"error", "status"} & set(wrong)


async def test_vercel_closes_after_an_error() -> None:
    async with client(dialect="vercel") as one:
        wrong = await one.turn("Hi", previous_response_id="resp_no")
        assert wrong[-1]["error"]["code"] == "previous_response_not_found"
        assert (await one.closed())[0] == 1000


async def test_every_dialect_survives_frames_that_are_no_json() -> None:
    for name, dialect in DIALECTS.items():
        async with client(dialect=name) as one:
            await one.send("{")
            event = await one.receive()
            assert "invalid_json" in json.dumps(event) or name == "litellm"
            if dialect.after_error.value == "usable":
                async with asyncio.timeout(2):
                    await (await one.socket.ping())
