"""One side of a comparison: its records read as openings and exchanges, the same for a socket and for HTTP.

Its one rule: turns are numbered by their place on this side, whatever ids or session numbers they have. It
grows record by record, never raises on what a peer sent, and opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sessions import facts
from sessions.bodies import event_of, parts, text_of, whole_of
from sessions.events import Event, Undecodable, decode
from sessions.finding import Finding
from sessions.findings.judge import NO_DEVIATIONS, Judge
from sessions.moves import LOST, Ending, Exchange, Said
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions
from sessions.session import Turn

_MESSAGES = frozenset({Kind.TEXT, Kind.BINARY})
_STAGES = ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms", "ms")


class Opening(NamedTuple):
    """How one connection began: the answer to an upgrade, or to an HTTP request."""

    session: int
    is_http: bool
    status: int  #: 0 when nothing that is HTTP came back
    failure_class: str  #: "" when it was accepted
    detail: str
    headers: Mapping[str, str]  #: of the answer, by lower-case name
    compression: str
    stages_ms: Mapping[str, float]  #: what each stage took, as far as it was measured

    @property
    def is_refused(self) -> bool:
        """Whether nothing could be asked on it."""
        return bool(self.failure_class)

    @property
    def total_ms(self) -> float:
        """What the opening took, 0 when it was not measured."""
        return sum(self.stages_ms.values())

    @property
    def dialled_ms(self) -> float:
        """The same without the wait for the head of an HTTP answer, in which the server thinks."""
        return sum(took for stage, took in self.stages_ms.items() if stage != "ms")


class Side:
    """What happened on one side, turn by turn."""

    def __init__(self, label: str, known: Mapping[str, Collection[str]] = NO_DEVIATIONS) -> None:
        self.label = label  #: what the titles of differences call it
        self.state = Sessions()
        self.openings: list[Opening] = []
        self.exchanges: list[Exchange] = []  #: exchange number n stands at n - 1
        self.ending: Ending | None = None  #: when the server ended a socket; the first that did
        self.findings: list[Finding] = []
        self._judge = Judge(self.state, known)
        self._of_turn: dict[int, Exchange] = {}

    @property
    def is_http(self) -> bool:
        """Whether it was asked by HTTP requests, not over sockets."""
        return bool(self.openings) and self.openings[0].is_http

    @property
    def is_refused(self) -> bool:
        """Whether no connection could be opened."""
        return bool(self.openings) and all(one.is_refused for one in self.openings)

    def exchange(self, number: int) -> Exchange | None:
        """The exchange of this number, from 1; None when there is none."""
        return self.exchanges[number - 1] if 0 < number <= len(self.exchanges) else None

    def findings_of(self, number: int) -> list[Finding]:
        """What is wrong with one exchange; with the connections when it is 0."""
        return [one for one in self.findings if self._place(one.turn) == number]

    def add(self, record: Record) -> None:
        """Take the next record."""
        number, turns = self.state.records, len(self.state.turns)
        kind = record.kind
        event: Event | Undecodable | None = None
        if kind in _MESSAGES:
            event = decode(record.payload)
        elif kind is Kind.SSE:
            event = event_of(record)
        changes = self.state.apply(record, event)
        self.findings += self._judge.judge(record, number, event, changes)
        if kind in (Kind.OPEN, Kind.REFUSED):
            self._open(record)
        elif kind is Kind.RESPONSE:
            self._open_http(record)
            self._hear(record, number, event_of(record))
        elif record.direction is Direction.CLIENT:
            if len(self.state.turns) > turns:
                self._begin(self.state.turns[-1], record)
        elif isinstance(event, Event | Undecodable):
            self._hear(record, number, event)
        elif kind in (Kind.CLOSE, Kind.LOST):
            self._end(record, number)

    # Connections -----------------------------------------------------------------------------------------

    def _open(self, record: Record) -> None:
        meta = record.meta
        is_refused = record.kind is Kind.REFUSED
        is_http = self.state.sessions[record.session].is_http or meta.get("transport") == "http"
        if is_http and not is_refused:
            return  # nothing has been dialled; each answer tells how it was
        self.openings.append(
            Opening(
                record.session,
                is_http,
                facts.number(meta.get("status")) or 0,
                str(meta.get("failure_class") or "closed") if is_refused else "",
                str(meta.get("detail", "")),
                facts.head_headers(record.payload),
                str(meta.get("compression", "off")) or "off",
                _stages(record),
            )
        )

    def _open_http(self, record: Record) -> None:
        status = facts.number(record.meta.get("status")) or 0
        headers = facts.head_headers(parts(record).head)
        self.openings.append(Opening(record.session, True, status, "", "", headers, "off", _stages(record)))

    def _end(self, record: Record, number: int) -> None:
        session = self.state.sessions.get(record.session)
        if self.ending is not None or session is None or session.end_record not in (number, -1):
            return
        detail = str(record.meta.get("detail", ""))
        if record.direction is Direction.CLIENT or session.closed_by == "client":
            return
        if record.kind is Kind.LOST:
            if not detail.startswith("the client"):
                self.ending = Ending(number, 0.0, LOST, detail)
        else:
            code = facts.number(record.meta.get("code")) or 1005
            self.ending = Ending(number, 0.0, code, str(record.meta.get("reason", "")))

    # Turns -----------------------------------------------------------------------------------------------

    def _begin(self, turn: Turn, record: Record) -> None:
        payload = text_of(record)
        exchange = Exchange(len(self.exchanges) + 1, record.session, turn.lane, payload, record.elapsed)
        exchange.parent = turn.parent
        exchange.turns.append(turn)
        self._of_turn[turn.number] = exchange
        self.exchanges.append(exchange)

    def _hear(self, record: Record, number: int, event: Event | Undecodable) -> None:
        if record.kind is Kind.RESPONSE and not parts(record).body:
            return  # its events follow
        exchange = self._answered(record.session, self.state.turn_column[number])
        if exchange is None:
            return  # it speaks of the connection, before anything was asked
        label = event.type if isinstance(event, Event) else ""
        payload = text_of(record)
        if record.kind is Kind.RESPONSE and isinstance(event, Event):
            label, payload = _as_message(record)
        pause = max(0.0, record.elapsed - exchange.at)
        exchange.moves.append(Said(number, pause, payload, record.kind is Kind.BINARY, label))
        exchange.said += 1
        exchange.at = record.elapsed
        if isinstance(event, Event) and not label.endswith(".delta"):
            exchange.keep_items(event)

    def _answered(self, session: int, number: int) -> Exchange | None:
        exchange = self._of_turn.get(number)
        if exchange is not None:
            return exchange
        exchange = next((one for one in reversed(self.exchanges) if one.session == session), None)
        turn = self.state.turn(number)
        if exchange is not None and turn is not None:  # a successor that nobody asked for by a create
            self._of_turn[number] = exchange
            exchange.turns.append(turn)
        return exchange

    def _place(self, turn: int) -> int:
        exchange = self._of_turn.get(turn)
        return exchange.number if exchange is not None else 0


def read_side(
    label: str, records: Iterable[Record], known: Mapping[str, Collection[str]] = NO_DEVIATIONS
) -> Side:
    """The side that these records tell of; `known` are the findings that profiles are known for."""
    side = Side(label, known)
    for record in records:
        side.add(record)
    return side


def _stages(record: Record) -> dict[str, float]:
    found = {name: facts.quantity(record.meta.get(name)) for name in _STAGES}
    return {name.removesuffix("_ms"): value for name, value in found.items() if value is not None}


def _as_message(record: Record) -> tuple[str, bytes]:
    """The body of an HTTP answer as the message that says the same on a socket."""
    event = whole_of(record)
    if isinstance(event, Undecodable):
        return "", text_of(record)
    label = event.type or ("error" if "error" in event.body else "")
    return label, json.dumps({"type": label, **event.body}, ensure_ascii=False).encode(errors="replace")
