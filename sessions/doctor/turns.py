"""Group D: a few short turns, and what the judge has found in their streams.

Its one rule: whatever a finding says is said by the judge alone; a check here names the findings that decide
it. Only what depends on what was asked for (a length, a forced call, an accent) is looked at here.
"""

from __future__ import annotations

import json
from typing import Any

from sessions.contract import TERMINAL, Status
from sessions.dialects import DONE_EVENT
from sessions.doctor.bench import Bench
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Check, Cost, check
from sessions.doctor.probes import (
    SHORT_PROMPT,
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

_TRAILING_SECONDS = 1.5
_LONG_TOKENS = 100
_CALL_TOKENS = 48
_BAD_TURN = "the short turn of D01 did not end well"
_ACCENTED = "na\u00efve\U0001f422"
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


def gauge_call(bench: Bench, **fields: Any) -> str:
    """A create that makes the model call a function."""
    return bench.frame(
        "Read the gauge named north.",
        tools=(_GAUGE,),
        tool_choice=_FORCED,
        max_output_tokens=_CALL_TOKENS,
        **fields,
    )


@check(
    "D01",
    "a turn starts and ends",
    Cost.TURNS,
    needs=("B07",),
    turns=1,
    tokens=SHORT_TURN_TOKENS,
    waits_seconds=_TRAILING_SECONDS,
    findings=_ENDS,
)
async def first_turn(bench: Bench) -> Verdict:
    """One short question, and 1.5 s of listening after its answer."""
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame(SHORT_PROMPT), "short")
        if not bout.is_over and not one.silence:
            await bout.watch(_TRAILING_SECONDS)
        verdict = _first(bench, one, end_words(bout))
    bench.facts.notes["turns_end_well"] = one.is_well
    bench.facts.notes["endless_turn"] = one.turn.number if one.silence and one.turn.responses else 0
    # what has begun can be looked at, however it ended
    return verdict._replace(makes_up_for=("D01",)) if one.turn.responses else verdict


def ends_badly(bench: Bench) -> bool:
    """Whether the short turn is known to have gone wrong, so that further ones would only cost."""
    return bench.facts.notes.get("turns_end_well") is False


def _first(bench: Bench, one: Asked, ending: str) -> Verdict:
    turn = one.turn
    if not turn.responses and one.silence:
        alive = bench.inspector.sessions.sessions[turn.session].last_pong > turn.sent
        return catalogued("app-silent", f"{one.silence}{', though pongs came' if alive else ''}")
    found = judged(findings_of(bench, (turn.session,)), _ENDS)
    if turn.status is Status.CUT:
        return found if found.outcome is not Outcome.PASS else failed(ending, "End every turn by an event.")
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


@check("D12", "really streamed", Cost.TURNS, needs=("D01",), turns=1, tokens=40 + _LONG_TOKENS,
       findings=("burst", "deltas-missing", "delta-flood"))  # fmt: skip
async def streamed(bench: Bench) -> Verdict:
    """A question whose answer has about sixty words."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        text = bench.frame("Write sixty words about the sea.", max_output_tokens=_LONG_TOKENS)
        one = await asked(bench, bout, text, "long")
    response = one.turn.response
    if response is None or not one.is_well:
        return warned(
            f"the longer turn did not end well: {one.words}", "Compare it with the short turn of D01."
        )
    spread = max(0.0, response.last_token - response.first_token) * 1000
    said = f"{response.deltas} deltas within {spread:.0f} ms"
    return judged(findings_of(bench, (one.turn.session,)), streamed.findings, said)


@check("D14", "a length that runs out", Cost.TURNS, needs=("D01",), turns=1, tokens=30 + LEAST_OUTPUT_TOKENS)
async def length_stop(bench: Bench) -> Verdict:
    """A task that does not fit into its sixteen tokens."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame("Count from 1 to 300 in words."), "cut")
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
    if used is not None and used > LEAST_OUTPUT_TOKENS:
        return warned(
            f"completed with {used} tokens though {LEAST_OUTPUT_TOKENS} were allowed",
            "Pass max_output_tokens on.",
        )
    return told(f"completed within its {LEAST_OUTPUT_TOKENS} tokens: the model was brief")


@check("D15", "a forced call", Cost.TURNS, needs=("D01",), turns=1, tokens=90 + _CALL_TOKENS,
       findings=("arguments-broken", "call-doubled"))  # fmt: skip
