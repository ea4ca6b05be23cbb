"""Group D: a few short turns, and what the judge has found in their streams.

Its one rule: whatever a finding says is said by the judge alone; a check here names the findings that decide
it. Only what depends on what was asked for (a length, a forced call, an accent) is looked at here.
"""

from __future__ import annotations

import json
import secrets

from sessions.contract import TERMINAL, Status
from sessions.dialects import DONE_EVENT
from sessions.doctor.bench import Bench, Bout
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.probes import (
    BUSY,
    LONG_PROMPT,
    LONG_TOKENS,
    SHORT_TURN_TOKENS,
    Asked,
    asked,
    catalogued,
    end_words,
    findings_of,
)
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.events import Event
from sessions.findings.catalogue import Who
from sessions.items import Item
from sessions.session import Turn

_TRAILING_SECONDS = 1.5
_CALL_TOKENS = 48
_BAD_TURN = "the short turn of D01 did not end well"
_LEVEL = "4711"
_LONG_TOKENS = 40
_GAUGE = {
    "type": "function",
    "name": "read_gauge",
    "description": "Reads a gauge.",
    "parameters": {
        "type": "object",
        "properties": {"gauge": {"type": "string"}},
        "required": ["gauge"],
        "additionalProperties": False,
    },
    "strict": True,
}
_FORCED = {"type": "function", "name": "read_gauge"}
_ENDS = (
    "app-silent",
    "closed-normally-in-answer",
    "server-went-away",
    "server-error-close",
    "restart-close",
    "busy-close",
    "private-close",
    "closed-in-answer",
    "closed-without-answer",
    "cut-in-answer",
    "too-big-close",
    "no-pong",
    "error-in-answer",
    "failure-told-twice",
)


@check(
    "D01",
    "a turn starts and ends",
    Cost.TURNS,
    needs=("B07", "B19"),
    turns=2,
    tokens=2 * SHORT_TURN_TOKENS,
    waits_seconds=2 * _TRAILING_SECONDS,
    findings=_ENDS,
)
async def first_turn(bench: Bench) -> Verdict:
    """A word with an accent and an emoji, to be said back; and 1.5 s of listening after the answer.

    Where the input as a string ends the connection: once more as a list of items, and so from then on.
    """
    verdict, one = await _short_turn(bench)
    if one.turn.status is Status.CUT and not one.turn.responses and not one.silence:
        bench.lists_input = True
        _, again = await _short_turn(bench)
        if again.is_well:
            return verdict._replace(
                outcome=Outcome.FAIL,
                evidence=f"{verdict.evidence}; the same input as a list of items is answered",
                remedy="Take the input as a string, too: the contract has both.",
                makes_up_for=("D01",),
            )
        bench.lists_input = False
        bench.facts.turns["short"] = one.turn
    return verdict


async def _short_turn(bench: Bench) -> tuple[Verdict, Asked]:
    """The turn that others look at, and what it is by itself."""
    digits = str(secrets.randbelow(9000) + 1000)
    bench.facts.notes["told_digits"] = digits
    prompt = f"Remember the code word: na\u00efve\U0001f422{digits}. Say it back, nothing else."
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame(prompt), "short")
        if not bout.is_over and not one.silence:
            await bout.watch(_TRAILING_SECONDS)
        verdict, is_closed, ending = _first(bench, one, end_words(bout)), bout.is_over, end_words(bout)
    if (
        one.is_well
        and is_closed
        and "idle_seconds" not in bench.facts.notes
        and verdict.outcome is not Outcome.FAIL
    ):
        bench.facts.notes["one_turn"] = True
        verdict = failed(
            f"after one turn {ending}",
            "Keep the socket open between turns: a chain that is not stored lives on it.",
        )
    bench.facts.notes["never_begins"] = not one.turn.responses and one.turn.failure is None
    bench.facts.notes["turns_end_well"] = one.is_well
    bench.facts.notes["says_back"] = digits in one.text
    bench.facts.notes["endless_turn"] = one.turn.number if one.silence and one.turn.responses else 0
    # what has begun can be looked at, however it ended
    return (verdict._replace(makes_up_for=("D01",)) if one.turn.responses else verdict), one


def ends_badly(bench: Bench) -> bool:
    """Whether the short turn is known to have gone wrong, so that further ones would only cost."""
    return bench.facts.notes.get("turns_end_well") is False


def one_turn_only(bench: Bench) -> str:
    """Why a second turn on one socket need not be tried, "" where it can be."""
    if bench.facts.notes.get("one_turn"):
        return "follows from D01: each socket is closed after its first turn"
    if bench.facts.notes.get("second_is_silent"):
        return "follows from D15: the second create on a socket is not answered"
    return ""


