"""One connection to a bridge: frames of every kind, upstreams that fail, clients that leave."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sessions.contract import MAX_LANES
from sessions.records import Kind
from sessions.wire import bridge_session
from sessions.wire.fake import FakeServer, Options
from tests.sessions.bridges import answered, ask, bridged, posts, text_of
from tests.sessions.wire_servers import Talk, answering, free_port, raw_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CREATED = (
    b'data: {"type":"response.created","sequence_number":0,'
    b'"response":{"id":"resp_1","status":"in_progress","output":[]}}\n\n'
)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00\x01", "invalid_json"),
        ("not json", "invalid_json"),
        ("[1]", "invalid_json"),
        ('{"model":"m"}', "missing_required_parameter"),
        ('{"type":"response.create","input":"Hi"}', "missing_required_parameter"),
        ('{"type":"response.create","model":"m","stream_id":""}', "invalid_stream_id"),
    ],
)
async def test_a_frame_that_cannot_be_read_is_a_400_and_the_socket_lives(
    frame: str | bytes, code: str, tmp_path: Path
) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        await client.send(frame)
        (error,) = await answered(client)
        assert (error["status"], error["error"]["code"]) == (400, code)
        assert error["error"]["type"] == "invalid_request_error"
        assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"


async def test_unknown_types_are_ignored_and_what_http_cannot_do_is_given_back(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        for kind in ("response.processed", "session.update", "response.append"):
            await client.send(json.dumps({"type": kind}))
        steer = {"type": "response.steer", "previous_response_id": "resp_1", "input": "Shorter."}
        await client.send(json.dumps(steer))
        given_back = json.loads(await client.recv())
        assert given_back["type"] == "response.steer.failed"
        assert given_back["steer"] == {"previous_response_id": "resp_1", "input": "Shorter."}
        assert given_back["error"]["code"] == "steering_not_supported"
        await client.send(json.dumps({"type": "response.inject", "response_id": "resp_1", "input": []}))
        given_back = json.loads(await client.recv())
        assert given_back["type"] == "response.inject.failed"
        assert given_back["error"]["code"] == "response_not_found"
        assert (await client.ping()) is not None


async def test_one_lane_too_many_is_told_in_that_lane(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        for number in range(MAX_LANES):
            warm = await ask(client, generate=False, stream_id=f"lane-{number}")
            assert {one["stream_id"] for one in warm} == {f"lane-{number}"}
        (error,) = await ask(client, generate=False, stream_id="one-more")
        assert error["error"]["code"] == "websocket_stream_limit_reached"
        assert error["stream_id"] == "one-more"


@pytest.mark.parametrize(("query", "model"), [("", "first"), ("?model=asked&x=1", "asked")])
async def test_a_create_without_a_model_means_the_addresses_or_the_first_frames(
    query: str, model: str, tmp_path: Path
) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect(query) as client:
            await ask(client, input="Hi", model="first")
            await ask(client, input="Hi", model="second")
            await ask(client, input="Hi", model=None)
        records = await bridge.records()
    assert [body["model"] for body in posts(records)] == ["first", "second", model]


async def test_creates_that_wait_have_a_bound_and_the_ones_within_it_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_session, "MAX_WAITING", 4)
    create = json.dumps({"type": "response.create", "model": "m", "input": "Hi", "store": False})
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        for _ in range(7):  # the first of them does not wait
            await client.send(create)
        ends = [(await answered(client))[-1] for _ in range(7)]
    told = [one["error"]["code"] for one in ends if one["type"] == "error"]
    assert told == ["too_many_waiting"] * 2
    assert sum(one["type"] == "response.completed" for one in ends) == 5


async def test_a_nested_create_is_one(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        nested = {"model": "m", "input": "Say heron.", "store": False}
        await client.send(json.dumps({"type": "response.create", "response": nested}))
        assert text_of(await answered(client))


async def test_a_lane_goes_on_from_another_lanes_response(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        main = await ask(client, input="Remember the word heron.")
        parent = main[-1]["response"]["id"]
        fork = await ask(client, input="What was it?", previous_response_id=parent, stream_id="fork")
        assert "heron" in text_of(fork)
        # a failed fork leaves the parent to its own lane
        await ask(client, input="?", previous_response_id=parent, stream_id="fork", top_logprobs=99)
        again = await ask(client, input="What was it?", previous_response_id=parent)
        assert "heron" in text_of(again)


async def test_the_upstreams_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with (
        FakeServer(Options(require_key="sk-other-0001")) as fake,
        bridged(fake.base_url, tmp_path) as bridge,
        bridge.connect() as client,
    ):
        (error,) = await ask(client, input="Hi")
        assert (error["status"], error["error"]["code"]) == (401, "invalid_api_key")


async def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    async with (
        bridged(f"http://127.0.0.1:{free_port()}/v1", tmp_path) as bridge,
        bridge.connect() as client,
    ):
        (error,) = await ask(client, input="Hi")
        assert (error["status"], error["error"]["code"]) == (502, "tcp")
        records = await bridge.records()
    assert [one.kind for one in records if one.session == 2] == [Kind.REQUEST, Kind.REFUSED]


async def test_a_stream_that_is_cut_fails_the_response_and_the_socket_lives(tmp_path: Path) -> None:
    async with (
        raw_server(answering(HEAD + CREATED)) as port,
        bridged(f"http://127.0.0.1:{port}/v1", tmp_path) as bridge,
        bridge.connect() as client,
    ):
        for _ in range(2):
            events = await ask(client, input="Hi")
            assert [one["type"] for one in events] == ["response.created", "response.failed"]
            assert events[-1]["response"]["error"]["code"] == "server_error"


async def test_a_stream_that_does_not_end_holds_its_lane_up_for_a_moment_only(tmp_path: Path) -> None:
    completed = CREATED.replace(b"created", b"completed").replace(b"in_progress", b"completed")
    async with (
        raw_server(answering(HEAD + CREATED + completed, stays_open=True)) as port,
        bridged(f"http://127.0.0.1:{port}/v1", tmp_path) as bridge,
        bridge.connect() as client,
    ):
        parent = (await ask(client, input="Hi"))[-1]
        assert parent["type"] == "response.completed"
        told = await ask(client, input="More", previous_response_id=parent["response"]["id"])
        assert told[-1]["type"] == "response.completed"
        records = await bridge.until(lambda found: any(one.kind is Kind.LOST for one in found))
    lost = next(one for one in records if one.kind is Kind.LOST)
    assert "did not end its stream" in str(lost.meta["detail"])


def staying(seen: asyncio.Event, left: asyncio.Event) -> Talk:
    """An upstream that begins a response and then says nothing, until its client leaves."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + CREATED)
        seen.set()
        try:
            while await reader.read(1 << 16):
                pass
        finally:
            left.set()

    return talk


