"""The upstream's answer to one create: records of an HTTP exchange in, messages for the client out.

Its one rule: an event goes on as the bytes it came in. It is written anew only where WebSocket mode says
something else than HTTP: the lane, the parent, the shape of an error; and an answer always comes to an end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sessions.bodies import parts, text_of, whole_of
from sessions.context import carried
from sessions.contract import FAILURES, PARENT_NOT_FOUND, TERMINAL, FailureClass
from sessions.dialects import read
from sessions.events import Event, Undecodable, whole
from sessions.facts import brief, number
from sessions.records import Kind, Record
from sessions.redact import url
from sessions.wire.bridge_create import Create
from sessions.wire.bridge_memory import Kept
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.units import encode

_SAID_CHARACTERS = 500  # of a body that is no JSON


class Answer:
    """One answer while it comes."""

    def __init__(self, create: Create) -> None:
        self.create = create
        self.is_over = False  #: whether a terminal event or an error has been told
        self.is_reasoning_lost = False  #: whether some of it cannot be sent again, once it is kept
        self._final: Mapping[str, Any] | None = None  #: the response object that ended it well
        self._latest: dict[str, Any] = {}  #: the response object as it was told last
        self._items: dict[int, Mapping[str, Any]] = {}
        self._number = -1
        self._strangers = 0  #: objects in the stream that are no events

    # In and out ---------------------------------------------------------------------------------------

    def take(self, record: Record) -> list[bytes]:
        """The messages that a record of the exchange becomes."""
        match record.kind:
            case Kind.RESPONSE:
                return list(self._begun(record))
            case Kind.SSE:
                event = whole_of(record)
                # a comment, [DONE], or an event that the stream ended in; the recording has them
                if isinstance(event, Undecodable) or "cut" in record.meta:
                    return []
                return self._streamed(event, text_of(record))
            case Kind.REFUSED:
                failure = FailureClass(str(record.meta["failure_class"]))
                said = f"The bridge could not reach its upstream. {FAILURES[failure][0]}"
                return [self.refused(Problem(502, failure.value, said, type="server_error"))]
            case Kind.LOST:
                return self._cut(str(record.meta.get("detail", "")))
            case Kind.NOTE if record.meta.get("note") == "end":
                return self._cut("it ended without a terminal event")
        return []

    def refused(self, wrong: Problem) -> bytes:
        """The error message of a problem; it ends the answer."""
        self.is_over = True
        error = {
            "type": wrong.type,
            "code": wrong.code,
            "message": wrong.message,
            "param": wrong.param,
        }
        return error_message(wrong.status, error, self.create.lane)

    def kept(self, parent: Kept | None) -> Kept | None:
        """What is remembered of it; None when it did not end well, or has no id to be found by."""
        if self._final is None:
            return None
        # what was finished on the way is what it said; a final object may list less, or nothing
        output: list[Mapping[str, Any]] = [self._items[place] for place in sorted(self._items)]
        listed = self._final.get("output")
        if not output and isinstance(listed, list):
            output = [item for item in listed if isinstance(item, dict)]
        said, self.is_reasoning_lost = carried(output)
        create = self.create
        if not (response_id := str(self._final.get("id") or "")):
            return None
        return Kept(response_id, create.lane, parent, create.items, tuple(said), create.is_stored)

    # Events -------------------------------------------------------------------------------------------

    def _streamed(self, event: Event, data: bytes) -> list[bytes]:
        """What an event of the stream becomes."""
        if read(event).event.type == "error":
            # behind the end nobody could tell whose error it is; in front of it, it is the end
            return [] if self.is_over else [self._wrapped(dict(event.body))]
        if not event.type:
            self._strangers += 1
            return []
        return [self._event(event, data)]

    def _event(self, event: Event, data: bytes) -> bytes:
        body: dict[str, Any] = dict(event.body)
        is_changed = body.get("type") != event.type
        body["type"] = event.type
        if event.sequence_number is not None:
            self._number = event.sequence_number
        ending = read(event).event.type
        self.is_over = self.is_over or ending in TERMINAL
        if isinstance(response := body.get("response"), dict):
            if response.get("previous_response_id") != self.create.parent_id:
                response = {**response, "previous_response_id": self.create.parent_id}
                body["response"] = response
                is_changed = True
            self._latest = response
            if ending in TERMINAL:
                self._final = None if ending == "response.failed" else response
        elif event.type == "response.output_item.done":
            item, place = body.get("item"), body.get("output_index")
            if isinstance(item, dict):
                self._items[place if isinstance(place, int) else len(self._items)] = item
        if self.create.lane is not None:
            body["stream_id"] = self.create.lane
            is_changed = True
        return encode(body) if is_changed else data

    def _wrapped(self, body: dict[str, Any]) -> bytes:
        """An error event, which is flat over HTTP or has no type, as WebSocket mode has it."""
        self.is_over = True
        nested = body.pop("error", None)
        flat: dict[str, Any] = {name: body.pop(name) for name in ("code", "message", "param") if name in body}
        error: dict[str, Any] = {"type": "server_error", "code": None, "message": "", "param": None, **flat}
        if isinstance(nested, dict):
            error |= nested
        elif isinstance(nested, str):
            error["message"] = error["message"] or nested
        if "detail" in body and not error["message"]:
            error["message"] = brief(body.pop("detail"))
        found = number(body.pop("status", None)) or number(body.pop("status_code", None))
        status = found or _status_in(error["code"])
        rest = {name: value for name, value in body.items() if name != "type"}
        return error_message(status or 500, error, self.create.lane, rest)

    # Answers that are no stream, and streams without an end -------------------------------------------

    def _begun(self, record: Record) -> Iterator[bytes]:
        status = int(record.meta["status"])
        if status == 200:
            if b"text/event-stream" in parts(record).head.lower():
                return
            event = whole_of(record)
            if isinstance(event, Event) and event.type in TERMINAL:
                yield from self._all_at_once(event)
            elif isinstance(event, Event) and isinstance(event.body.get("error"), dict | str):
                yield self._wrapped(dict(event.body))
            else:
                yield self._refused("upstream_not_responses", _strange(record))
        elif status < 300:
            yield self._refused("upstream_not_responses", f"The upstream answered {status} and said nothing.")
        elif status < 400:
            yield self._refused("upstream_redirects", _redirect(record, status))
        else:
            yield self._refused_by_upstream(record, status)

    def _refused(self, code: str, said: str) -> bytes:
        return self.refused(Problem(502, code, said, type="server_error"))

    def _all_at_once(self, event: Event) -> Iterator[bytes]:
        """A whole response, from an upstream that does not stream, as the events of one."""
        response: dict[str, Any] = event.body["response"]
        begun = {**response, "status": "in_progress", "output": [], "usage": None}
        yield self._own("response.created", response=begun)
        output = response.get("output")
        for place, item in enumerate(output if isinstance(output, list) else ()):
            yield self._own("response.output_item.added", output_index=place, item=item)
            yield self._own("response.output_item.done", output_index=place, item=item)
        yield self._own(event.type, response=response)

    def _refused_by_upstream(self, record: Record, status: int) -> bytes:
        """The upstream's HTTP error, its own words in the shape of WebSocket mode."""
        text = text_of(record)
        answer = whole(text)
        found = answer.body.get("error") if isinstance(answer, Event) else None
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error: dict[str, Any] = {"type": kind, "code": None, "message": "", "param": None}
        if isinstance(found, dict):
            error |= found
        elif isinstance(answer, Event):
            said = found or answer.body.get("detail") or answer.body.get("message")
            error["message"] = said if isinstance(said, str) else json.dumps(said or answer.body)
        elif said := text[: 4 * _SAID_CHARACTERS].decode(errors="replace").strip()[:_SAID_CHARACTERS]:
            error["message"] = f"The upstream answered {status} with {_media_type(record)}: {said}"
        error["message"] = error["message"] or f"The upstream answered {status}."
        if error["code"] == PARENT_NOT_FOUND:
            status = 400
        if wait := _header(record, b"retry-after"):
            error["headers"] = {"retry-after": wait}
        self.is_over = True
        return error_message(status, error, self.create.lane)

    def _cut(self, detail: str) -> list[bytes]:
        """What ends an answer that its upstream did not end."""
        if self.is_over:
            return []
        said = f"The upstream's answer was cut: {detail}."
        if not self._latest and self._strangers:
            said = "The upstream's stream held no events of a response; is it one of chat completions?"
            return [self._refused("upstream_not_responses", said)]
        if not self._latest:
            return [self._refused("upstream_cut", said)]
        error = {"code": "server_error", "message": said}
        output = [self._items[place] for place in sorted(self._items)]
        response = {**self._latest, "status": "failed", "error": error, "output": output}
        return [self._own("response.failed", response=response)]

    def _own(self, event_type: str, **fields: Any) -> bytes:
        """An event of the bridge's own making, numbered on from the upstream's."""
        body = {"type": event_type, "sequence_number": self._number + 1, **fields}
        return self._event(_event_of(body), encode(body))


