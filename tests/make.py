"""Builders of records and of the event bodies that stand in them, for every test of the package.

Two layers: functions that return a body (`created`, `text_delta`, `completed`), and `Wire`, which stamps
bodies into records with times that move by a fixed step. Nothing here reads a clock, a socket or a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sessions.records import NO_META, Direction, Kind, Meta, Record

Body = dict[str, Any]

WALL = 1_795_000_000_000_000  # microseconds since the epoch; any fixed moment does


def payload_of(value: Mapping[str, Any] | str | bytes) -> bytes:
    """The bytes of a message: a body as compact JSON, text and bytes as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def record(
    payload: Mapping[str, Any] | str | bytes = b"",
    *,
    kind: Kind = Kind.TEXT,
    direction: Direction = Direction.SERVER,
    session: int = 1,
    at: float = 0.0,
    meta: Meta = NO_META,
) -> Record:
    """One record at `at` seconds of recording time."""
    return Record(session, direction, kind, WALL + round(at * 1_000_000), at, payload_of(payload), meta)


class Wire:
    """One socket as a maker of records: each call makes the next one, `step` seconds after the last."""

    def __init__(self, session: int = 1, *, at: float = 0.0, step: float = 0.01) -> None:
        self.session = session
        self.now = at
        self.step = step

    def wait(self, seconds: float) -> None:
        """Let this much recording time pass before the next record."""
        self.now += seconds

    def record(
        self,
        payload: Mapping[str, Any] | str | bytes = b"",
        kind: Kind = Kind.TEXT,
        direction: Direction = Direction.SERVER,
        meta: Meta = NO_META,
    ) -> Record:
        """The next record, of any kind."""
        self.now = round(self.now + self.step, 6)
        return record(payload, kind=kind, direction=direction, session=self.session, at=self.now, meta=meta)

    def open(
        self,
        url: str = "wss://api.openai.com/v1/responses",
        *,
        headers: Mapping[str, str] | None = None,
        **meta: str | int | float,
    ) -> Record:
        """The OPEN record of a 101; `headers` are added to the response head, `meta` to the defaults."""
        known: dict[str, str | int | float] = {
            "url": url, "route": "direct", "profile": "openai", "status": 101, "lifetime": 3600,
            "compression": "off", "masked": "authorization", "tcp_ms": 1.5, "upgrade_ms": 12.0,
        }  # fmt: skip
        path = "/" + url.split("://", 1)[-1].partition("/")[2]
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = (
            f"GET {path} HTTP/1.1\r\nAuthorization: Bearer ***\r\nUpgrade: websocket\r\n\r\n"
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{extra}\r\n"
        )
        return self.record(head, Kind.OPEN, Direction.LOCAL, {**known, **meta})

    def refused(
        self,
        failure_class: str,
        detail: str = "",
        *,
        status: int = 0,
        body: str = "",
        **meta: str | int | float,
    ) -> Record:
        """The REFUSED record of an opening; a status makes its payload a response head and body."""
        payload = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}" if status else ""
        known: dict[str, str | int | float] = {
            "url": "wss://api.openai.com/v1/responses", "route": "direct", "profile": "openai",
            "failure_class": failure_class, "detail": detail,
        }  # fmt: skip
        if status:
            known["status"] = status
        return self.record(payload, Kind.REFUSED, Direction.LOCAL, {**known, **meta})

    def sent(self, value: Mapping[str, Any] | str | bytes, kind: Kind = Kind.TEXT) -> Record:
        """A message of the client."""
        return self.record(value, kind, Direction.CLIENT)

    def got(self, value: Mapping[str, Any] | str | bytes, kind: Kind = Kind.TEXT) -> Record:
        """A message of the server."""
        return self.record(value, kind, Direction.SERVER)

    def got_all(self, bodies: Iterable[Mapping[str, Any] | str | bytes]) -> list[Record]:
        """Messages of the server, one after the other."""
        return [self.got(body) for body in bodies]

    def close(self, code: int = 1000, reason: str = "", *, by: Direction = Direction.SERVER) -> Record:
        """A close frame."""
        payload = code.to_bytes(2, "big") + reason.encode()
        return self.record(payload, Kind.CLOSE, by, {"code": code, "reason": reason})

    def lost(self, detail: str = "connection reset") -> Record:
        """The end of a connection without a close frame."""
        return self.record(b"", Kind.LOST, Direction.LOCAL, {"code": 1006, "detail": detail})

    def latency(self, ms: float) -> Record:
        """The note of a pong that answered our ping."""
        return self.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "latency", "ms": ms})

    # An HTTP exchange of a tapped client

    def asked(
        self,
        body: Mapping[str, Any] | str | bytes = b"",
        *,
        method: str = "POST",
        target: str = "/v1/responses",
        **meta: str | int | float,
    ) -> Record:
        """The REQUEST of an exchange."""
        payload = payload_of(body)
        head = f"{method} {target} HTTP/1.1\r\nhost: tap\r\ncontent-length: {len(payload)}\r\n\r\n".encode()
        known: dict[str, str | int | float] = {
            "method": method, "target": target, "url": f"https://api.openai.com{target}",
            "route": "direct", "profile": "openai", "head": len(head),
        }  # fmt: skip
        return self.record(head + payload, Kind.REQUEST, Direction.CLIENT, {**known, **meta})

    def answered(
        self,
        body: Mapping[str, Any] | str | bytes = b"",
        *,
        status: int = 200,
        media_type: str = "",
        headers: Mapping[str, str] | None = None,
        **meta: str | int | float,
    ) -> Record:
        """The RESPONSE of an exchange: of a stream when it has no body."""
        payload = payload_of(body)
        media_type = media_type or ("application/json" if payload else "text/event-stream")
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}; charset=utf-8\r\n{extra}\r\n".encode()
        known: dict[str, str | int | float] = {"status": status, "head": len(head), "ms": 400.0}
        return self.record(head + payload, Kind.RESPONSE, Direction.SERVER, {**known, **meta})

    def streamed(self, body: Mapping[str, Any] | str | bytes, **meta: str | int | float) -> Record:
        """An SSE record: an event in the API's form, or these bytes."""
        block = payload_of(body)
        if isinstance(body, Mapping):
            block = f"event: {body.get('type', '')}\ndata: ".encode() + block
        return self.record(block, Kind.SSE, Direction.SERVER, meta or NO_META)

    def streamed_all(self, bodies: Iterable[Mapping[str, Any] | str | bytes]) -> list[Record]:
        """SSE records, one after the other."""
        return [self.streamed(body) for body in bodies]

    def begun(self, **meta: str | int | float) -> Record:
        """The OPEN of a session of our own over HTTP."""
        known: dict[str, str | int | float] = {
            "transport": "http", "url": "https://api.openai.com/v1/responses", "route": "direct",
            "profile": "openai",
        }  # fmt: skip
        return self.record(b"", Kind.OPEN, Direction.LOCAL, {**known, **meta})

    def exchange(
        self, number: int, response_id: str, *, lane: str = "", **create_fields: Any
    ) -> list[Record]:
        """A whole turn of a session of our own over HTTP, on a lane of this side where one is named."""
        body = create(stream=True, **create_fields)
        del body["type"]
        meta: dict[str, Any] = {"exchange": number, **({"lane": lane} if lane else {})}
        store = create_fields.get("store", True)
        answers = answer(response_id, parent=create_fields.get("previous_response_id"), store=store)
        end: dict[str, str | int | float] = {"note": "end", "ms": 900.0, "bytes": 1000, **meta}
        in_stream: dict[str, Any] = {"lane": lane} if lane else {}
        return [
            self.asked(body, **meta),
            self.answered(**meta),
            *(self.streamed(one, **in_stream) for one in answers),
            self.record(b"", Kind.NOTE, Direction.LOCAL, end),
        ]

    def ended(self, size: int = 1000) -> Record:
        """The note that the exchange came to its end."""
        return self.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "end", "ms": 900.0, "bytes": size})

    def turn(self, response_id: str, text: str = "Hello, world.", **create_fields: Any) -> list[Record]:
        """A whole turn: the create and a complete answer of one message, streamed word by word."""
        lane = create_fields.get("stream_id")
        parent = create_fields.get("previous_response_id")
        return [
            self.sent(create(**create_fields)),
            *self.got_all(answer(response_id, text, lane=lane, parent=parent)),
        ]


