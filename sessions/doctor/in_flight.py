"""Group F, in flight: what becomes of a turn when something else is sent in the middle of it.

Its one rule: the socket and the first answer must outlive it, whatever is said to the second.
"""

from __future__ import annotations

from sessions.contract import TERMINAL, Status
from sessions.dialects import read
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import (
    LONG_PROMPT,
    LONG_TOKENS,
    NO_REFUSAL,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    asked,
    catalogued,
    end_words,
    failure_words,
    findings_of,
    heard,
    knows_refusal,
    parentless,
    reply_in,
)
from sessions.doctor.result import Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly, one_turn_only
from sessions.errors import ConnectError
from sessions.events import Event, Undecodable


@check("F03", "a second create in flight", Cost.TURNS, needs=("D01",), turns=2, tokens=2 * SHORT_TURN_TOKENS,
       at_risk=LONG_TOKENS, findings=("lanes-interleaved",))  # fmt: skip
async def second_create(bench: Bench) -> Verdict:
    """Two creates at once on one socket; the second is a warm-up where those are known to be free."""
    if ends_badly(bench):
        return skipped(BAD_TURN)
    if reason := one_turn_only(bench):
        return skipped(reason)
    is_warm = bench.capabilities.get("warm-up") == "yes"
    async with bench.open() as bout:
        first = await bout.send(bench.frame(LONG_PROMPT))
        assert first is not None, "it is a create"
        if not first.is_live:
            return told("the first answer was over before a second create could be sent")
        try:
            await bout.send(bench.frame(SHORT_PROMPT, generate=not is_warm))
        except ConnectError:
            pass  # said by how it ended
        await bout.until(lambda: len(course(heard(bout))[1]) >= 2, bench.patience_seconds)
        began, ended, errors = *course(heard(bout)), reply_in(heard(bout)).errors
        ending = end_words(bout) if bout.is_over else ""
        found = findings_of(bench, (bout.session.number,))
    if ending:
        bench.capabilities["in flight"] = "kills the socket"
        return failed(
            f"the second create ended the socket: {ending}",
            "Queue a second create, or refuse it with an error frame; keep the socket and the first answer.",
        )
    if len(ended) < 2:
        bench.capabilities["in flight"] = "silence"
        return catalogued("app-silent", f"{len(ended)} of 2 creates came to an end")
    if errors:
        bench.capabilities["in flight"] = "refused"
        said = f"refused: {failure_words(errors[0])}"
        if bench.rules.in_flight == "queue":
            return warned(said, "The guide says that a second create waits: queue it.")
        return passed(said)
    if len(began) > 1 and began[1] < ended[0]:
        bench.capabilities["in flight"] = "interleaved"
        verdict = judged(found, second_create.findings)
        return verdict if verdict.outcome.is_bad else catalogued("lanes-interleaved", "two answers at once")
    bench.capabilities["in flight"] = "queued"
    if bench.rules.in_flight == "refuse":
        return warned("it waited", "These rules want a second create to be refused.")
    return passed("the second one waited for the first")


def course(events: list[Event | Undecodable]) -> tuple[list[int], list[int]]:
    """Where responses began and where something ended, as places in a list of messages."""
    began, ended = [], []
    for place, raw in enumerate(events):
        if isinstance(raw, Undecodable):
            continue
        kind = read(raw).event.type
        if kind == "response.created":
            began.append(place)
        elif kind == "error" or kind in TERMINAL:
            ended.append(place)
    return began, ended


@check(
    "F13",
    "cancelling",
    Cost.TURNS,
    needs=("D01",),
    after=("C01",),
    turns=1,
    tokens=145,
    at_risk=LONG_TOKENS,
    findings=("stale-event", "event-after-end"),
)
async def cancelling(bench: Bench) -> Verdict:
    """A cancel in the middle of a longer answer, and then the create of C01."""
    if not bench.is_deep:
        return skipped("only with --deep: few servers know it")
    if not knows_refusal(bench) or ends_badly(bench):
        return skipped(NO_REFUSAL if not knows_refusal(bench) else BAD_TURN)
    async with bench.open() as bout:
        turn = await bout.send(bench.frame(LONG_PROMPT, max_output_tokens=100))
        assert turn is not None, "it is a create"
        await bout.until(lambda: bool(turn.responses), bench.patience_seconds)
        await bout.send(f'{{"type":"response.cancel","response_id":"{turn.response_id}"}}')
        await bout.until(lambda: bool(course(heard(bout))[1]), bench.patience_seconds)
        if bout.is_over:
            return failed(f"the cancel ended the socket: {end_words(bout)}", "Answer it with an error frame.")
        before = len(heard(bout))
        late = await asked(bench, bout, parentless(bench))
        stale = [
            one
            for one in heard(bout)[before:]
            if isinstance(one, Event) and one.type.startswith("response.") and not late.turn.responses
        ]
    if stale and not reply_in(heard(bout)[:before]).errors:
        return catalogued("stale-event", f"{len(stale)} events of the cancelled turn came in the next")
    if turn.status is Status.CANCELLED or (turn.response and turn.response.status is Status.CANCELLED):
        return told("supported: the response was cancelled")
    return told("not supported: the answer went on")
