"""Shapes: what counts as a difference, and what a server may say differently."""

from __future__ import annotations

from typing import Any

from sessions.moves import Exchange
from sessions.records import Direction, Kind
from sessions.script import Script, read
from sessions.shape import differences, ending_difference, shape_of
from tests.make import record

Body = dict[str, Any]
USAGE = {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0}}


def message(text: str, **more: Any) -> Body:
    """A finished message item."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "status": "completed", "content": [part], **more}


def answer(*bodies: Body, usage: Body | None = None, status: str = "completed", **more: Any) -> list[Body]:
    """A whole answer around these events."""
    response = {"id": "r1", "status": status, **more}
    return [
        {"type": "response.created", "response": {"id": "r1", "status": "in_progress"}},
        *bodies,
        {"type": f"response.{status}", "response": {**response, "usage": usage or USAGE}},
    ]


def delta(text: str, **more: Any) -> Body:
    """A piece of text."""
    return {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text, **more}


def done(item: Body) -> Body:
    """An item is done."""
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def script(bodies: list[Body], close: int = 0) -> Script:
    """A script with one create and these answers."""
    create = {"type": "response.create", "model": "m", "input": "hi"}
    records = [
        record(b"", kind=Kind.OPEN, direction=Direction.LOCAL),
        record(create, direction=Direction.CLIENT, at=1.0),
        *(record(body, at=2.0 + number) for number, body in enumerate(bodies)),
    ]
    if close:
        records.append(record(b"", kind=Kind.CLOSE, at=99.0, meta={"code": close}))
    return read(records)


def exchange(*bodies: Body) -> Exchange:
    """One exchange with these answers."""
    return script(list(bodies)).exchanges[0]


def kinds(old: list[Body], new: list[Body]) -> list[str]:
    """What differs between two answers."""
    return [one.what for one in differences(exchange(*old), exchange(*new))]


def test_words_times_and_counts_are_no_difference() -> None:
    old = answer(delta("One "), delta("two"), done(message("One two")))
    new = answer(
        delta("Quite"),
        {"type": "keepalive"},
        done(message("Quite")),
        usage={"input_tokens": 9, "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 5}},
    )
    assert kinds(old, new) == []


def test_a_shape_is_what_it_says() -> None:
    shape = shape_of(exchange(*answer(delta("a"), delta("b"), done(message("ab")))))
    assert shape.events == (
        "response.created", "response.output_text.delta", "response.output_item.done", "response.completed"
    )  # fmt: skip
    assert shape.items == ("message completed",)
    assert shape.statuses == ("completed",)
    assert shape.errors == ()
    assert "item.content[].text" in shape.keys["response.output_item.done"]
    assert shape.usage == {
        "input_tokens", "output_tokens", "output_tokens_details", "output_tokens_details.reasoning_tokens"
    }  # fmt: skip


def test_an_item_more_is_a_difference_of_items_and_events() -> None:
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "name": "tide", "arguments": "{}"}
    assert kinds(answer(done(message("a"))), answer(done(message("a")), done(call))) == [
        "items",
        "events",
        "keys",
    ]


def test_other_arguments_of_the_same_call_are_none() -> None:
    def called(arguments: str) -> list[Body]:
        item = {
            "id": "fc_1",
            "type": "function_call",
            "status": "completed",
            "name": "t",
            "arguments": arguments,
        }
        return answer(done(item))

    assert kinds(called('{"a":1}'), called('{"b":[2]}')) == []


def test_another_ending_is_a_difference_of_statuses() -> None:
    (one, *_) = differences(
        exchange(*answer()),
        exchange(*answer(status="incomplete", incomplete_details={"reason": "max_output_tokens"})),
    )
    assert (one.what, one.recorded, one.live) == (
        "statuses", ["completed"], ["incomplete (max_output_tokens)"]
    )  # fmt: skip
    assert one.title == "ended incomplete (max_output_tokens) instead of completed"
    assert one.turn == 1


def test_an_error_is_told_by_its_code() -> None:
    def failed(code: str) -> list[Body]:
        return [{"type": "error", "status": 400, "error": {"code": code, "message": f"it was {code}"}}]

    assert kinds(failed("a"), failed("a")) == []
    assert kinds(failed("a"), failed("b")) == ["errors"]
    assert kinds(answer(), failed("a")) == ["statuses", "errors", "events", "usage"]


def test_keys_that_come_or_go_are_named_by_their_path() -> None:
    (one,) = differences(
        exchange(*answer(delta("a", logprobs=[]))), exchange(*answer(delta("a", obfuscation="x")))
    )
    assert (one.what, one.recorded, one.live) == ("keys", ["logprobs"], ["obfuscation"])
    assert one.title == "response.output_text.delta: without logprobs, with obfuscation, new"


def test_keys_of_usage_are_their_own_difference() -> None:
    short = {"input_tokens": 1, "output_tokens": 1}
    (one,) = differences(exchange(*answer()), exchange(*answer(usage=short)))
    assert one.what == "usage"
    assert one.recorded == ["output_tokens_details", "output_tokens_details.reasoning_tokens"]


def test_what_was_asked_and_content_are_not_looked_into() -> None:
    old = answer(tools=[{"type": "mcp", "server_label": "a"}], metadata={"a": "b"})
    new = answer(tools=[], metadata={"c": "d"})
    assert kinds(old, new) == []


def test_another_order_is_a_difference() -> None:
    one, two = {"type": "response.a"}, {"type": "response.b"}
    assert kinds(answer(one, two), answer(two, one)) == ["events", "events"]


def test_how_a_socket_was_ended() -> None:
    closed, other, still = (script(answer(), code).sessions[1] for code in (1011, 1000, 0))
    assert ending_difference(closed, closed) is None
    assert ending_difference(still, still) is None
    found = ending_difference(closed, other)
    assert found is not None
    assert (found.recorded, found.live) == (1011, 1000)
    assert found.title == "the server closed with 1000; in the recording it closed with 1011"
    assert ending_difference(closed, None) is not None


def test_where_the_recording_breaks_off_no_ending_is_another() -> None:
    lost, cut = script(answer(), 1006).sessions[1], script(answer()[:-1], 0).sessions[1]
    assert cut.breaks_off
    assert ending_difference(cut, lost) is None


def test_messages_that_are_no_events_count_as_what_they_are() -> None:
    create = record({"type": "response.create", "input": "x"}, direction=Direction.CLIENT, at=1.0)
    odd = [record(b"not JSON", at=2.0), record(b"\x00\xff", kind=Kind.BINARY, at=3.0)]
    opened = record(b"", kind=Kind.OPEN, direction=Direction.LOCAL)
    assert shape_of(read([opened, create, *odd]).exchanges[0]).events == (
        "a frame that is no event",
        "binary",
    )
