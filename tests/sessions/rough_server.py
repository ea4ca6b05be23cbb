"""A small Responses server on plain `websockets`, for the tests of the doctor: right but for one habit.

It shares no code with the program, so that what the doctor says does not rest on the fake server's ways.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.sessions.doctor_bench import KEY

MODEL = "gpt-6-astra"
Body: TypeAlias = dict[str, Any]
_EDGE = "<html><head><title>Attention Required!</title></head></html>"
_EVERY_THIRD = 3
_LEASES = 15
_SUBPROTOCOL = Subprotocol("openai-beta.responses.v1")


def _answer(status: int, text: str = "", **headers: str) -> Response:
    body = text.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status, HTTPStatus(status).phrase, Headers({**named, "content-length": str(len(body))}), body
    )


def _refusal(status: int, code: str, message: str = "no") -> Response:
    error = {"error": {"type": "invalid_request_error", "code": code, "message": message, "param": None}}
    return _answer(status, json.dumps(error), content_type="application/json")


class _Server:
    """What all sockets share."""

    def __init__(self, habit: str) -> None:
        self.habit = habit
        self.numbers = itertools.count(1)
        self.upgrades = itertools.count(1)
        self.stored: dict[str, list[Body]] = {}
        self.open: list[ServerConnection] = []

    def refuse(self, _: ServerConnection, request: Request) -> Response | None:
        path, _mark, query = request.path.partition("?")
        given = request.headers.get("authorization", "")
        if "upgrade" not in request.headers:
            return (
                _answer(200, '{"data":[{"id":"gpt-6-astra"}]}') if given == f"Bearer {KEY}" else _answer(401)
            )
        count = next(self.upgrades)
        match self.habit:
            case "html of the edge":
                return _answer(403, _EDGE, content_type="text/html", cf_ray="8a1b-FRA")
            case "elsewhere" if path != "/openai/v1/responses":
                return _answer(404)
            case "throttled" if count > _EVERY_THIRD:
                return _answer(429, retry_after="60")
            case "refused later" if count > 12:
                return _answer(403)
            case "key in the refusal":
                return _refusal(401, "invalid_api_key", f"Incorrect API key provided: {KEY}")
            case "the beta header is needed" if "openai-beta" not in request.headers:
                return _refusal(400, "beta_required")
            case "a subprotocol is needed" if "sec-websocket-protocol" not in request.headers:
                return _answer(400, "subprotocol")
            case "any key" if given:
                return None
            case "key in the query" if "api_key=" in query:
                return None
            case "late refusal":
                return None
        return None if given == f"Bearer {KEY}" else _refusal(401, "invalid_api_key")

    def decorate(self, _: ServerConnection, request: Request, response: Response) -> None:
        if self.habit == "key in a header":
            response.headers["X-Seen"] = request.headers.get("authorization", "")

    async def run(self, socket: ServerConnection) -> None:
        self.open.append(socket)
        try:
            await _Socket(self, socket).run()
        except* ConnectionClosed:
            pass
        finally:
            self.open.remove(socket)


class _Socket:
    def __init__(self, server: _Server, socket: ServerConnection) -> None:
        self.server = server
        self.socket = socket
        self.habit = server.habit
        self.number = len(server.open) and next(server.numbers)
        self.kept: dict[str, list[Body]] = {}
        self.turns = 0
        self.is_busy = self.is_cancelled = False
        self.tasks: asyncio.TaskGroup
        self.task: asyncio.Task[None] | None = None
        self.waiting: list[Body] = []

    async def run(self) -> None:
        habit, socket = self.habit, self.socket
        is_known = (
            socket.request is not None and socket.request.headers.get("authorization") == f"Bearer {KEY}"
        )
        if habit == "late refusal" and not is_known:
            await socket.close(1008, "who are you")
            return
        if habit == "closed at once, every third" and self.number % _EVERY_THIRD == 0:
            await socket.close(1008)
            return
        if habit == "the newest only":
            for other in self.server.open:
                if other is not socket:
                    await other.close(1000, "replaced")
        async with asyncio.TaskGroup() as self.tasks:
            await self.listen()

    async def listen(self) -> None:
        habit, socket = self.habit, self.socket
        if habit == "closed after a while":
            asyncio.get_running_loop().call_later(0.6, lambda: self.tasks.create_task(socket.close(1000)))
        async for text in socket:
            if habit == "lost at its first message, every third" and self.number % _EVERY_THIRD == 0:
                await socket.close(1011, "upstream")
                return
            await self.take(text if isinstance(text, str) else text.decode("utf-8", "replace"))

    async def take(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            if self.habit == "closed by bad JSON":
                await self.socket.close(1011)
                return
            await self.fail(400, "invalid_json", "not JSON")
            return
        if not isinstance(message, dict) and self.habit == "closed by lists":
            await self.socket.close(1011)
        elif message == {"type": "doctor.noop"} and self.habit == "closed by unknown types":
            await self.socket.close(1003)
        elif not isinstance(message, dict):
            await self.fail(400, "invalid_json", "not an object")
        elif message.get("type") == "response.cancel" and self.habit == "cancelled answers go on":
            self.is_cancelled = True
        elif message.get("type") != "response.create":
            await self.fail(400, "unknown_type", "unknown type")
        elif self.task is not None and not self.task.done():
            self.waiting.append(message)
        else:
            self.task = self.tasks.create_task(self.answer_all(message))

    async def answer_all(self, message: Body) -> None:
        self.waiting.append(message)
        try:
            while self.waiting:
                await self.answer(self.waiting.pop(0))
        except ConnectionClosed:
            pass

    async def send(self, message: Body) -> None:
        if self.habit == "an envelope around events":
            message = {"event": message["type"], "data": message}
        if self.habit == "events in a list":
            message = {"kind": "batch", "events": [message]}
        await self.socket.send(json.dumps(message))

    async def fail(self, status: int, code: str | None, message: str, **fields: Any) -> None:
        error: Any = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
        match self.habit:
            case "text as error":
                error = message
            case "no codes":
                error["code"] = None
            case "paths in errors":
                error["message"] = f'File "/srv/app/handlers/ws.py", line 88, in handle: {message}'
            case "refusals as failed responses" if code == "previous_response_not_found":
                failed = {
                    "id": "resp_x",
                    "object": "response",
                    "status": "failed",
                    "error": error,
                    "output": [],
                }
                await self.send({"type": "response.failed", "response": failed, **fields})
                return
            case "key in errors":
                error["message"] = f"{message} (Bearer {KEY})"
        await self.send({"type": "error", "status": status, "error": error, **fields})
        is_twice = self.habit == "every error twice" and code != "previous_response_not_found"
        if is_twice or (self.habit == "errors twice" and code == "model_not_found"):
            await self.send({"type": "error", "status": status, "error": error, **fields})
        if self.habit == "closed by errors":
            await self.socket.close(1000)

    async def answer(self, create: Body) -> None:
        lane = {"stream_id": create["stream_id"]} if "stream_id" in create else {}
        name = create.get("stream_id")
        if name is not None and not re.fullmatch(r"[\w.:-]{1,256}", name):
            await self.fail(400, "invalid_stream_id", "no such lane")
        elif "model" not in create and self.habit == "closed without a model":
            await self.socket.close(1011)
        elif "model" not in create:
            await self.fail(400, "missing_required_parameter", "no model", **lane)
        elif create["model"] != MODEL:
            await self.fail(404, "model_not_found", "no such model", **lane)
        elif (history := self.history(create)) is None:
            said = f"Previous response with id '{create['previous_response_id']}' not found."
            await self.fail(400, "previous_response_not_found", said, **lane)
        elif self.is_busy:
            await self.fail(409, "response_in_progress", "another response is in progress", **lane)
        elif self.turns and self.habit == "silent after one turn":
            return
        elif self.turns >= _LEASES and self.habit == "a lease for each turn":
            await self.fail(503, "no_capacity", "no upstream is free", **lane)
        elif unknown := _unknown_call(create, history if self.habit != "calls lost" else []):
            self.kept.pop(create.get("previous_response_id") or "", None)
            await self.fail(400, None, f"No tool call found with call_id {unknown}.", **lane)
        else:
            await self.turn(create, history, lane)

    def history(self, create: Body) -> list[Body] | None:
        parent = create.get("previous_response_id")
        if parent is None or self.habit == "parents ignored":
            return []
        found = self.kept.get(parent, self.server.stored.get(parent))
        if (
            found is not None
            and self.habit == "forgets what is not stored"
            and parent not in self.server.stored
        ):
            return None
        return [] if found is not None and self.habit == "context lost" else found

    async def turn(self, create: Body, history: list[Body], lane: Body) -> None:
        number = next(self.server.numbers)
        response_id, order = f"resp_{number:032x}", itertools.count()
        if self.habit == "one id for all":
            response_id = f"resp_{1:032x}"
        items = history + _items(create)
        limit = create.get("max_output_tokens") or 10_000
        is_warm = not create.get("generate", True)
        is_warm &= not (history and self.habit == "later warm-ups generate")
        is_call = bool(create.get("tools")) and not is_warm
        words = [] if is_warm or is_call else _words(items)
        status = "incomplete" if len(words) > limit and self.habit != "no limit" else "completed"
        words = words[:limit] if status == "incomplete" else words
        read = sum(8 + len(_text(item)) // 4 for item in items)
        if self.habit == "input twice" and create.get("previous_response_id"):
            read *= 4
        if self.habit == "a prompt of its own":
            read += 500
        spoken = len(words) + 12 * is_call
        usage = {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": spoken,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + spoken,
        }
        body = {
            "id": response_id,
            "object": "response",
            "status": "in_progress",
            "model": "small-3" if self.habit == "another model" else MODEL,
            "previous_response_id": create.get("previous_response_id"),
            "store": create.get("store", True),
            "tools": [] if self.habit == "tools dropped" else create.get("tools", []),
            "max_output_tokens": create.get("max_output_tokens"),
            "output": [],
            "usage": None,
        }

        async def event(kind: str, **fields: Any) -> None:
            await self.send({"type": f"response.{kind}", "sequence_number": next(order), **fields, **lane})

        await event("created", response=body)
        if self.habit == "cut, every third" and self.turns and number % _EVERY_THIRD == 0:
            self.socket.transport.abort()
            return
        output = await self.called(event) if is_call else await self.spoken(event, number, words)
        self.kept[response_id] = items + output
        if create.get("store", True):
            self.server.stored[response_id] = items + output
        final: Body = {"status": status, "output": output, "usage": usage}
        if status == "incomplete":
            final["incomplete_details"] = {"reason": "max_output_tokens"}
        await event(status, response={**body, **final})
        self.turns += 1
        await self.after(lane)

    async def after(self, lane: Body) -> None:
        match self.habit:
            case "one turn a socket":
                await self.socket.close(1000)
            case "busy for a while":
                self.is_busy = True
                asyncio.get_running_loop().call_later(0.002, self.rest)
            case "late events":
                await asyncio.sleep(0.002)
                late = {"output_index": 0, "content_index": 0, "item_id": "msg_late", "delta": "late"}
                await self.send({"type": "response.output_text.delta", "sequence_number": 99, **late, **lane})

    def rest(self) -> None:
        self.is_busy = False

    async def spoken(self, event: Callable[..., Any], number: int, words: list[str]) -> list[Body]:
        if not words:
            return []
        place = {"output_index": 0, "content_index": 0, "item_id": f"msg_{number}"}
        item: Body = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "in_progress"}
        part: Body = {"type": "output_text", "text": "", "annotations": []}
        if self.habit != "items unannounced":
            await event("output_item.added", output_index=0, item={**item, "content": []})
        await event("content_part.added", part=part, **place)
        if self.habit == "ASCII only":
            words = [word.encode("ascii", "replace").decode() for word in words]
        if self.habit == "Latin-1":
            words = [word.encode().decode("latin-1") for word in words]
        for word in words if self.habit != "no deltas" else ():
            await asyncio.sleep(0.001)
            delta = {"text": word} if self.habit == "objects as deltas" else word
            await event("output_text.delta", delta=delta, **place)
            if self.is_cancelled and number:
                self.is_cancelled = False
                await event("incomplete", response={"id": f"resp_{number:032x}", "status": "incomplete"})
        text = "".join(words)
        await event("output_text.done", text=text, **place)
        part = {**part, "text": text}
        await event("content_part.done", part=part, **place)
        item = {**item, "status": "completed", "content": [part]}
        await event("output_item.done", output_index=0, item=item)
        return [item]

    async def called(self, event: Callable[..., Any]) -> list[Body]:
        number = next(self.server.numbers)
        call: Body = {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number}",
            "name": "read_gauge",
        }
        arguments = '{"gauge":"north"}'
        place = {"output_index": 0, "item_id": call["id"]}
        await event(
            "output_item.added", output_index=0, item={**call, "arguments": "", "status": "in_progress"}
        )
        await event("function_call_arguments.delta", delta=arguments, **place)
        if self.habit == "arguments cut at the end":
            arguments = arguments[:-1]
        await event("function_call_arguments.done", arguments=arguments, **place)
        done = {**call, "arguments": arguments, "status": "completed"}
        if self.habit == "call ids change":
            done["call_id"] = f"call_{number}_b"
        await event("output_item.done", output_index=0, item=done)
        return [done]


def _items(create: Body) -> list[Body]:
    given = create.get("input") or []
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def _unknown_call(create: Body, history: list[Body]) -> str:
    """The call_id of an output whose call nobody made, "" when there is none."""
    known = {item["call_id"] for item in history if item.get("type") == "function_call"}
    outputs = (item for item in _items(create) if item.get("type") == "function_call_output")
    return next((item["call_id"] for item in outputs if item["call_id"] not in known), "")


def _words(items: list[Body]) -> list[str]:
    """What is said to these items."""
    last = items[-1] if items else {}
    if last.get("type") == "function_call_output":
        return ["It is ", str(json.loads(last["output"])["level"])]
    told = [match[1] for item in items for match in re.finditer(r"code word: (\S+?)\.", _text(item))]
    text = _text(last)
    if text.startswith("Count"):
        return [f"word-{number} " for number in range(60)]
    if "code word" in text:
        return told[-1:] or ["No ", "idea"]
    return ["Paris"]


def _text(item: Body) -> str:
    content = item.get("content", "")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@asynccontextmanager
async def rough_server(habit: str = "") -> AsyncIterator[str]:
    """A server with this habit while the block lasts; its base URL."""
    one = _Server(habit)
    limit = 1 << 20 if habit == "1 MiB at most" else 64 << 20
    async with serve(
        one.run, "127.0.0.1", 0, process_request=one.refuse, process_response=one.decorate, max_size=limit,
        ping_interval=None, subprotocols=[_SUBPROTOCOL] if habit == "a subprotocol is needed" else None,
    ) as server:  # fmt: skip
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
