"""Group D, the short turn: the first one, that all others stand on.

Its one rule: what it shows is found out once; whoever would pay for a further turn asks here whether that can
say anything.
"""

from __future__ import annotations

import secrets

from sessions.contract import Status
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import SHORT_TURN_TOKENS, Asked, asked, catalogued, end_words, findings_of
from sessions.doctor.result import Outcome, Verdict, failed, judged
from sessions.doctor.unread import unread
from sessions.findings.catalogue import Who

_TRAILING_SECONDS = 1.5
#: why nothing that stands on the short turn is tried
BAD_TURN = "the short turn of D01 did not end well"
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
        if one.silence and not one.turn.responses:
            verdict = unread(bench, bout) or verdict
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
