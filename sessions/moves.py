"""What happened between a create and the end of its answers: messages, frames heard meanwhile, an ending.

Its one rule: an exchange only grows, and only `sessions.script` makes it grow; everybody else reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from sessions.contract import Family, Status, family
from sessions.events import Event
from sessions.session import Turn

NO_CODE = 1005  #: stands for a close frame without a code [RFC 6455, 7.1.5]
LOST = 1006  #: stands for an end without a close frame


class Said(NamedTuple):
    """One message of the server."""

    record: int
    pause_seconds: float  #: since what came before it in its exchange
    payload: bytes
    is_binary: bool
    type: str  #: of its event, "" when it is none


class Heard(NamedTuple):
    """A frame of the client, other than a create, that the server had when it went on."""

    record: int
    label: str  #: its event's type, "" when it is no event


class Ending(NamedTuple):
    """The server's end of the socket."""

    record: int
    pause_seconds: float
    code: int  #: LOST when it sent no close frame
    reason: str


Move: TypeAlias = Said | Heard | Ending


class Exchange:
    """One create and everything that answered it, successors of steers included; number 0 has no create."""

    __slots__ = (
        "at",
        "follows",
        "items",
        "lane",
        "moves",
        "number",
        "parent",
        "payload",
        "said",
        "session",
        "turns",
    )

    def __init__(self, number: int, session: int, lane: str | None, payload: bytes, at: float) -> None:
        self.number = number  #: from 1, over all sessions of a recording
        self.session = session
        self.lane = lane
        self.payload = payload  #: of the create
        self.parent: str | None = None  #: `previous_response_id` as it was sent
        self.at = at  #: recording time of its newest move
        self.moves: list[Move] = []
        self.said = 0  #: messages of the server among the moves
        self.turns: list[Turn] = []
        #: the exchange before it on its lane, and how many of that one's moves come before its first answer
        self.follows: tuple[int, int] = (0, 0)
        #: newest body of each output item, by the response's place in the exchange and the output index
        self.items: dict[tuple[int, int], Mapping[str, Any]] = {}

    @property
    def endings(self) -> int:
        """How many of its responses are over."""
        return sum(not turn.is_live for turn in self.turns)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs."""
        return all(not turn.is_live for turn in self.turns)

    @property
    def is_cut(self) -> bool:
        """Whether an answer of it is missing its end."""
        return any(turn.is_live or turn.status is Status.CUT for turn in self.turns)

    @property
    def trailing(self) -> str:
        """Type of its newest message when that came after an ending, "" when nothing did."""
        last = self.moves[-1] if self.moves else None
        if not isinstance(last, Said) or not self.endings:
            return ""
        return "" if family(last.type) in (Family.TERMINAL, Family.ERROR) else last.type

    @property
    def response_ids(self) -> list[str]:
        """The ids of its responses, in their order."""
        return [response.id for turn in self.turns for response in turn.responses]

    def keep_items(self, event: Event) -> None:
        """Keep the output items that an event tells, in their newest form."""
        place = max(0, len(self.response_ids) - 1)
        body = event.body
        if event.type in ("response.output_item.added", "response.output_item.done"):
            index, item = body.get("output_index"), body.get("item")
            if isinstance(item, dict):
                self.items[place, index if type(index) is int else len(self.items)] = item
            return
        response = body.get("response")
        output = response.get("output") if isinstance(response, dict) else None
        for number, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, dict):
                self.items.setdefault((place, number), item)


def paired_ids(recorded: Exchange, live: Exchange) -> dict[str, str]:
    """Recorded id -> live id: of responses by order, of items and calls by place, else by kind and name."""
    names = {
        old: new for old, new in zip(recorded.response_ids, live.response_ids, strict=False) if old and new
    }
    rest = dict(live.items)
    matched: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    lonely: list[Mapping[str, Any]] = []
    for place, item in recorded.items.items():
        other = rest.get(place)
        if other is not None and _label(other) == _label(item):
            matched.append((item, rest.pop(place)))
        else:
            lonely.append(item)
    for item in lonely:
        alike = next((where for where, other in rest.items() if _label(other) == _label(item)), None)
        if alike is not None:
            matched.append((item, rest.pop(alike)))
    for item, other in matched:
        for field in ("id", "call_id", "encrypted_content"):
            old, new = item.get(field), other.get(field)
            if isinstance(old, str) and isinstance(new, str) and old and new:
                names[old] = new
    return names


def _label(item: Mapping[str, Any]) -> tuple[object, object]:
    return item.get("type"), item.get("name")


def may_close_with(code: int) -> bool:
    """Whether a close frame may carry this code [RFC 6455, 7.4]."""
    return code in range(3000, 5000) or code in {*range(1000, 1004), *range(1007, 1015)}
