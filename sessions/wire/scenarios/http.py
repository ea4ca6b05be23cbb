"""The same answers over plain HTTP: POST with JSON or an event stream, compaction, models, stored responses.

Its one rule: HTTP has no connection-local memory, so a parent must be stored; keys that exist on a socket
only are refused. Dialects and faults read the same units as on a socket; a close frame, which HTTP has not,
is an end of TCP in mid-stream here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sessions.events import Undecodable, whole
from sessions.wire.http1 import HttpConnection, Request
from sessions.wire.scenarios import problem, request
from sessions.wire.scenarios.answer import Loose, Step, Successor
from sessions.wire.scenarios.answers import answer
from sessions.wire.scenarios.asking import asked, wrong_outputs
from sessions.wire.scenarios.dialects.openai import wrapped_error
from sessions.wire.scenarios.faults import OpeningFault, StepFault, UnitFault
from sessions.wire.scenarios.narration import RUN, narrate
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.setting import Setting
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import (
    Abort,
    Batch,
    Close,
    Deltas,
    Event,
    Hang,
    Pause,
    Payload,
    Pieces,
    Unit,
    encode,
    is_delta,
    singly,
)

#: what every good answer carries, over either transport
ANSWER_HEADERS = (("openai-version", "2020-10-01"), ("openai-processing-ms", "3"))
#: events that only a socket has: there is no `response.steer` over HTTP, and no upgrade to be timed
_SOCKET_EVENTS = ("response.steer.", "responsesapi.websocket_")


async def respond(http: HttpConnection, asked_for: Request, setting: Setting, number: int = 1) -> int:
    """Answer one request that is no upgrade; returns the status.

    `number` counts the creates of the server, for the faults that hit one of them.
    """
    path = asked_for.path.rstrip("/")
    tail = path.rsplit("/", 2)
    get = asked_for.method in ("GET", "HEAD")
    if path.endswith("/responses"):
        if asked_for.method == "POST":
            return await _create(http, asked_for.body, setting, number)
        if get:
            message = "This path takes POST, or a WebSocket upgrade."
            wrong = Problem(426, "upgrade_required", message)
            return await refuse(http, wrong, (("upgrade", "websocket"), ("connection", "upgrade")))
        return await refuse(http, Problem(405, None, "Method not allowed."), (("allow", "GET, POST"),))
    if path.endswith("/responses/compact") and asked_for.method == "POST":
        return await _compact(http, asked_for.body, setting)
    if path.endswith("/models") and get:
        models = [_model(name) for name in setting.options.models]
        return await _json(http, {"object": "list", "data": models})
    if len(tail) == 3 and tail[1] == "models" and get:
        if tail[2] in setting.options.models:
            return await _json(http, _model(tail[2]))
        return await refuse(
            http, Problem(404, "model_not_found", f"The model '{tail[2]}' does not exist.", "model")
        )
    if len(tail) == 3 and tail[1] == "responses":
        return await _stored(http, asked_for.method, tail[2], setting)
    return await refuse(
        http, Problem(404, None, f"Unknown request URL: {asked_for.method} {asked_for.path}.")
    )


async def refuse(http: HttpConnection, wrong: Problem, headers: tuple[tuple[str, str], ...] = ()) -> int:
    """Answer with a problem as HTTP spells it."""
    await http.respond_json(wrong.status, {"error": error_of(wrong)}, headers)
    return wrong.status


def error_of(wrong: Problem) -> Event:
    """The error object of a problem."""
    return {"message": wrong.message, "type": wrong.type, "param": wrong.param, "code": wrong.code}


def _model(name: str) -> Event:
    return {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "turnscope-fake"}


async def _json(http: HttpConnection, body: Any, status: int = 200) -> int:
    await http.respond_json(status, body)
    return status


async def _stored(http: HttpConnection, method: str, response_id: str, setting: Setting) -> int:
    kept = setting.storage.find(response_id)
    if kept is None:
        return await refuse(http, Problem(404, None, f"Response with id '{response_id}' not found."))
    if method == "DELETE":
        setting.storage.forget(response_id)
        return await _json(http, {"id": response_id, "object": "response.deleted", "deleted": True})
    if method not in ("GET", "HEAD"):
        return await refuse(http, Problem(405, None, "Method not allowed."), (("allow", "GET, DELETE"),))
    return await _json(http, kept.resource)


def _body(content: bytes) -> Mapping[str, Any] | Problem:
    event = whole(content)
    return problem.not_json(event.reason) if isinstance(event, Undecodable) else event.body


async def _compact(http: HttpConnection, content: bytes, setting: Setting) -> int:
    body = _body(content)
    if isinstance(body, Problem):
        return await refuse(http, body)
    create = request.read_create(body, None, store=False)
    if isinstance(create, Problem):
        return await refuse(http, create)
    parent = setting.storage.find(create.parent_id) if create.parent_id else None
    if create.parent_id and parent is None:
        return await refuse(http, problem.parent_not_found(create.parent_id))
    turn = Turn(create, parent, setting.ids)
    user = [item for item in create.input if item.get("role") == "user"]
    sealed = {
        "id": setting.ids.new("cmp"),
        "type": "compaction",
        "encrypted_content": setting.ids.sealed(turn.id),
    }
    turn.spend(12)
    compacted = {
        "id": turn.id,
        "object": "response.compaction",
        "created_at": turn.created_at,
        "output": [*user[-1:], sealed],
        "usage": turn.usage(),
    }
    return await _json(http, compacted)


async def _create(http: HttpConnection, content: bytes, setting: Setting, number: int) -> int:
    for spoilt, argument in setting.hitting(OpeningFault, number):
        opening = spoilt.opening(argument)
        if opening.is_for_posts:
            await http.respond(opening.status, opening.headers, opening.body.encode())
            return opening.status
    body = _body(content)
    if isinstance(body, Problem):
        return await refuse(http, body)
    for key in request.SOCKET_KEYS:
        if key in body:
            return await refuse(http, problem.unknown_parameter(key))
    turn = _turn(body, setting, number)
    if isinstance(turn, Problem):
        return await refuse(http, turn)
    units = _units(turn, setting, number)
    if body.get("stream") is not True:
        await _drain(units, setting)
        await http.respond_json(200, _respelled(turn, setting), ANSWER_HEADERS)
        return 200
    stream = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
    await http.start(200, (*stream, *ANSWER_HEADERS))
    for unit in units:
        if not await _put(http, unit, setting):
            break
    await http.finish()
    return 200


def _turn(body: Mapping[str, Any], setting: Setting, number: int) -> Turn | Problem:
    """The turn that a body asks for."""
    dialect = setting.dialect
    store = setting.options.store and dialect.name != "codex"
    create = request.read_create(body, None, store=store)
    if isinstance(create, Problem):
        return create
    parent = setting.storage.find(dialect.parent_id(create.parent_id)) if create.parent_id else None
    if create.parent_id and parent is None:
        return problem.parent_not_found(create.parent_id)
    wrong = dialect.check(create, parent) or wrong_outputs(create, parent)
    if wrong is not None:
        return wrong
    create = create._replace(tools=request.named_tools(create.tools))

    def keep(turn: Turn) -> None:
        if turn.status in ("completed", "incomplete") and create.store:
            setting.storage.keep(turn.kept())

    prompts = setting.storage.prompts
    known = prompts.known_items(create)
    prompts.keep(create)
    return Turn(create, parent, setting.ids, number=number, on_end=keep, known_items=known)


def _units(turn: Turn, setting: Setting, number: int) -> Iterator[Unit]:
    """What the turn sends, in the dialect's words, with what goes wrong on purpose."""
    options = setting.options
    steps: Iterable[Step] = _without_steering(answer(asked(turn.create, turn.parent), options.scenario))
    for step_fault, argument in setting.hitting(StepFault, number):
        steps = step_fault.act(steps, argument)
    units = narrate(turn, steps, think_seconds=options.think_ms / 1000, run=1 if options.rate else RUN)
    units = setting.dialect.respell(units, turn)
    for unit_fault, argument in setting.hitting(UnitFault, number):
        units = unit_fault.act(singly(units), argument, turn)
    return units


