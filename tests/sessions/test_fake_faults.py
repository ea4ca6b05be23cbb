"""Every fault of the fake server does what its line says, and nothing else breaks."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sessions.errors import UsageError
from sessions.wire.scenarios.faults import FAULTS, choose
from tests.sessions.fake_client import (
    TERMINAL,
    Event,
    client,
    code_of,
    connected,
    get,
    http,
    id_of,
    serving,
    status_of,
    text_of,
    types,
)

UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Authorization: Bearer x\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


# Choosing ----------------------------------------------------------------------------------------------


def test_a_choice_has_name_argument_and_number() -> None:
    chosen = choose("abort-mid-stream:fin@2")
    assert (chosen.fault.name, chosen.argument, chosen.only) == ("abort-mid-stream", "fin", 2)
    assert choose("silence") == (FAULTS["silence"], "", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("silense", "silence"),
        ("silence@0", "@"),
        ("silence@x", "@"),
        ("keepalive:soon", "soon"),
        ("", "--help"),
    ],
)
def test_a_wrong_choice_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        choose(text)


def test_every_fault_has_one_line() -> None:
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert 10 < len(fault.line) < 100
        assert "\n" not in fault.line


# Openings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["426", "401", "403", "404", "429", "500", "503"])
async def test_an_upgrade_is_refused_and_http_goes_on(name: str) -> None:
    async with serving(faults=[name]) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server):
                pass
        assert status_of(await http(server, get("/v1/models"))) == 200
    response = refused.value.response
    assert response.status_code == int(name)
    assert response.body
    assert (response.headers.get("retry-after") == "7") == (name == "429")


async def test_the_bare_403_goes_away_with_a_model_in_the_url() -> None:
    async with serving(faults=["403-without-model"]) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server):
                pass
        async with connected(server, "/responses?model=gpt-6-astra") as one:
            assert (await one.turn("Hi"))[-1]["type"] == "response.completed"
    assert (refused.value.response.status_code, refused.value.response.body) == (403, b"")


async def test_only_the_numbered_upgrade_is_hit() -> None:
    async with serving(faults=["503@2"]) as server:
        for number in (1, 2, 3):
            answer = await http(server, UPGRADE + b"\x88\x80\0\0\0\0")
            assert status_of(answer) == (503 if number == 2 else 101)


async def test_http_200_stays_open() -> None:
    async with serving(faults=["http-200"]) as server:
        answer = await http(server, UPGRADE, seconds=0.3)
    assert status_of(answer) == 200
    assert b"text/event-stream" in answer
    assert not answer.endswith(b"0\r\n\r\n")


async def test_a_silent_upgrade_answers_nothing() -> None:
    async with serving(faults=["silent-upgrade"]) as server:
        assert await http(server, UPGRADE, seconds=0.3) == b""


async def test_a_slow_upgrade_comes_late() -> None:
    async with serving(faults=["slow-upgrade:0.2"]) as server:
        began = asyncio.get_running_loop().time()
        async with connected(server):
            assert asyncio.get_running_loop().time() - began >= 0.2


async def test_1008_comes_right_after_the_101() -> None:
    async with client(faults=["1008-after-101"]) as one:
        assert await one.closed() == (1008, "policy violation")


# Endings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013, 4001])
async def test_a_close_frame_in_the_middle(code: int) -> None:
    async with client(faults=[f"close-{code}-mid-stream"]) as one:
        await one.create("Please remember the word heron")
        with pytest.raises(ConnectionClosed):
            await one.until(*TERMINAL)
        assert one.socket.close_code == code


async def test_a_close_frame_with_any_code_for_the_second_create_only() -> None:
    async with client(faults=["close-mid-stream:4402@2"]) as one:
        first = await one.turn("Hi")
        await one.create("Hi", previous_response_id=id_of(first))
        assert (await one.closed())[0] == 4402


@pytest.mark.parametrize("argument", ["", ":rst", ":fin"])
async def test_tcp_ends_in_the_middle(argument: str) -> None:
    async with client(faults=[f"abort-mid-stream{argument}"]) as one:
        await one.create("Please remember the word heron")
        assert (await one.closed())[0] == 1006


async def test_1009_answers_a_create() -> None:
    async with client(faults=["1009"]) as one:
        await one.create("Hi")
        assert await one.closed() == (1009, "message too big")


async def test_silence_answers_pings_only() -> None:
    async with client(faults=["silence@1"]) as one:
        await one.create("Hi", stream_id="quiet")
        async with asyncio.timeout(2):
            await (await one.socket.ping())
        events = await one.turn("Hi", stream_id="other")
    assert {event["stream_id"] for event in events} == {"other"}


async def test_half_open_answers_everything_but_pings() -> None:
    async with client(faults=["half-open"]) as one:
        pong = asyncio.ensure_future(await one.socket.ping())  # noqa: TID251 (a future, no task)
        assert (await one.turn("Hi"))[-1]["type"] == "response.completed"
        assert not pong.done()
        pong.cancel()


async def test_keepalive_events_take_numbers() -> None:
    async with client(faults=["keepalive:0.05"], rate=20) as one:
        events = await one.turn("Please remember the word heron")
    assert "keepalive" in types(events)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


# Events ------------------------------------------------------------------------------------------------


async def _events(fault: str, prompt: str = "Please remember the word heron") -> list[Event]:
    async with client(faults=[fault]) as one:
        return await one.turn(prompt)


async def test_failed_fails_and_evicts() -> None:
    async with client(faults=["failed:rate_limit_exceeded@2"]) as one:
        first = await one.turn("Hi")
        failed = await one.turn("Hi", previous_response_id=id_of(first))
        retry = await one.turn("Hi", previous_response_id=id_of(first))
    assert failed[-1]["type"] == "response.failed"
    assert failed[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert failed[-1]["response"]["status"] == "failed"
    assert code_of(retry) == "previous_response_not_found"


async def test_an_error_is_followed_by_failed_for_the_same_response() -> None:
    async with client(faults=["error-then-failed"]) as one:
        await one.create("Hi")
        events = await one.until("response.failed")
    assert types(events)[-2:] == ["error", "response.failed"]
    assert events[-2]["error"]["code"] == "server_is_overloaded"
    assert id_of(events) == events[0]["response"]["id"]


async def test_an_error_in_the_middle_ends_the_response_and_not_the_socket() -> None:
    async with client(faults=["error-mid-stream@1"]) as one:
        events = await one.turn("Please remember the word heron")
        assert (await one.turn("Hi"))[-1]["type"] == "response.completed"
    assert events[-1]["status"] == 500
    assert sum("delta" in event for event in events) == 3


async def test_an_error_in_the_middle_speaks_the_dialect() -> None:
    async with client(faults=["error-mid-stream:overloaded"], dialect="flat-error") as one:
        events = await one.turn("Please remember the word heron")
    assert events[-1] == {"type": "error", "code": "overloaded", "message": "Broken.", "param": None}


async def test_an_unknown_event_of_a_given_type() -> None:
    assert "response.sparkle.added" in types(await _events("unknown-event"))
    assert "x.y" in types(await _events("unknown-event:x.y"))


async def test_unknown_fields() -> None:
    assert all("safety_buffering" in event for event in await _events("unknown-field"))


async def test_missing_numbers() -> None:
    assert not any("sequence_number" in event for event in await _events("no-sequence"))


async def test_numbers_that_jump() -> None:
    gap = [event["sequence_number"] for event in await _events("sequence-gap")]
    back = [event["sequence_number"] for event in await _events("sequence-regress")]
    assert gap[-1] == gap[-2] + 6
    assert back[-1] == 1


async def test_missing_created() -> None:
    assert types(await _events("no-created"))[0] == "response.in_progress"


async def test_a_missing_end_still_ends_the_turn() -> None:
    async with client(faults=["no-terminal@1"]) as one:
        await one.create("Remember the word heron", store=True)
        first = await one.until("response.output_item.done")
        events = await one.turn("What was the word?", previous_response_id=first[0]["response"]["id"])
    assert "heron" in text_of(events)


async def test_a_doubled_end() -> None:
    async with client(faults=["double-terminal"]) as one:
        first = await one.turn("Hi")
        second = await one.receive()
    assert (second["type"], second["response"]["id"]) == ("response.completed", id_of(first))


async def test_a_delta_after_the_end() -> None:
    async with client(faults=["after-end"]) as one:
        await one.turn("Hi")
        assert (await one.receive())["delta"] == " (late)"


async def test_a_done_text_that_differs() -> None:
    events = await _events("delta-mismatch")
    assert text_of(events) != "".join(event.get("delta", "") for event in events)


async def test_ids_that_change() -> None:
    events = await _events("ids-change")
    assert events[0]["response"]["id"] != id_of(events)


async def test_missing_usage() -> None:
    assert (await _events("usage-missing"))[-1]["response"]["usage"] is None


async def test_missing_lane() -> None:
    async with client(faults=["no-lane-echo"]) as one:
        assert not any("stream_id" in event for event in await one.turn("Hi", stream_id="plan"))


async def test_a_burst_holds_the_deltas_back() -> None:
    began = asyncio.get_running_loop().time()
    events = await _events("burst:0.2")
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert text_of(events) == "".join(event.get("delta", "") for event in events)


async def test_many_tiny_deltas() -> None:
    events = await _events("million-deltas:5000")
    assert sum("delta" in event for event in events) == 5000


# Frames ------------------------------------------------------------------------------------------------


async def _contents(fault: str) -> list[bytes]:
    contents: list[bytes] = []
    async with client(faults=[fault]) as one:
        await one.create("Please remember the word heron")
        async with asyncio.timeout(10):
            while not contents or b'"response.completed"' not in contents[-1][:100]:
                contents.append(await one.socket.recv(decode=False))
    return contents


async def test_frames_that_are_no_json() -> None:
    contents = await _contents("non-json")
    assert b"<html>502 Bad Gateway</html>" in contents


async def test_json_that_is_no_object() -> None:
    contents = await _contents("json-not-object")
    assert {b"[1,2]", b'"text"', b"null"} <= set(contents)


async def test_binary_frames() -> None:
    async with client(faults=["binary"]) as one:
        await one.create("Hi")
        first = await one.socket.recv()
    assert isinstance(first, bytes)
    assert json.loads(first)["type"] == "response.created"


async def test_text_that_is_not_utf8() -> None:
    contents = await _contents("invalid-utf8")
    assert any(b"\xff\xfe" in content for content in contents)


async def test_frames_dressed_as_an_event_stream() -> None:
    assert all(content.startswith(b"data: {") for content in await _contents("sse-prefix"))


async def test_a_done_marker() -> None:
    async with client(faults=["done-marker"]) as one:
        await one.turn("Hi")
        assert await one.socket.recv() == "[DONE]"


@pytest.mark.parametrize("fault", ["big-frame:2", "big-frame-objects:2"])
async def test_big_frames(fault: str) -> None:
    sizes = [len(content) for content in await _contents(fault)]
    assert 2_000_000 < max(sizes) <= (2 << 20) + 200


async def test_fragments_join_to_the_same_events() -> None:
    events = await _events("fragmented")
    assert text_of(events) == "".join(event.get("delta", "") for event in events)


async def test_deep_nesting() -> None:
    contents = await _contents("deep-nesting")
    assert any(content.count(b"[") >= 10_000 for content in contents)


async def test_half_a_surrogate_pair() -> None:
    contents = await _contents("lone-surrogates")
    assert any(b"\\ud83d" in content for content in contents)


# State -------------------------------------------------------------------------------------------------


async def test_no_eviction_keeps_the_parent() -> None:
    async with client(faults=["no-eviction"]) as one:
        first = await one.turn("Remember the word heron.")
        await one.turn("x", previous_response_id=id_of(first), top_logprobs=99)
        assert "heron" in text_of(await one.turn("What was the word?", previous_response_id=id_of(first)))


async def test_a_masked_code() -> None:
    async with client(faults=["not-found-masked:internal_error"]) as one:
        assert code_of(await one.turn("Hi", previous_response_id="resp_no")) == "internal_error"


async def test_a_lost_context_is_not_told() -> None:
    async with client(faults=["wrong-parent@2"]) as one:
        first = await one.turn("Remember the word heron.")
        second = await one.turn("What was the word?", previous_response_id=id_of(first))
    assert second[-1]["response"]["previous_response_id"] == id_of(first)
    assert "heron" not in text_of(second)


async def test_faults_add_up() -> None:
    events = await _events("unknown-field")
    async with client(faults=["unknown-field", "no-sequence", "usage-missing"]) as one:
        combined = await one.turn("Please remember the word heron")
    assert types(combined) == types(events)
    assert combined[-1]["response"]["usage"] is None
    assert not any("sequence_number" in event for event in combined)
