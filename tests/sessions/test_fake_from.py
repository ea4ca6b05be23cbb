"""The fake server as a recorded one, judged by a foreign client: new ids, the same bytes, nothing made up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from sessions.commands.script_file import read_script
from sessions.errors import UsageError
from sessions.moves import Said
from sessions.reading import Reading
from sessions.records import Direction, Kind, Record
from sessions.script import Script, read
from sessions.wire.fake import FakeServer, Options
from sessions.wire.scenarios import recorded
from tests.make import record
from tests.sessions.fake_client import Client, body_of, connected, get, http, post, status_of, types

GOLDEN = Path(__file__).parent.parent / "golden"
CREATE = {"type": "response.create", "model": "m", "input": "hi"}


def golden(name: str) -> Script:
    """The script of a golden recording."""
    return read_script(str(GOLDEN / f"{name}.jsonl"))


@asynccontextmanager
async def playing(script: Script, **options: Any) -> AsyncIterator[FakeServer]:
    """A server that plays this script at full speed, unless told otherwise."""
    async with FakeServer(Options(script=script, **{"pace": "max", **options})) as server:
        yield server
    assert not [visit.crash for visit in server.log if visit.crash is not None]


def opened(session: int = 1, at: float = 0.0, head: bytes = b"") -> Record:
    """An accepted upgrade."""
    return record(head, kind=Kind.OPEN, direction=Direction.LOCAL, session=session, at=at)


def asked(at: float, session: int = 1, **fields: Any) -> Record:
    """A create of the recorded client."""
    return record({**CREATE, **fields}, direction=Direction.CLIENT, session=session, at=at)


def said(at: float, text: str, session: int = 1, lane: str | None = None) -> list[Record]:
    """A short answer: a response whose id ends in its text."""
    where = {"stream_id": lane} if lane else {}
    response: dict[str, Any] = {
        "id": f"resp_of_{text}_0123456789",
        "previous_response_id": None,
        "output": [],
    }
    created: dict[str, Any] = {
        "type": "response.created",
        **where,
        "response": {**response, "status": "in_progress"},
    }
    note = {"type": "response.note", **where, "text": text}
    completed = {"type": "response.completed", **where, "response": {**response, "status": "completed"}}
    bodies: tuple[dict[str, Any], ...] = (created, note, completed)
    return [record(body, session=session, at=at + number / 100) for number, body in enumerate(bodies)]


def notes(events: list[dict[str, Any]]) -> list[str]:
    """The texts of the answers."""
    return [event["text"] for event in events if event["type"] == "response.note"]


async def test_a_conversation_with_a_tool_goes_as_recorded_under_new_ids() -> None:
    async with playing(golden("b-function-call")) as server, connected(server) as client:
        first = await client.turn("What is the weather?")
        call = next(event["item"] for event in first if event["type"] == "response.output_item.done")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "3"}
        second = await client.turn([output], previous_response_id=first[-1]["response"]["id"])
    assert call["name"] == "get_weather"
    assert second[-1]["response"]["previous_response_id"] == first[-1]["response"]["id"]
    seen = json.dumps([*first, *second])
    assert not re.search(r'"(resp_b\d|fc_b\d|call_b\d|msg_b\d)"', seen)
    assert {event["item_id"] for event in second if "item_id" in event} == {
        event["item"]["id"] for event in second if event["type"] == "response.output_item.added"
    }


async def test_everything_but_ids_is_the_recorded_bytes() -> None:
    script = golden("e-hosted-tools")
    ids = {name for session in script.sessions.values() for name in session.ids}
    options = Options(script=script, pace="max", keep_frames=True)
    async with FakeServer(options) as server, connected(server) as client:
        await client.turn("Everything")
        await client.turn("Again")
        await client.closed()
    (visit,) = server.log
    recorded_said = [move.payload for one in script.exchanges for move in one.moves if isinstance(move, Said)]
    place = re.compile(rb'"(?:[a-z_]+_)?id"\s*:\s*"[^"]*"')
    assert len(visit.sent) == len(recorded_said) > 60
    for sent, old in zip(visit.sent, recorded_said, strict=True):
        assert place.split(sent) == place.split(old)
        for name in ids:
            assert f'"{name}"'.encode() not in sent


async def test_two_connections_share_no_id_and_get_the_same_answers() -> None:
    async with playing(golden("a-plain")) as server:
        async with connected(server) as one, connected(server) as two:
            first, second = await one.turn("Which city?"), await two.turn("Which city?")
    assert types(first) == types(second)
    assert first[0]["response"]["id"] != second[0]["response"]["id"]
    deltas = [[event.get("delta") for event in events] for events in (first, second)]
    assert deltas[0] == deltas[1]


async def test_ids_are_new_in_every_run() -> None:
    given = []
    for _ in range(2):
        async with playing(golden("a-plain")) as server, connected(server) as client:
            given.append((await client.turn("hi"))[0]["response"]["id"])
    assert given[0] != given[1]


async def test_a_turn_without_counterpart_is_an_error_and_the_connection_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = read([opened(), asked(1.0), *said(1.1, "one"), asked(2.0), *said(2.1, "two")])
    async with playing(script) as server, connected(server) as client:
        heard = [notes(await client.turn("x")), notes(await client.turn("y"))]
        (error,) = await client.turn("z")
        (lane,) = await client.turn("z", stream_id="side")
    assert heard == [["one"], ["two"]]
    assert error["error"]["code"] == "not_in_recording"
    assert "turn 3: session 1 has 2 turns" in error["error"]["message"]
    assert lane["stream_id"] == "side"
    assert "on lane side" in lane["error"]["message"]
    talk = capsys.readouterr().err
    assert talk.count("connection 1: The recording has no counterpart of turn") == 2


async def test_a_create_is_answered_as_the_one_that_continued_the_same_parent() -> None:
    parent = "resp_of_root_0123456789"
    script = read(
        [
            opened(), asked(1.0), *said(1.1, "root"),
            asked(2.0), *said(2.1, "elsewhere"),
            asked(3.0, previous_response_id=parent), *said(3.1, "child"),
        ]
    )  # fmt: skip
    async with playing(script) as server, connected(server) as client:
        root = await client.turn("x")
        child = await client.turn("y", previous_response_id=root[-1]["response"]["id"])
        assert notes(child) == ["child"]
        assert notes(await client.turn("z")) == ["elsewhere"]


async def test_lanes_are_answered_each_in_its_own_order_whatever_comes_first() -> None:
    script = read(
        [
            opened(),
            asked(1.0, stream_id="a"), *said(1.1, "a1", lane="a"),
            asked(2.0, stream_id="b"), *said(2.1, "b1", lane="b"),
            asked(3.0, stream_id="a"), *said(3.1, "a2", lane="a"),
        ]
    )  # fmt: skip
    async with playing(script) as server, connected(server) as client:
        assert notes(await client.turn("x", stream_id="b")) == ["b1"]
        assert notes(await client.turn("x", stream_id="a")) == ["a1"]
        assert notes(await client.turn("x", stream_id="a")) == ["a2"]
        assert [event["type"] for event in await client.turn("x", stream_id="a")] == ["error"]


async def test_a_lane_of_another_name_stands_for_the_next_recorded_one() -> None:
    script = read([opened(), asked(1.0, stream_id="run-17"), *said(1.1, "lane", lane="run-17")])
    async with playing(script) as server, connected(server) as client:
        events = await client.turn("x", stream_id="run-18")
    assert notes(events) == ["lane"]
    assert {event["stream_id"] for event in events} == {"run-18"}


async def test_a_connection_gets_the_recorded_socket_whose_first_create_is_most_like_its_own() -> None:
    script = read(
        [
            opened(1), asked(1.0, 1, input="red"), *said(1.1, "red", 1),
            opened(2, 2.0), asked(2.1, 2, input="blue"), *said(2.2, "blue", 2),
        ]
    )  # fmt: skip
    async with playing(script) as server:
        answers = []
        for text in ("blue", "anything", "red", "blue"):
            async with connected(server) as client:
                answers.append(notes(await client.turn(text, model="m", store=...)))
    assert answers == [["blue"], ["red"], ["red"], ["blue"]]


async def test_who_asks_the_same_again_is_answered_the_same_again() -> None:
    """However often that socket was played, and whatever was not played yet."""
    script = read(
        [
            opened(1),
            asked(0.1, 1, input="first"),
            *said(0.2, "one", 1),
            opened(2),
            asked(1.1, 2, input="second"),
            *said(1.2, "two", 2),
        ]
    )
    told = []
    async with playing(script) as server:
        for question in ("first", "first", "second", "first", "other", "second"):
            async with connected(server) as client:
                told += notes(await client.turn(question, model="m", store=...))
    assert told == ["one", "one", "two", "one", "two", "two"]


async def test_the_very_same_create_goes_before_one_with_the_same_input() -> None:
    script = read(
        [
            opened(1),
            asked(0.1, 1, instructions="french"),
            *said(0.2, "french", 1),
            opened(2),
            asked(1.1, 2, instructions="german"),
            *said(1.2, "german", 2),
        ]
    )
    told = []
    async with playing(script) as server:
        for instructions in ("french", "french", "german", "french", "italian", "italian"):
            async with connected(server) as client:
                told += notes(await client.turn("hi", model="m", store=..., instructions=instructions))
    assert told == ["french", "french", "german", "french", "german", "german"]


async def test_a_recorded_refusal_is_given_byte_for_byte_in_its_turn() -> None:
    body = b'{"error":{"code":"nope"}}'
    answer = b"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 25\r\n\r\n" + body
    refused = record(
        answer,
        kind=Kind.REFUSED,
        direction=Direction.LOCAL,
        meta={"failure_class": "forbidden", "status": 403},
    )
    script = read([refused, opened(2, 1.0), asked(1.1, 2), *said(1.2, "in", 2)])
    async with playing(script) as server:
        with pytest.raises(InvalidStatus) as raised:
            async with connected(server):
                pass
        async with connected(server) as client:
            assert notes(await client.turn("x")) == ["in"]
    assert raised.value.response.status_code == 403
    assert raised.value.response.headers["X-Why"] == "because"
    assert raised.value.response.body == body


async def test_headers_of_the_recorded_upgrade_are_given_and_masked_ones_are_not() -> None:
    head = (
        b"GET / HTTP/1.1\r\nA: b\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: other\r\nx-models-etag: 7\r\nSet-Cookie: ***\r\n\r\n"
    )
    script = read([opened(head=head), asked(1.0), *said(1.1, "x")])
    async with playing(script) as server, connected(server) as client:
        response = client.socket.response
    assert response is not None
    assert response.headers["x-models-etag"] == "7"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("code", [1000, 1011, 4001])
async def test_a_recorded_close_comes_after_what_was_said(code: int) -> None:
    close = record(b"", kind=Kind.CLOSE, at=9.0, meta={"code": code, "reason": "so it was"})
    script = read([opened(), asked(1.0), *said(1.1, "last"), close])
    async with playing(script) as server, connected(server) as client:
        assert notes(await client.turn("x")) == ["last"]
        assert await client.closed() == (code, "so it was")


async def test_a_lost_connection_is_lost_again() -> None:
    lost = record(b"", kind=Kind.LOST, direction=Direction.LOCAL, at=2.0, meta={"detail": "connection reset"})
    script = read([opened(), asked(1.0), *said(1.1, "cut")[:2], lost])
    async with playing(script) as server, connected(server) as client:
        await client.create("x")
        assert notes(await client.until("response.note")) == ["cut"]
        assert (await client.closed())[0] == 1006


async def test_where_the_recording_breaks_off_in_an_answer_the_connection_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = read([opened(), asked(1.0), *said(1.1, "whole"), asked(2.0), *said(2.1, "cut")[:2]])
    async with playing(script) as server, connected(server) as client:
        assert notes(await client.turn("x")) == ["whole"]
        await client.create("y")
        assert notes(await client.until("response.note")) == ["cut"]
        assert (await client.closed())[0] == 1006
    told = "connection 1: the recording has no more of turn 2, nor how its connection ended"
    assert told in capsys.readouterr().err


async def test_every_lane_says_what_it_has_before_a_broken_off_connection_is_lost() -> None:
    records = [opened(), asked(1.0, stream_id="a"), asked(1.1, stream_id="b")]
    records += [*said(1.2, "short", lane="a")[:2], *said(1.3, "long", lane="b")[:2]]
    async with playing(read(records)) as server, connected(server) as client:
        await client.create("x", stream_id="a")
        await client.create("y", stream_id="b")
        seen = [*await client.until("response.note"), *await client.until("response.note")]
        assert sorted(notes(seen)) == ["long", "short"]
        assert (await client.closed())[0] == 1006


async def test_an_answer_that_lacks_its_end_is_only_told_where_its_client_went_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = read([opened(), asked(1.0), *said(1.1, "cut")[:2], asked(2.0), *said(2.1, "whole")])
    async with playing(script) as server, connected(server) as client:
        await client.create("x")
        assert notes(await client.until("response.note")) == ["cut"]
        assert notes(await client.turn("y")) == ["whole"]
    assert "is lost here" not in capsys.readouterr().err


async def test_what_was_said_unasked_is_said_before_any_create() -> None:
    hello = record({"type": "hello.there", "n": 1}, at=0.1)
    script = read([opened(), hello, asked(1.0), *said(1.1, "x")])
    async with playing(script) as server, connected(server) as client:
        assert (await client.receive())["type"] == "hello.there"
        assert notes(await client.turn("x")) == ["x"]


async def test_a_binary_frame_stays_binary() -> None:
    binary = record(b'{"type":"response.note","text":"binary"}', kind=Kind.BINARY, at=1.105)
    first, second, last = said(1.1, "x")
    script = read([opened(), asked(1.0), first, binary, second, last])
    async with playing(script) as server, connected(server) as client:
        await client.create("x")
        messages = [await client.socket.recv() for _ in range(4)]
    assert [type(message) for message in messages] == [str, bytes, str, str]


async def test_an_answer_goes_on_without_a_steer_that_does_not_come(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "HEARD_SECONDS", 0.05)
    async with playing(golden("l1-steer-interrupts")) as server, connected(server) as client:
        await client.create("A trip.")
        events = await client.until("response.completed")
    assert "response.steer.accepted" in types(events)
    assert "response.steer of the recording did not come" in capsys.readouterr().err


async def test_a_steer_is_waited_for_and_one_too_many_is_given_back() -> None:
    reading = Reading.whole(GOLDEN / "l1-steer-interrupts.jsonl")
    script = read(one for one in reading.records(0, reading.known) if one.kind is not Kind.CLOSE)
    reading.close()
    async with playing(script) as server, connected(server) as client:
        await client.create("A trip.")
        begun = (await client.receive())["response"]["id"]
        steer = {"type": "response.steer", "previous_response_id": begun, "input": "Only one day."}
        await client.send(steer)
        events = await client.until("response.completed")
        await client.send(steer)
        last = await client.receive()
    accepted = next(event for event in events if event["type"] == "response.steer.accepted")
    assert accepted["steer"]["previous_response_id"] == begun
    assert events[-1]["response"]["previous_response_id"] == begun
    assert last["type"] == "response.steer.failed"
    assert last["error"]["code"] == "not_in_recording"


async def test_pauses_are_kept_when_they_are_asked_for() -> None:
    script = read([opened(), asked(1.0), *said(1.3, "slow")])
    clock = asyncio.get_running_loop().time
    taken = {}
    for pace in ("recorded", "max"):
        async with playing(script, pace=pace) as server, connected(server) as client:
            begin = clock()
            await client.turn("x")
            taken[pace] = clock() - begin
    assert taken["recorded"] >= 0.31
    assert taken["max"] < 0.2


async def test_a_rate_is_of_deltas_alone() -> None:
    clock = asyncio.get_running_loop().time
    async with playing(golden("a-plain"), rate=40) as server, connected(server) as client:
        begin = clock()
        events = await client.turn("x")
    count = sum(event["type"].endswith(".delta") for event in events)
    assert count / 40 <= clock() - begin < count / 40 + 0.5


async def test_http_is_not_made_up() -> None:
    async with playing(golden("a-plain"), models=("m1",)) as server:
        refused = await http(server, post("/v1/responses", {"model": "m", "input": "x"}))
        models = await http(server, get("/v1/models"))
    assert status_of(refused) == 404
    assert body_of(refused)["error"]["code"] == "not_in_recording"
    assert [model["id"] for model in body_of(models)["data"]] == ["m1"]


def test_a_recording_without_anything_to_play_is_refused() -> None:
    unreached = record(b"", kind=Kind.REFUSED, direction=Direction.LOCAL, meta={"failure_class": "dns"})
    with pytest.raises(UsageError, match="no WebSocket session that a server could play"):
        FakeServer(Options(script=read([unreached])))


async def test_queued_creates_are_answered_one_after_the_other() -> None:
    script = read([opened(), asked(1.0), asked(1.01), *said(1.1, "one"), *said(1.2, "two")])
    async with playing(script) as server, connected(server) as client:
        await client.create("x")
        await client.create("y")
        heard = [await client.until("response.completed") for _ in range(2)]
    assert [notes(events) for events in heard] == [["one"], ["two"]]


async def test_a_client_that_goes_leaves_the_others_alone() -> None:
    async with playing(golden("a-plain"), pace="recorded") as server:
        async with connected(server) as client:
            await client.create("x")
            await client.receive()
            client.socket.transport.abort()
        async with connected(server) as other:
            assert (await Client.turn(other, "x"))[-1]["type"] == "response.completed"


async def test_nothing_waits_for_a_frame_that_was_not_answered(capsys: pytest.CaptureFixture[str]) -> None:
    processed = {"type": "response.processed", "response_id": "resp_of_one_0123456789"}
    script = read(
        [
            opened(), asked(1.0), *said(1.1, "one"), record(processed, direction=Direction.CLIENT, at=1.5),
            asked(2.0), *said(2.1, "two"),
        ]
    )  # fmt: skip
    async with playing(script) as server, connected(server) as client:
        heard = [notes(await client.turn("x")), notes(await client.turn("y"))]
    assert heard == [["one"], ["two"]]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("is_accepted", [False, True])
async def test_the_second_upgrade_after_a_403_does_not_take_the_next_socket(*, is_accepted: bool) -> None:
    said_of_it = "?model=m was accepted" if is_accepted else "?model=m was refused, too"
    meta: dict[str, str | int] = {"failure_class": "forbidden", "status": 403, "probe": said_of_it}
    answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    refused = record(answer, kind=Kind.REFUSED, direction=Direction.LOCAL, meta=meta)
    script = read([refused, opened(2, 1.0), asked(1.1, 2), *said(1.2, "in", 2)])
    statuses = []
    async with playing(script) as server:
        for path in ("/responses", "/responses?model=m", "/responses"):
            try:
                async with connected(server, path) as client:
                    statuses.append(101)
                    if len(statuses) == 3:
                        assert notes(await client.turn("x")) == ["in"]
            except InvalidStatus as error:
                statuses.append(error.response.status_code)
    assert statuses == [403, 101 if is_accepted else 403, 101]
