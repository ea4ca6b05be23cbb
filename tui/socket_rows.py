"""What records say beside events, in words: heads and timings, requests and answers, closes, losses, notes.

Its one rule: what a record says is shown whole, a name and a value each, through the gate for remote text.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from sessions.contract import FAILURES, FailureClass, close_meaning
from sessions.facts import ender, number
from sessions.records import Kind, Record
from sessions.redact import screen
from sessions.safe import safe_line
from sessions.sse import read

_STAGES = (
    ("dns_ms", "name"),
    ("tcp_ms", "connection"),
    ("connect_ms", "proxy"),
    ("tls_ms", "TLS"),
    ("upgrade_ms", "upgrade"),
)
_NAMES = {
    "failure_class": "what failed",
    "detail": "evidence",
    "lifetime": "lifetime, seconds",
    "ms": "after, ms",
    "bytes": "bytes of body",
    "left_out": "bytes left out",
    "pair": "client's own id",
    "thread": "client's thread",
    "tap": "through the tap",
}
_KNOWN = frozenset({name for name, _ in _STAGES} | {"code", "reason", "remedy", "note", "head", "cut"})
_NOTES = {
    "end": "the exchange is complete",
    "digest": "what was read and what was handed on",
    "unparsed": "bytes that cannot be read; they were passed on as they came",
    "half_ended": "the client ended its half of the connection; its answer was still passed on",
    "tap": "the tap",
}
_READ = 8_192
_NAME_CELLS = 18


def socket_rows(record: Record, width: int) -> list[Text]:
    """All that a record without an event says, a row for each fact, long ones in several rows."""
    return [row for fact in _facts(record) for row in _fitting(fact, width)]


def _fitting(row: Text, width: int) -> Iterator[Text]:
    if len(row) <= width or width < _NAME_CELLS + 12:
        yield row
        return
    front = _NAME_CELLS + 3 if row.plain.startswith("  ") else 0
    for at, piece in enumerate(wrap(row.plain[front:], width - front) or [""]):
        first = row[:front] if front and at == 0 else Text(" " * front)
        yield first.append(piece)


def _facts(record: Record) -> list[Text]:
    meta = record.meta
    rows: list[Text] = []
    match record.kind:
        case Kind.OPEN if meta.get("transport") == "http":
            rows.append(_heading("a session over HTTP: a request for each turn"))
        case Kind.OPEN:
            rows.append(_heading("the socket is open"))
        case Kind.REFUSED if ender(meta) == "tap" and meta.get("failure_class") != FailureClass.CLOSED:
            rows.append(_heading("the tap itself refused this; it never reached the upstream"))
        case Kind.REFUSED:
            rows.append(_heading("the socket could not be opened"))
            rows += _cause(str(meta.get("failure_class", "")), str(meta.get("remedy", "")))
        case Kind.CLOSE | Kind.LOST:
            code = number(meta.get("code")) or (1005 if record.kind is Kind.CLOSE else 0)
            by = "" if record.kind is Kind.LOST else f" by the {record.direction.value}"
            rows.append(_heading(("lost" if record.kind is Kind.LOST else "closed") + by))
            if code:  # an HTTP exchange that breaks off has none
                rows.append(_fact("code", f"{code}  {close_meaning(code)}"))
            if reason := str(meta.get("reason", "")):
                rows.append(_fact("reason", reason))
        case Kind.NOTE if meta.get("note") == "latency":
            rows.append(_heading("a pong answered our ping"))
            rows.append(_fact("latency", f"{meta.get('ms', 0)} ms"))
            return rows
        case Kind.REQUEST:
            rows.append(_heading("a request of the client"))
        case Kind.RESPONSE:
            rows.append(_heading("the answer of the server"))
        case Kind.SSE:
            return _block(record)
        case Kind.NOTE:
            rows.append(_heading(_NOTES.get(str(meta.get("note", "")), str(meta.get("note", "note")))))
        case _:
            rows.append(_heading(record.kind.value))
    rows += [_fact(_NAMES.get(name, name), str(value)) for name, value in meta.items() if name not in _KNOWN]
    rows += _timings(record)
    if record.payload and record.kind in (Kind.OPEN, Kind.REFUSED, Kind.REQUEST, Kind.RESPONSE):
        rows += _heads(record.payload)
    return rows


def _block(record: Record) -> list[Text]:
    """What an event of a stream says beside its data."""
    block = read(record.payload)
    rows = []
    if "cut" in record.meta:
        rows.append(_heading("the stream ended in the middle of this event: clients do not take it"))
    if block.event:
        rows.append(_fact("event", block.event))
    if block.id is not None:
        rows.append(_fact("id", block.id))
    if block.retry is not None:
        rows.append(_fact("retry", f"{block.retry} ms"))
    rows += [_fact("comment", comment) for comment in block.comments]
    return rows + [_fact(name, value) for name, value in block.unknown]


def _cause(name: str, remedy: str) -> list[Text]:
    known = FAILURES.get(FailureClass(name)) if name in tuple(FailureClass) else None
    rows = [_fact("cause", known[0])] if known else []
    if remedy or known:
        rows.append(_fact("remedy", remedy or (known[1] if known else "")))
    return rows


def _timings(record: Record) -> list[Text]:
    rows: list[Text] = []
    total = 0.0
    for name, words in _STAGES:
        value = record.meta.get(name)
        if isinstance(value, (int, float)):
            total += value
            rows.append(_fact(words, f"{value:8.1f} ms"))
    if len(rows) > 1:
        rows.append(_fact("together", f"{total:8.1f} ms"))
    return [_heading("timings"), *rows] if rows else []


def _heads(payload: bytes) -> list[Text]:
    rows: list[Text] = []
    is_body = False
    lines = payload[:_READ].decode(errors="replace").split("\n")
    for at, line in enumerate(lines):
        line = line.rstrip("\r")
        starts_head = line.startswith("HTTP/1.") or " HTTP/1." in line
        if starts_head and (at == 0 or not lines[at - 1].strip("\r")):
            is_body = False
            rows.append(_heading("response head" if line.startswith("HTTP/") else "request head"))
            rows.append(Text(_shown(line), "pane--strong"))
        elif not line and not is_body:
            is_body = True
        elif is_body:
            rows.append(Text(_shown(line)))
        else:
            name, colon, value = line.partition(":")
            rows.append(_fact(name, value.strip()) if colon else Text(_shown(line)))
    if len(payload) > _READ:
        rows.append(Text(f"\u2026 {len(payload) - _READ:,} bytes more: see raw", "pane--dim"))
    return rows


def _heading(words: str) -> Text:
    return Text(words, "pane--heading")


def _fact(name: str, value: str) -> Text:
    text = Text("  ")
    text.append(f"{_shown(name):<{_NAME_CELLS}} ", "pane--key")
    text.append(_shown(value))
    return text


def _shown(text: str) -> str:
    return safe_line(screen(text), _READ)