def _first(bench: Bench, one: Asked, ending: str) -> Verdict:
    turn = one.turn
    if not turn.responses and one.silence:
        alive = bench.inspector.sessions.sessions[turn.session].last_pong > turn.sent
        return catalogued("app-silent", f"{one.silence}{', though pongs came' if alive else ''}")
    found = judged(findings_of(bench, (turn.session,)), _ENDS)
    if one.silence and found.outcome is not Outcome.FAIL:
        return catalogued("terminal-missing", f"T{turn.number} began, and then: {one.silence}")
    if turn.status is Status.CUT:
        if found.outcome is Outcome.PASS:
            return failed(ending, "End every turn by an event.")
        return found._replace(outcome=Outcome.FAIL)  # whatever the code says: no answer came to its end
    if turn.status in (Status.ERRORED, Status.FAILED):
        return failed(
            f"the turn failed: {one.words}",
            "Read code and message: model, key and account are the usual causes; else the proxy's log.",
            Who.CLIENT
            if turn.failure is not None and turn.failure.status in (400, 401, 403)
            else Who.PROVIDER,
        )._replace(findings=found.findings or ("turn-failed",))
    response = turn.response
    began = (response.created - turn.sent) * 1000 if response is not None else 0.0
    said = f"it began after {began:.0f} ms; {one.words}"
    return judged(findings_of(bench, (turn.session,)), _ENDS, said)


@check("D12", "really streamed", Cost.TURNS, needs=("D01",), turns=1, tokens=45 + _LONG_TOKENS,
       at_risk=LONG_TOKENS, findings=("burst", "deltas-missing", "delta-flood"))  # fmt: skip
