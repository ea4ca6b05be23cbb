"""Decoding: every message is an event or says why it is none, and nothing raises."""

from __future__ import annotations

import json
import time

import pytest

from sessions.events import LARGE, Event, Undecodable, arguments, decode, whole
from tests import make

MIB = 1 << 20


def event_of(payload: bytes | dict[str, object]) -> Event:
    """The event in a payload that must be one."""
    event = decode(make.payload_of(payload))
    assert isinstance(event, Event)
    return event


def test_the_envelope_is_read_and_the_body_kept_whole() -> None:
    body = {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        "stream_id": "plan",
        "item_id": "msg_1",
        "delta": "a",
        "from_the_future": {"deep": [1]},
    }
    event = event_of(body)
    assert event == Event("response.output_text.delta", body, 4, "plan", None, "msg_1")


def test_the_response_id_comes_from_the_object_or_from_its_own_field() -> None:
    assert event_of({"type": "response.created", "response": {"id": "resp_1"}}).response_id == "resp_1"
    assert event_of({"type": "response.processed", "response_id": "resp_2"}).response_id == "resp_2"
    assert event_of({"type": "x", "response": "resp_3"}).response_id is None


@pytest.mark.parametrize("wrong", [True, 1.5, "7", [], {}, None])
def test_a_sequence_number_of_the_wrong_kind_is_absent(wrong: object) -> None:
    event = event_of(
        {"type": "x", "sequence_number": wrong, "stream_id": 5, "item_id": [], "response": {"id": 3}}
    )
    assert (event.sequence_number, event.stream_id, event.item_id, event.response_id) == (
        None,
        None,
        None,
        None,
    )
    assert event.body["sequence_number"] == wrong


@pytest.mark.parametrize(
    ("payload", "reason", "offset"),
    [
        (b"", "not JSON", 0),
        (b'{"type":', "not JSON", 8),
        ('{"ä":1,}'.encode(), "not JSON", 8),
        (b'{"type":"\xff"}', "not UTF-8", 9),
        (b'{"type":"\xed\xa0\x80"}', "not UTF-8", 9),
        (b"[1]", "a list instead of an object", 0),
        (b'"text"', "a string instead of an object", 0),
        (b"null", "null instead of an object", 0),
        (b"true", "a boolean instead of an object", 0),
        (b"1e999", "a number instead of an object", 0),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deeply", 0),
        (b"[" * 10_000, "nested too deeply", 0),
        (b'{"a":' * 10_000, "nested too deeply", 0),
    ],
)
def test_what_is_no_event_says_why_and_where(payload: bytes, reason: str, offset: int) -> None:
    problem = decode(payload)
    assert isinstance(problem, Undecodable)
    assert reason in problem.reason
    assert problem.offset == offset


def test_lone_surrogates_long_numbers_and_byte_order_marks_are_read() -> None:
    assert event_of(b'{"type":"x","a":"\\ud800"}').body["a"] == "\ud800"
    assert event_of(b'{"type":"x","a":' + b"9" * 6_000 + b"}").body["a"] == float("inf")
    assert event_of(b"\xef\xbb\xbf" + b'{"type":"x"}').type == "x"
    assert event_of(b'{"type":"x","a":' + b"[" * 300 + b"]" * 300 + b"}").type == "x"


def test_sixteen_mebibytes_of_one_string_are_read_whole() -> None:
    event = event_of({"type": "x", "image": "A" * (16 * MIB)})
    assert (event.is_partial, len(event.body["image"])) == (False, 16 * MIB)


def test_sixteen_mebibytes_of_small_objects_are_read_by_their_envelope_at_once() -> None:
    body = {
        "type": "response.completed",
        "stream_id": "plan",
        "response": {"id": "resp_1", "status": "completed", "output": [{"n": n} for n in range(700_000)]},
    }
    payload = json.dumps(body, separators=(", ", ": ")).encode()
    payload += b" " * (16 * MIB - len(payload))
    started = time.process_time()
    event = event_of(payload)
    assert time.process_time() - started < 0.2  # reading all of it takes a second
    assert (event.is_partial, event.type, event.stream_id, event.response_id) == (
        True,
        "response.completed",
        "plan",
        "resp_1",
    )
    complete = whole(payload)
    assert isinstance(complete, Event)
    assert len(complete.body["response"]["output"]) == 700_000


def test_what_stands_behind_a_very_large_output_is_read_too() -> None:
    usage = make.usage(11, 22, reasoning=7)
    response = {"id": "resp_1", "output": [{"n": n} for n in range(200_000)], "usage": usage, "user": None}
    payload = make.payload_of(
        {"response": response, "sequence_number": 9, "stream_id": "risk", "type": "response.completed"}
    )
    assert len(payload) > LARGE
    event = event_of(payload)
    assert (event.is_partial, event.type, event.stream_id, event.sequence_number) == (
        True,
        "response.completed",
        "risk",
        9,
    )
    assert event.body["response"]["usage"] == usage


def test_a_very_large_message_with_lone_surrogates_keeps_its_envelope() -> None:
    payload = b'{"type":"x","s":"\\ud800","n":[' + b"1," * LARGE + b"1]}"
    assert event_of(payload).type == "x"


@pytest.mark.parametrize(
    "payload", [b"1," * LARGE, b"[" + b"1," * LARGE, b"\xff," * LARGE, b"{" * LARGE + b":" * LARGE]
)
def test_a_very_large_message_that_is_no_event_says_so(payload: bytes) -> None:
    assert isinstance(decode(payload), Undecodable)


@pytest.mark.parametrize(
    ("text", "value", "is_complete"),
    [
        ("", None, False),
        ("{", {}, False),
        ('{"city": "Os', {"city": "Os"}, False),
        ('{"city": "Oslo"}', {"city": "Oslo"}, True),
        ('{"city": "Oslo"}}', {"city": "Oslo"}, False),
        ("nonsense", None, False),
        ("[" * 10_000, None, False),
    ],
)
def test_arguments_grow_until_they_are_valid(text: str, value: object, is_complete: bool) -> None:
    found = arguments(text)
    assert (found.value, found.is_complete, bool(found.problem)) == (value, is_complete, not is_complete)
