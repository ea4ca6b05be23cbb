"""A record as one row: number, times, direction, type, lane, turn, size and what stands out about it.

Its one rule: a row is values, uncoloured and of no width; faces format them. Text from the wire is in it as
it came, so every face passes `type`, `lane` and `note` through its own gate. It reads one record and state
that is already there, so a row costs the same in a recording of ten and of a million.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from sessions import facts, sse
from sessions.contract import DELTAS, Family, close_meaning, family
from sessions.dialects import create_fields, read, unwrap
from sessions.events import Event, Undecodable
from sessions.records import Direction, Kind, Meta, Record
from sessions.reducer import Sessions
from sessions.session import Response, Turn

LARGE_BYTES = 1 << 18  # a larger record is not read for its row
_STAGES = ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms")
_NOTE_CHARACTERS = 200


class Tone(StrEnum):
    """What a row is to the eye; a word, so that no face needs colour for it."""

    PLAIN = "plain"
    DELTA = "delta"  #: one piece of many
    ENDING = "ending"  #: a response or a session ended as it should
    SOCKET = "socket"  #: the connection itself
    DIALECT = "dialect"  #: another spelling of the same facts
    ODD = "odd"  #: unknown, irregular or not to be decoded
    ERROR = "error"


class Log(Protocol):
    """Records by number: what a row is made from; a recording is one."""

    def __len__(self) -> int: ...
    def record(self, number: int) -> Record: ...
    def event(self, number: int) -> Event | Undecodable: ...
    def elapsed_at(self, number: int) -> float: ...
    def wall_at(self, number: int) -> int: ...
    def size_at(self, number: int) -> int: ...
    def kind_at(self, number: int) -> Kind: ...
    def direction_at(self, number: int) -> Direction: ...
    def session_at(self, number: int) -> int: ...


class Row(NamedTuple):
    """One record in short."""

    number: int
    session: int
    direction: Direction
    type: str  #: of the event, or the kind when it is none
    lane: str | None  #: None is the default lane, and also what a record without a turn has
    turn: int  #: 0 when it belongs to none
    size: int  #: bytes of the payload
    elapsed: float  #: seconds since the recording began
    since_turn: float | None  #: seconds since its turn was sent, or began
    wall: int  #: microseconds since the epoch, UTC
    gap: float  #: seconds since the record before it
    note: str  #: what stands out, "" when nothing does
    tone: Tone


def summarize(log: Log, sessions: Sessions, number: int) -> Row:
    """The row of one record; raises IndexError when there is none of this number."""
    elapsed = log.elapsed_at(number)
    turn = sessions.turn(sessions.turn_column[number])
    event_type = sessions.type_at(number)
    note, tone = _note(log, sessions, number, event_type, turn)
    return Row(
        number,
        log.session_at(number),
        log.direction_at(number),
        event_type or "(no type)",
        turn.lane if turn else None,
        turn.number if turn else 0,
        log.size_at(number),
        elapsed,
        elapsed - turn.sent if turn else None,
        log.wall_at(number),
        gap_before(log, number),
        note,
        tone,
    )


def gap_before(log: Log, number: int) -> float:
    """Seconds of silence between a record and the one before it; 0 for the first."""
    return max(0.0, log.elapsed_at(number) - log.elapsed_at(number - 1)) if number > 0 else 0.0


def lane_words(row: Row) -> str:
    """The lane in one word: its name, `default`, or "-" where there is no turn."""
    if not row.turn:
        return "-"
    return "default" if row.lane is None else row.lane


def _note(log: Log, sessions: Sessions, number: int, event_type: str, turn: Turn | None) -> tuple[str, Tone]:
    kind = log.kind_at(number)
    if kind is Kind.REQUEST or kind is Kind.RESPONSE:
        return _of_exchange(log, sessions, number, turn)
    if kind not in (Kind.TEXT, Kind.BINARY, Kind.SSE):
        return _of_socket(kind, log.record(number).meta)
    if log.size_at(number) > LARGE_BYTES:
        return "large: open it to read", Tone.DELTA if event_type in DELTAS else Tone.PLAIN
    event = log.event(number)
    if log.direction_at(number) is Direction.CLIENT:
        if isinstance(event, Undecodable):
            return f"! {event.reason}", Tone.ODD
        return _of_sent(sessions, event, turn)
    spellings: tuple[str, ...] = ()
    if isinstance(event, Undecodable) and kind is Kind.SSE:
        return _of_no_event(log.record(number), event)
    if isinstance(event, Undecodable):
        unwrapped = unwrap(log.record(number).payload)
        if unwrapped is None:
            return f"! {event.reason}", Tone.ODD
        event, spelling = unwrapped
        spellings = (spelling,)
        if not event.type:
            return f"~ {spelling}", Tone.DIALECT
    event, more = read(event)
    response = _response_at(turn, number)
    note, tone = _of_received(event, response, number)
    if irregular := _irregular(turn, number):
        return f"! {irregular}", Tone.ODD if tone is not Tone.ERROR else tone
    if kind is Kind.BINARY:
        spellings = ("binary frame", *spellings)
    if spellings := (*spellings, *more):
        return f"~ {', '.join(spellings)}" + (f"   {note}" if note else ""), (
            Tone.DIALECT if tone in (Tone.PLAIN, Tone.DELTA, Tone.ENDING) else tone
        )
    return note, tone


def _of_exchange(log: Log, sessions: Sessions, number: int, turn: Turn | None) -> tuple[str, Tone]:
    """A request as its first line and what its create says; an answer as its status, kind and time."""
    kind, meta = log.kind_at(number), log.record(number).meta
    if kind is Kind.REQUEST:
        words = [f"{meta.get('method', '')} {meta.get('target', '')}".strip()]
        if turn is not None and log.size_at(number) <= LARGE_BYTES:
            event = log.event(number)
            fields = {} if isinstance(event, Undecodable) else create_fields(event.body)[0]
            words.append(_of_create(fields, turn))
        return ", ".join(word for word in words if word), Tone.PLAIN
    session = sessions.sessions.get(log.session_at(number))
    status = facts.number(meta.get("status")) or 0
    words = [str(status) if status else "", session.media_type if session is not None else ""]
    if (ms := facts.quantity(meta.get("ms"))) is not None:
        words.append(_time(ms))
    if encoding := facts.word(meta.get("encoding")):
        words.append(encoding)
    if meta.get("connection") == "kept":
        words.append("on a kept connection")
    said = " ".join(word for word in words if word)
    if status >= 300:
        failure = turn.failure if turn is not None else session.failure if session is not None else None
        return f"{said}: {failure.message}" if failure is not None and failure.message else said, Tone.ERROR
    return said, Tone.SOCKET


def _time(ms: float) -> str:
    return f"{ms / 1000:.1f}s" if ms >= 100 else f"{ms:.0f}ms"


def _of_no_event(record: Record, event: Undecodable) -> tuple[str, Tone]:
    """What stands in a stream beside events: comments, the end marker, what its end cut off."""
    block = sse.read(record.payload)
    if "cut" in record.meta:
        return f"! {event.reason}", Tone.ODD
    if block.data is None:
        said = "; ".join(one.strip() for one in block.comments)
        return f"comment: {said}"[:_NOTE_CHARACTERS] if said else "no data", Tone.SOCKET
    if block.data.strip() == b"[DONE]":
        return "end of the stream", Tone.SOCKET
    return f"! {event.reason}", Tone.ODD


def _of_socket(kind: Kind, meta: Meta) -> tuple[str, Tone]:
    match kind:
        case Kind.OPEN if meta.get("transport") == "http":
            return str(meta.get("said") or f"HTTP, {meta.get('route', '')}"), Tone.SOCKET
        case Kind.OPEN:
            ms = sum(float(meta[name]) for name in _STAGES if isinstance(meta.get(name), (int, float)))
            return f"{meta.get('status', 101)} in {ms:.0f} ms, {meta.get('route', '')}", Tone.SOCKET
        case Kind.REFUSED:
            status = f" {meta['status']}" if "status" in meta else ""
            return f"{meta.get('failure_class', 'refused')}{status}: {meta.get('detail', '')}", Tone.ERROR
        case Kind.CLOSE:
            code = facts.number(meta.get("code")) or 1005
            reason = str(meta.get("reason", ""))
            tone = Tone.ENDING if code in (1000, 1001) else Tone.ERROR
            return f"{code} {close_meaning(code)}" + (f": {reason}" if reason else ""), tone
        case Kind.LOST:
            return f"{meta.get('code', '')} {meta.get('detail', '')}".strip(), Tone.ERROR
        case Kind.NOTE if meta.get("note") == "latency":
            return f"pong after {facts.quantity(meta.get('ms')) or 0:.1f} ms", Tone.SOCKET
        case Kind.NOTE:
            return _of_note(meta)
        case Kind.MARK:
            return str(meta.get("mark", ""))[:_NOTE_CHARACTERS], Tone.SOCKET
        case _:
            words = ", ".join(f"{key} {value}" for key, value in meta.items())
            return words[:_NOTE_CHARACTERS], Tone.SOCKET


def _of_note(meta: Meta) -> tuple[str, Tone]:
    """What a tap noticed: the end of an exchange, its own check of the bytes, what it could not read."""
    match meta.get("note"):
        case "end" if "exchanges" in meta:
            count = facts.number(meta.get("exchanges")) or 0
            return f"ended by hand after {count} request{'' if count == 1 else 's'}", Tone.ENDING
        case "removed":
            return f"~ {meta.get('said', '')}", Tone.DIALECT
        case "end":
            ms, size = facts.quantity(meta.get("ms")), facts.number(meta.get("bytes"))
            words = [f"complete after {_time(ms)}" if ms is not None else "complete"]
            words += [f"{size:,} bytes of body"] if size is not None else []
            return ", ".join(words), Tone.ENDING
        case "half_ended":
            ms = facts.quantity(meta.get("ms"))
            when = f" after {_time(ms)}" if ms is not None else ""
            return f"the {facts.word(meta.get('direction'))} ended its half{when}", Tone.ENDING
        case "digest" if meta.get("agrees"):
            sizes = (facts.number(meta.get(f"{side}_bytes")) or 0 for side in ("client", "server"))
            return "relayed unchanged: {:,} bytes up, {:,} down".format(*sizes), Tone.SOCKET
        case "digest":
            return "! what was relayed is not what was read", Tone.ERROR
        case "unparsed":
            who = facts.word(meta.get("direction"))
            by = f" of the {who}" if who else ""
            return (
                f"! bytes{by} not read from here on, passed on all the same: {meta.get('detail', '')}",
                Tone.ODD,
            )
        case "frame":
            return (
                f"! what is no message from the {meta.get('direction')}: {meta.get('detail', '')}",
                Tone.ODD,
            )
        case "tap":
            return str(meta.get("said", "")), Tone.ODD
        case _:
            return ", ".join(f"{key} {value}" for key, value in meta.items())[:_NOTE_CHARACTERS], Tone.SOCKET


def _of_sent(sessions: Sessions, event: Event, turn: Turn | None) -> tuple[str, Tone]:
    if event.type == "response.create":
        fields, spellings = create_fields(event.body)
        words = _of_create(fields, turn)
        if spellings:
            return f"~ {', '.join(spellings)}   {words}", Tone.DIALECT
        return words, Tone.PLAIN
    if event.type == "response.steer":
        words = facts.plain_input(event.body.get("input"))
        return words[:_NOTE_CHARACTERS], Tone.PLAIN
    if family(event.type) is Family.CLIENT:
        return "", Tone.PLAIN
    return "? unknown type", Tone.ODD


def _of_create(fields: Mapping[str, Any], turn: Turn | None) -> str:
    words = []
    parent = facts.word(fields.get("previous_response_id"))
    if turn is not None and turn.parent_turn:
        words.append(f"parent T{turn.parent_turn}")
    elif parent:
        words.append(f"parent {parent}")
    elif turn is not None and turn.resent_turn:
        words.append(f"history of T{turn.resent_turn} again")
    if turn is not None and turn.is_warmup:
        words.append("warm-up")
    items = fields.get("input")
    if isinstance(items, list):
        words.append("1 item" if len(items) == 1 else f"{len(items)} items")
    elif items:
        words.append("1 item")
    if isinstance(tools := fields.get("tools"), list) and tools:
        words.append("1 tool" if len(tools) == 1 else f"{len(tools)} tools")
    if fields.get("store") is False:
        words.append("store off")
    return ", ".join(words)


def _of_received(event: Event, response: Response | None, number: int) -> tuple[str, Tone]:
    kind = family(event.type)
    body = event.body
    match kind:
        case Family.UNKNOWN | Family.CLIENT:
            return "? unknown type" if event.type else "? no type", Tone.ODD
        case Family.ERROR:
            failure = facts.failure(body)
            words = " ".join(
                str(word) for word in (failure.status or "", failure.code or failure.type) if word
            )
            return f"{words}: {failure.message}" if words else failure.message, Tone.ERROR
        case Family.DELTA:
            fragment = DELTAS.get(event.type)
            piece = body.get(fragment.field) if fragment else None
            return (piece[:_NOTE_CHARACTERS] if isinstance(piece, str) else ""), Tone.DELTA
        case Family.ITEM:
            return _of_item(body.get("item")), Tone.PLAIN
        case Family.TERMINAL:
            return _of_ending(event, response)
        case Family.LIFECYCLE:
            return event.response_id or "", Tone.PLAIN
        case Family.STEER:
            error = body.get("error")
            code = facts.word(error.get("code")) if isinstance(error, dict) else ""
            return code or facts.word(body.get("reason")), Tone.PLAIN
        case Family.LIMITS:
            return ", ".join(f"{name} {value}" for name, value in facts.rate_limits(body).items()), Tone.PLAIN
        case _ if response is None and kind in _OF_A_RESPONSE:
            return "! it belongs to no response", Tone.ODD
        case _:
            return "", Tone.PLAIN


_OF_A_RESPONSE = frozenset({Family.PART, Family.DONE, Family.ANNOTATION, Family.PROGRESS, Family.IMAGE})


def _of_item(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    return " ".join(word for word in (facts.word(item.get("type")), facts.word(item.get("name"))) if word)


def _of_ending(event: Event, response: Response | None) -> tuple[str, Tone]:
    words: list[str] = []
    usage = response.usage if response else None
    if usage is not None:
        if usage.input_tokens is not None:
            words.append(f"in {usage.input_tokens}")
        if usage.output_tokens is not None:
            words.append(f"out {usage.output_tokens}")
    if event.type == "response.completed":
        return ", ".join(words), Tone.ENDING
    if event.type == "response.incomplete":
        reason = response.incomplete_reason if response else ""
        return ", ".join([reason or "incomplete", *words]), Tone.ODD if reason != "steered" else Tone.ENDING
    failure = response.failure if response else None
    if failure is not None:
        return f"{failure.code}: {failure.message}" if failure.code else failure.message, Tone.ERROR
    return ", ".join(words), Tone.ERROR


def _response_at(turn: Turn | None, number: int) -> Response | None:
    if turn is None:
        return None
    return next((one for one in reversed(turn.responses) if one.first <= number), turn.response)


def _irregular(turn: Turn | None, number: int) -> str:
    for response in turn.responses if turn else ():
        moves = response.irregular
        at = bisect_left(moves, number, key=lambda move: move[0])
        if at < len(moves) and moves[at][0] == number:
            return moves[at][1]
    return ""
