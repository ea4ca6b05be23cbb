"""The state as a whole: all sessions, turns and responses of a recording, with columns of type and turn.

Readers ask it by number and id; a reader that holds an index is never wrong later, because nothing is
removed. Only the reducer and the modules that it calls write here, each through the step that is being
applied.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from sessions import facts
from sessions.changes import Change, What
from sessions.events import Event
from sessions.items import Item
from sessions.session import Lane, Response, Session, Turn

_MAX_TYPES = 60_000  # distinct names kept in the type column; a hostile server could send more
MAX_TYPE_CHARACTERS = 200
_MAX_IRREGULAR = 1_000  # moves remembered per response; each of them is a change all the same


class State:
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

    def type_at(self, record: int) -> str:
        """The event type of a record, cut at 200 characters; its kind when it is no event."""
        return self.type_names[self.type_column[record]]

    def turn(self, number: int) -> Turn | None:
        """The turn of this number; None when there is none."""
        return self.turns[number - 1] if 0 < number <= len(self.turns) else None

    def chain(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns from the root of its chain to this one, by their ids, as far as they were seen."""
        out = [turn]
        while out[-1].parent_turn:
            out.append(self.turns[out[-1].parent_turn - 1])
        return tuple(reversed(out))

    def story(self, turn: Turn) -> tuple[Turn, ...]:
        """The same as a person reads it: also over turns that were not named but sent again."""
        out = [turn]
        while out[-1].follows:
            out.append(self.turns[out[-1].follows - 1])
        return tuple(reversed(out))

    def children(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns that continue this one, oldest first."""
        return tuple(other for other in self.turns if other.parent_turn == turn.number)

    def type_id(self, name: str) -> int:
        """The index of an event type in `type_names`; 0 when there are too many."""
        known = self._type_ids.get(name)
        if known is None:
            name = name[:MAX_TYPE_CHARACTERS]
            known = self._type_ids.get(name)
            if known is None:
                if len(self.type_names) >= _MAX_TYPES:
                    return 0
                known = self._type_ids[name] = len(self.type_names)
                self.type_names.append(name)
        return known


class Step:
    """One record while it is applied: its number, time and session, and the changes so far."""

    __slots__ = ("at", "changes", "record", "session", "size", "state", "turn")

    def __init__(self, state: State, session: Session, record: int, at: float, size: int) -> None:
        self.state = state
        self.session = session
        self.record = record  #: the record's number
        self.at = at
        self.size = size  #: of its payload, in bytes
        self.turn = 0  #: number of the turn it belongs to, once that is known
        self.changes: list[Change] = []

    def emit(
        self, what: What, detail: str = "", response: Response | None = None, item: Item | None = None
    ) -> None:
        """Note one change."""
        self.changes.append(
            Change(
                what,
                self.record,
                self.session.number,
                self.turn,
                response.id if response else "",
                item.id if item else "",
                detail,
            )
        )

    def irregular(self, detail: str, response: Response | None = None) -> None:
        """Note a move that the contract does not know."""
        if response is not None and len(response.irregular) < _MAX_IRREGULAR:
            response.irregular.append((self.record, detail))
        self.emit(What.IRREGULAR, detail, response)

    def spell(self, spellings: Iterable[str]) -> None:
        """Note spellings that differ from the contract's, each once a session and once a response."""
        turn = self.state.turn(self.turn)
        response = turn.response if turn else None
        for spelling in spellings:
            is_new = spelling not in self.session.dialects
            self.session.dialects.setdefault(spelling, self.record)
            if response is not None:
                is_new |= spelling not in response.dialects
                response.dialects.add(spelling)
            if is_new:
                self.emit(What.DIALECT, spelling, response)

    def begin_turn(self, lane: Lane, create: int) -> Turn:
        """A new turn on a lane; `create` is the record of its create, -1 when nobody sent one."""
        state = self.state
        turn = Turn(len(state.turns) + 1, self.session.number, lane.id, create, self.at)
        state.turns.append(turn)
        self.session.turns.append(turn)
        self.turn = turn.number
        return turn

    def link(self, turn: Turn, parent: str) -> None:
        """Note what a turn continues."""
        turn.parent = parent
        known = self.session.responses.get(parent) or self.state.responses.get(parent)
        turn.parent_turn = known.turn if known is not None else 0

    def name(self, response: Response, response_id: str) -> None:
        """Let a response be found by this id, beside any that it had before."""
        if response_id:
            self.session.responses[response_id] = self.state.responses[response_id] = response

    def running(self, event: Event) -> Response | None:
        """The response that an event speaks of without being part of it: its lane's open one, or by id."""
        lane = self.session.lanes.get(event.stream_id)
        response = lane.open if lane else None
        if response is None and event.response_id:
            response = self.session.responses.get(event.response_id)
        if response is not None:
            self.turn = response.turn
        return response

    def lane_of(self, event: Event) -> Lane:
        """The lane of an event; one that did not echo its lane is read as that of the only busy one."""
        lane = self.session.lanes.get(event.stream_id)
        if event.stream_id is not None or (lane is not None and (lane.open is not None or lane.waiting)):
            return lane or Lane(event.stream_id, self.record)
        named = self.session.busy
        same = [one for one in named if one.open and one.open.id == event.response_id]
        for candidates in (same, [one for one in named if one.open], [*named]):
            if len(candidates) == 1:
                self.emit(What.IRREGULAR, "the lane was not echoed")
                return candidates[0]
        return lane or Lane(None, self.record)

    def describe(self, response: Response, body: Mapping[str, Any]) -> None:
        """Take what a response object says about its model, parent and storage."""
        response.model = facts.word(body.get("model")) or response.model
        parent = facts.word(body.get("previous_response_id"))
        response.previous_response_id = parent or response.previous_response_id
        if isinstance(store := body.get("store"), bool):
            response.store = store