def _without_steering(steps: Iterable[Step]) -> Iterator[Step]:
    """What is said where nobody can steer: a create has one response, which ends as it would have ended."""
    for step in steps:
        is_successor = isinstance(step, Successor)
        is_word = isinstance(step, Loose) and str(step.event["type"]).startswith(_SOCKET_EVENTS)
        if not is_successor and not is_word:
            yield step


async def _put(http: HttpConnection, unit: Unit, setting: Setting) -> bool:
    """Send one unit; False when it was the last. Raises ConnectionError when it ends the connection."""
    match unit:
        case Deltas():
            await _pace(setting)
            await http.write(b"".join(_framed(event) for event in unit.events()))
        case dict():
            if is_delta(unit):
                await _pace(setting)
            await http.write(_framed(unit))
        case Problem():
            await http.write(_framed(wrapped_error(unit, None)))
            return False
        case Payload(content, _):
            await http.write(_block(content))
        case Batch(contents):
            await http.write(b"".join(map(_block, contents)))
        case Pieces(pieces):
            for piece in (b"data: ", *pieces, b"\n\n"):
                await http.write(piece)
        case Pause(seconds):
            await asyncio.sleep(seconds)
        case Hang():
            await asyncio.Event().wait()
        case Close():
            http.abort(is_reset=False)
            raise ConnectionAbortedError
        case Abort(is_reset):
            http.abort(is_reset=is_reset)
            raise ConnectionAbortedError
    return True


def _respelled(turn: Turn, setting: Setting) -> Event:
    """The finished response as this server words it."""
    whole_event: Event = {"type": "response.completed", "response": turn.resource()}
    for unit in setting.dialect.respell(iter((whole_event,)), turn):
        if isinstance(unit, dict) and isinstance(unit.get("response"), dict):
            response: Event = unit["response"]
            return response
    return turn.resource()


async def _drain(units: Iterator[Unit], setting: Setting) -> None:
    for unit in singly(units):
        if isinstance(unit, Pause):
            await asyncio.sleep(unit.seconds)


async def _pace(setting: Setting) -> None:
    await asyncio.sleep(1 / setting.options.rate if setting.options.rate else 0)


def _block(content: bytes) -> bytes:
    """Any bytes as one event of a stream, each of their lines a data line."""
    return b"".join(b"data: " + line + b"\n" for line in content.split(b"\n")) + b"\n"


def _framed(event: Event) -> bytes:
    # over HTTP an error is flat
    nested = event.get("error")
    if event["type"] == "error" and isinstance(nested, dict):
        event = {key: value for key, value in event.items() if key not in ("error", "status")} | {
            key: nested.get(key) for key in ("code", "message", "param")
        }
    return (
        b"event: "
        + json.dumps(event["type"], ensure_ascii=True)[1:-1].encode()
        + b"\ndata: "
        + encode(event)
        + b"\n\n"
    )
