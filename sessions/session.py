"""What the records add up to: sessions, lanes, turns, responses. Plain state; only the reducer writes it.

A turn is keyed by the record of its create, because response ids repeat, are rewritten by proxies, or never
come. State is keyed by lane first, because deltas carry no response id. Times are seconds of recording time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import inf
from typing import Any, NamedTuple

from sessions.contract import LIFETIME_SECONDS, FailureClass, Status
from sessions.items import Item

_MAX_SEARCHED = 1_024  # lanes; thirty-two times what a connection may have [WSG]
_NO_SPEED_SECONDS = 0.005  # a shorter stretch holds no two reads of a socket


class Phase(StrEnum):
    """Where a session stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"  #: our close frame has left
    CLOSED = "closed"
    LOST = "lost"  #: ended without a close frame
    REFUSED = "refused"

    @property
    def is_over(self) -> bool:
        """Whether nothing more can cross this socket."""
        return self in (Phase.CLOSED, Phase.LOST, Phase.REFUSED)


class Usage(NamedTuple):
    """Tokens of one response in the contract's names; None where the server did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    def plain(self) -> dict[str, Any]:
        """The contract's object, for machine-readable faces."""
        out: dict[str, Any] = {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "input_tokens_details": {"cached_tokens": self.cached_tokens},
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }
        if self.cache_write_tokens is not None:
            out["input_tokens_details"]["cache_write_tokens"] = self.cache_write_tokens
        return out


class Failure(NamedTuple):
    """What an error frame or a failed response said."""

    code: str
    message: str
    type: str = ""
    param: str = ""
    status: int = 0
    headers: Mapping[str, str] = {}


class Steer(NamedTuple):
    """One `response.steer`: where it stands and what it said."""

    record: int
    target: str
    text: str
    state: str  #: sent, accepted, pending, failed, applied
    id: str = ""
    reason: str = ""


class Response:
    """One response of a turn, from created to its terminal event."""

    __slots__ = (
        "by_id",
        "by_index",
        "created",
        "deltas",
        "dialects",
        "ended",
        "failure",
        "first",
        "first_item",
        "first_text",
        "first_token",
        "id",
        "incomplete_reason",
        "irregular",
        "items",
        "lane",
        "last",
        "last_token",
        "model",
        "previous_response_id",
        "sequence_number",
        "session",
        "status",
        "store",
        "turn",
        "usage",
    )

    def __init__(
        self, response_id: str, session: int, lane: str | None, turn: int, record: int, at: float
    ) -> None:
        self.id = response_id
        self.session = session
        self.lane = lane
        self.turn = turn  #: the turn's number
        self.previous_response_id: str | None = None
        self.model = ""
        self.status = Status.SENT
        self.store: bool | None = None  #: as the server echoed it
        self.items: list[Item] = []
        self.by_id: dict[
            str | None, Item
        ] = {}  #: never holds None: an event without an item id finds nothing
        self.by_index: dict[int, Item] = {}
        self.usage: Usage | None = None
        self.failure: Failure | None = None
        self.incomplete_reason = ""
        self.first = record
        self.last = record
        self.sequence_number: int | None = None
        self.created = at
        self.first_item = -1.0
        self.first_token = -1.0
        self.first_text = -1.0
        self.last_token = -1.0
        self.ended = -1.0
        self.deltas = 0
        self.dialects: set[str] = set()
        self.irregular: list[tuple[int, str]] = []  #: record and what was against the contract

    @property
    def is_live(self) -> bool:
        """Whether more of it is expected."""
        return not self.status.is_over

    @property
    def calls(self) -> tuple[Item, ...]:
        """Its items that a client may have to answer."""
        return tuple(item for item in self.items if item.is_call)

    @property
    def pending_calls(self) -> tuple[Item, ...]:
        """Its calls that nobody has answered yet."""
        return tuple(item for item in self.items if item.is_pending)

    @property
    def text(self) -> str:
        """The answer's text: all output text, in order."""
        return "".join(item.text("output_text") for item in self.items)

    def tokens_per_second(self, now: float) -> float | None:
        """Output speed: by usage once it is known, by deltas (about a token each) until then; or None."""
        if self.first_token < 0 or self.deltas < 2:
            return None
        end = self.last_token if not self.is_live else now
        seconds = end - self.first_token
        if seconds < _NO_SPEED_SECONDS:
            return None  # it came in one piece: what was measured is a buffer, not the model
        known = self.usage.output_tokens if self.usage and not self.is_live else None
        return (known or self.deltas) / seconds


