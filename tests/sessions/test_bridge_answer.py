"""Records of an HTTP answer, and the messages that a client of WebSocket mode gets for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.records import Direction, Kind, Meta, Record
from sessions.wire.bridge_answer import Answer
from sessions.wire.bridge_create import Create


def asked(lane: str | None = None, parent_id: str | None = None) -> Answer:
    return Answer(Create({"model": "m", "input": "Hi"}, lane, parent_id, True, False))


def record(kind: Kind, payload: bytes = b"", **meta: str | int | float) -> Record:
    found: Meta = meta
    return Record(2, Direction.SERVER, kind, 0, 0.0, payload, found)


def sse(event: dict[str, Any] | str) -> Record:
    data = event if isinstance(event, str) else json.dumps(event)
    return record(Kind.SSE, f"event: x\ndata: {data}".encode())


def answer(status: int, body: bytes, kind: str = "application/json", *more: str) -> Record:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", *more]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return record(Kind.RESPONSE, head + body, status=status, head=len(head))


def event(name: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{name}", "sequence_number": number, **fields}


def response(status: str, **fields: Any) -> dict[str, Any]:
    return {"id": "resp_1", "status": status, "previous_response_id": None, "output": [], **fields}


MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [],
    "parsed": None,
}


def one(messages: list[bytes]) -> dict[str, Any]:
    (message,) = messages
    found: dict[str, Any] = json.loads(message)
    return found


def test_an_event_keeps_its_bytes() -> None:
    spelled = '{"type": "response.created",   "response": {"id":"resp_1","previous_response_id":null}}'
    assert asked().take(sse(spelled)) == [spelled.encode()]


def test_the_lane_and_the_parent_are_added() -> None:
    told = asked("side", "resp_0")
    assert told.take(answer(200, b"", "text/event-stream; charset=utf-8")) == []
    begun = one(told.take(sse(event("created", response=response("in_progress")))))
    assert (begun["stream_id"], begun["response"]["previous_response_id"]) == ("side", "resp_0")
    assert one(told.take(sse(event("output_text.delta", 1, delta="a"))))["stream_id"] == "side"


@pytest.mark.parametrize("text", ["[DONE]", "", "not json", "[1]", "{}"])
def test_what_is_no_event_is_not_told(text: str) -> None:
    data = record(Kind.SSE, f"data: {text}".encode())
    assert asked().take(data) == []
    assert asked().take(record(Kind.SSE, b": keep-alive")) == []


def test_an_event_that_has_its_type_outside_gets_it_inside() -> None:
    told = one(asked().take(record(Kind.SSE, b'event: response.created\ndata: {"response":{}}')))
    assert told["type"] == "response.created"


def test_what_was_finished_is_remembered() -> None:
    told = asked()
    told.take(sse(event("output_item.done", 1, output_index=0, item=MESSAGE)))
    assert told.kept(None) is None
    told.take(sse(event("completed", 2, response=response("completed"))))
    kept = told.kept(None)
    assert kept is not None
    assert (kept.id, kept.is_stored) == ("resp_1", False)
    assert [item["role"] for item in kept.input] == ["user"]
    assert [dict(item) for item in kept.output] == [
        {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    ]
    assert told.take(record(Kind.NOTE, note="end")) == []


def test_the_final_object_stands_in_for_items_that_were_not_told() -> None:
    told = asked()
    told.take(sse(event("incomplete", 2, response=response("incomplete", output=[MESSAGE, "odd"]))))
    kept = told.kept(None)
    assert kept is not None
    assert [item["id"] for item in kept.output] == ["msg_1"]


def test_a_flat_error_is_wrapped_and_ends_the_answer() -> None:
    told = asked("side")
    flat = {"type": "error", "code": "server_error", "message": "Boom.", "param": None, "sequence_number": 4}
    assert one(told.take(sse(flat))) == {
        "type": "error",
        "status": 500,
        "stream_id": "side",
        "sequence_number": 4,
        "error": {"type": "server_error", "code": "server_error", "message": "Boom.", "param": None},
    }
    failed = one(told.take(sse(event("failed", 5, response=response("failed")))))
    assert failed["type"] == "response.failed"
    assert told.kept(None) is None
    assert told.take(record(Kind.NOTE, note="end")) == []


def test_a_wrapped_error_keeps_its_words() -> None:
    wrapped = {"type": "error", "status": 429, "error": {"type": "rate_limit_error", "code": "slow"}}
    assert one(asked().take(sse(wrapped))) == {
        "type": "error",
        "status": 429,
        "error": {"type": "rate_limit_error", "code": "slow", "message": "", "param": None},
    }


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "said"),
    [
        (429, b'{"error":{"message":"Slow.","type":"t","code":"c","param":null}}', "t", "c", "Slow."),
        (400, b'{"detail":"No."}', "invalid_request_error", None, "No."),
        (422, b'{"detail":[{"loc":"input"}]}', "invalid_request_error", None, '[{"loc": "input"}]'),
        (500, b'{"error":"Broken."}', "server_error", None, "Broken."),
        (
            502,
            b"<html>Bad gateway</html>",
            "server_error",
            None,
            "The upstream answered 502 with application/json: <html>Bad gateway</html>",
        ),
        (503, b"", "server_error", None, "The upstream answered 503."),
    ],
)
def test_an_http_error_becomes_an_error(
    status: int, body: bytes, kind: str, code: str | None, said: str
) -> None:
    told = one(asked().take(answer(status, body)))
    assert (told["type"], told["status"]) == ("error", status)
    error = told["error"]
    assert (error["type"], error["code"], error["message"], error["param"]) == (kind, code, said, None)


def test_retry_after_is_told() -> None:
    told = one(asked().take(answer(429, b"{}", "application/json", "Retry-After: 7")))
    assert told["error"]["headers"] == {"retry-after": "7"}


def test_a_stream_that_is_cut_fails_the_response() -> None:
    told = asked(None, "resp_0")
    told.take(sse(event("created", 0, response=response("in_progress"))))
    told.take(sse(event("output_item.done", 1, output_index=0, item=MESSAGE)))
    failed = one(told.take(record(Kind.LOST, detail="the upstream broke the connection")))
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 2)
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["previous_response_id"] == "resp_0"
    assert "broke the connection" in failed["response"]["error"]["message"]
    assert failed["response"]["output"] == [MESSAGE]
    assert told.kept(None) is None


@pytest.mark.parametrize("ending", [record(Kind.LOST, detail="it broke"), record(Kind.NOTE, note="end")])
def test_an_answer_that_never_began_is_an_error(ending: Record) -> None:
    told = one(asked().take(ending))
    assert (told["status"], told["error"]["code"]) == (502, "upstream_cut")


def test_an_upstream_that_is_not_there_is_an_error() -> None:
    told = one(asked().take(record(Kind.REFUSED, failure_class="tcp", detail="refused")))
    assert (told["status"], told["error"]["code"]) == (502, "tcp")
    assert "could not reach" in told["error"]["message"]


def test_an_answer_that_does_not_stream_is_told_as_events() -> None:
    told = asked(None, "resp_0")
    whole = {"object": "response", **response("completed", output=[MESSAGE])}
    events = [json.loads(one) for one in told.take(answer(200, json.dumps(whole).encode()))]
    assert [one["type"] for one in events] == [
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert [one["sequence_number"] for one in events] == [0, 1, 2, 3]
    assert events[0]["response"]["output"] == []
    assert told.kept(None) is not None


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"object":"list"}'])
def test_an_answer_that_is_no_response_is_an_error(body: bytes) -> None:
    assert one(asked().take(answer(200, body)))["error"]["code"] == "upstream_not_responses"


@pytest.mark.parametrize(
    ("text", "status", "code", "said"),
    [
        ('{"error":{"message":"Full.","type":"t","code":"c"}}', 500, "c", "Full."),
        ('{"error":{"message":"Full.","code":503}}', 503, 503, "Full."),
        ('{"error":"Full."}', 500, None, "Full."),
        ('{"detail":"Full."}', 500, None, "Full."),
        ('{"type":"error","message":"Full.","code":"429"}', 429, "429", "Full."),
        ('{"type":"response.error","error":{"message":"Full."},"status_code":429}', 429, None, "Full."),
    ],
)
def test_an_error_in_a_stream_counts_under_every_spelling(
    text: str, status: int, code: object, said: str
) -> None:
    told = asked()
    error = one(told.take(record(Kind.SSE, f"data: {text}".encode())))
    assert (error["type"], error["status"]) == ("error", status)
    assert (error["error"]["code"], error["error"]["message"]) == (code, said)
    assert told.is_over
    assert told.take(record(Kind.NOTE, note="end")) == []


def test_an_error_behind_the_end_is_nobodys_and_is_not_told() -> None:
    told = asked()
    told.take(sse(event("completed", response=response("completed"))))
    assert told.take(record(Kind.SSE, b'data: {"type":"error","message":"late"}')) == []


@pytest.mark.parametrize("ending", ["done", "completed"])
def test_an_ending_is_one_also_under_another_name_or_without_its_object(ending: str) -> None:
    told = asked()
    told.take(sse(event("created", response=response("in_progress"))))
    assert one(told.take(sse(event(ending, 1, response="x"))))["type"] == f"response.{ending}"
    assert told.take(record(Kind.NOTE, note="end")) == []
    named = asked()
    named.take(sse(event(ending, response=response("completed", output=[MESSAGE]))))
    kept = named.kept(None)
    assert kept is not None
    assert kept.id == "resp_1"


def test_a_stream_of_other_objects_says_what_it_may_be() -> None:
    told = asked()
    assert told.take(record(Kind.SSE, b'data: {"object":"chat.completion.chunk"}')) == []
    error = one(told.take(record(Kind.NOTE, note="end")))["error"]
    assert error["code"] == "upstream_not_responses"
    assert "chat completions" in error["message"]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (307, "upstream_redirects", "it redirects to https://other/v1?key=***"),
        (204, "upstream_not_responses", "answered 204"),
    ],
)
def test_an_answer_that_leads_elsewhere_or_nowhere_is_a_502(status: int, code: str, said: str) -> None:
    told = one(asked().take(answer(status, b"", "text/plain", "Location: https://other/v1?key=secret12")))
    assert (told["status"], told["error"]["code"]) == (502, code)
    assert said in told["error"]["message"]


def test_an_error_in_a_good_answer_keeps_its_words() -> None:
    told = one(asked().take(answer(200, b'{"error":{"message":"No model.","code":"model_not_found"}}')))
    assert (told["status"], told["error"]["code"]) == (500, "model_not_found")
    page = one(asked().take(answer(200, b"<html>", "text/html; charset=utf-8")))
    assert page["error"]["message"].startswith("The upstream answered with text/html, which is neither")