async def forced_call(bench: Bench) -> Verdict:
    """One function, and the choice to call it."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        one = await asked(bench, bout, gauge_call(bench), "call")
    response = one.turn.response
    if response is None or not one.is_well:
        return warned(f"a turn with a tool did not end well: {one.words}", "Pass tools and tool_choice on.")
    calls = [item for item in response.items if item.type == "function_call"]
    if not calls:
        return warned(
            "the model used words instead of the call",
            "Pass tool_choice on; where it has arrived, the model has chosen otherwise.",
            Who.PROVIDER,
        )
    verdict = judged(findings_of(bench, (one.turn.session,)), forced_call.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    call = calls[0]
    if call.name != _GAUGE["name"] or not call.call_id:
        return failed(
            f"the call is of {call.name!r}, call_id {call.call_id!r}",
            "Keep name and call_id of a call: the client answers by them.",
        )
    arguments = call.text("arguments")
    try:
        value = json.loads(arguments)
    except ValueError:
        if response.status is Status.INCOMPLETE:
            return told(f"the call was cut by its length: {arguments[:80]!r}")
        return failed(f"its arguments are no JSON: {arguments[:80]!r}", "Arguments were lost in transit.")
    if not isinstance(value, dict) or "gauge" not in value:
        return warned(
            f"its arguments do not fit: {arguments[:80]}", "Pass the tool's schema on.", Who.PROVIDER
        )
    return passed(f"{call.name}({arguments[:80]})")


@check("D16", "letters beyond ASCII", Cost.TURNS, needs=("D01",), turns=1, tokens=SHORT_TURN_TOKENS,
       findings=("invalid-utf8", "lone-surrogate"))  # fmt: skip
async def beyond_ascii(bench: Bench) -> Verdict:
    """Asks for an accent and an emoji."""
    if ends_badly(bench):
        return skipped(_BAD_TURN)
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame(f"In one word, say this back: {_ACCENTED}"), "accented")
    verdict = judged(findings_of(bench, (one.turn.session,)), beyond_ascii.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    if "\ufffd" in one.text:
        return failed(
            f"a replacement character came: {one.text[:60]!r}", "Decode as UTF-8, whole characters."
        )
    if "\u00ef" in one.text or "\U0001f422" in one.text:
        return passed(one.text[:60])
    return told(f"the model said something else: {one.text[:60]!r}")


# What the judge says of all of these turns ---------------------------------------------------------------


def _looked(check_id: str, title: str, *findings: str) -> Check:
    """A check that sends nothing: the worst that these findings say of the turns so far."""

    async def look(bench: Bench) -> Verdict:
        """Looks at the turns so far; sends nothing."""
        turns = [turn for turn in bench.facts.turns.values() if turn.responses]
        if not turns:
            return skipped("no turn has begun")
        numbers = {turn.session for turn in turns}
        return judged(findings_of(bench, numbers), findings, f"in none of {len(turns)} turns")

    look.__name__ = title.replace(" ", "_")
    return check(check_id, title, Cost.TURNS, needs=("D01",), findings=findings)(look)


@check("D03", "name of the end", Cost.TURNS, needs=("D01",),
       findings=("terminal-missing", "terminal-renamed", "terminal-doubled", "status-mismatch"))  # fmt: skip
async def terminal_name(bench: Bench) -> Verdict:
    """Looks how the turns so far have ended; sends nothing."""
    turns = [turn for turn in bench.facts.turns.values() if turn.responses]
    if not turns:
        return skipped("no turn has begun")
    numbers = {turn.session for turn in turns}
    names = _ends_of(bench, numbers)
    bench.capabilities["end"] = ", ".join(names) or "none"
    verdict = judged(findings_of(bench, numbers), terminal_name.findings, ", ".join(names))
    if verdict.outcome is not Outcome.PASS or names:
        return verdict
    if endless := bench.facts.notes.get("endless_turn"):
        return catalogued("terminal-missing", f"T{endless} began, and its stream fell silent")
    return skipped("no turn has come to its end")


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
    _looked("D17", "settings as sent", "settings-changed"),
    _looked("D18", "nothing twice", "event-doubled", "item-doubled", "call-doubled", "history-doubled"),
)  # fmt: skip
