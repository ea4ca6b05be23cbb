"""A recording as a script: what each client sent and when it could, what the server answered to it.

Its one rule: order is causal. A message of the server belongs to the create that it answers, a frame of the
client waits for what had ended before it; clock times are kept as pauses only. A script grows record by
record, as state does, and only `Script.add` writes to it. It opens nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from sessions.events import Event, Undecodable, decode
from sessions.facts import ender
from sessions.ids import given, named
from sessions.moves import LOST, NO_CODE, Ending, Exchange, Heard, Said
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions

_HTTP = frozenset({Kind.REQUEST, Kind.RESPONSE, Kind.SSE})


class After(NamedTuple):
    """What has to have happened before a client's step."""

    endings: tuple[tuple[int, int], ...] = ()  #: exchange, and how many of its responses were over
    messages: tuple[tuple[int, int], ...] = ()  #: exchange, and how many messages of it had come
    trailing: tuple[tuple[int, str], ...] = ()  #: exchange, and the type that had come after its ending
    is_answered: bool = False  #: whether something had come after the frame before, which was no create


class Opening(NamedTuple):
    """A client opens a socket."""

    record: int
    session: int
    after: After


class Frame(NamedTuple):
    """A client sends one message."""

    record: int
    session: int
    after: After
    exchange: int  #: the one that it begins or speaks of; 0: none
    label: str  #: its event's type, "" when it is no event
    payload: bytes
    is_binary: bool
    is_create: bool
    masked: str  #: what stands masked in it, "" when it is whole


class Leaving(NamedTuple):
    """A client closes its socket."""

    record: int
    session: int
    after: After
    code: int
    reason: str


ClientStep: TypeAlias = Opening | Frame | Leaving


class ScriptedSession:
    """One recorded socket: how it was opened, what was said on it, how it ended."""

    def __init__(self, number: int, opening: Record | None, at: float) -> None:
        self.number = number
        self.opening = opening  #: OPEN or REFUSED; None when the recording does not have it
        self.prelude = Exchange(0, number, None, b"", at)  #: what came before any create
        self.exchanges: list[Exchange] = []
        self.active = self.prelude  #: the exchange in which something moved last
        self.is_ended = False
        self.ids: dict[str, None] = {}  #: that its server gave, in their order
        self.newest: dict[str | None, Exchange] = {}  #: of each lane
        self.asked: tuple[Exchange, int] | None = None  #: the newest frame's, when that is no create

    @property
    def is_refused(self) -> bool:
        """Whether its opening failed."""
        return self.opening is not None and self.opening.kind is Kind.REFUSED

    @property
    def is_answered(self) -> bool:
        """Whether something came in its exchange after the newest frame, where that is no create."""
        return self.asked is not None and self.asked[0].said > self.asked[1]

    @property
    def ending(self) -> Ending | None:
        """How the server ended it; None when the client did, or nobody yet."""
        last = self.active.moves[-1] if self.active.moves else None
        return last if isinstance(last, Ending) else None

    @property
    def breaks_off(self) -> bool:
        """Whether the recording ends in the middle of an answer: nobody knows how the socket went on."""
        return not self.is_ended and any(one.is_cut for one in self.newest.values())


