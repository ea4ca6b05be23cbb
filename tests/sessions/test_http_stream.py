"""A session over HTTP against a real server: turns, lanes side by side, what is taken out, cuts and stops."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessions.bodies import parts
from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation, converse
from sessions.errors import ConnectError, LocalProtocolError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.reducer import fold
from sessions.secret import Secret
from sessions.session import Phase
from sessions.wire.dial import Trust
from sessions.wire.fake import FakeServer
from sessions.wire.http_stream import HttpStream
from sessions.wire.route import Route
from sessions.wire.scenarios.options import Options
from tests.conftest import HandClock
from tests.sessions.wire_servers import KEY, answering, connect_proxy, free_port, plan_to, raw_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CREATED = b'data: {"type":"response.created","response":{"id":"resp_1","status":"in_progress"}}\n\n'
COMPLETED = (
    b'data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}\n\n'
)


def create(text: Any = "Hi", **fields: Any) -> str:
    return json.dumps({"type": "response.create", "model": "m", "input": text, **fields})


@asynccontextmanager
async def talking(port: int, **fields: Any) -> AsyncIterator[tuple[Conversation, Inspector, HttpStream]]:
    """A session over HTTP to a port, read by an inspector."""
    live = HttpStream(replace(plan_to(port, key=Secret(KEY)), transport="http", **fields))
    inspector = Inspector(Recording.create(None), (KEY,))
    async with asyncio.timeout(15), converse(live, inspector, 1) as talk:
        yield talk, inspector, live


def kinds(inspector: Inspector) -> list[str]:
    return [one.kind.value for one in inspector.recording if one.kind is not Kind.SSE]


def bodies(inspector: Inspector) -> list[dict[str, Any]]:
    """The bodies of all requests that left."""
    return [json.loads(parts(one).body) for one in inspector.recording if one.kind is Kind.REQUEST]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert found is not None
    return head + await reader.readexactly(int(found[1]))


async def test_three_chained_turns_are_three_posts_on_one_session() -> None:
    async with FakeServer(Options(seed=1)) as server:
        async with talking(server.port) as (talk, inspector, _):
            first = await talk.ask(create("Remember the word plum"))
            assert first is not None
            second = await talk.ask(create("Which word?", previous_response_id=first.response_id))
            assert second is not None
            assert second.response is not None
            assert "plum" in second.response.text
            third = await talk.ask(create("Bye", previous_response_id=second.response_id))
            assert third is not None
            assert talk.session.phase is Phase.OPEN
            assert talk.session.is_http
            assert talk.session.spans_requests
        assert [visit.requests for visit in server.log] == [[("POST", "/v1/responses", 200)] * 3]
    assert inspector.sessions.chain(third) == (first, second, third)
    assert kinds(inspector) == ["open", *["request", "response", "note"] * 3, "note"]
    assert inspector.sessions.sessions[1].phase is Phase.CLOSED
    assert not inspector.sessions.sessions[1].errors
    assert [turn.status for turn in inspector.sessions.turns] == [Status.COMPLETED] * 3
    assert all(turn.time_to_first_token is not None for turn in inspector.sessions.turns)
    assert inspector.sessions.sessions[1].head_ms is not None


async def test_a_replay_of_the_records_gives_the_same_state() -> None:
    async with FakeServer(Options(seed=1)) as server, talking(server.port) as (talk, inspector, _):
        await talk.ask(create("/every"))
        await asyncio.gather(
            *(talk.ask(create("Count to twenty", stream_id=lane, store=True)) for lane in ("a", "b"))
        )
        await talk.ask(create("One", previous_response_id="resp_of_nobody"))
        records = list(inspector.recording)
        assert fold(records).snapshot() == inspector.sessions.snapshot()


async def test_what_a_socket_alone_knows_is_taken_out_and_said_once() -> None:
    async with FakeServer(Options(seed=1)) as server, talking(server.port) as (talk, inspector, _):
        for _ in range(2):
            await talk.ask(create("Hi", stream_id="side", generate=True))
        assert [sorted(body) for body in bodies(inspector)] == [["input", "model", "stream"]] * 2
        assert all(body["stream"] is True for body in bodies(inspector))
        notes = [one.meta for one in inspector.recording if one.meta.get("note") == "removed"]
        assert [note["fields"] for note in notes] == ["stream_id,generate"]
        assert "stream_id and generate left out" in str(notes[0]["said"])
        assert [turn.lane for turn in inspector.sessions.turns] == ["side", "side"]
        assert not any(turn.is_warmup for turn in inspector.sessions.turns)


async def test_the_key_reaches_the_server_and_no_record() -> None:
    heard: list[bytes] = []

    async def talk_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await read_request(reader))
        writer.write(HEAD + b"\r\n" + CREATED + COMPLETED)
        await writer.drain()

    async with raw_server(talk_back) as port, talking(port) as (talk, inspector, _):
        turn = await talk.ask(create())
        assert turn is not None
        assert turn.status is Status.COMPLETED
        assert KEY.encode() in heard[0]
        assert all(KEY.encode() not in one.payload for one in inspector.recording)
        assert all(KEY not in str(one.meta) for one in inspector.recording)


async def test_lanes_run_side_by_side_and_their_events_are_told_apart() -> None:
    async with FakeServer(Options(seed=1, rate=400)) as server:
        async with talking(server.port) as (talk, inspector, _):
            prompts = {
                "a": "Remember the word alpha",
                "b": "Remember the word bravo",
                None: "Capital of Peru?",
            }
            turns = []
            for lane, text in prompts.items():
                turn = await talk.send(create(text, **({"stream_id": lane} if lane else {})))
                assert turn is not None
                turns.append(turn)
            assert all(turn.is_live for turn in turns)
            for turn in turns:
                await talk.finish(turn)
            texts = [turn.response.text for turn in turns if turn.response]
            assert "alpha" in texts[0]
            assert "bravo" in texts[1]
            assert texts[2] == "Lima."
            assert not inspector.sessions.sessions[1].errors
        assert len(server.log) == 3  # connections


async def test_a_lane_carries_one_request_at_a_time() -> None:
    async with FakeServer(Options(faults=["silence@1"])) as server:
        async with talking(server.port) as (talk, _, live):
            await talk.send(create())
            with pytest.raises(LocalProtocolError, match="an answer is running on the default lane"):
                await live.send(create())
            other = await talk.ask(create("Capital of Peru?", stream_id="other"))
            assert other is not None
            assert other.status is Status.COMPLETED
            await live.stop()
            again = await talk.ask(create("Capital of Peru?"))
            assert again is not None
            assert again.status is Status.COMPLETED


async def test_stopping_closes_the_request_and_the_session_goes_on() -> None:
    async with FakeServer(Options(seed=1, rate=50)) as server:
        async with talking(server.port) as (talk, inspector, live):
            turn = await talk.send(create("Count to twenty"))
            assert turn is not None
            follower = inspector.follow()
            while not (turn.response and turn.response.deltas):
                await follower.wait()
                follower.take()
            await live.stop()
            await talk.finish(turn)
            assert turn.status is Status.CUT
            assert turn.failure is not None
            assert turn.failure.message == "we closed this request"
            (lost,) = [one for one in inspector.recording if one.kind is Kind.LOST]
            assert lost.meta["by"] == "client"
            assert talk.session.phase is Phase.OPEN
            after = await talk.ask(create("Capital of Peru?"))
            assert after is not None
            assert after.status is Status.COMPLETED


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        ("abort-mid-stream", Status.CUT, "in the middle of its answer"),
        ("abort-mid-stream:fin", Status.CUT, "the server ended the connection in the middle"),
        ("close-1011-mid-stream", Status.CUT, "in the middle of its answer"),
        ("failed", Status.FAILED, "The model has stopped."),
        ("error-mid-stream", Status.ERRORED, "Broken."),
        ("429", Status.ERRORED, "Slow down."),
        ("500", Status.ERRORED, "Broken."),
        ("no-terminal", Status.CUT, "the stream ended without the end of the response"),
    ],
)
async def test_what_goes_wrong_ends_the_turn_and_not_the_session(
    fault: str, status: Status, message: str
) -> None:
    async with FakeServer(Options(seed=1, faults=[f"{fault}@1"])) as server:
        async with talking(server.port) as (talk, _, _live):
            turn = await talk.ask(create("Remember the word plum"))
            assert turn is not None
            assert turn.status is status
            assert message in (turn.failure.message if turn.failure else "")
            after = await talk.ask(create("Capital of Peru?"))
            assert after is not None
            assert after.status is Status.COMPLETED


async def test_a_body_that_is_json_and_no_stream_is_an_answer_too() -> None:
    body = json.dumps({"id": "resp_9", "object": "response", "status": "completed", "output": []}).encode()

    async def talk_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await writer.drain()

    async with raw_server(talk_back) as port, talking(port) as (talk, _, _live):
        turn = await talk.ask(create())
        assert turn is not None
        assert (turn.status, turn.response_id) == (Status.COMPLETED, "resp_9")


async def test_a_server_that_cannot_be_reached_is_told_and_nothing_is_asked() -> None:
    async with talking(free_port()) as (talk, inspector, live):
        with pytest.raises(ConnectError) as caught:
            await live.send(create())
        assert caught.value.failure_class is FailureClass.TCP
        assert not inspector.sessions.turns
        assert talk.session.phase is Phase.OPEN  # nothing stood open that could have ended
    assert inspector.sessions.sessions[1].failure_class is FailureClass.TCP
    assert kinds(inspector) == ["open", "refused", "note"]


async def test_a_stream_that_stays_open_after_its_end_keeps_nobody_waiting() -> None:
    async def talk_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD + b"\r\n" + CREATED + COMPLETED)
        await writer.drain()
        await reader.read()

    async with raw_server(talk_back) as port, talking(port) as (talk, inspector, _):
        for _ in range(2):
            turn = await talk.ask(create())
            assert turn is not None
            assert turn.status is Status.COMPLETED
        lost = [one.meta["detail"] for one in inspector.recording if one.kind is Kind.LOST]
        assert lost == ["the answer had ended, but the server kept its stream open: we closed it"]


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
            Status.CUT,
            "200 with text/html: neither",
        ),
        (b"HTTP/1.1 204 No\r\n\r\n", Status.CUT, "204 without a content type: neither"),
        (STREAM, Status.CUT, "without any event of a response"),
        (STREAM + b'data: {"object":"chat.completion.chunk"}\n\n', Status.CUT, "without any event"),
        (STREAM + b'data: {"error":{"message":"Full.","code":"c"}}\n\n', Status.ERRORED, "Full."),
    ],
)
async def test_an_answer_that_is_no_response_says_what_it_was(
    answer: bytes, status: Status, said: str
) -> None:
    async with raw_server(answering(answer)) as port, talking(port) as (talk, _, _live):
        turn = await talk.ask(create())
        assert turn is not None
        assert turn.status is status
        assert turn.failure is not None
        assert said in turn.failure.message


async def test_an_error_without_a_type_ends_the_answer_though_its_stream_stays_open() -> None:
    wrong = STREAM + b'data: {"error":{"message":"Full.","code":"c"}}\n\n'
    async with raw_server(answering(wrong, stays_open=True)) as port, talking(port) as (talk, _, _live):
        for _ in range(2):  # the lane is free again
            turn = await talk.ask(create())
            assert turn is not None
            assert turn.status is Status.ERRORED


async def test_a_connection_is_used_again_only_while_it_is_fresh(clock: HandClock) -> None:
    async with FakeServer(Options(seed=1)) as server:
        live = HttpStream(plan_to(server.port, key=Secret(KEY)), clock)
        inspector = Inspector(Recording.create(None))
        async with asyncio.timeout(15), converse(live, inspector, 1) as talk:
            for wait in (0.0, 3.0, 10.0):
                clock.move(wait)
                turn = await talk.ask(create())
                assert turn is not None
                assert turn.status is Status.COMPLETED
                follower = inspector.follow(len(inspector.recording))
                while inspector.recording.kind_at(len(inspector.recording) - 1) is not Kind.NOTE:
                    await follower.wait()
                    follower.take()
        assert [len(visit.requests) for visit in server.log] == [2, 1]


async def test_close_ends_what_runs_and_the_session_and_can_be_called_twice() -> None:
    async with FakeServer(Options(faults=["silence"])) as server:
        async with talking(server.port) as (talk, inspector, live):
            await talk.send(create())
            await live.close()
            await live.close()
            assert not live.is_open
            with pytest.raises(ConnectError):
                await live.send(create())
    assert kinds(inspector)[-2:] == ["lost", "note"]
    assert [turn.status for turn in inspector.sessions.turns] == [Status.CUT]
    assert inspector.sessions.sessions[1].phase is Phase.CLOSED


async def test_a_reader_that_is_slow_holds_the_stream_back() -> None:
    async with FakeServer(Options(seed=1, faults=["million-deltas:20000"])) as server:
        live = HttpStream(plan_to(server.port, key=Secret(KEY)))
        most, count = 0, 0
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            batches = live.batches()
            first = await anext(batches)
            assert first[0].kind is Kind.OPEN
            group.create_task(live.send(create()))
            records: list[Record] = []
            while not (records and records[-1].meta.get("note") == "end"):
                records = list(await anext(batches))
                most, count = max(most, len(records)), count + len(records)
            await live.close()
            assert [one.meta["note"] async for batch in batches for one in batch] == ["end"]
        assert count > 20_000
        assert most < 5_000


async def test_the_first_record_tells_the_way_and_every_exchange_its_number() -> None:
    async with FakeServer(Options(seed=1)) as server:
        async with talking(server.port, name="left") as (talk, inspector, _):
            await talk.ask(create(stream_id="side"))
        opened, *rest = inspector.recording
    assert (opened.kind, opened.direction) == (Kind.OPEN, Direction.LOCAL)
    assert opened.meta["transport"] == "http"
    assert opened.meta["name"] == "left"
    assert str(opened.meta["url"]).startswith("http://127.0.0.1:")
    asked = [one for one in rest if one.kind is not Kind.SSE][:-1]
    assert {one.meta["exchange"] for one in asked} == {1}
    streamed = [one for one in rest if one.kind is Kind.SSE]
    assert streamed
    assert {tuple(one.meta.items()) for one in streamed} == {(("lane", "side"),)}


async def test_stopping_gives_up_a_server_that_is_still_being_dialled() -> None:
    accepted = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()

    async with raw_server(say_nothing) as port:
        live = HttpStream(plan_to(port, scheme="https"))
        inspector = Inspector(Recording.create(None))
        async with asyncio.timeout(10), converse(live, inspector, 1):
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(_refused(live))
                await accepted.wait()
                await live.stop()
            assert sending.result().failure_class is FailureClass.CLOSED
            assert live.is_open
    assert kinds(inspector) == ["open", "refused", "note"]


async def _refused(live: HttpStream) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await live.send(create())
    return caught.value


async def test_requests_take_the_route_of_the_plan() -> None:
    async with FakeServer(Options(seed=1)) as server, connect_proxy() as tunnels:
        route = Route("test", "http", "127.0.0.1", tunnels.port)
        async with talking(server.port, route=route) as (talk, inspector, _):
            turn = await talk.ask(create("Capital of Peru?"))
            assert turn is not None
            assert turn.status is Status.COMPLETED
            answers = [one for one in inspector.recording if one.kind is Kind.RESPONSE]
            assert "connect_ms" in answers[0].meta
    assert tunnels.targets == [f"127.0.0.1:{server.port}"]


async def test_a_server_over_tls_is_asked_with_the_plan_s_trust(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1, tls=True)) as server:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(server.ca_pem)
        plan = replace(plan_to(server.port, scheme="https", key=Secret(KEY)), trust=Trust(str(ca)))
        inspector = Inspector(Recording.create(None))
        async with asyncio.timeout(10), converse(HttpStream(plan), inspector, 1) as talk:
            turn = await talk.ask(create("Capital of Peru?"))
        assert turn is not None
        assert turn.status is Status.COMPLETED
        (answer,) = [one for one in inspector.recording if one.kind is Kind.RESPONSE]
        assert "TLS" in str(answer.meta["tls"])


async def test_interim_answers_and_packed_streams_are_read() -> None:
    async def talk_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        writer.write(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(CREATED + COMPLETED))
        await writer.drain()

    async with raw_server(talk_back) as port, talking(port) as (talk, _, _live):
        turn = await talk.ask(create())
        assert turn is not None
        assert turn.status is Status.COMPLETED


async def test_what_is_not_http_ends_the_turn() -> None:
    async def talk_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()

    async with raw_server(talk_back) as port, talking(port) as (talk, _, live):
        turn = await talk.ask(create())
        assert turn is not None
        assert turn.status is Status.CUT
        assert turn.failure is not None
        assert "not HTTP" in turn.failure.message
        assert live.is_open
