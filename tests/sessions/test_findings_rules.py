"""Rules by hand-made records: what proves each finding that no fault of the fake server shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sessions.records import Direction, Kind, Record
from tests import make
from tests.make import Body, Wire
from tests.verdict import ids, judged

Case = Callable[[Wire], list[Record]]


def turn(wire: Wire, bodies: list[Body], **create: Any) -> list[Record]:
    """A socket on which one create is answered so."""
    return [wire.open(), wire.sent(make.create(**create)), *wire.got_all(bodies)]


def refused(wire: Wire, error: Body | str, **create: Any) -> list[Record]:
    """A socket on which a create is refused with this error, after a turn that it may go on from."""
    body = make.error("c", error) if isinstance(error, str) else error
    return [wire.open(), *wire.turn("resp_1"), wire.sent(make.create(**create)), wire.got(body)]


def ended(wire: Wire, *records: Record, seconds: float = 0.0) -> list[Record]:
    """These records, and so many seconds later the end of the connection without a close frame."""
    wire.wait(seconds)
    return [*records, wire.lost()]


def changed(bodies: list[Body], place: int, **fields: object) -> list[Body]:
    """The same bodies, one of them with other fields."""
    bodies[place] = {**bodies[place], **fields}
    return bodies


def answer_with(**fields: object) -> list[Body]:
    """An answer whose terminal event has other fields in its response."""
    bodies = make.answer("resp_1")
    return changed(bodies, -1, response={**bodies[-1]["response"], **fields})


def calls(*given: tuple[str, str, str]) -> list[Body]:
    """An answer of function calls: item, call and arguments of each."""
    bodies = [make.created("resp_1")]
    output = []
    for index, (item, call, arguments) in enumerate(given):
        bodies += make.call_events(item, call, "get_weather", arguments, index)
        output.append(make.function_call(item, call, "get_weather", arguments))
    return make.numbered([*bodies, make.completed("resp_1", output)])


def numbered_failure(code: str, number: int = 2) -> Body:
    """A response.failed with this code and number."""
    return {**make.failed("resp_1", code), "sequence_number": number}


def unstreamed() -> list[Body]:
    """An answer whose only item stands in the final object."""
    done = make.completed("resp_1", [make.message("msg_1", "Hello.")])
    return make.numbered([make.created("resp_1"), done])


def parent_used_elsewhere(wire: Wire) -> list[Record]:
    """An unstored response of one socket that goes on on another."""
    other = Wire(2, at=1.0)
    first = turn(wire, make.answer("resp_1", store=False), store=False)
    create = other.sent(make.create(store=False, previous_response_id="resp_1"))
    return [*first, other.open(), create, *other.got_all(make.answer("resp_2", parent="resp_1", store=False))]


def parent_refused_elsewhere(wire: Wire) -> list[Record]:
    """The same, refused as it should be."""
    other = Wire(2, at=1.0)
    first = turn(wire, make.answer("resp_1", store=False), store=False)
    create = other.sent(make.create(store=False, previous_response_id="resp_1"))
    return [*first, other.open(), create, other.got(make.error("previous_response_not_found"))]


def stored_parent_refused_elsewhere(wire: Wire) -> list[Record]:
    """A response that says that it is stored, and another replica that does not know it."""
    other = Wire(2, at=1.0)
    first = turn(wire, make.answer("resp_1", store=True))
    create = other.sent(make.create(previous_response_id="resp_1"))
    return [*first, other.open(), create, other.got(make.error("previous_response_not_found"))]


def died_together(_: Wire) -> list[Record]:
    """Three sockets that end in the same moment."""
    wires = [Wire(number, at=1.0) for number in (1, 2, 3)]
    return [*(wire.open() for wire in wires), *(wire.lost() for wire in wires)]


_TOOL: Body = {"type": "function", "name": "get_weather", "parameters": {}}
_SILENT_BODY = make.message_events("msg_1", "x" * 500)
CASES: dict[str, tuple[set[str], Case]] = {
    "clear text": ({"unencrypted"}, lambda w: [w.open("ws://api.example.com/v1/responses")]),
    "clear text on this machine": (set(), lambda w: [w.open("ws://127.0.0.1:4000/v1/responses")]),
    "a key in the URL": (
        {"key-in-url"},
        lambda w: [w.open("wss://api.example.com/v1/responses?api_key=***")],
    ),
    "blocked at the edge": (
        {"edge-blocked"},
        lambda w: [
            w.refused("forbidden", "403", status=403)._replace(
                payload=b"HTTP/1.1 403 No\r\nCF-RAY: 1\r\n\r\n"
            )
        ],
    ),
    "405": ({"no-websocket-route"}, lambda w: [w.refused("http_status", "405", status=405)]),
    "given up": (set(), lambda w: [w.refused("closed", "given up")]),
    "no address": ({"name-unknown"}, lambda w: [w.refused("dns", "no address")]),
    "a close code that none may carry": ({"close-code-invalid"}, lambda w: [w.open(), w.close(1005)]),
    "1011 while idle": ({"closed-while-idle"}, lambda w: [w.open(), w.close(1011)]),
    "1001 while idle": (set(), lambda w: [w.open(), w.close(1001)]),
    "1000 instead of an answer": (
        {"closed-without-answer"},
        lambda w: [w.open(), w.sent(make.create()), w.close(1000)],
    ),
    "1011 for a ping": (
        {"no-pong"},
        lambda w: [w.open(), w.close(1011, "keepalive ping timeout")],
    ),
    "bad JSON ends the socket": (
        {"client-frame-unreadable", "frame-kills-socket"},
        lambda w: [w.open(), w.sent("{"), w.close(1011)],
    ),
    "bad JSON is answered": (
        {"client-frame-unreadable"},
        lambda w: [w.open(), w.sent("{"), w.got(make.error("invalid_json"))],
    ),
    "an unknown type": ({"client-type-unknown"}, lambda w: [w.open(), w.sent({"type": "doctor.noop"})]),
    "a limit that is hidden": (
        {"too-big-hidden"},
        lambda w: [w.open(), w.sent(make.create("x" * (2 << 20))), w.lost()],
    ),
    "three at once": ({"died-together"}, died_together),
    "60 s idle": ({"idle-limit"}, lambda w: ended(w, w.open(), *w.turn("resp_1"), seconds=60.0)),
    "45 s idle": (set(), lambda w: ended(w, w.open(), *w.turn("resp_1"), seconds=45.0)),
    "an age limit that nobody tells": ({"age-limit"}, lambda w: ended(w, w.open(), seconds=3600.0)),
    "no answer to our close": (
        {"close-unanswered"},
        lambda w: [
            w.open(),
            w.close(by=Direction.CLIENT),
            w.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "close_unanswered", "s": 5.0}),
        ],
    ),
    "text without deltas": (
        {"deltas-missing"},
        lambda w: turn(
            w,
            make.numbered(
                [
                    make.created("resp_1"),
                    *(one for one in _SILENT_BODY if "delta" not in one),
                    make.completed("resp_1", [make.message("msg_1", "x" * 500)]),
                ]
            ),
        ),
    ),
    "another status": ({"status-mismatch"}, lambda w: turn(w, answer_with(status="failed"))),
    "no tokens": (
        {"usage-missing"},
        lambda w: turn(w, answer_with(usage=make.usage(0, 0))),
    ),
    "no output": ({"final-empty"}, lambda w: turn(w, answer_with(output=[]))),
    "another output": (
        {"final-mismatch"},
        lambda w: turn(w, answer_with(output=[make.message("msg_1", "Something else.")])),
    ),
    "output that was not streamed": ({"items-unstreamed"}, lambda w: turn(w, unstreamed())),
    "a warm-up that answers": (
        {"warmup-generated"},
        lambda w: turn(w, make.answer("resp_1"), generate=False),
    ),
    "one call twice": (
        {"call-doubled"},
        lambda w: turn(w, calls(("fc_1", "call_1", "{}"), ("fc_2", "call_1", "{}"))),
    ),
    "arguments that are cut": ({"arguments-broken"}, lambda w: turn(w, calls(("fc_1", "call_1", '{"a":')))),
    "two good calls": (set(), lambda w: turn(w, calls(("fc_1", "call_1", "{}"), ("fc_2", "call_2", "{}")))),
    "no id": (
        {"id-missing"},
        lambda w: turn(w, changed(make.answer("resp_1"), 0, response={})),
    ),
    "another parent": (
        {"parent-not-echoed"},
        lambda w: [
            *turn(w, make.answer("resp_1")),
            w.sent(make.create(previous_response_id="resp_1")),
            *w.got_all(make.answer("resp_2")),
        ],
    ),
    "an unstored parent on another socket": ({"unstored-parent-used"}, parent_used_elsewhere),
    "the same, refused": ({"parent-of-other-socket"}, parent_refused_elsewhere),
    "a stored parent on another socket, refused": ({"stored-parent-lost"}, stored_parent_refused_elsewhere),
    "store is changed": ({"settings-changed"}, lambda w: turn(w, make.answer("resp_1"), store=False)),
    "background": ({"background-field"}, lambda w: turn(w, make.answer("resp_1"), background=True)),
    "nested": (
        {"create-nested"},
        lambda w: [
            w.open(),
            w.sent({"type": "response.create", "response": {"model": "m", "input": "Hi"}}),
            *w.got_all(make.answer("resp_1")),
        ],
    ),
    "chat tools": (
        {"chat-tools"},
        lambda w: turn(
            w,
            make.answer("resp_1"),
            tools=[{"type": "function", "function": {"name": "a", "parameters": {}}}],
        ),
    ),
    "a path in an error": (
        {"turn-refused", "internals-leak"},
        lambda w: refused(w, "failed in /usr/lib/python3/app.py"),
    ),
    "a trace of another language in an error": (
        {"turn-refused", "internals-leak"},
        lambda w: refused(w, "TypeError: x\n    at Object.send (server.js:12:7)"),
    ),
    "an address in a close reason": (
        {"server-error-close", "internals-leak"},
        lambda w: [w.open(), w.sent(make.create()), w.close(1011, "cannot connect to 10.0.3.4:8000")],
    ),
    "a trace in a refusal": (
        {"server-failing", "internals-leak"},
        lambda w: [w.refused("http_status", "500", status=500, body='File "a.py", line 7')],
    ),
    "what an outbound proxy says of its own way": (
        {"proxy-failed"},
        lambda w: [w.refused("proxy_connect", "503", status=503, body="cannot reach 10.0.0.1:443")],
    ),
    "words that only look like internals": (
        {"turn-refused"},
        lambda w: refused(w, "POST /v1/responses of https://api.openai.com/home/x failed at 10:30"),
    ),
    "a call without its output, in another provider's words": (
        {"turn-refused", "output-missing"},
        lambda w: refused(
            w,
            "The following tool_call_ids did not have response messages: call_1",
            previous_response_id="resp_1",
        ),
    ),
    "an error that is a string": (
        {"turn-refused", "error-is-text"},
        lambda w: refused(w, {"type": "error", "status": 400, "error": "no"}),
    ),
    "a framework's error": (
        {"turn-refused", "error-of-framework"},
        lambda w: refused(w, {"type": "error", "detail": "Not Found"}),
    ),
    "a limit as 500": (
        {"turn-refused", "limit-without-429"},
        lambda w: refused(w, make.error("rate_limit_exceeded", "Slow down.", status=500)),
    ),
    "an output without its call": (
        {"turn-refused", "call-lost"},
        lambda w: refused(w, "No tool call found for call_1.", previous_response_id="resp_1"),
    ),
    "a call without its output": (
        {"turn-refused", "output-missing"},
        lambda w: refused(w, "No tool output found for function call call_1.", previous_response_id="resp_1"),
    ),
    "an item twice": (
        {"turn-refused", "history-doubled"},
        lambda w: refused(w, "Duplicate item found with id msg_1.", previous_response_id="resp_1"),
    ),
    "a ping timeout that ends a turn": (
        {"no-pong"},
        lambda w: [*turn(w, make.answer("resp_1")[:5]), w.close(1011, "keepalive ping timeout")],
    ),
    "the client's ping timeout": (
        {"no-pong"},
        lambda w: [
            *turn(w, make.answer("resp_1")[:5]),
            w.close(1011, "keepalive ping timeout", by=Direction.CLIENT),
            w.close(1011),
        ],
    ),
    "a ping that was answered after all": (
        {"no-pong", "server-error-close"},
        lambda w: [
            w.open(),
            w.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "pong_overdue", "s": 20.0}),
            w.latency(22_000.0),
            w.sent(make.create()),
            w.close(1011, "upstream"),
        ],
    ),
    "silence until the connection is lost": (
        {"app-silent"},
        lambda w: ended(w, w.open(), w.sent(make.create()), seconds=31.0),
    ),
    "silence until a usual limit": (
        {"cut-in-answer", "idle-limit"},
        lambda w: ended(w, w.open(), w.sent(make.create()), seconds=60.0),
    ),
    "a limit of the client": (
        {"too-big-close"},
        lambda w: [
            *turn(w, make.answer("resp_1")[:5]),
            w.close(1009, "too big", by=Direction.CLIENT),
            w.close(1009),
        ],
    ),
    "1008 instead of an answer": (
        {"closed-without-answer"},
        lambda w: [w.open(), *w.turn("resp_1"), w.sent(make.create()), w.close(1008, "no such model")],
    ),
    "a limit without any status": (
        {"turn-refused", "limit-without-429"},
        lambda w: refused(w, {"type": "error", "error": {"type": "t", "code": "usage_limit_reached"}}),
    ),
    "a code of its own": (
        {"turn-failed", "failure-code-unlisted"},
        lambda w: turn(w, [*make.answer("resp_1")[:2], numbered_failure("stream_idle_timeout")]),
    ),
    "a code that is documented": (
        {"turn-failed"},
        lambda w: turn(w, [*make.answer("resp_1")[:2], numbered_failure("rate_limit_exceeded")]),
    ),
    "capacity without a code": (
        {"turn-failed", "error-without-code"},
        lambda w: turn(w, [*make.answer("resp_1")[:6], numbered_failure("", number=6)]),
    ),
    "other instructions": (
        {"settings-changed"},
        lambda w: turn(w, make.answer("resp_1", instructions="Be kind."), instructions="Be brief."),
    ),
    "a tool less": (
        {"settings-changed"},
        lambda w: turn(w, make.answer("resp_1", tools=[_TOOL]), tools=[_TOOL, {"type": "web_search"}]),
    ),
    "a tool of a dated type": (
        set(),
        lambda w: turn(
            w,
            make.answer("resp_1", tools=[{**_TOOL, "strict": True}, {"type": "web_search_2026_01"}]),
            tools=[{"type": "web_search"}, _TOOL],
        ),
    ),
    "no tools in the echo": (
        set(),
        lambda w: turn(w, make.answer("resp_1", tools=[], instructions=None), tools=[_TOOL]),
    ),
    "an output whose create names no parent": (
        {"turn-refused", "output-unasked"},
        lambda w: refused(w, "No tool call found for call_1.", input=[make.function_output("call_1")]),
    ),
    "an output whose parent nobody saw": (
        {"turn-refused", "call-lost"},
        lambda w: refused(w, "No tool call found for call_1.", previous_response_id="resp_elsewhere"),
    ),
    "reasoning that is lost": (
        {"turn-refused", "reasoning-lost"},
        lambda w: refused(w, "Item 'rs_12' of type 'reasoning' was not found; items not found."),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_records_prove_these_and_no_other(name: str) -> None:
    expected, case = CASES[name]
    assert ids(judged(case(Wire()))) == expected


def test_a_long_silence_in_an_answer_is_told_at_its_end() -> None:
    wire = Wire()
    bodies = make.answer("resp_1", "One two.")
    records = [wire.open(), wire.sent(make.create()), *wire.got_all(bodies[:6])]
    wire.wait(320.0)
    assert ids(judged([*records, *wire.got_all(bodies[6:])])) == {"long-silence"}


def test_a_pong_without_an_answer_tells_of_a_silent_application() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(make.create())]
    wire.wait(20.0)
    assert ids(judged([*records, wire.latency(3.0)])) == {"app-silent"}


def test_two_answers_on_one_lane_are_interleaved() -> None:
    wire = Wire()
    creates = [wire.sent(make.create()), wire.sent(make.create())]
    bodies = [*make.answer("resp_1")[:4], make.created("resp_2", sequence_number=0)]
    assert "lanes-interleaved" in ids(judged([wire.open(), *creates, *wire.got_all(bodies)]))


def test_tool_outputs_in_several_creates_are_legal() -> None:
    wire = Wire()
    called = calls(("fc_1", "call_1", "{}"), ("fc_2", "call_2", "{}"))
    records = [wire.open(), wire.sent(make.create()), *wire.got_all(called)]
    for number, call in enumerate(("call_1", "call_2"), 2):
        parent = f"resp_{number - 1}"
        given = [make.function_output(call)]
        records += [wire.sent(make.create(given, previous_response_id=parent))]
        records += wire.got_all(make.answer(f"resp_{number}", parent=parent))
    assert judged(records) == []


def test_a_refusal_over_http_is_judged_without_a_sockets_shape() -> None:
    wire = Wire()
    body = {"error": {"message": "Bad key.", "type": "invalid_request_error", "code": "invalid_api_key"}}
    records = [wire.asked({"model": "m", "input": "Hi"}), wire.answered(body, status=401), wire.ended()]
    assert ids(judged(records)) == {"turn-refused"}
    assert json.dumps(judged(records)[0].plain())


def lost_parent(*, parent: str = "resp_1", before: tuple[str, ...] = ("resp_1",)) -> list[Record]:
    wire = Wire()
    turns = [one for name in before for one in wire.turn(name, store=False)]
    create = wire.sent(make.create(store=False, previous_response_id=parent))
    refusal = make.error("previous_response_not_found")
    return [wire.open(), *turns, create, wire.got(refusal)]


def test_a_parent_that_the_connection_should_remember_is_the_proxy_s_to_mend() -> None:
    finding = next(one for one in judged(lost_parent()) if one.id == "parent-lost")
    assert finding.who == "proxy"
    assert "though it is the newest response of its lane" in finding.evidence
    older = next(one for one in judged(lost_parent(before=("resp_1", "resp_2"))) if one.id == "parent-lost")
    assert older.who == "client"
    unknown = next(one for one in judged(lost_parent(parent="resp_9")) if one.id == "parent-lost")
    assert unknown.who == "client"