async def streamed(bench: Bench) -> Verdict:
    """A task that does not fit into its forty tokens."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        text = bench.frame(LONG_PROMPT, max_output_tokens=_LONG_TOKENS)
        one = await asked(bench, bout, text, "long")
    bench.facts.notes["long"] = one
    response = one.turn.response
    if response is None or not one.is_well:
        return warned(
            f"the longer turn did not end well: {one.words}", "Compare it with the short turn of D01."
        )
    spread = max(0.0, response.last_token - response.first_token) * 1000
    said = f"{response.deltas} deltas within {spread:.0f} ms"
    if one.text and not response.deltas:
        return catalogued("deltas-missing", f"{len(one.text)} characters came without a delta")
    return judged(findings_of(bench, (one.turn.session,)), streamed.findings, said)


@check("D14", "a length that runs out", Cost.TURNS, needs=("D12",))
async def length_stop(bench: Bench) -> Verdict:
    """Looks how the turn of D12 was cut; sends nothing."""
    one = bench.facts.notes.get("long")
    if one is None:
        return skipped("D12 has asked nothing")
    response = one.turn.response
    if response is None or response.status not in (Status.INCOMPLETE, Status.COMPLETED):
        return warned(
            f"a length stop surfaces as: {one.words}",
            "End it with response.incomplete and its reason: clients otherwise throw the text away.",
        )
    if response.status is Status.INCOMPLETE:
        reason = response.incomplete_reason
        if reason:
            return passed(f"incomplete: {reason}")
        return warned("incomplete, without a reason", "Give incomplete_details.reason: max_output_tokens.")
    used = response.usage.output_tokens if response.usage else None
    if used is not None and used > _LONG_TOKENS:
        return warned(
            f"completed with {used} tokens though {_LONG_TOKENS} were allowed", "Pass max_output_tokens on."
        )
    return told(f"completed within its {_LONG_TOKENS} tokens: the model was brief")


@check("D15", "a forced call", Cost.TURNS, needs=("D01",), turns=2, tokens=330,
       findings=("arguments-broken", "call-doubled"))  # fmt: skip
async def forced_call(bench: Bench) -> Verdict:
    """One function and the choice to call it; then its output alone, with previous_response_id."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        text = bench.frame(
            "Read the gauge named north.",
            tools=(_GAUGE,),
            tool_choice=_FORCED,
            max_output_tokens=_CALL_TOKENS,
            store=False if bench.profile.stores != "always" else None,
        )
        one = await asked(bench, bout, text, "call")
        response = one.turn.response
        calls = [item for item in response.items if item.type == "function_call"] if response else []
        if one.is_well and calls and not bout.is_over:
            await _answer_call(bench, bout, one, calls[0].call_id)
    if response is None or not one.is_well:
        if one.is_busy:
            return skipped(BUSY)
        return warned(f"a turn with a tool did not end well: {one.words}", "Pass tools and tool_choice on.")
    back = answer_of_call(bench)[0]
    if back is not None and back.silence and not back.turn.responses:
        bench.facts.notes["second_is_silent"] = True
        return catalogued("app-silent", f"the second create on one socket: {back.silence}")
    if not calls:
        return warned(
            "the model used words instead of the call",
            "Pass tool_choice on; where it has arrived, the model has chosen otherwise.",
            Who.PROVIDER,
        )
    verdict = judged(findings_of(bench, (one.turn.session,)), forced_call.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    return _called(calls[0], response.status)


async def _answer_call(bench: Bench, bout: Bout, one: Asked, call_id: str) -> None:
    """Send the output of a call, and nothing else, for whoever looks at the way back."""
    output = {"type": "function_call_output", "call_id": call_id, "output": f'{{"level": {_LEVEL}}}'}
    text = bench.frame(
        "",
        parent=one.response_id,
        answers=(output,),
        max_output_tokens=_LONG_TOKENS,
        store=False if bench.profile.stores != "always" else None,
    )
    bench.facts.notes["round_trip"] = await asked(bench, bout, text, "answered")


def _called(call: Item, status: Status) -> Verdict:
    """Whether a call came as it was forced."""
    if call.name != _GAUGE["name"] or not call.call_id:
        return failed(
            f"the call is of {call.name!r}, call_id {call.call_id!r}",
            "Keep name and call_id of a call: the client answers by them.",
        )
    arguments = call.text("arguments")
    try:
        value = json.loads(arguments)
    except ValueError:
        if status is Status.INCOMPLETE:
            return told(f"the call was cut by its length: {arguments[:80]!r}")
        return failed(f"its arguments are no JSON: {arguments[:80]!r}", "Arguments were lost in transit.")
    if not isinstance(value, dict) or "gauge" not in value:
        return warned(
            f"its arguments do not fit: {arguments[:80]}", "Pass the tool's schema on.", Who.PROVIDER
        )
    return passed(f"{call.name}({arguments[:80]})")


def answer_of_call(bench: Bench) -> tuple[Asked | None, str]:
    """The turn that D15 has asked with the output of its call, and what the output said."""
    one = bench.facts.notes.get("round_trip")
    return (one if isinstance(one, Asked) else None), _LEVEL


@check("D16", "letters beyond ASCII", Cost.TURNS, needs=("D01",),
       findings=("invalid-utf8", "lone-surrogate"))  # fmt: skip
async def beyond_ascii(bench: Bench) -> Verdict:
    """Looks at the accent and the emoji of D01; sends nothing."""
    turn = bench.facts.turns.get("short")
    if turn is None or turn.response is None:
        return skipped("no turn has begun")
    verdict = judged(findings_of(bench, (turn.session,)), beyond_ascii.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    text = turn.response.text
    if "\ufffd" in text:
        return failed(f"a replacement character came: {text[:60]!r}", "Decode as UTF-8, whole characters.")
    if "\u00ef" in text or "\U0001f422" in text:
        return passed(text[:60])
    if "\u00c3\u00af" in text or "\u00f0\u0178" in text:
        return failed(f"UTF-8 was read as Latin-1: {text[:60]!r}", "Decode and encode as UTF-8 everywhere.")
    if bench.facts.notes.get("says_back") and "?" in text:
        return warned(
            f"question marks stand for letters: {text[:60]!r}", "Pass text on as UTF-8, not as ASCII."
        )
    return told(f"the model said something else: {text[:60]!r}")


# What the judge says of all of these turns ---------------------------------------------------------------


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
        late = {one.records[:1] for one in bench.inspector.findings if one.id in _LATE}
        found = [
            one
            for one in findings_of(bench, numbers)
            if one.id in _LATE or one.records[:1] not in late or not one.records
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
    verdict = judged(findings_of(bench, numbers), terminal_name.findings, ", ".join(names))
    if verdict.outcome is not Outcome.PASS or names:
        return verdict
    return skipped("no turn has come to its end")


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
            event = recording.event(place)
            if isinstance(event, Event) and isinstance(body := event.body.get("response"), dict):
                found = dict(body)
    return found


def _ends_of(bench: Bench, sessions: set[int]) -> tuple[str, ...]:
    """The names of the terminal events on these sockets, as they were spelled."""
    recording = bench.inspector.recording
    names: dict[str, None] = {}
    for place in range(len(recording)):
        record = recording.record(place)
        if record.session not in sessions or record.direction != "server":
            continue
        event = recording.event(place)
        if isinstance(event, Event) and (event.type in TERMINAL or event.type == DONE_EVENT):
            names[event.type] = None
    return tuple(names)


CHECKS: tuple[Check, ...] = (first_turn, streamed, length_stop, forced_call, beyond_ascii)
#: these look at all turns of the run, the chain's too
JUDGED: tuple[Check, ...] = (
    _looked("D02", "order of events", "created-missing", "created-doubled", "illegal-move",
            "unasked-response", "stale-event", "id-missing"),
    terminal_name,
    _looked("D04", "nothing after the end", "event-after-end", "done-marker"),
    _looked("D05", "sequence numbers", "sequence-gap", "sequence-regress", "sequence-missing"),
    _looked("D06", "known events", "unknown-type", "app-keepalive", "unknown-field"),
    _looked("D07", "shape of deltas", "delta-renamed"),
    _looked("D08", "items", "item-unannounced", "item-unfinished", "items-unstreamed"),
    _looked("D09", "the text three times", "text-mismatch", "final-mismatch", "final-empty"),
    _looked("D10", "ids", "id-changed", "id-repeated"),
    _looked("D11", "usage", "usage-missing", "usage-renamed"),
    _looked("D13", "frames", "not-json", "not-an-object", "binary-frame", "sse-prefix", "big-frame",
            "heavy-frame", "nested-deeply", "fragmented-message"),
    settings_as_sent,
    _looked("D18", "nothing twice", "event-doubled", "item-doubled", "call-doubled", "history-doubled"),
)  # fmt: skip