@pytest.mark.parametrize("how", ["close", "reset", "age"])
async def test_when_a_client_leaves_its_upstream_request_ends(how: str, tmp_path: Path) -> None:
    seen, left = asyncio.Event(), asyncio.Event()
    async with (
        raw_server(staying(seen, left)) as port,
        bridged(f"http://127.0.0.1:{port}/v1", tmp_path, age_limit=0.3 if how == "age" else 60.0) as bridge,
    ):
        client = await bridge.connect()
        await client.send('{"type":"response.create","model":"m","input":"Hi"}')
        assert json.loads(await client.recv())["type"] == "response.created"
        if how == "close":
            await client.close()
        elif how == "reset":
            client.transport.abort()
        async with asyncio.timeout(5):
            await left.wait()
        records = await bridge.until(
            lambda found: any(one.kind is Kind.LOST and one.session == 2 for one in found)
        )
        if how == "age":
            (error,) = await answered(client)
            assert error["error"]["code"] == "websocket_connection_limit_reached"
        await client.close()
    lost = next(one for one in records if one.kind is Kind.LOST and one.session == 2)
    assert ("age limit" if how == "age" else "the client") in str(lost.meta["detail"])
    assert seen.is_set()


async def test_a_client_that_reads_nothing_holds_its_upstream_back(tmp_path: Path) -> None:
    delta: Any = {"type": "response.output_text.delta", "delta": "x" * 60_000}
    block = b"data: " + json.dumps(delta).encode() + b"\n\n"
    held, goes_on = asyncio.Event(), asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + CREATED)
        for _ in range(2000):  # 120 MB
            writer.write(block)
            try:
                async with asyncio.timeout(0.3):
                    await writer.drain()
            except TimeoutError:
                held.set()
                await writer.drain()
                goes_on.set()

    async with (
        raw_server(pour) as port,
        bridged(f"http://127.0.0.1:{port}/v1", tmp_path) as bridge,
        bridge.connect(compression=None, max_queue=1) as client,
    ):
        await client.send('{"type":"response.create","model":"m","input":"Hi"}')
        async with asyncio.timeout(10):
            await held.wait()
            while not goes_on.is_set():
                await client.recv()
        client.transport.abort()  # it has seen enough
