"""Group F, lanes: whether stream_id keeps two turns on one socket apart.

Its one rule: a lane is there when events and errors name it; one that is only accepted is cosmetic.
"""

from __future__ import annotations

import json

from sessions.contract import INVALID_LANE, Status
from sessions.dialects import read
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.in_flight import course
from sessions.doctor.probes import (
    NO_WARM_UP,
    REFUSAL_SECONDS,
    WARM_TOKENS,
    asked,
    catalogued,
    end_words,
    findings_of,
    heard,
    knows_refusal,
    parentless,
    reply_in,
)
from sessions.doctor.result import Outcome, Verdict, judged, passed, skipped, told
from sessions.events import Event

_LANES = ("doctor-a", "doctor-b")
_BAD_LANES = ("", "x" * 257, "not a name")


@check(
    "F06", "lanes", Cost.TURNS, needs=("E10",), turns=2, tokens=2 * WARM_TOKENS, findings=("lane-not-echoed",)
)
async def lanes(bench: Bench) -> Verdict:
    """Warm-ups on two named lanes at once, and names that are none."""
    if bench.capabilities.get("warm-up") != "yes":
        return skipped(NO_WARM_UP)
    async with bench.open() as bout:
        turns = [await bout.send(bench.frame("", generate=False, lane=name)) for name in _LANES]
        await bout.until(lambda: len(course(heard(bout))[1]) >= len(_LANES), bench.patience_seconds)
        events = [read(one).event for one in heard(bout) if isinstance(one, Event)]
        echoed = {one.stream_id for one in events} - {None}
        reply = reply_in(heard(bout))
        found = findings_of(bench, (bout.session.number,))
        is_refused = bool(reply.errors) or bout.is_over
    if is_refused:
        bench.capabilities["lanes"] = "none"
        return _without_lanes(bench, f"stream_id is refused: {reply.words}")
    if not echoed and not await _knows_names(bench):
        bench.capabilities["lanes"] = "none"
        return _without_lanes(bench, "stream_id is ignored")
    if not echoed:
        bench.capabilities["lanes"] = "cosmetic"
        verdict = catalogued("lane-not-echoed", "stream_id is accepted and stands on no event")
        return verdict if bench.rules.lanes else verdict._replace(outcome=Outcome.INFO)
    silent = [one for one in events if one.stream_id is None and _belongs(one)]
    if silent or any(turn is not None and turn.status is not Status.COMPLETED for turn in turns):
        bench.capabilities["lanes"] = "cosmetic"
        said = f"{len(silent)} of {len(events)} events do not name their lane"
        verdict = judged(found, lanes.findings)
        return verdict if verdict.outcome.is_bad else catalogued("lane-not-echoed", said)
    bench.capabilities["lanes"] = "full"
    return await _lane_names(bench)


async def _knows_names(bench: Bench) -> bool:
    """Whether a name that breaks the pattern is refused as one: a server without lanes never looks at it."""
    async with bench.open() as bout:
        await bout.send(json.dumps({**json.loads(parentless(bench)), "stream_id": _BAD_LANES[-1]}))
        await bout.until(lambda: bool(heard(bout)), REFUSAL_SECONDS)
        return any(one.code == INVALID_LANE for one in reply_in(heard(bout)).errors)


def _belongs(event: Event) -> bool:
    return event.type.startswith("response.")


def _without_lanes(bench: Bench, said: str) -> Verdict:
    if bench.rules.lanes and bench.profile.lanes and not bench.rules.forgives:
        return told(said, "Named lanes are unsupported: one response at a time on each socket.")
    return told(said)


async def _lane_names(bench: Bench) -> Verdict:
    """Whether a name that breaks the pattern is refused, and a refusal names its lane."""
    if not knows_refusal(bench):
        return passed("both lanes echoed")
    async with bench.open() as bout:
        turn = (await asked(bench, bout, parentless(bench, lane=_LANES[0]))).turn
        named = [read(one).event for one in heard(bout) if isinstance(one, Event)]
        if turn.failure is None or not any(one.stream_id == _LANES[0] for one in named):
            return catalogued("lane-not-echoed", "an error on a lane does not name it", at_most=Outcome.WARN)
        codes = set()
        for name in _BAD_LANES:
            if bout.is_over:
                return told(f"both lanes echoed; after an error {end_words(bout)}")
            before = len(heard(bout))
            await bout.send(json.dumps({**json.loads(parentless(bench)), "stream_id": name}))
            await bout.until(lambda seen=before: len(heard(bout)) > seen, REFUSAL_SECONDS)  # type: ignore[misc]
            codes |= {one.code for one in reply_in(heard(bout)[before:]).errors} or {"nothing"}
    if codes == {INVALID_LANE}:
        return passed(f"both lanes echoed; a bad name is refused: {INVALID_LANE}")
    return told(
        f"both lanes echoed; a bad name gets: {', '.join(sorted(code or 'no code' for code in codes))}"
    )
