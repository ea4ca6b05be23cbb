"""The reducer: one record in, what it changed out; the only writer of session state.

Its contract is functional (the same records give the same state; `fold(a + b)` equals `fold(a)` and then
`apply` over `b`), its work is appending. It never raises on what a peer sent: a move that the table does not
know is a change called irregular, and the state follows what the event means.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sessions import facts
from sessions.contract import (
    AGE_LIMIT,
    CONTENT,
    DELTAS,
    DONES,
    INVALID_LANE,
    LANE_PATTERN,
    LIFECYCLE,
    MEANING,
    MOVES,
    PARENT_NOT_FOUND,
    FailureClass,
    Family,
    Fragment,
    Status,
    family,
)
from sessions.dialects import DONE_MARKER, create_fields, read, response_of, unwrap
from sessions.events import Event, Undecodable, decode
from sessions.items import Item
from sessions.records import Direction, Kind, Record
from sessions.session import Failure, Lane, Phase, Response, Session, Steer, Turn

_LANE = re.compile(LANE_PATTERN)
_MAX_TYPES = 60_000  # distinct names kept in the type column; a hostile server could send more
_MAX_UNKNOWN = 1_000
_FAILURES = {one.value: one for one in FailureClass}
_IN_FLIGHT_CODES = frozenset({"response_already_in_flight", "model_mismatch", PARENT_NOT_FOUND})


class What(StrEnum):
    """What kind of thing changed."""

    SESSION = "session"  #: opened, refused, closing, closed, lost
    TURN = "turn"  #: a create was sent, or a turn ended without a response
    RESPONSE = "response"  #: a response began or moved
    ITEM = "item"
    TEXT = "text"  #: a delta was appended
    REPLACED = "replaced"  #: a done value differed from its deltas
    ANSWER = "answer"  #: a call was answered
    ERROR = "error"
    EVICTED = "evicted"
    STEER = "steer"
    LIMITS = "limits"
    LATENCY = "latency"
    IRREGULAR = "irregular"
    DIALECT = "dialect"
    UNKNOWN = "unknown"
    UNDECODABLE = "undecodable"
    OTHER = "other"


# names that the hot path looks up once instead of at every delta
_TEXT, _SERVER, _RUNNING, _GREW = Kind.TEXT, Direction.SERVER, Status.IN_PROGRESS, What.TEXT
_DELTAS = dict(DELTAS)


class Change(NamedTuple):
    """One small fact about what a record changed; turn 0 means none."""

    what: What
    record: int
    session: int
    turn: int = 0
    response: str = ""
    item: str = ""
    detail: str = ""


class Sessions:
    """What all records so far add up to."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.turns: list[Turn] = []  #: over all sessions; turn number n stands at n - 1
        self.responses: dict[str, Response] = {}  #: newest response of each id, over all sessions
        self.calls: dict[str, Item] = {}  #: newest call of each id
        self.records = 0
        self.type_names: list[str] = [""]
        self.type_column = array("H")  #: per record, an index into `type_names`
        self.turn_column = array("i")  #: per record, the number of its turn, 0 when it has none
        self._type_ids: dict[str, int] = {"": 0}
        self._record = 0
        self._at = 0.0
        self._size = 0
        self._session_number = 0
        self._changes: list[Change] = []
        self._turn = 0

    # Reading -----------------------------------------------------------------------------------------

    def type_at(self, record: int) -> str:
        """The event type of a record, or its kind when it is no event."""
        return self.type_names[self.type_column[record]]

    def turn(self, number: int) -> Turn | None:
        """The turn of this number; None when there is none."""
        return self.turns[number - 1] if 0 < number <= len(self.turns) else None

    def chain(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns from the root of its chain to this one, as far as this recording has seen them."""
        out = [turn]
        while out[-1].parent_turn:
            out.append(self.turns[out[-1].parent_turn - 1])
        return tuple(reversed(out))

    def children(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns that continue this one, oldest first."""
        return tuple(other for other in self.turns if other.parent_turn == turn.number)

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain data, for tests and for machine-readable faces."""
        from sessions.snapshot import snapshot

        return snapshot(self)

    # Applying ----------------------------------------------------------------------------------------

    def apply(self, record: Record, event: Event | Undecodable | None = None) -> tuple[Change, ...]:
        """Take one record; `event` is its decoded payload where the caller has it. Never raises."""
        number = self.records
        self.records = number + 1
        session_number, direction, kind, _, at, payload, _ = record
        session = self.sessions.get(session_number)
        if session is None:
            session = self.sessions[session_number] = Session(session_number)
        size = len(payload)
        if kind is _TEXT:
            if event is None:
                event = decode(payload)
            if direction is _SERVER:
                session.bytes_in += size
                session.frames_in += 1
                session.last_frame = at
                if size > session.largest:
                    session.largest = size
                # the hot path: a string delta for a part that is there, in a response that is running
                if type(event) is Event:
                    event_type, body, sequence, lane_id, _, item_id, _ = event
                    fragment = _DELTAS.get(event_type)
                    lane = session.lanes.get(lane_id) if fragment is not None else None
                    response = lane.open if lane is not None else None
                    if fragment is not None and response is not None and response.status is _RUNNING:
                        slot, index_field, field = fragment
                        item = response.by_id.get(item_id or "")
                        piece = body.get(field)
                        if item is not None and type(piece) is str:
                            index = body.get(index_field, 0) if index_field else 0
                            part = item.parts.get((slot, index)) if type(index) is int else None
                            if part is not None:
                                part.text.append(piece, number)
                                response.deltas += 1
                                response.last = number
                                response.last_token = at
                                response.sequence_number = sequence
                                if response.first_token < 0:
                                    response.first_token = at
                                if response.first_text < 0 and slot == "output_text":
                                    response.first_text = at
                                turn = response.turn
                                self.type_column.append(
                                    self._type_ids.get(event_type) or self._type_id(event_type)
                                )
                                self.turn_column.append(turn)
                                return (Change(_GREW, number, session_number, turn, response.id, item.id),)
        self._record, self._at, self._size, self._turn = number, at, size, 0
        self._session_number = session_number
        changes = self._changes = []
        label = self._dispatch(session, record, event)
        self.type_column.append(self._type_id(label))
        self.turn_column.append(self._turn)
        return tuple(changes)

    def _type_id(self, name: str) -> int:
        known = self._type_ids.get(name)
        if known is None:
            if len(self.type_names) >= _MAX_TYPES:
                return 0
            known = self._type_ids[name] = len(self.type_names)
            self.type_names.append(name)
        return known

    def _emit(
        self, what: What, detail: str = "", response: Response | None = None, item: Item | None = None
    ) -> None:
        self._changes.append(
            Change(
                what,
                self._record,
                self._session_number,
                self._turn,
                response.id if response else "",
                item.id if item else "",
                detail,
            )
        )

    def _irregular(self, detail: str, response: Response | None = None) -> None:
        if response is not None:
            response.irregular.append((self._record, detail))
        self._emit(What.IRREGULAR, detail, response)

    def _dispatch(self, session: Session, record: Record, event: Event | Undecodable | None) -> str:
        match record.kind:
            case Kind.TEXT if record.direction is Direction.SERVER:
                return self._received(session, record.payload, event or decode(record.payload))
            case Kind.BINARY if record.direction is Direction.SERVER:
                session.bytes_in += self._size
                session.frames_in += 1
                session.last_frame = self._at
                session.largest = max(session.largest, self._size)
                self._dialect(session, ("binary frame",))
                return self._received(session, record.payload, decode(record.payload))
            case Kind.TEXT | Kind.BINARY if record.direction is Direction.CLIENT:
                session.bytes_out += self._size
                session.frames_out += 1
                return self._sent(session, record, event or decode(record.payload))
            case Kind.OPEN:
                self._opened(session, record)
            case Kind.REFUSED:
                self._refused(session, record)
            case Kind.CLOSE:
                self._closed(session, record)
            case Kind.LOST:
                self._lost(session, record)
            case Kind.NOTE if record.meta.get("note") == "latency":
                session.last_pong = self._at
                session.latency_ms = float(record.meta.get("ms", 0))
                self._emit(What.LATENCY)
            case Kind.PONG if record.direction is Direction.SERVER:
                session.last_pong = self._at
                self._emit(What.LATENCY)
            case _:
                self._emit(What.OTHER)
        return record.kind.value

    # The socket --------------------------------------------------------------------------------------

    def _opened(self, session: Session, record: Record) -> None:
        meta = record.meta
        session.phase = Phase.OPEN
        session.opened = self._at
        session.handshake = self._record
        session.url = str(meta.get("url", ""))
        session.route = str(meta.get("route", ""))
        session.profile = str(meta.get("profile", ""))
        session.compression = str(meta.get("compression", ""))
        session.status = int(meta.get("status", 101))
        if lifetime := meta.get("lifetime"):
            session.lifetime = float(lifetime)
        session.limits.update(facts.limit_headers(facts.head_headers(record.payload)))
        self._emit(What.SESSION, "opened")

    def _refused(self, session: Session, record: Record) -> None:
        meta = record.meta
        session.phase = Phase.REFUSED
        session.ended = self._at
        session.handshake = session.end_record = self._record
        session.url = str(meta.get("url", ""))
        session.route = str(meta.get("route", ""))
        session.profile = str(meta.get("profile", ""))
        session.status = int(meta.get("status", 0))
        name = str(meta.get("failure_class", ""))
        session.failure_class = _FAILURES.get(name, FailureClass.PROTOCOL)
        self._cut(session)
        self._emit(What.SESSION, "refused")

    def _closed(self, session: Session, record: Record) -> None:
        by = record.direction.value
        if not session.close_code:
            session.close_code = int(record.meta.get("code", 1005))
            session.close_reason = str(record.meta.get("reason", ""))
            session.closed_by = by
        if record.direction is Direction.CLIENT and session.phase in (Phase.OPENING, Phase.OPEN):
            session.phase = Phase.CLOSING
            self._emit(What.SESSION, "closing")
            return
        if session.phase.is_over:
            return
        session.phase = Phase.CLOSED
        session.ended = self._at
        session.end_record = self._record
        self._cut(session)
        self._emit(What.SESSION, "closed")

    def _lost(self, session: Session, record: Record) -> None:
        if session.phase.is_over:
            return
        was_closing = session.phase is Phase.CLOSING
        session.phase = Phase.CLOSED if was_closing else Phase.LOST
        session.ended = self._at
        session.end_record = self._record
        if not session.close_code:
            session.close_code = int(record.meta.get("code", 1006))
            session.close_reason = str(record.meta.get("detail", ""))
        self._cut(session)
        self._emit(What.SESSION, "closed" if was_closing else "lost")

    def _cut(self, session: Session) -> None:
        for lane in session.lanes.values():
            if lane.open is not None:
                self._end(session, lane, lane.open, Status.CUT)
            while lane.waiting:
                self._end_turn(lane.waiting.popleft(), Status.CUT)
        self._turn = 0

    # What the client sent ----------------------------------------------------------------------------

    def _sent(self, session: Session, record: Record, event: Event | Undecodable) -> str:
        if isinstance(event, Undecodable):
            session.undecodable += 1
            self._emit(What.UNDECODABLE, event.reason)
            return record.kind.value
        match event.type:
            case "response.create":
                self._create(session, event)
            case "response.steer":
                self._steer(session, event)
            case _ if family(event.type) is Family.CLIENT:
                response = session.responses.get(event.response_id or "")
                self._turn = response.turn if response else 0
                self._emit(What.OTHER, event.type, response)
            case _:
                self._emit(What.UNKNOWN, event.type)
        return event.type

    def _create(self, session: Session, event: Event) -> None:
        fields, spellings = create_fields(event.body)
        lane_id = fields.get("stream_id", event.stream_id)
        lane = session.lane(lane_id if isinstance(lane_id, str) else None, self._record)
        turn = self._new_turn(session, lane, self._record)
        parent = facts.word(fields.get("previous_response_id"))
        if parent:
            self._link(session, turn, parent)
        turn.model = facts.word(fields.get("model"))
        turn.store = fields.get("store") is not False
        turn.is_warmup = fields.get("generate") is False
        turn.answers = facts.answered_calls(fields)
        lane.waiting.append(turn)
        self._emit(What.TURN, "sent")
        self._dialect(session, spellings)
        for call_id in turn.answers:
            if (call := self._call(turn, call_id)) is not None:
                call.answered, call.answered_by = self._record, "client"
                self._emit(What.ANSWER, call_id, item=call)

    def _new_turn(self, session: Session, lane: Lane, create: int) -> Turn:
        turn = Turn(len(self.turns) + 1, session.number, lane.id, create, self._at)
        self.turns.append(turn)
        session.turns.append(turn)
        self._turn = turn.number
        return turn

    def _link(self, session: Session, turn: Turn, parent: str) -> None:
        turn.parent = parent
        known = session.responses.get(parent) or self.responses.get(parent)
        turn.parent_turn = known.turn if known is not None else 0

    def _call(self, turn: Turn, call_id: str) -> Item | None:
        parent = self.turn(turn.parent_turn)
        for response in parent.responses if parent else ():
            for item in response.calls:
                if call_id in (item.call_id, item.id):
                    return item
        return self.calls.get(call_id)

    def _steer(self, session: Session, event: Event) -> None:
        target = facts.word(event.body.get("previous_response_id"))
        response = session.responses.get(target)
        text = facts.plain_input(event.body.get("input"))
        if response is not None and (turn := self.turn(response.turn)) is not None:
            self._turn = turn.number
            turn.steers.append(Steer(self._record, target, text, "sent"))
        self._emit(What.STEER, "sent", response)

    # What the server sent ----------------------------------------------------------------------------

    def _received(self, session: Session, payload: bytes, event: Event | Undecodable) -> str:
        label = "text"
        if isinstance(event, Undecodable):
            unwrapped = unwrap(payload)
            if unwrapped is None:
                session.undecodable += 1
                self._emit(What.UNDECODABLE, event.reason)
                return label
            event, spelling = unwrapped
            self._dialect(session, (spelling,))
            if spelling == DONE_MARKER:
                return DONE_MARKER
        label = event.type
        event, spellings = read(event)
        match family(event.type):
            case Family.LIFECYCLE | Family.TERMINAL:
                self._lifecycle(session, event)
            case Family.ERROR:
                self._error(session, event)
            case Family.STEER:
                self._steered(session, event)
            case Family.LIMITS:
                session.limits.update(facts.rate_limits(event.body))
                self._emit(What.LIMITS)
            case Family.VENDOR | Family.INJECT:
                self._emit(What.OTHER, event.type, self._running(session, event))
            case Family.UNKNOWN | Family.CLIENT:
                if event.type in session.unknown_types or len(session.unknown_types) < _MAX_UNKNOWN:
                    session.unknown_types[event.type] = session.unknown_types.get(event.type, 0) + 1
                self._emit(What.UNKNOWN, event.type, self._running(session, event))
            case kind:
                self._content(session, event, kind)
        self._dialect(session, spellings)
        return label or event.type

    def _dialect(self, session: Session, spellings: Iterable[str]) -> None:
        turn = self.turn(self._turn)
        response = turn.response if turn else None
        for spelling in spellings:
            is_new = spelling not in session.dialects
            session.dialects.setdefault(spelling, self._record)
            if response is not None:
                is_new |= spelling not in response.dialects
                response.dialects.add(spelling)
            if is_new:
                self._emit(What.DIALECT, spelling, response)

    def _running(self, session: Session, event: Event) -> Response | None:
        lane = session.lanes.get(event.stream_id)
        response = lane.open if lane else None
        if response is None and event.response_id:
            response = session.responses.get(event.response_id)
        if response is not None:
            self._turn = response.turn
        return response

    def _lifecycle(self, session: Session, event: Event) -> None:
        body = response_of(event)
        lane = self._lane_of(session, event)
        response = lane.open
        response_id = event.response_id or ""
        known = session.responses.get(response_id) if response_id else None
        is_terminal = event.type not in LIFECYCLE
        if event.type == "response.created":
            if response is not None and response.id == response_id:
                self._turn = response.turn
                self._irregular("response.created came twice", response)
                return
            if response is not None:
                self._turn = response.turn
                self._irregular("a response began before the one on its lane had ended", response)
                if lane.waiting:
                    self._end(session, lane, response, Status.CUT)
                else:
                    self._restart(session, lane, response, response_id)
                    self._describe(lane.open, body)
                    return
            response = self._begin(session, lane, response_id, body)
        elif response is None and known is not None and known.status.is_over and not lane.waiting:
            self._late(session, known, event, body)
            return
        elif response is None and known is not None and known.status is Status.ERRORED:
            self._late(session, known, event, body)
            return
        elif response is None and is_terminal and self._is_late_failure(lane, event):
            response = self._adopt(session, lane, response_id)
            self._late(session, response, event, body)
            return
        elif response is None:
            response = self._begin(session, lane, response_id, body)
            self._irregular("no response.created before it", response)
            response.status = Status.IN_PROGRESS if is_terminal else response.status
        elif response_id and response.id and response.id != response_id:
            self._turn = response.turn
            if known is not None and known.status.is_over:
                self._late(session, known, event, body)
                return
            self._irregular("the response's id changed", response)
            session.responses[response_id] = self.responses[response_id] = response
        elif response_id and not response.id:
            response.id = response_id
            session.responses[response_id] = self.responses[response_id] = response
        self._turn = response.turn
        self._describe(response, body)
        response.sequence_number = event.sequence_number
        self._move(response, event.type)
        if is_terminal:
            self._finish(session, lane_of(session, response), response, event, body)
        else:
            turn = self.turns[response.turn - 1]
            turn.status = response.status
            self._emit(What.RESPONSE, response.status.value, response)

    def _lane_of(self, session: Session, event: Event) -> Lane:
        lane = session.lane(event.stream_id, self._record)
        if event.stream_id is not None or lane.open is not None or lane.waiting:
            return lane
        named = [one for one in session.lanes.values() if one is not lane and (one.open or one.waiting)]
        same = [one for one in named if one.open and one.open.id == event.response_id]
        for candidates in (same, [one for one in named if one.open], named):
            if len(candidates) == 1:
                self._emit(What.IRREGULAR, "the lane was not echoed")
                return candidates[0]
        return lane

    def _begin(self, session: Session, lane: Lane, response_id: str, body: Mapping[str, Any]) -> Response:
        turn = self._turn_for(session, lane, facts.word(body.get("previous_response_id")))
        self._turn = turn.number
        response = Response(response_id, session.number, lane.id, turn.number, self._record, self._at)
        turn.responses.append(response)
        turn.status = Status.IN_PROGRESS
        lane.open = response
        if response_id:
            session.responses[response_id] = self.responses[response_id] = response
        if turn.is_forced:
            self._irregular("nobody asked for this response", response)
        return response

    def _turn_for(self, session: Session, lane: Lane, parent: str) -> Turn:
        steered = lane.settled
        is_successor = steered is not None and any(s.state in ("accepted", "pending") for s in steered.steers)
        if steered is not None and steered.response and steered.response.incomplete_reason == "steered":
            is_successor |= not any(s.state == "applied" for s in steered.steers)
        if steered is not None and is_successor:
            asked = lane.waiting[0] if lane.waiting else None
            if asked is None or (parent == steered.response_id and asked.parent != parent):
                turn = self._new_turn(session, lane, -1)
                turn.is_steered = True
                turn.parent, turn.parent_turn = steered.response_id, steered.number
                turn.model, turn.store = steered.model, steered.store
                self._apply_steers(steered)
                return turn
            if asked.parent == steered.response_id:
                self._apply_steers(steered)
        if lane.waiting:
            return lane.waiting.popleft()
        turn = self._new_turn(session, lane, -1)
        turn.is_forced = True
        if parent:
            self._link(session, turn, parent)
        return turn

    def _apply_steers(self, turn: Turn) -> None:
        turn.steers[:] = [
            steer._replace(state="applied") if steer.state in ("accepted", "pending") else steer
            for steer in turn.steers
        ]

    def _restart(self, session: Session, lane: Lane, old: Response, response_id: str) -> None:
        turn = self.turns[old.turn - 1]
        old.status, old.ended = Status.CUT, self._at
        response = Response(response_id, session.number, lane.id, turn.number, self._record, self._at)
        response.status = Status.IN_PROGRESS
        turn.responses.append(response)
        lane.open = response
        if response_id:
            session.responses[response_id] = self.responses[response_id] = response
        self._emit(What.RESPONSE, response.status.value, response)

    def _adopt(self, session: Session, lane: Lane, response_id: str) -> Response:
        turn = lane.settled
        assert turn is not None  # _is_late_failure looked
        response = Response(response_id, session.number, lane.id, turn.number, self._record, self._at)
        response.status = Status.ERRORED
        response.failure = turn.failure
        turn.responses.append(response)
        if response_id:
            session.responses[response_id] = self.responses[response_id] = response
        return response

    def _is_late_failure(self, lane: Lane, event: Event) -> bool:
        turn = lane.settled
        return (
            event.type == "response.failed"
            and turn is not None
            and turn.status is Status.ERRORED
            and not turn.responses
        )

    def _late(self, session: Session, response: Response, event: Event, body: Mapping[str, Any]) -> None:
        self._turn = response.turn
        move = MOVES.get((response.status, event.type))
        response.last = self._record
        if move is None:
            self._irregular(f"{event.type} after the response had ended", response)
            return
        response.status = move
        turn = self.turns[response.turn - 1]
        if turn.response is response:
            turn.status = move
        self._describe(response, body)
        error = body.get("error")
        if isinstance(error, dict) and response.failure is None:
            response.failure = turn.failure = facts.failure({"error": error})
        self._emit(What.RESPONSE, "late " + move.value, response)

    def _describe(self, response: Response | None, body: Mapping[str, Any]) -> None:
        if response is None:
            return
        response.model = facts.word(body.get("model")) or response.model
        parent = facts.word(body.get("previous_response_id"))
        response.previous_response_id = parent or response.previous_response_id
        if isinstance(store := body.get("store"), bool):
            response.store = store

    def _move(self, response: Response, trigger: str) -> None:
        move = MOVES.get((response.status, trigger))
        if move is None:
            self._irregular(f"{trigger} while {response.status}", response)
            move = response.status if response.status.is_over else MEANING[trigger]
        response.status = move
        response.last = self._record

    def _finish(
        self, session: Session, lane: Lane, response: Response, event: Event, body: Mapping[str, Any]
    ) -> None:
        response.usage = facts.usage(body.get("usage")) or response.usage
        details = body.get("incomplete_details")
        if isinstance(details, dict):
            response.incomplete_reason = facts.word(details.get("reason"))
        error = body.get("error")
        if isinstance(error, dict):
            response.failure = facts.failure({"error": error})
        output = body.get("output")
        for index, item_body in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item_body, dict):
                self._final_item(response, index, item_body)
        self._end(session, lane, response, response.status)

    def _final_item(self, response: Response, index: int, body: Mapping[str, Any]) -> None:
        item = response.by_id.get(facts.word(body.get("id"))) or _slot(response, index)
        if item is None:
            item = self._add_item(response, facts.word(body.get("id")), index)
        if item.done < 0:
            item.done = self._record
            item.read(body, self._record, self._size)
            self._register(item)

    def _end(self, session: Session, lane: Lane, response: Response, status: Status) -> None:
        self._turn = response.turn
        response.status = status
        response.ended = self._at
        turn = self.turns[response.turn - 1]
        lane.open = None
        lane.settled = turn
        if status in (Status.COMPLETED, Status.INCOMPLETE):
            lane.head = response
        self._end_turn(turn, status, response.failure)
        self._evict(session, lane, turn)

    def _end_turn(self, turn: Turn, status: Status, failure: Failure | None = None) -> None:
        self._turn = turn.number
        turn.status = status
        turn.ended = self._at
        turn.failure = failure or turn.failure
        self._emit(What.RESPONSE if turn.responses else What.TURN, status.value, turn.response)

    def _evict(self, session: Session, lane: Lane, turn: Turn) -> None:
        """A continuation on its parent's own lane that fails takes the parent out of the memory [WSG]."""
        if turn.status not in (Status.FAILED, Status.ERRORED) or not turn.parent:
            return
        if turn.failure is not None and turn.failure.code == PARENT_NOT_FOUND:
            session.not_found.setdefault(turn.parent, self._record)
        parent = session.responses.get(turn.parent)
        if parent is not None and parent.lane == lane.id and turn.parent not in session.evicted:
            session.evicted[turn.parent] = self._record
            self._emit(What.EVICTED, turn.parent, parent)

    # Errors and steering -----------------------------------------------------------------------------

    def _error(self, session: Session, event: Event) -> None:
        failure = facts.failure(event.body)
        session.errors += 1
        session.limits.update(facts.limit_headers(failure.headers))
        lane = self._erring_lane(session, event, failure)
        if lane is None:
            session.failure = failure
            self._emit(What.ERROR, failure.code or failure.message)
            return
        response = lane.open
        is_request = (
            failure.status == 400
            or failure.type.startswith("invalid_request")
            or failure.code in _IN_FLIGHT_CODES
        )
        if response is not None and not (lane.waiting and is_request):
            self._turn = response.turn
            response.failure = failure
            self._move(response, "error")
            self._end(session, lane, response, Status.ERRORED)
        elif lane.waiting:
            # a running response has passed its checks: a refused request is one that waits
            turn = lane.waiting.popleft()
            if response is None:
                lane.settled = turn
            self._end_turn(turn, Status.ERRORED, failure)
            self._evict(session, lane, turn)
        self._emit(What.ERROR, failure.code or failure.message, response)

    def _erring_lane(self, session: Session, event: Event, failure: Failure) -> Lane | None:
        if failure.code == AGE_LIMIT:
            return None  # it speaks of the connection; what runs is cut when the socket ends
        busy = [lane for lane in session.lanes.values() if lane.open is not None or lane.waiting]
        if event.stream_id is not None:
            named = session.lanes.get(event.stream_id)
            return named if named in busy else None
        if failure.code == INVALID_LANE:
            return next((lane for lane in busy if lane.id is not None and not _LANE.fullmatch(lane.id)), None)
        default = session.lanes.get(None)
        if default in busy:
            return default
        if len(busy) == 1:
            self._emit(What.IRREGULAR, "the error does not name its lane")
            return busy[0]
        return None

    def _steered(self, session: Session, event: Event) -> None:
        steer = event.body.get("steer")
        steer = steer if isinstance(steer, dict) else {}
        target = facts.word(steer.get("previous_response_id"))
        response = session.responses.get(target) or self._running(session, event)
        turn = self.turn(response.turn) if response else None
        state = event.type.rsplit(".", 1)[1]
        reason = facts.word(event.body.get("reason"))
        error = event.body.get("error")
        if isinstance(error, dict):
            reason = facts.word(error.get("code")) or facts.word(error.get("message"))
        if turn is not None and response is not None:
            self._turn = turn.number
            steer_id = facts.word(steer.get("id"))
            at = _steer_index(turn, steer_id)
            if at is None:
                text = facts.plain_input(steer.get("input"))
                turn.steers.append(Steer(self._record, target, text, state, steer_id, reason))
            else:
                old = turn.steers[at]
                turn.steers[at] = old._replace(state=state, id=steer_id or old.id, reason=reason)
        self._emit(What.STEER, state, response)

    # Items, parts, text ------------------------------------------------------------------------------

    def _content(self, session: Session, event: Event, kind: Family) -> None:
        response = self._content_response(session, event)
        if response is None:
            self._irregular("it belongs to no response")
            return
        self._turn = response.turn
        if response.status.is_over:
            self._irregular(f"{event.type} after the end", response)
        else:
            self._move(response, CONTENT)
            self.turns[response.turn - 1].status = response.status
        response.sequence_number = event.sequence_number
        match kind:
            case Family.ITEM:
                self._item(response, event)
            case Family.PART:
                self._part(response, event)
            case Family.DELTA:
                self._delta(response, event)
            case Family.DONE:
                self._done(response, event)
            case Family.ANNOTATION:
                item = self._item_of(response, event)
                index = facts.number(event.body.get("content_index")) or 0
                annotation = event.body.get("annotation")
                item.part("output_text", index).annotations.append(
                    annotation if isinstance(annotation, dict) else {}
                )
                self._emit(What.ITEM, "annotation", response, item)
            case Family.IMAGE:
                item = self._item_of(response, event)
                item.images += 1
                item.progress = f"partial image {item.images}"
                self._emit(What.ITEM, item.progress, response, item)
            case _:
                item = self._item_of(response, event)
                item.progress = event.type.rsplit(".", 1)[1].replace("_", " ")
                item.type = item.type or event.type.split(".")[1]
                self._emit(What.ITEM, item.progress, response, item)

    def _content_response(self, session: Session, event: Event) -> Response | None:
        lane = self._lane_of(session, event)
        if lane.open is not None:
            return lane.open
        for response in session.live:
            if event.item_id and event.item_id in response.by_id:
                self._irregular("the lane was not echoed", response)
                return response
        if lane.waiting:
            response = self._begin(session, lane, "", {})
            response.status = Status.IN_PROGRESS
            self._irregular("no response.created before it", response)
            return response
        return lane.settled.response if lane.settled else None

    def _item(self, response: Response, event: Event) -> None:
        body = event.body.get("item")
        body = body if isinstance(body, dict) else {}
        index = facts.number(event.body.get("output_index"))
        item_id = facts.word(body.get("id"))
        item = response.by_id.get(item_id) if item_id else None
        if item is None and index is not None:
            item = _slot(response, index)
            if item is not None and item.id and item_id and item.id != item_id:
                self._irregular("the item's id changed", response)
                response.by_id[item_id] = item
        is_done = event.type.endswith("done")
        if item is None:
            item = self._add_item(response, item_id, index if index is not None else len(response.items))
            if is_done:
                self._irregular("the item was not announced", response)
        elif not is_done and item.is_announced:
            self._irregular("the item was announced twice", response)
        elif is_done and item.done >= 0:
            self._irregular("the item was done twice", response)
        if is_done:
            item.done = self._record
        else:
            item.is_announced = True
            item.added = self._record
        if response.first_item < 0:
            response.first_item = self._at
        differs = item.read(body, self._record, self._size)
        self._register(item)
        self._emit(What.ITEM, "done" if is_done else "added", response, item)
        if differs:
            self._emit(What.REPLACED, "the finished item differs from its deltas", response, item)

    def _add_item(self, response: Response, item_id: str, index: int) -> Item:
        item = Item(item_id, index)
        response.items.append(item)
        if len(response.items) > 1 and response.items[-2].output_index > index:
            response.items.sort(key=lambda one: one.output_index)
        if item_id:
            response.by_id[item_id] = item
        return item

    def _register(self, item: Item) -> None:
        if item.is_call:
            self.calls[item.answer_id] = item
        elif (
            item.type.endswith("_output")
            and (call := self.calls.get(item.call_id)) is not None
            and call.answered < 0
        ):
            call.answered, call.answered_by = self._record, "server"

    def _item_of(self, response: Response, event: Event) -> Item:
        item = response.by_id.get(event.item_id) if event.item_id else None
        if item is not None:
            return item
        index = facts.number(event.body.get("output_index"))
        if index is not None and (item := _slot(response, index)) is not None:
            if event.item_id and item.id and item.id != event.item_id:
                self._irregular("the item's id changed", response)
                response.by_id[event.item_id] = item
            return item
        if index is None and not event.item_id and response.items:
            return response.items[-1]
        item = self._add_item(
            response, event.item_id or "", index if index is not None else len(response.items)
        )
        self._irregular("the item was not announced", response)
        return item

    def _part(self, response: Response, event: Event) -> None:
        item = self._item_of(response, event)
        body = event.body.get("part")
        body = body if isinstance(body, dict) else {}
        is_summary = "summary" in event.type
        slot = "summary_text" if is_summary else facts.word(body.get("type")) or "output_text"
        index = facts.number(event.body.get("summary_index" if is_summary else "content_index")) or 0
        part = item.part(slot, index)
        value = facts.word(body.get("refusal" if slot == "refusal" else "text"))
        if event.type.endswith("done"):
            had = bool(part.text)
            part.is_done = True
            if (value or not had) and part.text.settle(value, self._record) and had:
                self._emit(What.REPLACED, "the finished part differs from its deltas", response, item)
        elif value:
            part.text.append(value, self._record)
        self._emit(What.ITEM, "part", response, item)

    def _delta(self, response: Response, event: Event) -> None:
        fragment = DELTAS.get(event.type)
        item = self._item_of(response, event)
        if fragment is None:  # audio: bytes that no terminal plays
            item.type = item.type or "audio"
            self._emit(What.ITEM, "audio", response, item)
            return
        if not item.type:
            item.type = _ITEM_TYPES.get(fragment.slot, "message")
        text = _fragment_text(event.body.get(fragment.field))
        part = item.part(fragment.slot, _index(event, fragment))
        if event.type.endswith(".added") and part.text:
            return
        part.text.append(text, self._record)
        response.deltas += 1
        response.last_token = self._at
        if response.first_token < 0:
            response.first_token = self._at
        if response.first_text < 0 and fragment.slot == "output_text":
            response.first_text = self._at
        self._emit(What.TEXT, "", response, item)

    def _done(self, response: Response, event: Event) -> None:
        fragment = DONES.get(event.type)
        item = self._item_of(response, event)
        if fragment is None:
            self._emit(What.ITEM, "audio done", response, item)
            return
        if not item.type:
            item.type = _ITEM_TYPES.get(fragment.slot, "message")
        part = item.part(fragment.slot, _index(event, fragment))
        part.is_done = True
        value = event.body.get(fragment.field)
        if fragment.field and value is not None:
            had = bool(part.text)
            if part.text.settle(_fragment_text(value), self._record) and had:
                self._emit(What.REPLACED, "the done value differs from its deltas", response, item)
        if fragment.slot == "arguments":
            item.name = facts.word(event.body.get("name")) or item.name
        self._emit(What.ITEM, "text done", response, item)


_ITEM_TYPES = {
    "output_text": "message",
    "refusal": "message",
    "reasoning_text": "reasoning",
    "summary_text": "reasoning",
    "arguments": "function_call",
    "input": "custom_tool_call",
    "code": "code_interpreter_call",
    "command": "shell_call",
    "output": "shell_call_output",
    "diff": "apply_patch_call",
    "transcript": "message",
}


def lane_of(session: Session, response: Response) -> Lane:
    """The lane that a response runs on."""
    return session.lane(response.lane)


def _slot(response: Response, index: int) -> Item | None:
    items = response.items
    if index < len(items) and items[index].output_index == index:
        return items[index]
    return next((item for item in items if item.output_index == index), None)


def _index(event: Event, fragment: Fragment) -> int:
    return (facts.number(event.body.get(fragment.index_field)) or 0) if fragment.index_field else 0


def _fragment_text(value: object) -> str:
    match value:
        case str():
            return value
        case dict():
            # hosted shell output: one object with both streams
            return facts.word(value.get("stdout")) + facts.word(value.get("stderr"))
        case list():
            return "".join(_fragment_text(one) for one in value)
        case _:
            return ""


def _steer_index(turn: Turn, steer_id: str) -> int | None:
    for index, steer in enumerate(turn.steers):
        if steer_id and steer.id == steer_id:
            return index
    for index, steer in enumerate(turn.steers):
        if steer.state == "sent":
            return index
    return None


def fold(records: Iterable[Record]) -> Sessions:
    """The state that these records add up to."""
    sessions = Sessions()
    for record in records:
        sessions.apply(record)
    return sessions
