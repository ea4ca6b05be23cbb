"""Group D: a few short turns: whether they are streamed, cut at their length, and carry every letter.

Its one rule: only what depends on what was asked for (a length, an accent) is looked at here. The first turn
stands in `short_turn`, the forced call in `calls`, and in `streams` what the findings say of all turns.
"""

from __future__ import annotations

from sessions.contract import Status
from sessions.doctor.bench import Bench
from sessions.doctor.calls import forced_call
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.probes import LONG_PROMPT, LONG_TOKENS, asked, catalogued, findings_of
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly, first_turn

_LONG_TOKENS = 40


@check("D12", "really streamed", Cost.TURNS, needs=("D01",), turns=1, tokens=45 + _LONG_TOKENS,
       at_risk=LONG_TOKENS, findings=("burst", "deltas-missing", "delta-flood"))  # fmt: skip
async def streamed(bench: Bench) -> Verdict:
    """A task that does not fit into its forty tokens."""
    if ends_badly(bench):
        return skipped(BAD_TURN)
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


CHECKS: tuple[Check, ...] = (first_turn, streamed, length_stop, forced_call, beyond_ascii)
