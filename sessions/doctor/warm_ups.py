"""Group E, warm-ups: creates that generate nothing, first, later on, and with instructions.

Its one rule: a warm-up is as good as its id; one that is billed, or that cannot be a parent, is none.
"""

from __future__ import annotations

from typing import Any

from sessions.doctor.bench import Bench
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Cost, check
from sessions.doctor.probes import (
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    WARM_TOKENS,
    Asked,
    asked,
    end_words,
    findings_of,
    is_refusal,
)
from sessions.doctor.recall import other_cause, unfit
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told
from sessions.doctor.streams import has_late_events
from sessions.findings.catalogue import Who

_INSTRUCTIONS = "Be terse."


@check("E10", "a warm-up", Cost.TURNS, needs=("D01",), turns=2, tokens=2 * SHORT_TURN_TOKENS,
       findings=("warmup-generated",))  # fmt: skip
async def warm_up(bench: Bench) -> Verdict:
    """generate: false, and then a short turn on its id."""
    if reason := unfit(bench):
        return skipped(reason)
    async with bench.open() as bout:
        warm = await asked(
            bench, bout, bench.frame("", generate=False, instructions=_INSTRUCTIONS, **_unstored(bench))
        )
        if not warm.is_well:
            bench.capabilities["warm-up"] = "no"
            said = f"generate: false is refused: {warm.words}"
            remedy = "Clients that warm up fall back to HTTP: accept it, and generate nothing."
            return failed(said, remedy) if bench.rules.needs_warm_up else told(said, remedy)
        verdict = flaw_of_warm_up(bench, warm)
        if verdict is not None:
            bench.capabilities["warm-up"] = "ignored"
            return verdict
        text = bench.frame(SHORT_PROMPT, parent=warm.response_id, **_unstored(bench))
        turn = await asked(bench, bout, text, "warmed")
    if not turn.is_well:
        bench.capabilities["warm-up"] = "not chainable"
        if reason := other_cause(bench, turn):
            return skipped(reason)
        if turn.turn.failure is not None and is_refusal(bench, turn.turn.failure):
            bench.facts.notes["warm_up_forgotten"] = True
        return failed(
            f"the id of the warm-up cannot be continued: {turn.words}",
            "generate: false is faked: give an id that can be a parent, or refuse it.",
        )
    bench.capabilities["warm-up"] = "yes"
    return passed(f"{usage_words(warm)}; its id can be continued")


@check("E11", "a warm-up later on", Cost.TURNS, needs=("E01",), findings=("warmup-generated",))
async def late_warm_up(bench: Bench) -> Verdict:
    """Looks at the warm-up after the turns of E01; sends nothing."""
    verdict = bench.facts.notes.get("late_warm_up")
    return verdict if isinstance(verdict, Verdict) else skipped("no warm-up that is known to be free")


@check("E09", "instructions once more", Cost.FREE, needs=("D01",), turns=2, tokens=2 * WARM_TOKENS + 10,
       at_risk=2 * LEAST_OUTPUT_TOKENS)  # fmt: skip
async def instructions(bench: Bench) -> Verdict:
    """A warm-up with instructions, and a continuation of it with the same ones, as a warm-up."""
    if reason := unfit(bench):
        return skipped(reason)
    async with bench.open() as bout:
        fields: dict[str, Any] = {"store": False, "generate": False, "instructions": _INSTRUCTIONS}
        first = await asked(bench, bout, bench.frame("", **fields))
        if not first.is_well or not first.response_id:
            return skipped(f"no warm-up here: {first.words}")
        second = await asked(bench, bout, bench.frame("", parent=first.response_id, **fields))
        if second.is_well:
            return passed("a continuation may repeat them")
        if bout.is_over:
            return told(f"refused, and then {end_words(bout)}")
    return told(f"refused: {second.words}", "Drop instructions on continuations here.")


def _unstored(bench: Bench) -> dict[str, Any]:
    """The fields of a create that nobody needs to keep."""
    return {} if bench.profile.stores == "always" else {"store": False}


def flaw_of_warm_up(bench: Bench, warm: Asked) -> Verdict | None:
    """What is wrong with a warm-up; None when nothing is."""
    if has_late_events(bench):
        return None  # what came may be an earlier answer's
    verdict = judged(findings_of(bench, (warm.turn.session,)), ("warmup-generated",))
    if verdict.outcome is not Outcome.PASS:
        return verdict
    response = warm.turn.response
    usage = response.usage if response is not None else None
    if usage is not None and usage.output_tokens:
        return failed(
            f"generate: false was ignored: {usage.output_tokens} output tokens are billed",
            "Generate nothing for generate: false.",
        )._replace(findings=("warmup-generated",))
    if not warm.response_id:
        return failed("a warm-up has no id", "Give it an id that can be a parent.", Who.PROXY)
    return None


def usage_words(one: Asked) -> str:
    usage = one.turn.response.usage if one.turn.response is not None else None
    if usage is None:
        return "nothing generated, usage not told"
    return f"nothing generated, {usage.input_tokens or 0} tokens in"