class Turn:
    """One create and what came of it; or a successor that a steered response started by itself."""

    __slots__ = (
        "answers",
        "create",
        "ended",
        "failure",
        "is_forced",
        "is_steered",
        "is_warmup",
        "lane",
        "model",
        "number",
        "parent",
        "parent_turn",
        "resent_turn",
        "responses",
        "sent",
        "session",
        "status",
        "steers",
        "store",
    )

    def __init__(self, number: int, session: int, lane: str | None, create: int, sent: float) -> None:
        self.number = number  #: from 1, over all sessions of a recording
        self.session = session
        self.lane = lane
        self.create = create  #: record of the create; -1 when nobody sent one
        self.sent = sent
        self.parent: str | None = None  #: `previous_response_id` as it was sent
        self.parent_turn = (
            0  #: number of the turn that made the parent, 0 when this recording has not seen it
        )
        self.resent_turn = 0  #: number of the turn whose answer its own input repeats, 0 when there is none
        self.model = ""
        self.store = True  # what an absent `store` means, also on WebSocket [SDK]
        self.is_warmup = False
        self.is_steered = False
        self.answers: tuple[str, ...] = ()  #: call ids that its input answers
        self.responses: list[Response] = []
        self.status = Status.SENT
        self.failure: Failure | None = None
        self.steers: list[Steer] = []
        self.ended = -1.0
        self.is_forced = False  #: made up because a response came that nobody asked for

    @property
    def follows(self) -> int:
        """The turn that it continues, by its id or by sending its history again; 0 when it begins anew."""
        return self.parent_turn or self.resent_turn

    @property
    def response(self) -> Response | None:
        """Its newest response."""
        return self.responses[-1] if self.responses else None

    @property
    def response_id(self) -> str:
        """Id of its newest response, "" when none came."""
        return self.responses[-1].id if self.responses else ""

    @property
    def is_live(self) -> bool:
        """Whether an answer is still expected."""
        return not self.status.is_over

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds from the create to the first delta; None when there is none or nobody sent a create."""
        response = self.response
        if response is None or response.first_token < 0 or self.create < 0:
            return None
        return response.first_token - self.sent

    def duration(self, now: float) -> float:
        """Seconds from the create to the end, or to now."""
        return (self.ended if self.ended >= 0 else now) - self.sent


class Lane:
    """One FIFO of a session: `stream_id`, or None for the default lane."""

    __slots__ = ("doubted", "doubtful", "head", "id", "open", "opened", "settled", "waiting")

    def __init__(self, lane_id: str | None, opened: int) -> None:
        self.id = lane_id
        self.opened = opened
        self.waiting: deque[Turn] = deque()
        self.open: Response | None = None
        self.head: Response | None = None  #: its newest response that ended well enough to be a parent
        self.settled: Turn | None = None  #: the turn that ended last; a late `response.failed` is its own
        self.doubtful: Turn | None = None  #: ended by an error that may have answered an unread message
        self.doubted = -1  #: the record of that error


class Session:
    """One socket, one HTTP exchange, or one way over HTTP, from its opening to its end."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.phase = Phase.OPENING
        self.opened = -1.0
        self.ended = -1.0
        self.lifetime = float(LIFETIME_SECONDS)
        self.url = ""
        self.route = ""
        self.profile = ""
        self.compression = ""
        self.name = ""  #: what a person called it
        self.client = ""  #: which program a tap saw: its User-Agent, or what it calls itself
        self.peer = ""  #: address and port of that client
        self.pair = ""  #: the client's own id, which all its connections share
        self.thread = ""  #: the client's id of one conversation
        self.is_http = False  #: HTTP requests and their answers, not a socket
        self.spans_requests = False  #: over HTTP, one request after another until a person ends it
        self.fallback = ""  #: why it speaks HTTP although a socket was tried first, in words
        self.fallback_ms = 0.0  #: what that try cost
        self.method = ""
        self.target = ""  #: of the request, as the client wrote it
        self.media_type = ""  #: of the answer, without parameters
        self.head_in = 0  #: bytes of the head of the answer
        self.head_ms: float | None = None  #: from the request to the head of the newest answer
        self.handshake = -1  #: record of OPEN, REFUSED or REQUEST
        self.failure_class: FailureClass | None = None
        self.status = 0
        self.close_code = 0
        self.close_reason = ""
        #: client, server, or "" when nobody sent a close frame; tap: it refused the opening itself
        self.closed_by = ""
        self.end_record = -1
        self.lanes: dict[str | None, Lane] = {}
        self.turns: list[Turn] = []
        self.responses: dict[str, Response] = {}
        self.evicted: dict[str, int] = {}  #: response id -> record of the failure that evicted it
        self.not_found: dict[str, int] = {}  #: parent id -> record in which the server said it has none
        self.limits: dict[str, str] = {}  #: rate limits in the server's own words
        self.unknown_types: dict[str, int] = {}
        self.dialects: dict[str, int] = {}  #: spelling -> record where it was first seen
        self.errors = 0
        self.failure: Failure | None = None  #: the newest error frame that spoke of the connection
        self.undecodable = 0
        self.unread = 0  #: messages of the client that no server can read, and no error has answered
        self.bytes_in = 0
        self.bytes_out = 0
        self.wire_in = 0  #: bytes as they crossed the wire: compressed, where compression was agreed
        self.wire_out = 0
        self.frames_in = 0
        self.frames_out = 0
        self.last_frame = -1.0  #: when the server last sent a message
        self.last_pong = -1.0
        self.latency_ms: float | None = None
        self.largest = 0  #: bytes of the largest message the server sent

    def lane(self, lane_id: str | None, record: int = -1) -> Lane:
        """The lane of this name; made when it is not there yet."""
        found = self.lanes.get(lane_id)
        if found is None:
            found = self.lanes[lane_id] = Lane(lane_id, record)
        return found

    @property
    def busy(self) -> tuple[Lane, ...]:
        """Its lanes where something runs or waits; none when a server has made up very many."""
        if len(self.lanes) > _MAX_SEARCHED:
            return ()
        return tuple(lane for lane in self.lanes.values() if lane.open is not None or lane.waiting)

    @property
    def live(self) -> tuple[Response, ...]:
        """Its responses that are still running."""
        return tuple(lane.open for lane in self.lanes.values() if lane.open is not None)

    @property
    def waiting(self) -> int:
        """How many creates have no response yet."""
        return sum(len(lane.waiting) for lane in self.lanes.values())

    @property
    def named_lanes(self) -> int:
        """How many named lanes it has used; names count for the life of the connection."""
        return sum(1 for lane in self.lanes if lane is not None)

    def pending_calls(self) -> Iterator[tuple[Turn, Item]]:
        """Calls of its ended responses that nobody has answered yet, oldest first."""
        for turn in self.turns:
            for response in turn.responses:
                for item in response.pending_calls:
                    yield turn, item


def remaining(session: Session, now: float) -> float:
    """Seconds until the session's age limit, from the 101; `now` is recording time. Never below zero.

    HTTP has no such limit: without end.
    """
    if session.is_http:
        return inf
    if session.opened < 0:
        return session.lifetime
    end = session.ended if session.ended >= 0 else now
    return max(0.0, session.lifetime - (end - session.opened))
