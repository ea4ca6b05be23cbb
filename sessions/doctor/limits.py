"""Group F: how large and how many: frames, turns in flight, sockets, lanes.

Its one rule: size is tried with blanks around a create that is refused, and number with warm-ups where they
are known to be free. What takes minutes or disturbs others is only tried when it is asked for.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

from sessions.contract import INVALID_LANE, TERMINAL, Status
from sessions.conversation import Silence
from sessions.dialects import read
from sessions.doctor.bench import Bench, Bout, Unsteady
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.liveness import (
    age,
    close_etiquette,
    idle,
    idle_with_pings,
    longest_silence,
    pings,
    server_pings,
)
from sessions.doctor.probes import (
    LONG_PROMPT,
    LONG_TOKENS,
    REFUSAL_SECONDS,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    WARM_TOKENS,
    Asked,
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
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.short_turn import BAD_TURN, ends_badly, one_turn_only
from sessions.errors import ConnectError
from sessions.events import Event, Undecodable

_KIB, _MIB = 1 << 10, 1 << 20
_LADDER = (64 * _KIB, _MIB, 4 * _MIB, 15 * _MIB + 512 * _KIB)
_DEEP_RUNG = 16 * _MIB + 512 * _KIB
_NO_REFUSAL = "C01 has shown no refusal that could be asked for again"
_NO_WARM_UP = "warm-ups are not known to be free here"
_TRIES = 3  #: of one size, where sockets are known to be lost by chance
_IN_ROW, _IN_ROW_MORE = 10, 20
_SOCKETS, _DEEP_SOCKETS = 20, 120
_PREEMPTED_SECONDS = 0.1
_LANES = ("doctor-a", "doctor-b")
_BAD_LANES = ("", "x" * 257, "not a name")


@check("F01", "size of a message", Cost.FREE, needs=("B07", "B19"), after=("C01",), limit_seconds=300.0,
       findings=("too-big-close", "too-big-hidden"))  # fmt: skip
async def frame_size(bench: Bench) -> Verdict:
    """The create of C01 with blanks around it: 64 KiB, 1, 4 and 15.5 MiB; --record keeps all of it."""
    if not knows_refusal(bench):
        return skipped(_NO_REFUSAL)
    text = parentless(bench)
    reached = 0
    for size in (*_LADDER, _DEEP_RUNG) if bench.is_deep else _LADDER:
        said = await _rung(bench, text + " " * (size - len(text.encode())))
        if said is not None:
            bench.facts.notes["too_big"] = (size, said)
            return _bracket(bench, reached, size, said)
        reached = size
    bench.capabilities["frame limit"] = f"at least {_size(reached)}"
    return passed(f"at least {_size(reached)}")


async def _rung(bench: Bench, padded: str) -> str | None:
    """How a message of this size was not taken, None when it was; again where sockets are lost by chance."""
    said = None
    for left in reversed(range(_TRIES)):
        try:
            async with bench.open() as bout:
                said = await _answer_to(bout, padded)
        except Unsteady as error:
            bench.facts.unsteady.append(error.detail)
            if not left:
                raise
            continue
        if said is None or not bench.facts.unsteady:
            break
    return said


async def _answer_to(bout: Bout, text: str) -> str | None:
    """How a message was not taken, None when it was."""
    try:
        turn = await bout.ask(text)
    except Silence as silence:
        return str(silence)
    except Unsteady:
        raise
    except ConnectError as error:
        return error.detail or str(error)
    failure = turn.failure
    if failure is None:
        return end_words(bout) if bout.is_over else None
    is_about_size = failure.status == 413 or any(
        word in f"{failure.code} {failure.message}".lower()
        for word in ("too large", "too big", "size", "limit")
    )
    return f"an error: {failure_words(failure)}" if is_about_size else None


def _bracket(bench: Bench, reached: int, size: int, said: str) -> Verdict:
    between = (
        f"more than {_size(reached)}, less than {_size(size)}" if reached else f"less than {_size(size)}"
    )
    bench.capabilities["frame limit"] = between
    evidence = f"{between}: {said}"
    remedy = (
        f"Messages over {_size(reached)} are cut, image turns too: raise the limit, or send those over HTTP."
    )
    if reached < _MIB:
        return failed(evidence, remedy)
    if reached < 4 * _MIB:
        return warned(evidence, remedy)
    return told(evidence, remedy)


def _size(size: int) -> str:
    return f"{size / _MIB:g} MiB" if size >= _MIB else f"{size // _KIB} KiB"


@check(
    "F02",
    "how too much is told",
    Cost.FREE,
    needs=("B07", "B19"),
    after=("F01",),
    findings=("too-big-hidden",),
)
async def honest_size(bench: Bench) -> Verdict:
    """Looks how F01 was stopped; sends nothing."""
    found = bench.facts.notes.get("too_big")
    if found is None:
        return skipped("F01 has met no limit")
    size, said = found
    if "1009" in said or said.startswith("an error"):
        return passed(f"{_size(size)}: {said}")
    return catalogued("too-big-hidden", f"{_size(size)}: {said}")


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
        await bout.until(lambda: len(_course(heard(bout))[1]) >= 2, bench.patience_seconds)
        began, ended, errors = *_course(heard(bout)), reply_in(heard(bout)).errors
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


def _course(events: list[Event | Undecodable]) -> tuple[list[int], list[int]]:
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


@check("F04", "free again at once", Cost.TURNS, needs=("D01",), after=("E10", "E01", "D15"), turns=_IN_ROW,
       tokens=_IN_ROW * WARM_TOKENS)  # fmt: skip
async def false_busy(bench: Bench) -> Verdict:
    """Ten warm-ups, each sent the moment the one before has ended."""
    if said := bench.facts.notes.get("false_busy"):
        return _busy(said)
    if bench.capabilities.get("warm-up") != "yes":
        return skipped(_NO_WARM_UP)
    return await _in_row(bench, _IN_ROW, "The guard of a running response is released too late.")


@check("F05", "two sockets at once", Cost.TURNS, needs=("D01",), turns=2, tokens=2 * SHORT_TURN_TOKENS)
async def two_sockets(bench: Bench) -> Verdict:
    """A short turn on each of two sockets at the same time."""
    if ends_badly(bench):
        return skipped(BAD_TURN)
    remedy = "A new client must not end another's socket: keep one upstream connection for each."
    async with bench.open() as one, bench.open() as other:
        if await one.until(lambda: one.is_over, _PREEMPTED_SECONDS):
            if bench.facts.unsteady:
                one.must_be_used()
            return failed(f"when the second one opened, the first was closed: {end_words(one)}", remedy)
        async with asyncio.TaskGroup() as group:
            text = bench.frame(SHORT_PROMPT)
            tasks = [group.create_task(asked(bench, bout, text)) for bout in (one, other)]
        answers = [task.result() for task in tasks]
        endings = [end_words(bout) for bout in (one, other) if bout.is_over]
    bad = [answer for answer in answers if not answer.is_well]
    if not bad:
        return passed("both answered")
    return failed(f"{len(bad)} of 2 failed: {bad[0].words}{'; ' + endings[0] if endings else ''}", remedy)


@check(
    "F06", "lanes", Cost.TURNS, needs=("E10",), turns=2, tokens=2 * WARM_TOKENS, findings=("lane-not-echoed",)
)
async def lanes(bench: Bench) -> Verdict:
    """Warm-ups on two named lanes at once, and names that are none."""
    if bench.capabilities.get("warm-up") != "yes":
        return skipped(_NO_WARM_UP)
    async with bench.open() as bout:
        turns = [await bout.send(bench.frame("", generate=False, lane=name)) for name in _LANES]
        await bout.until(lambda: len(_course(heard(bout))[1]) >= len(_LANES), bench.patience_seconds)
        events = [one for one in heard(bout) if isinstance(one, Event)]
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
        named = [one for one in heard(bout) if isinstance(one, Event)]
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
        return skipped(_NO_REFUSAL if not knows_refusal(bench) else BAD_TURN)
    async with bench.open() as bout:
        turn = await bout.send(bench.frame(LONG_PROMPT, max_output_tokens=100))
        assert turn is not None, "it is a create"
        await bout.until(lambda: bool(turn.responses), bench.patience_seconds)
        await bout.send(f'{{"type":"response.cancel","response_id":"{turn.response_id}"}}')
        await bout.until(lambda: bool(_course(heard(bout))[1]), bench.patience_seconds)
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


@check("F14", "many turns on one socket", Cost.INTRUSIVE, needs=("E10",), turns=_IN_ROW_MORE,
       tokens=_IN_ROW_MORE * WARM_TOKENS)  # fmt: skip
async def many_turns(bench: Bench) -> Verdict:
    """Twenty warm-ups, one after another."""
    return await _in_row(bench, _IN_ROW_MORE, "Something is leased for each turn and never given back.")


def _busy(said: str) -> Verdict:
    return failed(
        f"refused right after the end of the turn before: {said}",
        "The guard of a running response is released too late: release it before the terminal event is sent.",
    )


async def _in_row(bench: Bench, count: int, remedy: str) -> Verdict:
    if bench.capabilities.get("warm-up") != "yes":
        return skipped(_NO_WARM_UP)
    async with bench.open() as bout:
        for number in range(1, count + 1):
            one: Asked = await asked(bench, bout, bench.frame("", generate=False))
            if said := bench.facts.notes.get("false_busy"):
                return _busy(said)
            if not one.is_well:
                return failed(f"turn {number} of {count}: {one.words}", remedy)
    return passed(f"{count} of {count}")


@check("F16", "how many sockets", Cost.INTRUSIVE, needs=("B07", "B19"))
async def many_sockets(bench: Bench) -> Verdict:
    """Twenty sockets open at once, with --deep 120."""
    wanted = _DEEP_SOCKETS if bench.is_deep else _SOCKETS
    refusal = ""
    held: list[Any] = []
    async with AsyncExitStack() as stack:
        while len(held) < wanted and not refusal:
            try:
                held.append(await stack.enter_async_context(bench.open()))
            except ConnectError as error:
                refusal = error.detail or str(error)
        gone = sum(1 for bout in held if bout.is_over)
    if refusal:
        return told(f"{len(held)} are open, then: {refusal}")
    return told(f"{len(held) - gone} of {wanted} are open at once")


CHECKS: tuple[Check, ...] = (
    frame_size,
    honest_size,
    second_create,
    false_busy,
    two_sockets,
    lanes,
    pings,
    server_pings,
    idle,
    idle_with_pings,
    longest_silence,
    close_etiquette,
    cancelling,
    many_turns,
    age,
    many_sockets,
)
