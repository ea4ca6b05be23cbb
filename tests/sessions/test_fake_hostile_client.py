"""Whatever a client sends, the fake server has an answer, keeps its other connections, and has no defect."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sessions.fake_client import Event, client, connected, http, id_of, serving, text_of

_KEYS = st.sampled_from(
    "type stream_id model input previous_response_id tools tool_choice generate store instructions reasoning "
    "text include metadata conversation max_output_tokens stream_options response context_management "
    "parallel_tool_calls prompt prompt_cache_options item content role call_id output name arguments id "
    "environment approve format schema parameters properties required items enum anyOf $ref "
    "server_label".split()
)
_WORDS = st.sampled_from(
    "message function_call function_call_output mcp_approval_response mcp shell function custom namespace "
    "user assistant web_search auto required json_schema object array /every /hostile flood "
    "image_generation".split()
)
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 99), st.floats(allow_nan=False), st.text(max_size=9), _WORDS
)
_json = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=6)),
    max_leaves=25,
)
_parameters = st.dictionaries(_KEYS, _json, max_size=8)
_kinds = st.sampled_from(["response.create", "response.steer", "response.inject", "response.append", "x"])
_modest = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def _survives(frames: list[Event | str | bytes]) -> None:
    async with serving() as server:
        async with connected(server) as one:
            for frame in frames:
                await one.send(frame)
            await (await one.socket.ping())
            # every create before this one has been answered when its own end comes
            await one.create("Capital of Peru?", stream_id="last")
            events = await one.until("response.completed", lane="last")
            assert "Lima." in str(events[-1]["response"]["output"])
        async with connected(server) as other:
            assert text_of(await other.turn("Capital of Peru?")) == "Lima."


@_modest
@given(kind=_kinds, parameters=_parameters)
def test_any_parameters_of_any_event(kind: str, parameters: Event) -> None:
    asyncio.run(_survives([{"model": "gpt-6-astra", "input": "Hi", **parameters, "type": kind}]))


@_modest
@given(
    items=st.lists(st.dictionaries(_KEYS, _json, max_size=6), max_size=4),
    tools=st.lists(_parameters, max_size=3),
)
def test_any_items_and_tools(items: list[Event], tools: list[Event]) -> None:
    frame = {"type": "response.create", "model": "gpt-6-astra", "input": items, "tools": tools}
    asyncio.run(_survives([frame, {**frame, "input": "call both tools"}]))


@_modest
@given(schema=_json, prompt=st.text(max_size=20))
def test_any_schema(schema: Any, prompt: str) -> None:
    tool = {"type": "function", "name": "any", "parameters": schema}
    form = {"format": {"type": "json_schema", "name": "any", "schema": schema}}
    frame = {"type": "response.create", "model": "gpt-6-astra", "input": prompt}
    asyncio.run(_survives([{**frame, "tools": [tool], "tool_choice": "required"}, {**frame, "text": form}]))


@_modest
@given(frames=st.lists(st.one_of(st.text(max_size=60), st.binary(max_size=60)), max_size=5))
def test_any_messages(frames: list[Event | str | bytes]) -> None:
    asyncio.run(_survives(frames))


@_modest
@given(raw=st.binary(max_size=80))
def test_any_bytes_after_the_upgrade(raw: bytes) -> None:
    async def attempt() -> None:
        async with serving() as server:
            async with connected(server) as one:
                one.socket.transport.write(raw)
                one.socket.transport.abort()
            async with connected(server) as other:
                assert text_of(await other.turn("Capital of Peru?")) == "Lima."

    asyncio.run(attempt())


@_modest
@given(raw=st.binary(max_size=80))
def test_any_bytes_in_place_of_a_request(raw: bytes) -> None:
    async def attempt() -> None:
        async with serving() as server:
            await http(server, raw, seconds=0.02)
            await http(server, b"POST /v1/responses HTTP/1.1\r\nHost: x\r\n" + raw, seconds=0.02)
            async with connected(server) as other:
                assert text_of(await other.turn("Capital of Peru?")) == "Lima."

    asyncio.run(attempt())


async def test_a_client_that_reads_nothing_holds_up_nobody_else() -> None:
    async with serving() as server, connected(server, max_queue=1) as slow, connected(server) as quick:
        await slow.create("flood 300000")
        assert text_of(await quick.turn("Capital of Peru?")) == "Lima."
        slow.socket.transport.abort()


async def test_hundreds_of_creates_at_once_are_all_answered() -> None:
    async with client() as one:
        for number in range(300):
            await one.create(f"What is {number}+0?", stream_id=f"lane{number % 30}")
        ended = [await one.until("response.completed") for _ in range(300)]
    assert len({id_of(events) for events in ended}) == 300
