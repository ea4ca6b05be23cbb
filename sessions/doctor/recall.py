"""Recall: where a chain can be tried, what else makes a continuation fail, and whether it knows its word.

Its one rule: a continuation is judged by what its answer says; a refusal whose cause is known already is laid
to that cause alone.
"""

from __future__ import annotations

from sessions.contract import Status
from sessions.doctor.bench import Bench
from sessions.doctor.check import LEAST_OUTPUT_TOKENS
from sessions.doctor.probes import BUSY, Asked, catalogued
from sessions.doctor.result import Verdict, passed, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly, one_turn_only

_REPEATED_IDS = "follows from D10: two answers have one id, so that nobody knows which of them is the parent"
_CHANGED_IDS = "follows from D10: the id of a response changes within its turn, and is refused as a parent"
#: asks for the word that the first turn was told
RECALL = "What is the code word I told you? Answer in one word."
#: why no context is sought where no parent is looked at
IGNORED = "follows from C01: previous_response_id is ignored"


def unfit(bench: Bench) -> str:
    """Why no chain can be tried here, "" where one can."""
    if ends_badly(bench):
        return BAD_TURN
    if reason := one_turn_only(bench):
        return reason
    return IGNORED if bench.capabilities.get("chain") == "ignored" else ""


def other_cause(bench: Bench, refused: Asked) -> str:
    """What else has made a continuation fail, "" where nothing is known."""
    if refused.is_busy:
        return BUSY
    if repeated_ids(bench):
        return _REPEATED_IDS
    return _CHANGED_IDS if _ids_change(bench) else ""


def repeated_ids(bench: Bench) -> str:
    """Which turns of this run have one response id between them, as a sentence; "" when none have."""
    first: dict[str, int] = {}
    for turn in bench.inspector.sessions.turns:
        if turn.status not in (Status.COMPLETED, Status.INCOMPLETE):
            continue  # what is refused may have a made-up id
        for response_id in {one.id for one in turn.responses if one.id}:
            other = first.setdefault(response_id, turn.number)
            if other != turn.number:
                return f"T{other} and T{turn.number} are both {response_id}"
    return ""


def _ids_change(bench: Bench) -> bool:
    """Whether an id was seen to change in this run, so that a refused parent says nothing more."""
    return any(one.id == "id-changed" for one in bench.inspector.findings)


def recalled(bench: Bench, second: Asked, word: str) -> Verdict:
    """Whether the second answer knows the word of the first turn."""
    if word in second.text:
        return passed(f"it said {word}")
    response = second.turn.response
    used = response.usage.output_tokens if response is not None and response.usage is not None else None
    if not second.text and (used is None or used >= LEAST_OUTPUT_TOKENS):
        return told("no text came within sixteen tokens: the model was still thinking")
    if bench.facts.notes.get("says_back") is False:
        return warned(
            f"it should say {word}, and says {second.text[:80]!r}; but it said back nothing in D01 either",
            "Look at the answers: this model may not do as it is told, or the hop changes what it is told.",
        )
    if repeated_ids(bench):
        return told(
            f"it should say {word}, and says {second.text[:80]!r}", "See D10: two answers have one id."
        )
    bench.capabilities["chain"] = "context lost"
    return catalogued("context-lost", f"it should say {word}, and says {second.text[:80]!r}")
