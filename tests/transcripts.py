"""The conversations of the protocol as records: one maker per transcript, (a) to (m), and a hostile one.

`python -m tests.transcripts` writes them to `tests/golden`, one recording each; a test fails when the files
and the makers differ. All texts and ids are made up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sessions.records import Direction, Kind, Record, to_line
from tests import make
from tests.make import Body, Wire

GOLDEN = Path(__file__).parent / "golden"
HEADER = (
    b'{"format":"turnscope","version":1,"created":1795000000000000,"app":"turnscope 0.1.0","source":"made"}\n'
)
WEATHER: Body = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def plain() -> list[Record]:
    """(a) A plain text turn, with obfuscation beside the deltas."""
    wire = Wire()
    bodies = [
        {**body, "logprobs": [], "obfuscation": "qZ8"} if "delta" in body else body
        for body in make.answer("resp_a1", "Wellington is the capital.")
    ]
    return [wire.open(), wire.sent(make.create("Which city is it?")), *wire.got_all(bodies), wire.close()]


def function_call() -> list[Record]:
    """(b) A function call, answered, and the turn that follows."""
    wire = Wire()
    return [
        wire.open(),
        wire.sent(make.create("Is it cold in Turku?", tools=[WEATHER])),
        *wire.got_all(make.call_answer("resp_b1", {"call_1": '{"city": "Turku"}'})),
        wire.sent(
            make.create(
                [make.function_output("call_1", "minus 4")], previous_response_id="resp_b1", tools=[WEATHER]
            )
        ),
        *wire.got_all(make.answer("resp_b2", "Yes, minus four.", parent="resp_b1")),
        wire.close(),
    ]


def reasoning() -> list[Record]:
    """(c) A reasoning summary before the answer; the finished item carries the content to replay."""
    wire = Wire()
    at = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    text = "Weighing both routes"
    bodies = [
        make.created("resp_c1", store=False),
        make.lifecycle("in_progress", "resp_c1", store=False),
        make.item_added(make.reasoning("rs_1", encrypted="partial")),
        {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}},
        {"type": "response.reasoning_summary_text.delta", **at, "delta": "Weighing "},
        {"type": "response.reasoning_summary_text.delta", **at, "delta": "both routes"},
        {"type": "response.reasoning_summary_text.done", **at, "text": text},
        {
            "type": "response.reasoning_summary_part.done",
            **at,
            "part": {"type": "summary_text", "text": text},
        },
        make.item_done(make.reasoning("rs_1", text, "complete")),
        *make.message_events("msg_c1", "Take the ferry.", 1),
        make.completed(
            "resp_c1",
            [make.reasoning("rs_1", text, "complete"), make.message("msg_c1", "Take the ferry.")],
            usage=make.usage(30, 40, reasoning=32),
            store=False,
        ),
    ]
    return [
        wire.open(),
        wire.sent(make.create("Ferry or train?", include=["reasoning.encrypted_content"], store=False)),
        *wire.got_all(make.numbered(bodies)),
        wire.close(),
    ]


def parallel_calls() -> list[Record]:
    """(d) Two calls in one response whose deltas interleave; both are answered in one create."""
    wire = Wire()
    one = make.call_events("fc_1", "call_1", "get_weather", '{"city": "Oulu"}', 0)
    two = make.call_events("fc_2", "call_2", "get_weather", '{"city": "Rauma"}', 1)
    mixed = [body for pair in zip(one, two, strict=True) for body in pair]
    output = [
        make.function_call("fc_1", "call_1", arguments='{"city": "Oulu"}'),
        make.function_call("fc_2", "call_2", arguments='{"city": "Rauma"}'),
    ]
    return [
        wire.open(),
        wire.sent(make.create("Oulu and Rauma?", tools=[WEATHER])),
        *wire.got_all(make.numbered([make.created("resp_d1"), *mixed, make.completed("resp_d1", output)])),
        wire.sent(
            make.create(
                [make.function_output("call_2", "rain"), make.function_output("call_1", "sun")],
                previous_response_id="resp_d1",
            )
        ),
        *wire.got_all(make.answer("resp_d2", "Sun, then rain.", parent="resp_d1")),
        wire.close(),
    ]


def hosted_tools() -> list[Record]:
    """(e) Every tool that runs at the server, and an MCP approval, which the client answers."""
    wire = Wire()
    bodies: list[Body] = [make.created("resp_e1"), make.lifecycle("in_progress", "resp_e1")]
    output: list[Body] = []

    def tool(kind: str, steps: list[Body | str], **done: object) -> None:
        index = len(output)
        item_id = f"{kind}_1"
        at = {"item_id": item_id, "output_index": index}
        begun: Body = {"id": item_id, "type": kind, "status": "in_progress"}
        ended: Body = {**begun, "status": "completed", **done}
        bodies.append(make.item_added(begun, index))
        for step in steps:
            bodies.append(
                {"type": f"response.{kind}.{step}", **at} if isinstance(step, str) else {**step, **at}
            )
        bodies.append(make.item_done(ended, index))
        output.append(ended)

    code = "response.code_interpreter_call_code"
    tool(
        "web_search_call",
        ["in_progress", "searching", "completed"],
        action={"type": "search", "query": "tide"},
    )
    tool("file_search_call", ["in_progress", "searching", "completed"], queries=["tide"], results=None)
    tool(
        "code_interpreter_call",
        [
            "in_progress",
            {"type": f"{code}.delta", "delta": "print("},
            {"type": f"{code}.delta", "delta": "6 * 7)"},
            {"type": f"{code}.done", "code": "print(6 * 7)"},
            "interpreting",
            "completed",
        ],
        code="print(6 * 7)",
        container_id="cntr_1",
        outputs=None,
    )
    image = "response.image_generation_call.partial_image"
    tool(
        "image_generation_call",
        [
            "in_progress",
            "generating",
            {"type": image, "partial_image_index": 0, "partial_image_b64": "AAAA"},
            {"type": image, "partial_image_index": 1, "partial_image_b64": "AAAB"},
            "completed",
        ],
        result="AAAC",
    )
    tool("mcp_list_tools", ["in_progress", "completed"], server_label="harbour", tools=[])
    mcp = "response.mcp_call_arguments"
    tool(
        "mcp_call",
        [
            "in_progress",
            {"type": f"{mcp}.delta", "delta": '{"at":'},
            {"type": f"{mcp}.delta", "delta": "1}"},
            {"type": f"{mcp}.done", "arguments": '{"at":1}'},
            "failed",
        ],
        name="tides",
        server_label="harbour",
        arguments='{"at":1}',
        error="no such harbour",
    )
    shell = len(output)
    command = {"output_index": shell, "command_index": 0}
    begun = {"id": "sh_1", "type": "shell_call", "call_id": "call_sh", "status": "in_progress"}
    hosted = {"environment": {"type": "container_auto"}, "action": {"commands": ["ls -l"]}}
    bodies += [
        make.item_added(begun, shell),
        {"type": "response.shell_call_command.added", **command, "command": ""},
        {"type": "response.shell_call_command.delta", **command, "delta": "ls "},
        {"type": "response.shell_call_command.delta", **command, "delta": "-l"},
        {"type": "response.shell_call_command.done", **command, "command": "ls -l"},
        make.item_done({**begun, "status": "completed", **hosted}, shell),
    ]
    output.append({**begun, "status": "completed", **hosted})
    result = len(output)
    at = {"item_id": "sho_1", "output_index": result, "command_index": 0}
    answer: Body = {"id": "sho_1", "type": "shell_call_output", "call_id": "call_sh", "status": "in_progress"}
    streams = {"stdout": "total 0\n", "stderr": ""}
    shell_output = "response.shell_call_output_content"
    bodies += [
        make.item_added(answer, result),
        {"type": f"{shell_output}.delta", **at, "delta": streams},
        {"type": f"{shell_output}.done", **at, "output": [{**streams, "outcome": {"type": "exit"}}]},
        make.item_done({**answer, "status": "completed"}, result),
    ]
    output.append({**answer, "status": "completed"})
    tool("compaction", [{"type": "response.compaction.compacting"}], encrypted_content="c2VjcmV0")
    last = len(output)
    cite = {"type": "url_citation", "url": "https://example.org/tide", "start_index": 0, "end_index": 4}
    words = make.message_events("msg_e1", "High at noon.", last)
    words.insert(
        -3,
        {
            "type": "response.output_text.annotation.added", "item_id": "msg_e1", "output_index": last,
            "content_index": 0, "annotation_index": 0, "annotation": cite,
        },
    )  # fmt: skip
    bodies += words
    output.append(make.message("msg_e1", "High at noon."))
    approval = {
        "id": "mcpr_1",
        "type": "mcp_approval_request",
        "name": "book",
        "server_label": "harbour",
        "arguments": "{}",
    }
    bodies += [make.item_added(approval, last + 1), make.item_done(approval, last + 1)]
    output.append(approval)
    bodies.append(make.completed("resp_e1", output))
    yes = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    return [
        wire.open(),
        wire.sent(make.create("When is the tide?")),
        *wire.got_all(make.numbered(bodies)),
        wire.sent(make.create([yes], previous_response_id="resp_e1")),
        *wire.got_all(make.answer("resp_e2", "Booked.", parent="resp_e1")),
        wire.close(),
    ]


def refusal() -> list[Record]:
    """(f) A refusal, whose response completes."""
    wire = Wire()
    at = {"item_id": "msg_f1", "output_index": 0, "content_index": 0}
    text = "That is not something I will do."
    said = {"id": "msg_f1", "type": "message", "role": "assistant", "status": "completed"}
    content = [{"type": "refusal", "refusal": text}]
    bodies = [
        make.created("resp_f1"),
        make.item_added(make.message("msg_f1", status="in_progress")),
        make.part_added("msg_f1", kind="refusal"),
        {"type": "response.refusal.delta", **at, "delta": "That is not something "},
        {"type": "response.refusal.delta", **at, "delta": "I will do."},
        {"type": "response.refusal.done", **at, "refusal": text},
        make.part_done("msg_f1", text, kind="refusal"),
        make.item_done({**said, "content": content}),
        make.completed("resp_f1", [{**said, "content": content}]),
    ]
    return [
        wire.open(),
        wire.sent(make.create("Do harm.")),
        *wire.got_all(make.numbered(bodies)),
        wire.close(),
    ]


def length_stop() -> list[Record]:
    """(g) An answer that ran out of its output limit."""
    wire = Wire()
    bodies = [
        make.created("resp_g1"),
        *make.message_events("msg_g1", "Once upon a")[:-1],
        make.item_done(make.message("msg_g1", "Once upon a", "incomplete")),
        make.incomplete("resp_g1", output=[make.message("msg_g1", "Once upon a", "incomplete")]),
    ]
    return [
        wire.open(),
        wire.sent(make.create("A story.", max_output_tokens=16)),
        *wire.got_all(make.numbered(bodies)),
        wire.close(),
    ]


def failure() -> list[Record]:
    """(h) An error in mid-stream, and the late `response.failed` of the same response."""
    wire = Wire()
    bodies: list[Body] = [
        make.created("resp_h1"),
        make.lifecycle("in_progress", "resp_h1"),
        make.error("server_is_overloaded", "Busy.", status=503),
        make.failed("resp_h1", "server_error", "Busy."),
    ]
    return [
        wire.open(),
        wire.sent(make.create("Hello?")),
        *wire.got_all(make.numbered(bodies)),
        *wire.turn("resp_h2", "Hello."),
        wire.close(),
    ]


ERROR_SHAPES: Mapping[str, Body] = {
    "wrapped": make.error("previous_response_not_found", "No such parent."),
    "wrapped with headers": {
        "type": "error",
        "status": 429,
        "error": {
            "type": "rate_limit_error",
            "code": "rate_limit_exceeded",
            "message": "Wait.",
            "param": None,
            "headers": {"retry-after": "9"},
        },
    },
    "status_code": {
        "type": "error",
        "status_code": 429,
        "error": {"type": "usage_limit_reached", "message": "All used.", "plan_type": "pro", "resets_at": 1},
        "headers": {"x-codex-primary-used-percent": 100.0},
    },
    "flat": {"type": "error", "code": "server_error", "message": "Broken.", "param": None},
}


def errors() -> list[Record]:
    """(i) Each shape of an error frame, every one against a create of its own."""
    wire = Wire()
    records = [wire.open()]
    for body in ERROR_SHAPES.values():
        records += [wire.sent(make.create("Anyone?", store=False)), wire.got(body)]
    return [*records, *wire.turn("resp_i9", "Here."), wire.close()]


def warmup() -> list[Record]:
    """(j) A warm-up, and a chain that continues it; then one that is answered by `completed` alone."""
    wire = Wire()
    nothing = make.usage(18, 0)
    first = [make.created("resp_j1", store=False), make.completed("resp_j1", usage=nothing, store=False)]
    return [
        wire.open(),
        wire.sent(make.create([], generate=False, store=False)),
        *wire.got_all(make.numbered(first)),
        wire.sent(make.create(previous_response_id="resp_j1", store=False)),
        *wire.got_all(make.answer("resp_j2", "Warm already.", parent="resp_j1", store=False)),
        wire.sent(make.create([], generate=False, store=False)),
        wire.got(make.completed("resp_j3", usage=nothing, store=False, sequence_number=0)),
        wire.close(),
    ]


def lanes() -> list[Record]:
    """(k) Two lanes at once, then a fork of one of them on a third while its own lane goes on."""
    wire = Wire()
    plan = make.answer("resp_k1", "First the roof, then the walls.", lane="plan", store=False)
    risk = make.answer("resp_k2", "Rain.", lane="risk", store=False)
    mixed: list[Body] = []
    for number in range(max(len(plan), len(risk))):
        mixed += plan[number : number + 1] + risk[number : number + 1]
    fork = make.answer("resp_k3", "The gutter.", lane="critic", parent="resp_k1", store=False)
    again = make.answer("resp_k4", "And a door.", lane="plan", parent="resp_k1", store=False)
    return [
        wire.open(),
        wire.sent(make.create("Plan it.", stream_id="plan", store=False)),
        wire.sent(make.create("What can fail?", stream_id="risk", store=False)),
        *wire.got_all(mixed),
        wire.sent(make.create("Gaps?", stream_id="critic", store=False, previous_response_id="resp_k1")),
        *wire.got_all(fork[:2]),
        wire.sent(make.create("More.", stream_id="plan", store=False, previous_response_id="resp_k1")),
        *wire.got_all(fork[2:]),
        *wire.got_all(again),
        wire.close(),
    ]


def _accepted(target: str, number: int) -> Body:
    return {
        "type": "response.steer.accepted",
        "steer": {"id": f"steer_{number}", "previous_response_id": target},
    }


def steer_interrupts() -> list[Record]:
    """(l1) A steer that ends the running response early; the successor comes unasked."""
    wire = Wire()
    first = make.answer("resp_l1", "Day one is for the harbour, day two")
    cut = "Day one is for "
    successor = make.answer("resp_l2", "One day only.", parent="resp_l1")
    return [
        wire.open(),
        wire.sent(make.create("A trip.")),
        *wire.got_all(first[:8]),
        wire.sent(make.steer("resp_l1", "Only one day.")),
        wire.got(_accepted("resp_l1", 1)),
        wire.got(make.text_done("resp_l1".replace("resp", "msg"), cut)),
        wire.got(make.item_done(make.message("msg_l1", cut, "incomplete"))),
        wire.got(make.incomplete("resp_l1", "steered", output=[make.message("msg_l1", cut, "incomplete")])),
        *wire.got_all(successor),
        wire.close(),
    ]


def steer_after_the_end() -> list[Record]:
    """(l2) The response ends by itself before the steer takes hold; its successor comes all the same."""
    wire = Wire()
    first = make.answer("resp_l3", "Two days.")
    return [
        wire.open(),
        wire.sent(make.create("A trip.")),
        *wire.got_all(first[:-2]),
        wire.sent(make.steer("resp_l3", "Add a museum.")),
        wire.got(_accepted("resp_l3", 2)),
        *wire.got_all(first[-2:]),
        *wire.got_all(make.answer("resp_l4", "Two days and a museum.", parent="resp_l3")),
        wire.close(),
    ]


def steer_waits() -> list[Record]:
    """(l3) The response stops for a tool: the steer waits until a create brings the output."""
    wire = Wire()
    pending: Body = {
        "type": "response.steer.pending",
        "steer": {"id": "steer_3", "previous_response_id": "resp_l5"},
        "reason": "waiting_for_required_input",
        "required_input": [{"type": "function_call_output", "call_id": "call_9", "name": "get_weather"}],
    }
    return [
        wire.open(),
        wire.sent(make.create("A trip.", tools=[WEATHER])),
        *wire.got_all(make.call_answer("resp_l5", {"call_9": "{}"})[:3]),
        wire.sent(make.steer("resp_l5", "Mind the rain.")),
        wire.got(_accepted("resp_l5", 3)),
        *wire.got_all(make.call_answer("resp_l5", {"call_9": "{}"})[3:]),
        wire.got(pending),
        wire.sent(make.create([make.function_output("call_9")], previous_response_id="resp_l5")),
        *wire.got_all(make.answer("resp_l6", "Take a coat.", parent="resp_l5")),
        wire.close(),
    ]


def steer_fails() -> list[Record]:
    """(l4) A steer that comes too late is given back."""
    wire = Wire()
    gone: Body = {
        "type": "response.steer.failed",
        "steer": {"previous_response_id": "resp_l7", "input": "Shorter."},
        "error": {"type": "invalid_request_error", "code": "response_not_active", "message": "It is over."},
    }
    return [
        wire.open(),
        *wire.turn("resp_l7", "Done."),
        wire.sent(make.steer("resp_l7", "Shorter.")),
        wire.got(gone),
        wire.close(),
    ]


HOSTILE: Mapping[str, bytes] = {
    "not JSON": b'{"type":"response.created",',
    "not UTF-8": b'{"type":"\xff\xfe"}',
    "deep": b'{"type":"deep","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "lone surrogate": b'{"type":"surrogate","text":"\\ud800 alone"}',
    "escape sequences": b'{"type":"escape","text":"\\u001b]52;c;aGk=\\u0007\\u001b[2J\\u009b31m"}',
    "bidi": '{"type":"bidi","text":"\u202etxt.exe\u2066"}'.encode(),
    "markup": b'{"type":"markup","text":"[@click=app.quit]quit[/] [red]"}',
    "joiner": '{"type":"joiner","text":"a\u200db \U0001f469\u200d\U0001f680"}'.encode(),
    "huge numbers": b'{"type":"numbers","sequence_number":1e999,"output_index":' + b"9" * 400 + b"}",
    "wrong kinds": b'{"type":["x"],"response":"resp","item":[],"usage":3,"stream_id":{}}',
    "no object": b'["type","response.created"]',
    "empty": b"",
    "server-sent": b'data: {"type":"keepalive"}',
    "end marker": b"[DONE]",
}


def hostile() -> list[Record]:
    """Frames that nobody should send, in the middle of a turn that goes on."""
    wire = Wire()
    whole = make.answer("resp_x1", "Still \x1b[31mhere\x1b[0m.")
    return [
        wire.open(),
        wire.sent(make.create("Are you there?")),
        *wire.got_all(whole[:4]),
        *(wire.got(payload) for payload in HOSTILE.values()),
        wire.got(b"\x00\x01\x9b2J\xff", Kind.BINARY),
        wire.record(b"\x1b[2J", Kind.PING, Direction.SERVER),
        *wire.got_all(whole[4:]),
        wire.close(1011, "bye \x1b[0m"),
    ]


def both_transports() -> list[Record]:
    """(m) A tapped client that goes on over HTTP: a stream with a call, an answer in one piece, a list."""
    who: dict[str, Any] = {
        "client": "maker/1.0",
        "peer": "127.0.0.1:50000",
        "pair": "pair-m",
        "tap": "http://127.0.0.1:8377/v1",
    }
    socket = Wire(1)
    records = [
        socket.open(headers=None, **who),
        socket.sent(make.create("Is it warm in Oslo?")),
        *socket.got_all(make.answer("resp_m1", "I will look.")),
        socket.close(),
    ]
    stream = Wire(2, at=socket.now)
    records += [
        stream.asked(
            _posted("Look now.", tools=[WEATHER], previous_response_id="resp_m1", stream=True), **who
        ),
        stream.answered(),
        stream.streamed(": keep-alive"),
        *stream.streamed_all(make.call_answer("resp_m2", {"call_m1": '{"city": "Oslo"}'}, parent="resp_m1")),
        stream.streamed("data: [DONE]"),
        stream.ended(4_000),
    ]
    whole = Wire(3, at=stream.now)
    body = _posted([make.function_output("call_m1")], previous_response_id="resp_m2")
    response = make.completed("resp_m3", [make.message("msg_m3", "It is warm.")])["response"]
    records += [whole.asked(body, **who), whole.answered(response), whole.ended(900)]
    models = Wire(4, at=whole.now)
    listed = {"object": "list", "data": [{"id": "gpt-5.4", "object": "model"}]}
    return [
        *records,
        models.asked(method="GET", target="/v1/models", **who),
        models.answered(listed),
        models.ended(60),
    ]


def _posted(input: Any, **fields: Any) -> Body:
    """The body of a POST: a create without its type."""
    return {name: value for name, value in make.create(input, **fields).items() if name != "type"}


TRANSCRIPTS: Mapping[str, Callable[[], list[Record]]] = {
    "a-plain": plain,
    "b-function-call": function_call,
    "c-reasoning": reasoning,
    "d-parallel-calls": parallel_calls,
    "e-hosted-tools": hosted_tools,
    "f-refusal": refusal,
    "g-length-stop": length_stop,
    "h-failure": failure,
    "i-errors": errors,
    "j-warmup": warmup,
    "k-lanes": lanes,
    "l1-steer-interrupts": steer_interrupts,
    "l2-steer-after-the-end": steer_after_the_end,
    "l3-steer-waits": steer_waits,
    "l4-steer-fails": steer_fails,
    "m-both-transports": both_transports,
    "hostile": hostile,
}


def lines(name: str) -> bytes:
    """The recording of one transcript, header and all."""
    records = TRANSCRIPTS[name]()
    return HEADER + b"".join(to_line(record, number) for number, record in enumerate(records))


def main() -> int:
    """Write every golden recording."""
    for name in TRANSCRIPTS:
        (GOLDEN / f"{name}.jsonl").write_bytes(lines(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
