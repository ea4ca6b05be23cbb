"""Group E: whether an answer that is not stored can be continued, by whom, how long, and what that costs.

Its one rule: what is carried is shown by a word that only the first turn was told; an answer without it has
lost its context, whatever its ids say. The group's other nouns stand in `warm_ups`, `stored`, `calls` and
`posted`; `CHECKS` puts all of them in order.
"""

from __future__ import annotations

import secrets

from sessions.contract import PARENT_NOT_FOUND
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout
from sessions.doctor.calls import tool_round_trip
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.posted import compaction, from_compacted, over_http
from sessions.doctor.probes import (
    BUSY,
    NEXT_TURN_TOKENS,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    Asked,
    asked,
    catalogued,
    end_words,
    failure_words,
    findings_of,
    is_refusal,
)
from sessions.doctor.recall import RECALL, other_cause, recalled, unfit
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.stored import replicas, stored
from sessions.doctor.warm_ups import flaw_of_warm_up, instructions, late_warm_up, usage_words, warm_up
from sessions.session import Failure

#: a turn on top of two others; a warm-up there reads as much
_THIRD_TURN_TOKENS = NEXT_TURN_TOKENS + SHORT_TURN_TOKENS
_CHAIN_TOKENS = SHORT_TURN_TOKENS + NEXT_TURN_TOKENS + 2 * _THIRD_TURN_TOKENS
#: a second turn that has its first one sent twice has more than this many times the tokens that it needs
_DOUBLED = 1.5


@check("E01", "a chain on one socket, not stored", Cost.TURNS, needs=("D01",), turns=5, tokens=_CHAIN_TOKENS,
       at_risk=_THIRD_TURN_TOKENS, findings=("parent-not-echoed",))  # fmt: skip
async def same_socket(bench: Bench) -> Verdict:
    """Tells a word and asks for it on the same socket, not stored; then what E11 and E06 look at."""
    if reason := unfit(bench):
        return skipped(reason)
    if bench.profile.stores == "always":
        return skipped(f"{bench.profile.name} stores every response")
    notes = bench.facts.notes
    digits = str(secrets.randbelow(9000) + 1000)
    async with bench.open() as bout:
        prompt = f"Remember the code word: heron{digits}. Say only: ok"
        first = await asked(bench, bout, bench.frame(prompt, store=False), "told")
        if first.is_busy:
            return skipped(BUSY)
        if not first.is_well or not first.response_id:
            return failed(f"the first turn failed: {first.words}", "See D01.")
        if bout.is_over:
            return failed(f"after one turn {end_words(bout)}", "Keep the socket open between turns.")
        text = bench.frame(RECALL, parent=first.response_id, store=False)
        second = await asked(bench, bout, text, "recalled")
        notes["unstored"] = second.response_id or first.response_id
        if second.is_well and not bout.is_over:
            await _late_warm_up(bench, bout, second)
        if second.is_well and not bout.is_over:
            notes["eviction"] = await _eviction(bench, bout, notes["unstored"])
    if not second.is_well:
        if reason := other_cause(bench, second):
            return skipped(reason)
        bench.capabilities["chain"] = "none without store"
        is_forgotten = second.turn.failure is not None and is_refusal(bench, second.turn.failure)
        verdict = failed(
            f"the continuation was refused: {second.words}",
            "No connection-local cache: chains without store, as zero retention needs them, fail here.",
        )
        if is_forgotten and notes.get("warm_up_forgotten"):
            return verdict._replace(stands_for=("E10",))  # a warm-up that is not stored is lost alike
        return verdict
    notes["chain"] = (first, second, digits)
    bench.capabilities["chain"] = "on its socket"
    return judged(findings_of(bench, (second.turn.session,)), same_socket.findings, "continued")


async def _late_warm_up(bench: Bench, bout: Bout, turn: Asked) -> None:
    """A warm-up after a turn, where warm-ups are known to be free."""
    if bench.capabilities.get("warm-up") != "yes":
        return
    text = bench.frame("", parent=turn.response_id, store=False, generate=False)
    late = await asked(bench, bout, text)
    if late.is_well:
        bench.facts.notes["unstored"] = late.response_id
        verdict = flaw_of_warm_up(bench, late) or passed(usage_words(late))
    else:
        verdict = told(f"later on generate: false is refused: {late.words}")
    bench.facts.notes["late_warm_up"] = verdict


