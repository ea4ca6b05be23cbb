"""What a session adds up to, as labelled rows: turns, bytes, tokens, times, lanes, and everything odd; pure.

Its one rule: what is odd is listed with the record where it stands, so that one can look. A number that
nobody told is "-", never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sessions.contract import LISTED, MAX_IN_FLIGHT, MAX_LANES, family
from sessions.finding import Finding, Severity
from sessions.inspector import Inspector
from sessions.records import Kind
from sessions.reducer import Sessions
from sessions.session import Session
from sessions.wording import size_words
from tui.figures import count_words, percentile, seconds_words, standing
from tui.marks import STYLES
from tui.tally import Tally
from tui.veil import line

_MOST = 50  # rows of one list
_SCANNED = 20_000  # records looked at in one step
_STAGES = (
    ("dns_ms", "DNS"),
    ("tcp_ms", "TCP"),
    ("connect_ms", "proxy"),
    ("tls_ms", "TLS"),
    ("upgrade_ms", "upgrade"),
)


class Count(NamedTuple):
    """One row: a label at the left, what it says, and a component class."""

    label: str
    words: str
    style: str = ""


#: records in which neither side says anything: a pong does not end a silence
_UNSPOKEN = frozenset({Kind.NOTE, Kind.MARK, Kind.PING, Kind.PONG})


class Scan:
    """What is learned by looking at each record once: types, and the longest silence of a session."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._next = 0
        self._last: dict[int, float] = {}
        self.types: Counter[int] = Counter()
        self.silences: dict[int, tuple[float, int]] = {}  #: session -> seconds, record that ended it

    def findings(self, session: Session) -> list[Finding]:
        """What is wrong with a session, as far as it has come."""
        return [one for one in self._inspector.findings if one.session == session.number]

    @property
    def is_complete(self) -> bool:
        """Whether all records have been looked at."""
        return self._next >= self._inspector.sessions.records

    def step(self) -> None:
        """Look at some records that are new."""
        recording, sessions = self._inspector.recording, self._inspector.sessions
        last = min(sessions.records, self._next + _SCANNED)
        self.types.update(sessions.type_column[self._next : last])
        for number in range(self._next, last):
            if recording.kind_at(number) in _UNSPOKEN:
                continue
            session, at = recording.session_at(number), recording.elapsed_at(number)
            before = self._last.get(session)
            if before is not None and at - before > self.silences.get(session, (0.0, -1))[0]:
                self.silences[session] = (at - before, number)
            self._last[session] = at
        self._next = last


def counts(
    sessions: Sessions, session: Session, sums: Tally, scan: Scan, now: float, meta: Mapping[str, object]
) -> list[Count]:
    """The rows of one session; `meta` is that of its OPEN record."""
    return [
        *_turns(session, sums),
        *_wire(session, meta),
        *_tokens(sums),
        *_times(session, sums, scan, now),
        *_lanes(sessions, session),
        *_limits(session),
        *_found(scan.findings(session)),
        *_odd(session, sums),
        *_types(sessions, scan),
    ]


def _turns(session: Session, sums: Tally) -> Iterator[Count]:
    live, waiting = len(session.live), session.waiting
    words = f"{len(session.turns)}   ok {sums.ended_well}   not ok {sums.ended_badly}   live {live}"
    yield Count("turns", words + (f"   queued {waiting}" if waiting else ""))
    open_calls = sum(1 for _ in session.pending_calls())
    if open_calls:
        yield Count("calls", f"{open_calls} wait for an answer", "pane--warning")
    if session.errors or session.undecodable:
        frames = f"{session.errors} error frame{'' if session.errors == 1 else 's'}"
        words = f"{frames}   {session.undecodable} not decodable"
        yield Count("errors", words, "pane--error")


def _wire(session: Session, meta: Mapping[str, object]) -> Iterator[Count]:
    compression = "deflate" if session.compression not in ("", "off") else "not compressed"
    yield Count(
        "bytes", f"in {size_words(session.bytes_in)}   out {size_words(session.bytes_out)}   {compression}"
    )
    largest = f"   largest {size_words(session.largest)}" if session.largest else ""
    yield Count("frames", f"in {session.frames_in:,}   out {session.frames_out:,}{largest}")
    stages = [
        f"{name} {float(value):.0f}ms"
        for key, name in _STAGES
        if isinstance(value := meta.get(key), int | float)
    ]
    if stages:
        yield Count("opening", "   ".join(stages))
    if session.latency_ms is not None:
        yield Count("ping", f"{session.latency_ms:.0f}ms")


def _tokens(sums: Tally) -> Iterator[Count]:
    usage = sums.usage
    share = ""
    if usage.cached_tokens is not None and usage.input_tokens:
        share = f" ({usage.cached_tokens / usage.input_tokens:.0%})"
    yield Count(
        "tokens",
        f"in {count_words(usage.input_tokens)}   cached {count_words(usage.cached_tokens)}{share}   "
        f"out {count_words(usage.output_tokens)}   reasoning {count_words(usage.reasoning_tokens)}",
    )


