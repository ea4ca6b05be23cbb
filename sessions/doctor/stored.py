"""Group E, stored answers: whether they can be continued on other sockets, and on how many of them.

Its one rule: one socket that knows an answer says nothing of the next one, as it can reach another replica.
"""

from __future__ import annotations

from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import NEXT_TURN_TOKENS, SHORT_TURN_TOKENS, WARM_TOKENS, asked
from sessions.doctor.recall import RECALL, other_cause, recalled
from sessions.doctor.result import Outcome, Verdict, failed, passed, skipped, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly

_LOST = ("stored-parent-lost",)
_SOCKETS = 8
_FURTHER_SOCKETS = 3


@check("E04", "stored, another socket", Cost.TURNS, needs=("D01",), after=("E10", "E02"),
       turns=1 + _FURTHER_SOCKETS,
       tokens=NEXT_TURN_TOKENS + _FURTHER_SOCKETS * (SHORT_TURN_TOKENS + WARM_TOKENS),
       findings=("context-lost", *_LOST))  # fmt: skip
async def stored(bench: Bench) -> Verdict:
    """Asks on a new socket for the word of D01; where warm-ups are free, continues it on three more."""
    if bench.profile.stores == "never":
        bench.capabilities["store"] = "never"
        return told(f"{bench.profile.name} stores nothing")
    first = bench.facts.turns.get("short")
    if first is None or first.response is None or ends_badly(bench):
        return skipped(BAD_TURN)
    if bench.capabilities.get("chain") in ("ignored", "context lost"):
        cause = "C01" if bench.capabilities["chain"] == "ignored" else "E02"
        return skipped(f"follows from {cause}: the context of a parent is lost")
    if first.response.store is False:
        bench.capabilities["store"] = "off where nothing is said"
        return told("store is false where nothing was said", "Such responses die with their socket.")
    async with bench.open() as bout:
        text = bench.frame(RECALL, parent=first.response_id)
        second = await asked(bench, bout, text, "recalled elsewhere")
    if not second.is_well:
        if reason := other_cause(bench, second):
            return skipped(reason)
        bench.capabilities["store"] = "lost on another socket"
        bench.facts.notes["refused_elsewhere"] = first.response_id
        return warned(
            f"said to be stored, but refused on a new socket: {second.words}",
            "Persisted chains do not survive reconnects: store where every replica looks.",
        )._replace(findings=_LOST)
    bench.capabilities["store"] = "survives a reconnect"
    bench.facts.notes["stored"] = first.response_id
    verdict = recalled(bench, second, bench.facts.notes.get("told_digits", ""))
    if verdict.outcome is Outcome.FAIL:
        return verdict
    return await _forgotten_elsewhere(bench, first.response_id) or verdict


async def _forgotten_elsewhere(bench: Bench, parent: str) -> Verdict | None:
    """The verdict where a further socket does not know a stored answer; None where all do.

    One new socket can land on the replica that made the answer. Tries nothing unless warm-ups are free.
    """
    if bench.capabilities.get("warm-up") != "yes":
        return None
    for number in range(_FURTHER_SOCKETS):
        async with bench.open() as bout:
            one = await asked(bench, bout, bench.frame("", parent=parent, generate=False))
        if not one.is_well:
            bench.capabilities["store"] = "lost on some sockets"
            return warned(
                f"continued on {number + 1} of {number + 2} new sockets, refused on the last: {one.words}",
                "State is per replica: share the store, or route a conversation to one replica.",
            )._replace(findings=_LOST)
    return None


@check("E05", "replicas", Cost.INTRUSIVE, needs=("E04",), turns=_SOCKETS, tokens=_SOCKETS * NEXT_TURN_TOKENS,
       findings=_LOST)  # fmt: skip
async def replicas(bench: Bench) -> Verdict:
    """Continues the stored answer of E04 on eight new sockets, as warm-ups."""
    notes = bench.facts.notes
    parent = notes.get("stored") or notes.get("refused_elsewhere")
    if not parent:
        return skipped("E04 has stored nothing that can be continued")
    well = 0
    for _ in range(_SOCKETS):
        async with bench.open() as bout:
            one = await asked(bench, bout, bench.frame(parent=parent, generate=False))
            well += one.is_well
    if well == _SOCKETS:
        return passed(f"{well} of {_SOCKETS}")
    if not well:
        return skipped("follows from E04: no new socket knows it")
    return failed(
        f"{well} of {_SOCKETS} new sockets know it",
        "State is per replica: share the store, or route a conversation to one replica.",
    )._replace(findings=_LOST)