async def _eviction(bench: Bench, bout: Bout, parent: str) -> Verdict:
    """A continuation that must fail, and then another one of the same parent."""
    output = {"type": "function_call_output", "call_id": "call_nobody_made", "output": "nothing"}
    bad = await asked(bench, bout, bench.frame("", parent=parent, store=False, answers=(output,)))
    if bad.turn.failure is None:
        return told("an output without its call is accepted, so that nothing could fail")
    if bout.is_over:
        return told(f"the socket did not outlive the failure: {end_words(bout)}")
    generate = bench.capabilities.get("warm-up") != "yes"
    again = await asked(bench, bout, bench.frame(SHORT_PROMPT, parent=parent, store=False, generate=generate))
    if again.silence or bout.is_over:
        return told("the socket did not outlive the failure")
    if again.turn.failure is not None:
        return passed(failure_words(again.turn.failure))
    if bench.rules.must_evict:
        return catalogued("no-eviction", "")._replace(outcome=Outcome.FAIL)
    return catalogued("no-eviction", "", at_most=Outcome.INFO)


@check("E02", "the context is carried", Cost.TURNS, needs=("E01",), findings=("context-lost",))
async def context_carried(bench: Bench) -> Verdict:
    """Looks for the word in the second answer of E01; sends nothing."""
    chain = bench.facts.notes.get("chain")
    if chain is None:
        return skipped("E01 has made no chain")
    _, second, word = chain
    return recalled(bench, second, word)


@check("E03", "not stored, another socket", Cost.FREE, needs=("E01",), turns=1, at_risk=_THIRD_TURN_TOKENS,
       findings=("unstored-parent-used", "parent-error-masked"))  # fmt: skip
async def other_socket(bench: Bench) -> Verdict:
    """Continues the chain of E01 on a new socket, as a warm-up, which is to be refused."""
    parent = bench.facts.notes.get("unstored")
    if not parent:
        return skipped("E01 has made no chain")
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame(parent=parent, store=False, generate=False))
        found = findings_of(bench, (bout.session.number,))
    if one.turn.failure is not None and one.turn.failure.code == PARENT_NOT_FOUND:
        return passed(failure_words(one.turn.failure))
    if one.turn.responses and one.turn.failure is None:
        if reason := other_cause(bench, one):
            return skipped(reason)
        first: Asked = bench.facts.notes["chain"][0] if "chain" in bench.facts.notes else one
        if first.turn.response is not None and first.turn.response.store:
            return told("it is continued: the server has stored it all the same")
        return failed(
            "an answer that was not stored was continued on another socket",
            "State leaks beyond the socket: keep what is not stored with its connection.",
        )._replace(findings=("unstored-parent-used",))
    if one.turn.failure is not None and _is_told_alike(bench, one.turn.failure):
        said = f"refused as an unknown parent is: {failure_words(one.turn.failure)}"
        return told(said, "See C01.") if bench.facts.notes.get("is_masked") else passed(said)
    verdict = judged(found, ("parent-error-masked",))
    if verdict.outcome is not Outcome.PASS:
        return verdict
    return warned(
        f"refused under another code: {one.words}",
        "Answer with previous_response_not_found: clients send the full history only on this one.",
    )


@check("E06", "forgotten after a failure", Cost.TURNS, needs=("E01",), findings=("no-eviction",))
async def eviction(bench: Bench) -> Verdict:
    """Looks at the failed continuation that ended E01, and at the one after it; sends nothing."""
    verdict = bench.facts.notes.get("eviction")
    return verdict if isinstance(verdict, Verdict) else skipped("E01 did not come so far")


@check("E08", "what a continuation costs", Cost.TURNS, needs=("E01",))
async def incremental(bench: Bench) -> Verdict:
    """Compares the input tokens of the two turns of E01; sends nothing."""
    chain = bench.facts.notes.get("chain")
    if chain is None:
        return skipped("E01 has made no chain")
    first, second, _ = chain
    one = first.turn.response.usage if first.turn.response else None
    two = second.turn.response.usage if second.turn.response else None
    if one is None or two is None or not one.input_tokens or not two.input_tokens:
        return told("the server does not say")
    needed = 2 * one.input_tokens + (one.output_tokens or 0)
    said = f"{one.input_tokens} tokens in, then {two.input_tokens}; cached {two.cached_tokens or 0}"
    if two.input_tokens > _DOUBLED * needed:
        return warned(said, "More than the history was sent upstream: look whether it is sent twice.")
    return told(said)


def _is_told_alike(bench: Bench, failure: Failure) -> bool:
    """Whether a parent is refused as C01's was: by the same code, and by its id or the same words."""
    known = bench.facts.notes.get("refusal")
    if is_refusal(bench, failure):
        return True
    return known is not None and known.code == failure.code and "not found" in failure.message.lower()


CHECKS: tuple[Check, ...] = (
    warm_up,
    same_socket,
    late_warm_up,
    context_carried,
    other_socket,
    stored,
    replicas,
    eviction,
    tool_round_trip,
    incremental,
    instructions,
    over_http,
    compaction,
    from_compacted,
)
