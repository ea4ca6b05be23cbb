"""Group F: how large and how many: frames, turns in flight, sockets, lanes.

Its one rule: number is tried with warm-ups where they are known to be free. What takes minutes or disturbs
others is only tried when it is asked for. Sizes stand in `sizes`, lanes in `lanes`, two turns at once in
`in_flight`, waits in `liveness`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from sessions.doctor.bench import Bench
from sessions.doctor.check import Check, Cost, check
from sessions.doctor.in_flight import cancelling, second_create
from sessions.doctor.lanes import lanes
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
    NO_WARM_UP,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    WARM_TOKENS,
    Asked,
    asked,
    end_words,
)
from sessions.doctor.result import Verdict, failed, passed, skipped, told
from sessions.doctor.short_turn import BAD_TURN, ends_badly
from sessions.doctor.sizes import frame_size, honest_size
from sessions.errors import ConnectError

_IN_ROW, _IN_ROW_MORE = 10, 20
_SOCKETS, _DEEP_SOCKETS = 20, 120
_PREEMPTED_SECONDS = 0.1


@check("F04", "free again at once", Cost.TURNS, needs=("D01",), after=("E10", "E01", "D15"), turns=_IN_ROW,
       tokens=_IN_ROW * WARM_TOKENS)  # fmt: skip
async def false_busy(bench: Bench) -> Verdict:
    """Ten warm-ups, each sent the moment the one before has ended."""
    if said := bench.facts.notes.get("false_busy"):
        return _busy(said)
    if bench.capabilities.get("warm-up") != "yes":
        return skipped(NO_WARM_UP)
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
        return skipped(NO_WARM_UP)
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