def error_message(
    status: int, error: Mapping[str, Any], lane: str | None = None, more: Mapping[str, Any] | None = None
) -> bytes:
    """An error as WebSocket mode has it: status, lane, and the error itself inside."""
    body: dict[str, Any] = {"type": "error", "status": status}
    if lane is not None:
        body["stream_id"] = lane
    return encode({**body, **(more or {}), "error": error})


def _event_of(body: dict[str, Any]) -> Event:
    """A body of our own as an event."""
    return Event(body["type"], body, body["sequence_number"], None, None, None)


def _strange(record: Record) -> str:
    """What an answer is that is neither a stream nor a response."""
    kind = _media_type(record)
    return f"The upstream answered with {kind}, which is neither an event stream nor a response."


def _redirect(record: Record, status: int) -> str:
    place = _header(record, b"location")
    to = f" to {url(place).value}" if place else ""
    return f"The upstream answered {status}: it redirects{to}. Name the address itself with --upstream."


def _status_in(code: object) -> int:
    """The HTTP status that some servers put where the code belongs; 0 when it is none."""
    found = int(code) if isinstance(code, str) and code.isdecimal() else number(code)
    return found if found is not None and 400 <= found < 600 else 0


def _media_type(record: Record) -> str:
    return _header(record, b"content-type").partition(";")[0].strip()[:100] or "no content type"


def _header(record: Record, wanted: bytes) -> str:
    for line in parts(record).head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return ""