# What a client sends ------------------------------------------------------------------------------------


def create(input: Any = "Hi", *, model: str = "gpt-5.4", **fields: Any) -> Body:
    """A `response.create` in the contract's flat form."""
    return {"type": "response.create", "model": model, "input": input, **fields}


def function_output(call_id: str, output: str = "15 degrees") -> Body:
    """The input item that answers a function call."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def steer(target: str, text: str = "Shorter.", **fields: Any) -> Body:
    """A `response.steer` for a running response."""
    return {"type": "response.steer", "previous_response_id": target, "input": text, **fields}


# What a server sends ------------------------------------------------------------------------------------


def on_lane(body: Body, lane: str | None) -> Body:
    """The same body with the lane echoed."""
    return body if lane is None else {**body, "stream_id": lane}


def numbered(bodies: Iterable[Body], first: int = 0) -> list[Body]:
    """The same bodies with ascending sequence numbers."""
    return [{**body, "sequence_number": number} for number, body in enumerate(bodies, first)]


def usage(inward: int = 20, outward: int = 8, *, cached: int = 0, reasoning: int = 0) -> Body:
    """Token counts in the contract's names."""
    return {
        "input_tokens": inward,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": outward,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": inward + outward,
    }


def response(response_id: str, status: str = "in_progress", **fields: Any) -> Body:
    """A response object as events carry it."""
    return {
        "id": response_id, "object": "response", "created_at": 1_795_000_000, "status": status,
        "model": "gpt-5.4", "output": [], "error": None, "incomplete_details": None,
        "previous_response_id": None, "store": True, "usage": None, **fields,
    }  # fmt: skip