def _times(session: Session, sums: Tally, scan: Scan, now: float) -> Iterator[Count]:
    half, most = percentile(sums.first_tokens, 0.5), percentile(sums.first_tokens, 0.95)
    yield Count(
        "ttft", f"p50 {seconds_words(half)}   p95 {seconds_words(most)}   of {len(sums.first_tokens)}"
    )
    middle, slow = percentile(sums.speeds, 0.5), percentile(sums.speeds, 0.05)
    if middle is not None and slow is not None:
        yield Count("speed", f"p50 {middle:.0f}   p5 {slow:.0f} tok/s")
    else:
        yield Count("speed", "-")
    if session.number in scan.silences:
        seconds, record = scan.silences[session.number]
        more = "" if scan.is_complete else " so far"
        yield Count("silence", f"longest {seconds_words(seconds)}, ended by #{record}{more}")
    if session.opened >= 0:
        end = session.ended if session.ended >= 0 else now
        age = seconds_words(max(0.0, end - session.opened))
        yield Count("age", age if session.is_http else f"{age} of {seconds_words(session.lifetime)}")


def _lanes(sessions: Sessions, session: Session) -> Iterator[Count]:
    live = len(session.live)
    words = f"{session.named_lanes} named of {MAX_LANES}   live {live} of {MAX_IN_FLIGHT}"
    yield Count("lanes", words, "pane--heading")
    for lane in list(session.lanes.values())[:_MOST]:
        name = line(lane.id, 24) if lane.id is not None else "(default)"
        state = "idle"
        if lane.open is not None:
            turn = sessions.turn(lane.open.turn)
            state = f"T{lane.open.turn} {standing(turn) if turn is not None else 'live'}"
        queued = f"   {len(lane.waiting)} queued" if lane.waiting else ""
        head = f"   head T{lane.head.turn}" if lane.head is not None else ""
        yield Count("", f"{name}   {state}{queued}{head}")


def _limits(session: Session) -> Iterator[Count]:
    if not session.limits:
        yield Count("limits", "the server has told none", "pane--dim")
    for index, (name, value) in enumerate(list(session.limits.items())[:_MOST]):
        yield Count("" if index else "limits", f"{line(name, 40)}   {line(value, 60)}")


def _found(findings: list[Finding]) -> Iterator[Count]:
    if not findings:
        return
    met = Counter(finding.severity for finding in findings)
    words = "   ".join(f"{severity.value}s {met[severity]:,}" for severity in Severity if met[severity])
    yield Count("findings", f"{words}   ! reads them", "pane--heading")
    for severity in Severity:
        for finding in [one for one in findings if one.severity is severity][:_MOST]:
            turn = f"T{finding.turn} " if finding.turn else ""
            told = f"{turn}#{finding.records[-1]}   {finding.id}   {line(finding.evidence, 90)}"
            yield Count(severity.value, told, STYLES[severity])


def _odd(session: Session, sums: Tally) -> Iterator[Count]:
    yield Count("odd", "" if _is_odd(session, sums) else "nothing against the contract", "pane--heading")
    for name, seen in list(session.unknown_types.items())[:_MOST]:
        yield Count("unknown", f"{line(name, 60) or '(no type)'}   x {seen:,}", "pane--warning")
    for name, record in list(session.dialects.items())[:_MOST]:
        yield Count("dialect", f"{line(name, 60)}   first #{record}", "pane--warning")
    for record, detail in sums.irregular[:_MOST]:
        yield Count("irregular", f"#{record}   {line(detail, 90)}", "pane--warning")
    if len(sums.irregular) > _MOST:
        yield Count("", f"and {len(sums.irregular) - _MOST:,} more", "pane--dim")
    for name, record in list(session.evicted.items())[:_MOST]:
        yield Count("evicted", f"{line(name, 40)}   by #{record}", "pane--warning")
    for name, record in list(session.not_found.items())[:_MOST]:
        yield Count("not found", f"{line(name, 40)}   #{record}", "pane--error")


def _is_odd(session: Session, sums: Tally) -> bool:
    return bool(
        session.unknown_types or session.dialects or sums.irregular or session.evicted or session.not_found
    )


def _types(sessions: Sessions, scan: Scan) -> Iterator[Count]:
    more = "" if scan.is_complete else " so far"
    yield Count("types", f"{len(scan.types)} seen{more}, in all sockets", "pane--heading")
    for index, seen in scan.types.most_common(_MOST):
        name = sessions.type_names[index]
        known = "" if name in LISTED else f"   {family(name).value}" if "." in name else ""
        yield Count(f"{seen:,}", f"{line(name, 70)}{known}")
