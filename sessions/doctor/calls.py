"""Calls: one function that the model has to call, and the way back of its output.

Its one rule: the call is asked for once; D15 sends it and its output, and E07 looks at what was answered.
"""

from __future__ import annotations

import json

from sessions.contract import Status
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import BUSY, Asked, asked, catalogued, findings_of
from sessions.doctor.recall import IGNORED, other_cause
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly
from sessions.findings.catalogue import Who
from sessions.items import Item

_CALL_TOKENS = 48
_ANSWER_TOKENS = 40
_LEVEL = "4711"
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


@check("D15", "a forced call", Cost.TURNS, needs=("D01",), turns=2, tokens=330,
       findings=("arguments-broken", "call-doubled"))  # fmt: skip
async def forced_call(bench: Bench) -> Verdict:
    """One function and the choice to call it; then its output alone, with previous_response_id."""
    if ends_badly(bench):
        return skipped(BAD_TURN)
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
    found = findings_of(bench, (one.turn.session,))
    verdict = judged(found, forced_call.findings)
    differs = next((other for other in found if other.id == "text-mismatch"), None)
    if differs is not None and "arguments-broken" in verdict.findings:
        return skipped(f"follows from D09: what the deltas of the call said was changed ({differs.evidence})")
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
        max_output_tokens=_ANSWER_TOKENS,
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


@check("E07", "a tool, there and back", Cost.TURNS, needs=("D15",),
       findings=("call-lost", "output-missing", "history-doubled"))  # fmt: skip
async def tool_round_trip(bench: Bench) -> Verdict:
    """Looks at the answer to the output that D15 has sent; sends nothing."""
    answer, level = answer_of_call(bench)
    if answer is None:
        return skipped("D15 had no call to answer")
    chain = bench.capabilities.get("chain")
    if chain == "ignored":
        return skipped(IGNORED)
    if chain == "context lost" or (chain == "none without store" and not answer.is_well):
        return skipped(f"follows from {'E02' if chain == 'context lost' else 'E01'}: the context is lost")
    verdict = judged(findings_of(bench, (answer.turn.session,)), tool_round_trip.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    if not answer.is_well:
        if reason := other_cause(bench, answer):
            return skipped(reason)
        return failed(
            f"the output was refused: {answer.words}",
            "History is lost or sent twice: keep the call with its response, and pass the output on once.",
        )
    if level not in answer.text.replace(",", ""):
        return told(f"it answered, though not with what the tool said: {answer.text[:80]!r}")
    return passed(answer.text[:100])