def lifecycle(event_type: str, response_id: str, **fields: Any) -> Body:
    """A `response.<event_type>` event with its response object."""
    status = {"created": "in_progress"}.get(event_type, event_type)
    return {"type": f"response.{event_type}", "response": response(response_id, status, **fields)}


def created(response_id: str, **fields: Any) -> Body:
    """A `response.created`."""
    return lifecycle("created", response_id, **fields)


def completed(response_id: str, output: Iterable[Body] = (), **fields: Any) -> Body:
    """A `response.completed` with usage."""
    return lifecycle("completed", response_id, **{"output": list(output), "usage": usage(), **fields})


def incomplete(response_id: str, reason: str = "max_output_tokens", **fields: Any) -> Body:
    """A `response.incomplete` with its reason."""
    details = {"reason": reason}
    return lifecycle("incomplete", response_id, **{"incomplete_details": details, "usage": usage(), **fields})


def failed(response_id: str, code: str = "server_error", message: str = "It broke.", **fields: Any) -> Body:
    """A `response.failed` with its error."""
    return lifecycle("failed", response_id, **{"error": {"code": code, "message": message}, **fields})


def message(item_id: str, text: str = "", status: str = "completed") -> Body:
    """A message item; without text its content is empty, as in `output_item.added`."""
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": content}


def function_call(item_id: str, call_id: str, name: str = "get_weather", arguments: str = "") -> Body:
    """A function call item."""
    status = "completed" if arguments else "in_progress"
    return {
        "id": item_id, "type": "function_call", "call_id": call_id, "name": name,
        "arguments": arguments, "status": status,
    }  # fmt: skip


def reasoning(item_id: str, summary: str = "", encrypted: str = "") -> Body:
    """A reasoning item with its summary and, where asked for, its encrypted content."""
    item: Body = {"id": item_id, "type": "reasoning", "summary": []}
    if summary:
        item["summary"] = [{"type": "summary_text", "text": summary}]
    if encrypted:
        item["encrypted_content"] = encrypted
    return item


def item_added(item: Body, index: int = 0) -> Body:
    """A `response.output_item.added`."""
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def item_done(item: Body, index: int = 0) -> Body:
    """A `response.output_item.done`."""
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def part_added(item_id: str, index: int = 0, content_index: int = 0, kind: str = "output_text") -> Body:
    """A `response.content_part.added`."""
    part = {"type": kind, "refusal" if kind == "refusal" else "text": ""}
    return {
        "type": "response.content_part.added", "item_id": item_id, "output_index": index,
        "content_index": content_index, "part": part,
    }  # fmt: skip


