"""Group D, the streams: what the judge has found in all turns of the run, the chain's too.

Its one rule: whatever a finding says is said by the judge alone; a check here sends nothing, and names the
findings that decide it.
"""

from __future__ import annotations

from sessions.contract import TERMINAL
from sessions.dialects import DONE_EVENT, read
from sessions.doctor.bench import Bench
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.probes import catalogued, findings_of, has_begun
from sessions.doctor.recall import repeated_ids
from sessions.doctor.result import Outcome, Verdict, judged, passed, skipped, told, warned
from sessions.events import Event, Undecodable
from sessions.finding import Finding
from sessions.session import Turn

_LATE = frozenset({"event-after-end"})


def has_late_events(bench: Bench) -> bool:
    """Whether events were seen after the end of their answer, which the next one takes for its own."""
    return any(one.id in _LATE for one in bench.inspector.findings)


def _looked(check_id: str, title: str, *findings: str) -> Check:
    """A check that sends nothing: the worst that these findings say of the turns so far."""

    async def look(bench: Bench) -> Verdict:
        """Looks at the turns so far; sends nothing."""
        turns = [turn for turn in bench.facts.turns.values() if turn.responses]
        if not turns:
            return skipped("no turn has begun")
        if has_late_events(bench) and not _LATE & set(findings):
            turns = turns[:1]  # after it nothing was asked that late events could run into
        numbers = {turn.session for turn in turns}
        said = "one turn" if len(turns) == 1 else f"{len(turns)} turns"
        refusals = _refusals(bench)
        late = {one.records[:1] for one in bench.inspector.findings if one.id in _LATE}
        found = [
            one
            for one in findings_of(bench, numbers)
            if (one.id in _LATE or one.records[:1] not in late or not one.records)
            and not refusals.intersection(one.records[:1])
        ]
        return judged(found, findings, f"nothing wrong in {said}")

    look.__name__ = title.replace(" ", "_")
    return check(check_id, title, Cost.TURNS, needs=("D01",), findings=findings)(look)


@check("D03", "name of the end", Cost.TURNS, needs=("D01",),
       findings=("terminal-missing", "terminal-renamed", "terminal-doubled", "status-mismatch"))  # fmt: skip
async def terminal_name(bench: Bench) -> Verdict:
    """Looks how the turns so far have ended; sends nothing."""
    turns = [turn for turn in bench.facts.turns.values() if turn.responses]
    if not turns:
        return skipped("no turn has begun")
    if bench.facts.notes.get("endless_turn"):
        return skipped("follows from D01: the stream fell silent before its end")
    numbers = {turn.session for turn in turns}
    names = _ends_of(bench, numbers)
    bench.capabilities["end"] = ", ".join(names) or "none"
    found = [one for one in findings_of(bench, numbers) if not _is_told_by_c08(bench, one)]
    verdict = judged(found, terminal_name.findings, ", ".join(names))
    if verdict.outcome is not Outcome.PASS or names:
        return verdict
    return skipped("no turn has come to its end")


def _refusals(bench: Bench) -> frozenset[int]:
    """The records of refusals that came as failed responses: C01 tells that they are no error frames."""
    if not bench.facts.notes.get("told_as_failed"):
        return frozenset()
    turns = (turn for turn in bench.inspector.sessions.turns if not has_begun(turn))
    return frozenset(one.first for turn in turns for one in turn.responses)


def _is_told_by_c08(bench: Bench, finding: Finding) -> bool:
    """Whether a second end is a second error frame for one failure, which C08 has seen already."""
    if finding.id != "terminal-doubled" or not bench.facts.notes.get("told_twice") or not finding.records:
        return False
    event = bench.inspector.recording.event(finding.records[0])
    return isinstance(event, Event) and read(event).event.type == "error"


_ids = _looked("D10", "ids", "id-changed", "id-repeated")


@check("D10", "ids", Cost.TURNS, needs=("D01",), findings=("id-changed", "id-repeated"))
async def ids(bench: Bench) -> Verdict:
    """Looks whether an id changes within its answer, or stands for two of them; sends nothing."""
    verdict = await _ids(bench)
    said = repeated_ids(bench)
    if verdict.outcome is Outcome.FAIL or not said:
        return verdict
    return catalogued("id-repeated", said)


