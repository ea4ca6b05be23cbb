"""What one client and the bridge say to each other after the 101: creates in their lanes, turns over HTTP.

Its one rule: whatever a client sends is answered or ignored as the API does it; nothing a client does ends
this connection or another one. When it ends, every upstream request of it ends too.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sessions.events import Undecodable, whole
from sessions.records import Record
from sessions.wire.bridge_answer import Answer, error_message
from sessions.wire.bridge_create import Create, http_body, read_create, warmed_up
from sessions.wire.bridge_memory import MAX_BYTES, MAX_STORED, Kept, Memory
from sessions.wire.bridge_socket import BridgeSocket, Message
from sessions.wire.exchange import exchange
from sessions.wire.scenarios import problem, steering
from sessions.wire.scenarios.lanes import Lanes, Waiting
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import flat, lane_of
from sessions.wire.scenarios.units import encode

if TYPE_CHECKING:
    from sessions.wire.bridge_caller import Caller

CLOSE_SECONDS = 2.0  #: how long a client may take to answer a close frame
MAX_WAITING = 256  #: creates of one connection that wait for their turn
LINGER_SECONDS = 1.0  #: how long an upstream may keep its stream open behind the last event


class BridgeSession:
    """One upgraded connection; `run` speaks on it to its end."""

    def __init__(self, caller: Caller, socket: BridgeSocket, age_limit_seconds: float) -> None:
        self._caller = caller
        self._socket = socket
        self._age_limit_seconds = age_limit_seconds
        self._memory = Memory(caller.bridge.storage, caller.login)
        self._lanes = Lanes()
        self._model = caller.model
        self._creates = 0
        self._turns: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup
        self._is_over = False
        self.ending = "the client ended TCP without a close frame"  #: for when no close frame says it

    async def run(self) -> None:
        """Speak until the connection ends, or is too old."""
        try:
            async with asyncio.timeout(self._age_limit_seconds):
                await self._converse()
        except TimeoutError:
            await self._end_of_age()
        finally:
            self._memory.close()

    def stop(self, said: str) -> None:
        """End the connection as a server does that goes away."""
        self._cancel_turns(said)
        self._socket.close(1001, said)

    async def _end_of_age(self) -> None:
        self._refuse(problem.age_limit(max(1, round(self._age_limit_seconds / 60))))
        self._socket.close(1001, "connection age limit")
        with suppress(TimeoutError, OSError):  # a client that does not answer a close frame is dropped
            async with asyncio.timeout(CLOSE_SECONDS):
                async for _ in self._socket.messages():
                    pass

    async def _converse(self) -> None:
        async with asyncio.TaskGroup() as self._group:
            said = "the client ended its connection"
            try:
                async for message in self._socket.messages():
                    self._receive(message)
                    await self._caller.bridge.has_room()
                    await self._socket.flush()
            except OSError as error:
                said = f"the client broke its connection: {error.strerror or error}"
                self.ending = f"{said}, without a close frame"
            except asyncio.CancelledError:
                said = "the connection reached its age limit, or the bridge was stopped"
                raise
            finally:
                self._cancel_turns(said)

    def _cancel_turns(self, said: str) -> None:
        self._is_over = True
        for turn in self._turns:
            turn.cancel(said)

    # Messages in --------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        if not self._socket.is_open:
            return
        if not message.is_text:
            self._refuse(Problem(400, "invalid_json", "Binary frames are not accepted; send JSON as text."))
            return
        event = whole(message.payload)
        if isinstance(event, Undecodable):
            self._refuse(problem.not_json(event.reason))
            return
        match event.type:
            case "response.create":
                self._create(event.body)
            case "response.steer":
                wrong = Problem(
                    400, "steering_not_supported", "Behind this bridge is HTTP, where nothing can be steered."
                )
                self._socket.send(encode(steering.failed(event.body, wrong)))
            case "response.inject":
                self._socket.send(encode(_not_injected(event.body)))
            case "":
                self._refuse(problem.missing("type"))
            case _:
                pass  # the official server ignores types that it does not know [CODEX] sends some

    def _create(self, frame: Mapping[str, Any]) -> None:
        lane = lane_of(frame)
        if isinstance(lane, Problem):
            self._refuse(lane)
            return
        if (too_many := self._lanes.name(lane)) is not None:
            self._refuse(too_many, lane)
            return
        if self._lanes.waiting >= MAX_WAITING:
            said = f"{MAX_WAITING} creates wait on this connection already; wait for an answer first."
            self._refuse(Problem(429, "too_many_waiting", said, type="rate_limit_error"), lane)
            return
        model = flat(frame).get("model")
        if not self._model and isinstance(model, str):
            self._model = model
        self._creates += 1
        self._lanes.add(Waiting(self._creates, lane, frame))
        self._advance()

    def _refuse(self, wrong: Problem, lane: str | None = None) -> None:
        error = {"type": wrong.type, "code": wrong.code, "message": wrong.message, "param": wrong.param}
        self._socket.send(error_message(wrong.status, error, lane))

    # Turns --------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        while not self._is_over and (waiting := self._lanes.next()) is not None:
            turn = self._group.create_task(self._play(waiting))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    async def _play(self, waiting: Waiting) -> None:
        try:
            create = read_create(waiting.frame, waiting.lane, self._model)
            if isinstance(create, Problem):
                parent_id = flat(waiting.frame).get("previous_response_id")
                self._memory.fail(waiting.lane, parent_id if isinstance(parent_id, str) else None)
                self._refuse(create, waiting.lane)
                return
            parent = self._memory.find(create.parent_id) if create.parent_id else None
            if create.parent_id and parent is None:
                self._refuse(self._not_found(create.parent_id), create.lane)
            elif create.generate:
                await self._ask(create, parent)
            else:
                self._warm_up(create, parent)
        finally:
            self._lanes.free(waiting.lane)
            self._advance()

    def _not_found(self, parent_id: str) -> Problem:
        """Why a chain cannot go on here; the code is the API's own, because clients act by it."""
        wrong = problem.parent_not_found(parent_id)
        if self._memory.is_gone(parent_id):
            said = (
                f"{wrong.message} This bridge had it and had to make room: it keeps {MAX_STORED:,} stored "
                f"responses and {MAX_BYTES >> 20} MiB of items at most. Send the whole history as input."
            )
            wrong = wrong._replace(message=said)
        return wrong

    def _warm_up(self, create: Create, parent: Kept | None) -> None:
        response_id = f"resp_{secrets.token_hex(24)}"
        for event in warmed_up(create, response_id, self._caller.clock.wall() // 1_000_000):
            if create.lane is not None:
                event["stream_id"] = create.lane
            self._socket.send(encode(event))
        self._memory.keep(Kept(response_id, create.lane, parent, create.items, (), create.is_stored))

    async def _ask(self, create: Create, parent: Kept | None) -> None:
        """Send one create upstream and pass its answer on."""
        caller = self._caller
        body = http_body(create, parent)
        answer = Answer(create)
        plan, request, masks = caller.post(len(body))
        linger = _Linger()

        def tell(record: Record) -> None:
            for message in answer.take(record):
                if not self._is_over:  # what ends the connection says why
                    self._socket.send(message)
            if answer.is_over:
                linger.begin()
            caller.bridge.scribe.add(record, masks)

        async def wait(_: bytes) -> None:
            await caller.bridge.has_room()
            await self._socket.flush()

        with linger:
            await exchange(request, _once(body), wait, tell, plan, caller.clock, idle=caller.bridge.idle)
        kept = answer.kept(parent)
        if kept is None:
            self._memory.fail(create.lane, create.parent_id)
            return
        self._memory.keep(kept)
        if answer.is_reasoning_lost:
            caller.note_left_out(plan.session, kept.id)


class _Linger:
    """A stream whose answer is over may still bring a late failure, but holds up its lane only so long.

    A context manager around what reads the stream.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._is_enough = False

    def begin(self) -> None:
        """Start the time; a second call changes nothing."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end)

    def _end(self) -> None:
        assert self._task is not None  # somebody reads the stream
        self._is_enough = True
        self._task.cancel("the answer was over, and the upstream did not end its stream")

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_enough or kind is not asyncio.CancelledError or self._task is None:
            return False
        return not self._task.uncancel()  # whoever else cancelled it meanwhile still has it cancelled


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _not_injected(frame: Mapping[str, Any]) -> dict[str, Any]:
    error = {
        "type": "invalid_request_error",
        "code": "response_not_found",
        "message": "Nothing waits for this input.",
    }
    return {
        "type": "response.inject.failed",
        "response_id": frame.get("response_id"),
        "input": frame.get("input"),
        "error": error,
    }
