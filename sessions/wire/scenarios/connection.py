"""One WebSocket connection of the fake server: its frames in, its turns out.

Its one rule: whatever a client sends is answered or ignored as the dialect says; nothing a client does ends
another connection, or this one unless the dialect says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sessions.events import Undecodable, whole
from sessions.wire.scenarios import problem, request, steering
from sessions.wire.scenarios.answer import Step
from sessions.wire.scenarios.answers import answer
from sessions.wire.scenarios.asking import asked, wrong_outputs
from sessions.wire.scenarios.compaction import compacted
from sessions.wire.scenarios.delivery import CLOSE_SECONDS, Delivery
from sessions.wire.scenarios.dialects.openai import AfterError
from sessions.wire.scenarios.faults import StepFault, UnitFault
from sessions.wire.scenarios.lanes import Lanes, Waiting
from sessions.wire.scenarios.log import Visit
from sessions.wire.scenarios.memory import Kept, Memory
from sessions.wire.scenarios.narration import RUN, narrate
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import Create
from sessions.wire.scenarios.setting import Setting
from sessions.wire.scenarios.socket import Message, Socket
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Unit, singly

_DEAD_SECONDS = 2.7  # after an error the Codex back end falls silent for so long, and is gone


class Connection:
    """What one client and this server say to each other after the 101."""

    def __init__(
        self, socket: Socket, setting: Setting, visit: Visit, *, url_model: str | None = None
    ) -> None:
        self._socket = socket
        self._out = Delivery(socket, setting.options, visit)
        self._setting = setting
        self._dialect = setting.dialect
        self._visit = visit
        self._url_model = url_model
        self._memory = Memory(setting.storage)
        self._lanes = Lanes()
        self._running: dict[str, Turn] = {}
        self._creates = 0
        self._is_dead = False
        self._is_over = False
        self._last: Create | None = None
        self._shared_id: str | None = None
        self._turn_tasks: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup

    # The connection as a whole ------------------------------------------------------------------------

    async def run(self, first: bytes) -> None:
        """Speak until the connection ends; `first` are bytes that came with the upgrade."""
        limit = self._setting.options.age_limit
        if limit is None:
            limit = self._dialect.lifetime_seconds
        age_ends = asyncio.get_running_loop().time() + limit
        try:
            async with asyncio.timeout_at(age_ends) as deadline:
                self._out.deadline = deadline
                if not self._socket.is_open:  # rejected already
                    self._out.end_in(CLOSE_SECONDS)
                await self._converse(first)
        except TimeoutError:
            if self._is_dead or not self._socket.is_open:
                self._socket.abort(is_reset=False)
                return
            await self._end_of_age()

    def reject(self, code: int, reason: str) -> None:
        """Close at once what has only just been accepted."""
        self._out.close(code, reason)

    async def shut(self) -> None:
        """Say that the server goes away."""
        self._socket.close(1001, "the fake server stops")

    async def _end_of_age(self) -> None:
        if self._dialect.says_age_limit:
            self._out.send(self._dialect.error(self._dialect.age_problem(), None, self._setting.ids))
        self._socket.close(*self._dialect.age_close)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                async for _ in self._socket.messages():
                    pass
        except TimeoutError:
            self._socket.abort(is_reset=False)

    async def _converse(self, first: bytes) -> None:
        if self._setting.fault("half-open", self._visit.number) is not None:
            self._socket.mute_pongs()
        if self._setting.fault("1008-after-101", self._visit.number) is not None:
            self._out.close(1008, "policy violation")
        async with asyncio.TaskGroup() as self._tasks:
            beats = self._setting.fault("keepalive", self._visit.number)
            alive = [] if beats is None else [self._tasks.create_task(self._keep_alive(float(beats or 30)))]
            try:
                async for message in self._socket.messages(first):
                    self._receive(message)
                    await self._socket.flush()
            except ConnectionError:
                pass  # the client has gone without a word
            finally:
                self._is_over = True
                for task in (*alive, *self._turn_tasks):
                    task.cancel()

    async def _keep_alive(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            for turn in list(self._running.values())[:1]:
                self._out.send({"type": "keepalive", "sequence_number": turn.sequence()})
                await self._out.flush()

    # Frames in ----------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        self._visit.received.append(message.payload)
        if self._is_dead or not self._socket.is_open:
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
            case "response.steer" if self._dialect.steers:
                self._steer(event.body)
            case "response.inject" if self._dialect.steers:
                self._inject(event.body)
            case "response.append":
                self._append(event.body)
            case "response.processed":
                pass
            case "":
                self._refuse(problem.missing("type"))
            case other if self._dialect.answers_unknown_types:
                wrong = Problem(400, "unknown_event_type", f"Unknown event type '{other[:80]}'.", "type")
                self._refuse(wrong)

    def _create(self, frame: Mapping[str, Any]) -> None:
        lane = request.lane_of(frame) if self._dialect.has_lanes else None
        if isinstance(lane, Problem):
            self._refuse(lane)
            return
        too_many = self._lanes.name(lane)
        if too_many is not None:
            self._refuse(too_many, lane)
            return
        if self._dialect.rejects_second_create and not self._lanes.is_idle:
            self._refuse(Problem(409, None, "Another response is in progress.", None, "invalid_request"))
            return
        self._creates += 1
        self._lanes.add(Waiting(self._creates, lane, frame))
        self._advance()

    def _append(self, frame: Mapping[str, Any]) -> None:
        # the first version of the Codex protocol: more input for whatever came last
        latest = self._memory.latest(None)
        if self._last is not None and latest is not None:
            body = {**self._last.body, "input": frame.get("input"), "previous_response_id": latest.id}
            self._create({"type": "response.create", **body})

    def _steer(self, frame: Mapping[str, Any]) -> None:
        target = frame.get("previous_response_id")
        turn = self._running.get(target) if isinstance(target, str) else None
        items = steering.steering_input(frame)
        if isinstance(items, Problem):
            wrong: Problem | None = items
        elif turn is None:
            is_known = target in self._visit.response_ids or self._memory.find(str(target)) is not None
            wrong = steering.not_running(str(target), is_known)
        else:
            wrong = steering.unsteerable(turn)
        if wrong is not None:
            event = steering.failed(frame, wrong)
            if turn is not None:
                event = turn.event("response.steer.failed", **{k: v for k, v in event.items() if k != "type"})
            self._out.send(event)
        elif turn is not None and not isinstance(items, Problem):
            steer_id = self._setting.ids.new("steer", 12)
            turn.steers.append((steer_id, items))
            steer = {"id": steer_id, "previous_response_id": turn.id}
            self._out.send(turn.event("response.steer.accepted", steer=steer))

    def _inject(self, frame: Mapping[str, Any]) -> None:
        response_id = frame.get("response_id")
        code = (
            "response_already_completed" if response_id in self._visit.response_ids else "response_not_found"
        )
        error = {"type": "invalid_request_error", "code": code, "message": "Nothing waits for this input."}
        self._out.send(
            {
                "type": "response.inject.failed",
                "response_id": response_id,
                "input": frame.get("input"),
                "error": error,
            }
        )

    # Turns --------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        while not self._is_over and (waiting := self._lanes.next()) is not None:
            task = self._tasks.create_task(self._play(waiting))
            self._turn_tasks.add(task)
            task.add_done_callback(self._turn_tasks.discard)

    async def _play(self, waiting: Waiting) -> None:
        try:
            turn = self._begin(waiting)
            if isinstance(turn, Problem):
                self._refuse(turn, waiting.lane)
                await self._out.flush()
                return
            for event in self._dialect.greeting():
                self._out.send(event)
            steps: Iterable[Step] = self._steps(turn)
            while True:
                await self._out.tell(self._units(turn, steps))
                follower = self._successor(turn)
                await self._out.flush()
                if follower is None:
                    break
                steps = turn.successor or self._steps(follower)
                turn = follower
        except ConnectionError:
            pass  # the client has gone; reading ends as well
        finally:
            self._lanes.free(waiting.lane)
            self._advance()

    def _begin(self, waiting: Waiting) -> Turn | Problem:
        body = self._dialect.parameters(waiting.frame)
        if isinstance(body, Problem):
            return body
        told = body.get("previous_response_id")
        parent_id = self._dialect.parent_id(told) if isinstance(told, str) else None
        turn = self._turn(waiting, body, parent_id)
        if isinstance(turn, Problem) and self._setting.fault("no-eviction", waiting.number) is None:
            self._memory.fail(waiting.lane, parent_id)
        return turn

    def _turn(self, waiting: Waiting, body: Mapping[str, Any], parent_id: str | None) -> Turn | Problem:
        create = request.read_create(
            body, waiting.lane, store=self._stores(), model=self._dialect.model(self._url_model)
        )
        if isinstance(create, Problem):
            return create
        parent = self._memory.find(parent_id) if parent_id else None
        if parent_id and parent is None:
            wrong = problem.parent_not_found(str(create.parent_id))
            masked = self._setting.fault("not-found-masked", waiting.number)
            return wrong if masked is None else wrong._replace(code=masked or "invalid_request", param=None)
        wrong_here = self._dialect.check(create, parent) or wrong_outputs(create, parent)
        if wrong_here is not None:
            return wrong_here
        create = create._replace(tools=request.named_tools(create.tools))
        if parent is not None and parent.steering and create.generate:
            create = create._replace(input=(*parent.steering, *create.input))
        told = parent.id if parent else None
        if self._setting.fault("wrong-parent", waiting.number) is not None:
            parent = None
        turn = self._new_turn(create, parent, waiting.number)
        turn.told_parent_id = told
        self._last = create
        return turn

    def _stores(self) -> bool:
        return self._setting.options.store and self._dialect.name != "codex"

    def _new_turn(self, create: Create, parent: Kept | None, number: int) -> Turn:
        if self._dialect.repeats_response_id and self._shared_id is None:
            self._shared_id = self._setting.ids.new("resp")
        turn = Turn(
            create,
            parent,
            self._setting.ids,
            number=number,
            response_id=self._shared_id,
            on_end=self._ended,
        )
        self._running[turn.id] = turn
        self._visit.response_ids.append(turn.id)
        return turn

    def _ended(self, turn: Turn) -> None:
        self._running.pop(turn.id, None)
        lane = turn.create.lane
        if turn.status in ("completed", "incomplete"):
            kept = turn.kept()
            if turn.steers and kept.open_calls():
                kept = kept._replace(steering=tuple(item for _, given in turn.steers for item in given))
            self._memory.keep(kept)
        elif turn.parent is not None and self._setting.fault("no-eviction", turn.number) is None:
            self._memory.fail(lane, turn.parent.id)

    def _steps(self, turn: Turn) -> Iterable[Step]:
        ask = asked(turn.create, turn.parent)
        steps: Iterable[Step] = compacted(turn, answer(ask, self._setting.options.scenario))
        for fault, argument in self._setting.hitting(StepFault, turn.number):
            steps = fault.act(steps, argument)
        return steps

    def _successor(self, turn: Turn) -> Turn | None:
        """The response that follows unasked: after steering, or because the scenario says so."""
        if turn.successor:
            create = turn.create._replace(input=(), parent_id=turn.id)
            return self._new_turn(create, turn.kept(), turn.number)
        if not turn.steers or turn.successor is not None:
            return None
        if turn.status == "failed":
            for steer_id, given in turn.steers:
                error = {
                    "type": "server_error",
                    "code": "successor_creation_failed",
                    "message": "The response failed.",
                }
                steer = {"id": steer_id, "previous_response_id": turn.id, "input": list(given)}
                self._out.send(turn.event("response.steer.failed", steer=steer, error=error))
            return None
        kept = turn.kept()
        if kept.open_calls():
            for steer_id, _ in turn.steers:
                self._out.send(steering.pending(turn, kept, steer_id))
            return None
        items = tuple(item for _, given in turn.steers for item in given)
        create = turn.create._replace(input=items, parent_id=turn.id)
        return self._new_turn(create, kept, turn.number)

    # Frames out ---------------------------------------------------------------------------------------

    def _units(self, turn: Turn, steps: Iterable[Step]) -> Iterator[Unit]:
        options = self._setting.options
        run = 1 if options.rate else RUN
        units = narrate(turn, steps, think_seconds=options.think_ms / 1000, run=run)
        units = self._dialect.respell(units, turn)
        for fault, argument in self._setting.hitting(UnitFault, turn.number):
            units = fault.act(singly(units), argument, turn)
        return self._spelled(units, turn)

    def _spelled(self, units: Iterator[Unit], turn: Turn) -> Iterator[Unit]:
        for unit in units:
            if isinstance(unit, Problem):
                self._refuse(unit, turn.create.lane)
                return
            yield unit

    def _refuse(self, wrong: Problem, lane: str | None = None) -> None:
        self._out.send(self._dialect.error(wrong, lane, self._setting.ids))
        if self._dialect.after_error is AfterError.CLOSED:
            self._out.close(1000, "")
        elif self._dialect.after_error is AfterError.DEAD:
            self._is_dead = True
            self._out.end_in(_DEAD_SECONDS)