class Script:
    """All sockets of a recording, and the client's steps on them in their order."""

    def __init__(self) -> None:
        self.state = Sessions()
        self.sessions: dict[int, ScriptedSession] = {}
        self.exchanges: list[Exchange] = []  #: exchange number n stands at n - 1
        self.steps: list[ClientStep] = []
        self.http: set[int] = set()  #: sessions over HTTP; they have no part in a script of sockets
        self.requests = 0  #: that were made over HTTP
        self._aside: set[int] = set()  #: sockets that have no part in it
        self._of_turn: dict[int, Exchange] = {}
        self._givers: dict[str, int] = {}  #: id -> number of the exchange that gave it
        self._told: dict[int, int] = {}  #: endings of running exchanges that a step waits for already
        self._running: dict[int, Exchange] = {}

    def add(self, record: Record) -> None:
        """Take the next record. Never raises."""
        number = self.state.records
        event = decode(record.payload) if record.kind in (Kind.TEXT, Kind.BINARY) else None
        before = len(self.state.turns)
        self.state.apply(record, event)
        if record.kind in _HTTP:
            self.http.add(record.session)
            self.requests += record.kind is Kind.REQUEST
        if "probe_of" in record.meta:
            self._aside.add(record.session)  # whoever plays the script and is refused tries that by itself
        elif record.kind is Kind.REFUSED and ender(record.meta) == "tap":
            self._aside.add(record.session)  # no server has said anything of it
        if record.session in self.http or record.session in self._aside:
            return
        session = self.sessions.get(record.session)
        match record.kind:
            case Kind.OPEN | Kind.REFUSED:
                if session is None:
                    self._open(record, number)
            case Kind.TEXT | Kind.BINARY:
                session = session or self._open(record, number)
                if record.direction is Direction.CLIENT:
                    self._client(session, record, number, event, len(self.state.turns) > before)
                elif record.direction is Direction.SERVER:
                    self._server(session, record, number, event)
            case Kind.CLOSE | Kind.LOST if session is not None and not session.is_ended:
                self._end(session, record, number)

    def exchange(self, number: int) -> Exchange:
        """The exchange of this number, from 1."""
        return self.exchanges[number - 1]

    def giver(self, given_id: str) -> int:
        """Number of the exchange in which a server gave this id, 0 when none did."""
        return self._givers.get(given_id, 0)

    # Sockets ---------------------------------------------------------------------------------------------

    def _open(self, record: Record, number: int) -> ScriptedSession:
        is_opening = record.kind in (Kind.OPEN, Kind.REFUSED)
        session = ScriptedSession(record.session, record if is_opening else None, record.elapsed)
        self.sessions[record.session] = session
        self.steps.append(Opening(number, record.session, self._after(session, ())))
        return session

    def _end(self, session: ScriptedSession, record: Record, number: int) -> None:
        session.is_ended = True
        code = record.meta.get("code")
        payload = record.payload if record.kind is Kind.CLOSE else b""
        if not isinstance(code, int):
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else NO_CODE
        reason = str(record.meta.get("reason") or payload[2:].decode(errors="replace"))
        detail = str(record.meta.get("detail", ""))
        if record.kind is Kind.LOST:
            code, reason = LOST, detail
        if record.direction is Direction.CLIENT or detail.startswith("the client"):
            running = [(one.number, one.said) for one in session.exchanges if one.is_cut]
            self.steps.append(Leaving(number, session.number, self._after(session, running), code, reason))
            return
        exchange = session.active
        exchange.moves.append(Ending(number, _pause(exchange.at, record.elapsed), code, reason))

    # Messages --------------------------------------------------------------------------------------------

    def _client(
        self,
        session: ScriptedSession,
        record: Record,
        number: int,
        event: Event | Undecodable | None,
        is_create: bool,
    ) -> None:
        label = event.type if isinstance(event, Event) else ""
        ids = set(named(record.payload))
        givers = {self._givers[one] for one in ids if one in self._givers}
        messages = {giver: 1 for giver in givers if giver}
        if is_create:
            exchange = self._begin(session, record)
            after = self._after(session, messages.items())
            self._running[exchange.number] = exchange
            session.asked = None
        else:
            turn = self.state.turn_column[number]
            exchange = self._of_turn.get(turn, session.active)
            if exchange.number:
                messages[exchange.number] = exchange.said
            after = self._after(session, messages.items())
            session.asked = (exchange, exchange.said)
            exchange.moves.append(Heard(number, label))
            exchange.at = record.elapsed
        session.active = exchange
        masked = str(record.meta.get("masked", ""))
        self.steps.append(
            Frame(
                number,
                session.number,
                after,
                exchange.number,
                label,
                record.payload,
                record.kind is Kind.BINARY,
                is_create,
                masked,
            )
        )

    def _begin(self, session: ScriptedSession, record: Record) -> Exchange:
        turn = self.state.turns[-1]
        exchange = Exchange(
            len(self.exchanges) + 1, session.number, turn.lane, record.payload, record.elapsed
        )
        exchange.parent = turn.parent
        exchange.turns.append(turn)
        self._of_turn[turn.number] = exchange
        self.exchanges.append(exchange)
        session.exchanges.append(exchange)
        if (earlier := session.newest.get(turn.lane)) is not None:
            exchange.follows = (earlier.number, 0)
        session.newest[turn.lane] = exchange
        return exchange

    def _server(
        self, session: ScriptedSession, record: Record, number: int, event: Event | Undecodable | None
    ) -> None:
        exchange = self._answered(session, self.state.turn_column[number])
        if not exchange.said:
            self._place(exchange)
        exchange.moves.append(
            Said(
                number,
                _pause(exchange.at, record.elapsed),
                record.payload,
                record.kind is Kind.BINARY,
                event.type if isinstance(event, Event) else "",
            )
        )
        exchange.said += 1
        exchange.at = record.elapsed
        session.active = exchange
        if isinstance(event, Event):
            # a delta is one of very many, and names its item at the most
            for one in (event.item_id,) if event.type[-6:] == ".delta" else given(event.body):
                if not one:
                    continue
                session.ids[one] = None
                self._givers.setdefault(one, exchange.number)
            exchange.keep_items(event)
            item = event.body.get("item")
            if isinstance(item, dict) and isinstance(sealed := item.get("encrypted_content"), str):
                # no id, but sent back like one: only the server that sealed it can read it
                self._givers.setdefault(sealed, exchange.number)

    def _answered(self, session: ScriptedSession, number: int) -> Exchange:
        turn = self.state.turn(number)
        if turn is None:
            return session.active  # it speaks of the connection, or of nobody
        exchange = self._of_turn.get(number)
        if exchange is None:
            exchange = self._of_turn.get(turn.parent_turn) if turn.is_steered else None
            exchange = exchange or session.active
            self._of_turn[number] = exchange
            exchange.turns.append(turn)
            if exchange.number:
                self._running[exchange.number] = exchange
        return exchange

    def _place(self, exchange: Exchange) -> None:
        """Note what its first answer follows on its lane, where one answer waits for the other."""
        number, _ = exchange.follows
        if number:
            earlier = self.exchange(number)
            exchange.follows = (number, len(earlier.moves))
            exchange.at = max(exchange.at, earlier.at)

    def _after(self, session: ScriptedSession, messages: Iterable[tuple[int, int]]) -> After:
        """What has ended since the step before, and these messages."""
        endings, trailing = [], []
        for number, exchange in list(self._running.items()):
            over = exchange.endings
            if over > self._told.get(number, 0):
                self._told[number] = over
                endings.append((number, over))
                if exchange.is_over and exchange.trailing:
                    trailing.append((number, exchange.trailing))
            if exchange.is_over:
                del self._running[number]
        return After(tuple(endings), tuple(messages), tuple(trailing), session.is_answered)


def read(records: Iterable[Record]) -> Script:
    """The script of these records."""
    script = Script()
    for record in records:
        script.add(record)
    return script


def _pause(earlier: float, later: float) -> float:
    return max(0.0, later - earlier)
