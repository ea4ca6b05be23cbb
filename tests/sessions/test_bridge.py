"""A client talks WebSocket to the bridge, the bridge talks HTTP to a server; what both sides see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from sessions.conversation import converse
from sessions.errors import UsageError
from sessions.fallback import sentences
from sessions.inspector import Inspector
from sessions.journal import Journal
from sessions.recording import Recording
from sessions.records import Direction, Kind
from sessions.secret import Secret
from sessions.wire.bridge import Bridge
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import Plan
from tests.sessions.bridges import KEY, TOOLS, answered, ask, bridged, posts, text_of
from tests.sessions.wire_servers import free_port

CREATE = {"type": "response.create", "model": "gpt-6-astra", "store": False}


async def test_three_turns_go_on_from_each_other_though_the_upstream_keeps_nothing(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            first = await ask(client, input="Remember the word heron.")
            parent = first[-1]["response"]["id"]
            second = await ask(client, input="And the word plover.", previous_response_id=parent)
            parent = second[-1]["response"]["id"]
            third = await ask(client, input="What was the first word?", previous_response_id=parent)
        records = await bridge.records()
    assert [one[-1]["type"] for one in (first, second, third)] == ["response.completed"] * 3
    assert "heron" in text_of(third)
    # the client sees its own parent, though the upstream was told of none
    assert third[0]["response"]["previous_response_id"] == second[-1]["response"]["id"]
    assert [len(body["input"]) for body in posts(records)[1:]] == [3, 5]
    assert not any("previous_response_id" in body or "type" in body for body in posts(records))
    assert all(body["stream"] is True and body["store"] is False for body in posts(records))
    assert {visit.is_websocket for visit in fake.log} == {False}


async def test_events_cross_as_the_bytes_they_came_in(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            await ask(client, input="Hi")
        records = await bridge.records()
    streamed = [one.payload.partition(b"\ndata: ")[2] for one in records if one.kind is Kind.SSE]
    told = [one.payload for one in records if one.kind is Kind.TEXT and one.direction is Direction.SERVER]
    assert told == streamed
    assert len(told) > 5


async def test_a_tool_call_is_answered(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            asked = await ask(client, input="How warm is it? Use read_thermometer.", tools=TOOLS)
            response = asked[-1]["response"]
            (call,) = (item for item in response["output"] if item["type"] == "function_call")
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
            told = await ask(client, input=[output], previous_response_id=response["id"], tools=TOOLS)
        records = await bridge.records()
    assert "3 degrees" in text_of(told)
    assert [item["type"] for item in posts(records)[-1]["input"]] == [
        "message",
        "function_call",
        "function_call_output",
    ]


async def test_a_warm_up_is_answered_here_and_can_be_gone_on_from(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            warm = await ask(client, input="Remember the word heron.", generate=False)
            assert [one["type"] for one in warm] == ["response.created", "response.completed"]
            assert warm[-1]["response"]["output"] == []
            assert not fake.log
            parent = warm[-1]["response"]["id"]
            told = await ask(client, input="What was the word?", previous_response_id=parent)
        assert "heron" in text_of(told)


async def test_an_unknown_parent_is_not_found_and_asks_nobody(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        (error,) = await ask(client, input="Hi", previous_response_id="resp_elsewhere", stream_id="side")
        assert (error["status"], error["stream_id"]) == (400, "side")
        assert error["error"]["code"] == "previous_response_not_found"
        assert error["error"]["type"] == "invalid_request_error"
        assert error["error"]["param"] == "previous_response_id"
        assert not fake.log


async def test_another_connection_knows_only_what_was_stored_by_the_same_login(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            kept = await ask(client, input="Remember the word heron.", store=True)
            unkept = await ask(client, input="Remember the word plover.", store=False)
        stored, unstored = kept[-1]["response"]["id"], unkept[-1]["response"]["id"]
        async with bridge.connect() as client:
            told = await ask(client, input="What was the word?", previous_response_id=stored)
            assert "heron" in text_of(told)
            (error,) = await ask(client, input="And?", previous_response_id=unstored)
            assert error["error"]["code"] == "previous_response_not_found"
        async with bridge.connect(key="sk-somebody-else-0002") as client:
            (error,) = await ask(client, input="And?", previous_response_id=stored)
            assert error["error"]["code"] == "previous_response_not_found"


async def test_a_failed_continuation_forgets_its_parent(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        parent = (await ask(client, input="Hi"))[-1]["response"]["id"]
        (error,) = await ask(client, input="Hi", previous_response_id=parent, top_logprobs=99)
        assert (error["status"], error["error"]["param"]) == (400, "top_logprobs")
        (error,) = await ask(client, input="Hi", previous_response_id=parent)
        assert error["error"]["code"] == "previous_response_not_found"
        assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"


async def test_a_second_create_waits_in_its_lane_and_lanes_run_side_by_side(tmp_path: Path) -> None:
    def create(text: str, **fields: object) -> str:
        return json.dumps({"type": "response.create", "model": "m", "input": text, **fields})

    async with (
        FakeServer(Options(think_ms=60)) as fake,
        bridged(fake.base_url, tmp_path) as bridge,
        bridge.connect() as client,
    ):
        for text, lane in (("one", None), ("two", None), ("three", "side")):
            await client.send(create(text, **({"stream_id": lane} if lane else {})))
        events = [*await answered(client), *await answered(client), *await answered(client)]
        begun = [(one["type"], one.get("stream_id")) for one in events if one["type"] == "response.created"]
        assert [lane for _, lane in begun] == [None, "side", None]
        one, two = (
            [one.get("response", one) for one in events if one["type"] == kind and "stream_id" not in one]
            for kind in ("response.created", "response.completed")
        )
        assert [response["id"] for response in one] == [response["id"] for response in two]
        # the side lane's answer comes while the second of the first lane still waits
        second = [place for place, one in enumerate(events) if one["type"] == "response.created"][2]
        ended = [place for place, one in enumerate(events) if one["type"] == "response.completed"]
        assert ended[0] < second
        assert {one.get("stream_id") for one in events[: ended[1] + 1]} == {None, "side"}


async def test_an_old_connection_is_told_and_closed(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path, age_limit=0.1) as bridge:
        async with bridge.connect() as client:
            (error,) = await answered(client)
            assert error["error"]["code"] == "websocket_connection_limit_reached"
            assert error["status"] == 400
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1001
        records = await bridge.until(lambda seen: seen[-1].kind is Kind.CLOSE)
    assert {one.direction for one in records if one.kind is Kind.CLOSE} == {
        Direction.SERVER,
        Direction.CLIENT,
    }


async def test_one_connection_too_many_is_refused(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path, max_connections=1) as bridge:
        async with bridge.connect() as client:
            with pytest.raises(Exception, match="503"):
                await bridge.connect()
            assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"
        await bridge.until(lambda _: bridge.bridge.open_count == 0)
        async with bridge.connect() as client:
            assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"


async def test_our_own_client_finds_nothing_irregular(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        inspector = Inspector(Recording.create(None))
        plan = Plan(derive(bridge.bridge.base_url), key=Secret(KEY))
        async with converse(connect(plan), inspector, 1) as talk:
            first = await talk.ask(json.dumps({**CREATE, "input": "Remember the word heron."}))
            assert first is not None
            parent = {"previous_response_id": first.response_id}
            second = await talk.ask(json.dumps({**CREATE, **parent, "input": "What was the word?"}))
        assert second is not None
        assert second.response is not None
        assert second.response.status == "completed"
        assert "heron" in second.response.text
        assert [one.id for one in inspector.findings] == []
        inspector.recording.close()
        # nor does anyone who reads what the bridge recorded: both sides of it
        seen = Inspector(Recording.create(None))
        for record in await bridge.records():
            seen.feed(record)
        assert [one.id for one in seen.findings] == []
        assert [one.is_http for one in seen.sessions.sessions.values()] == [False, True, True]
        assert sentences(seen.sessions, now=60.0) == ()  # nobody has fallen back to HTTP
        chains = [[turn.number for turn in seen.sessions.chain(turn)] for turn in seen.sessions.turns]
        assert chains == [[1], [2], [1, 3], [4]]
        seen.recording.close()


async def test_when_it_stops_clients_are_told(tmp_path: Path) -> None:
    client: ClientConnection
    async with FakeServer() as fake:
        async with bridged(fake.base_url, tmp_path) as bridge:
            client = await bridge.connect()
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1001


async def test_it_cannot_listen_where_somebody_else_does(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "never.jsonl", "bridge")
    async with FakeServer() as fake:
        plan = Plan(derive("http://127.0.0.1:9/v1"))
        with pytest.raises(UsageError, match="cannot listen"):
            await Bridge(plan, journal, port=fake.port).__aenter__()
    journal.close()


async def test_it_serves_no_other_machine_without_a_token_nor_itself(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "never.jsonl", "bridge")
    with pytest.raises(UsageError, match="other machines"):
        await Bridge(Plan(derive("http://127.0.0.1:9/v1")), journal, host="0.0.0.0").__aenter__()
    port = free_port()
    with pytest.raises(UsageError, match="itself"):
        await Bridge(Plan(derive(f"http://127.0.0.1:{port}/v1")), journal, port=port).__aenter__()
    journal.close()


async def test_turns_share_one_connection_to_the_upstream_and_the_recording_says_so(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        for _ in range(2):
            async with bridge.connect() as client:
                await ask(client, input="Hi")
                await ask(client, input="Hi again")
        records = await bridge.records()
        assert len(bridge.bridge.idle) == 1
    answers = [one.meta for one in records if one.kind is Kind.RESPONSE]
    assert [("tcp_ms" in meta, meta.get("connection")) for meta in answers] == [
        (True, None),
        (False, "kept"),
        (False, "kept"),
        (False, "kept"),
    ]
    assert [len(visit.requests) for visit in fake.log] == [4]


async def test_reasoning_that_cannot_be_sent_again_is_told_in_the_recording(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        async with bridge.connect() as client:
            await ask(client, input="Think", reasoning={"effort": "high"})
            sealed = ["reasoning.encrypted_content"]
            await ask(client, input="Think", reasoning={"effort": "high"}, include=sealed)
        records = await bridge.until(lambda found: any(one.meta.get("note") == "removed" for one in found))
    notes = [str(one.meta["said"]) for one in records if one.meta.get("note") == "removed"]
    assert len(notes) == 1
    assert "reasoning.encrypted_content" in notes[0]


async def test_a_response_that_had_to_make_room_is_not_found_and_the_error_says_why(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge, bridge.connect() as client:
        first = await ask(client, input="Hi", store=True)
        await ask(client, input="Another", store=True)
        bridge.bridge.storage.most_bytes = 0
        bridge.bridge.storage.make_room()
        lost = await ask(client, input="And?", previous_response_id=first[-1]["response"]["id"])
        unknown = await ask(client, input="And?", previous_response_id="resp_x")
    assert [one[-1]["error"]["code"] for one in (lost, unknown)] == ["previous_response_not_found"] * 2
    assert "had to make room" in lost[-1]["error"]["message"]
    assert "had to make room" not in unknown[-1]["error"]["message"]