def part_done(
    item_id: str, text: str, index: int = 0, content_index: int = 0, kind: str = "output_text"
) -> Body:
    """A `response.content_part.done`."""
    part = {"type": kind, "refusal" if kind == "refusal" else "text": text}
    return {
        "type": "response.content_part.done", "item_id": item_id, "output_index": index,
        "content_index": content_index, "part": part,
    }  # fmt: skip


def text_delta(item_id: str, delta: str, index: int = 0, content_index: int = 0) -> Body:
    """A `response.output_text.delta`."""
    return {
        "type": "response.output_text.delta", "item_id": item_id, "output_index": index,
        "content_index": content_index, "delta": delta,
    }  # fmt: skip


def text_done(item_id: str, text: str, index: int = 0, content_index: int = 0) -> Body:
    """A `response.output_text.done`."""
    return {
        "type": "response.output_text.done", "item_id": item_id, "output_index": index,
        "content_index": content_index, "text": text,
    }  # fmt: skip


def arguments_delta(item_id: str, delta: str, index: int = 0) -> Body:
    """A `response.function_call_arguments.delta`."""
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "item_id": item_id, "output_index": index, "delta": delta}


def arguments_done(item_id: str, arguments: str, index: int = 0) -> Body:
    """A `response.function_call_arguments.done`."""
    kind = "response.function_call_arguments.done"
    return {"type": kind, "item_id": item_id, "output_index": index, "arguments": arguments}


def error(code: str, message: str = "It is wrong.", *, status: int = 400, **fields: Any) -> Body:
    """An `error` frame in the wrapped form of the WebSocket guide."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    inner = {"type": kind, "code": code, "message": message, "param": None}
    return {"type": "error", "status": status, "error": inner, **fields}


def words(text: str) -> Iterator[str]:
    """The text in pieces that end after each space, as tokens often do."""
    start = 0
    while start < len(text):
        end = text.find(" ", start) + 1 or len(text)
        yield text[start:end]
        start = end


def message_events(item_id: str, text: str, index: int = 0) -> list[Body]:
    """All events of one message item, from added to done."""
    return [
        item_added(message(item_id, status="in_progress"), index),
        part_added(item_id, index),
        *(text_delta(item_id, word, index) for word in words(text)),
        text_done(item_id, text, index),
        part_done(item_id, text, index),
        item_done(message(item_id, text), index),
    ]


def call_events(item_id: str, call_id: str, name: str, arguments: str, index: int = 0) -> list[Body]:
    """All events of one function call item, from added to done."""
    return [
        item_added(function_call(item_id, call_id, name), index),
        *(arguments_delta(item_id, piece, index) for piece in words(arguments)),
        arguments_done(item_id, arguments, index),
        item_done(function_call(item_id, call_id, name, arguments), index),
    ]


def answer(
    response_id: str,
    text: str = "Hello, world.",
    *,
    lane: str | None = None,
    parent: str | None = None,
    item_id: str = "",
    **fields: Any,
) -> list[Body]:
    """All events of a response with one message, numbered, from created to completed."""
    item_id = item_id or response_id.replace("resp_", "msg_")
    fields = {"previous_response_id": parent, **fields}
    bodies = [
        created(response_id, **fields),
        lifecycle("in_progress", response_id, **fields),
        *message_events(item_id, text),
        completed(response_id, [message(item_id, text)], **fields),
    ]
    return [on_lane(body, lane) for body in numbered(bodies)]


def call_answer(
    response_id: str,
    calls: Mapping[str, str],
    *,
    name: str = "get_weather",
    lane: str | None = None,
    parent: str | None = None,
) -> list[Body]:
    """All events of a response with function calls only (call id -> arguments), numbered."""
    bodies = [created(response_id, previous_response_id=parent)]
    output = []
    for index, (call_id, arguments) in enumerate(calls.items()):
        item_id = f"fc_{call_id}"
        bodies += call_events(item_id, call_id, name, arguments, index)
        output.append(function_call(item_id, call_id, name, arguments))
    bodies.append(completed(response_id, output, previous_response_id=parent))
    return [on_lane(body, lane) for body in numbered(bodies)]