@check("D17", "settings as sent", Cost.TURNS, needs=("D01",), findings=("settings-changed",))
async def settings_as_sent(bench: Bench) -> Verdict:
    """Compares what the turns so far give back of their creates, the model's name too; sends nothing."""
    turns = [turn for turn in bench.facts.turns.values() if turn.responses]
    if not turns:
        return skipped("no turn has begun")
    verdict = judged(findings_of(bench, {turn.session for turn in turns}), settings_as_sent.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    call = bench.facts.turns.get("call")
    if call is not None and _echo(bench, call).get("tools") == []:
        return catalogued("settings-changed", "one tool was sent, none stands in the response")
    named = str(_echo(bench, turns[0]).get("model") or "")
    if not bench.model or not named or _is_alike(bench.model, named):
        return passed(f"nothing changed in {len(turns)} turns")
    said = f"{bench.model} was asked for, {named} is said to have answered"
    remedy = "An alias, or another model: ask who runs the proxy which one answers."
    return told(said, remedy) if bench.rules.forgives else warned(said, remedy)


def _is_alike(asked_for: str, named: str) -> bool:
    """Whether two names of models can mean the same: one begins or ends with the other."""
    one, other = (name.rpartition("/")[2].lower() for name in (asked_for, named))
    return one.startswith(other) or other.startswith(one) or one.endswith(other) or other.endswith(one)


def _echo(bench: Bench, turn: Turn) -> dict[str, object]:
    """The response object of a turn's last event that has one."""
    recording, column = bench.inspector.recording, bench.inspector.sessions.turn_column
    found: dict[str, object] = {}
    for place in range(len(recording)):
        if column[place] == turn.number and recording.record(place).direction == "server":
            event = _unwrapped(recording.event(place))
            if isinstance(event, Event) and isinstance(body := event.body.get("response"), dict):
                found = dict(body)
    return found


def _unwrapped(event: Event | Undecodable) -> Event | Undecodable:
    """An event as it was spelled, one that has no type as the event that it holds."""
    return read(event).event if isinstance(event, Event) and not event.type else event


def _ends_of(bench: Bench, sessions: set[int]) -> tuple[str, ...]:
    """The names of the terminal events on these sockets, as they were spelled."""
    recording = bench.inspector.recording
    names: dict[str, None] = {}
    for place in range(len(recording)):
        record = recording.record(place)
        if record.session not in sessions or record.direction != "server":
            continue
        event = _unwrapped(recording.event(place))
        if isinstance(event, Event) and (event.type in TERMINAL or event.type == DONE_EVENT):
            names[event.type] = None
    return tuple(names)


CHECKS: tuple[Check, ...] = (
    _looked("D02", "order of events", "created-missing", "created-doubled", "illegal-move",
            "unasked-response", "stale-event", "id-missing"),
    terminal_name,
    _looked("D04", "nothing after the end", "event-after-end", "done-marker"),
    _looked("D05", "sequence numbers", "sequence-gap", "sequence-regress", "sequence-missing",
            "sequence-mistyped"),
    _looked("D06", "known events", "unknown-type", "app-keepalive", "unknown-field"),
    _looked("D07", "shape of deltas", "delta-renamed"),
    _looked("D08", "items", "item-unannounced", "item-unfinished", "items-unstreamed",
            "item-id-missing", "part-unannounced", "output-index-wrong"),
    _looked("D09", "the text three times", "text-mismatch", "final-mismatch", "final-empty"),
    ids,
    _looked("D11", "usage", "usage-missing", "usage-renamed", "usage-sum-wrong"),
    _looked("D13", "frames", "byte-order-mark", "not-json", "not-an-object", "event-wrapped",
            "type-missing", "binary-frame", "sse-prefix", "big-frame",
            "heavy-frame", "nested-deeply", "fragmented-message"),
    settings_as_sent,
    _looked("D18", "nothing twice", "event-doubled", "item-doubled", "call-doubled", "history-doubled"),
)  # fmt: skip
