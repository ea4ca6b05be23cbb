"""The battery: all checks in order, each once, and what an earlier failure or the budget makes of later ones.

Its one rule: what is free comes first, and what cannot be known is skipped with the reason, never failed. A
check that runs into a refusal, silence or its time limit has failed; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import NamedTuple

from sessions.contract import FailureClass, Status
from sessions.conversation import Silence
from sessions.doctor import chain, errors, limits, local, reach, refused, security, turns
from sessions.doctor.bench import Bench
from sessions.doctor.check import Check, Cost, Group
from sessions.doctor.result import Outcome, Result, Verdict, failed, skipped, verdict_of
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who

_STAGES = {Cost.LOCAL: 0, Cost.FREE: 2, Cost.TURNS: 3, Cost.SLOW: 4, Cost.INTRUSIVE: 5}
_LAST = 9
_REACH = 1  # of the free ones these come first: nothing else can be tried without them


class Estimate(NamedTuple):
    """What a run can cost at most."""

    checks: int
    turns: int
    tokens: int
    waits_seconds: float


def with_needs(ids: Collection[str]) -> tuple[Check, ...]:
    """The checks with these ids, and all that they stand on; raises KeyError for an unknown id."""
    known = {one.id: one for one in every_check()}
    wanted: set[str] = set()
    waiting = list(ids)
    while waiting:
        one = known[waiting.pop()]
        if one.id not in wanted:
            wanted.add(one.id)
            waiting += one.follows
    return tuple(one for one in known.values() if one.id in wanted)


def every_check() -> tuple[Check, ...]:
    """All checks, group by group."""
    return (
        *local.CHECKS,
        *reach.CHECKS,
        *refused.CHECKS,
        *reach.AFTER_UPGRADE,
        *errors.CHECKS,
        *turns.CHECKS,
        *chain.CHECKS,
        *limits.CHECKS,
        *turns.JUDGED,
        *security.CHECKS,
    )


def in_order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks as they run: local, reachability, free, paid, slow, intrusive; and after what they need."""
    listed = list(checks)
    known = {one.id: one for one in listed}

    def stage(one: Check) -> int:
        if one.is_last:
            return _LAST
        own = _STAGES[one.cost]
        if one.cost is Cost.FREE and one.group is Group.REACH:
            own = _REACH
        return max([own, *(stage(known[earlier]) for earlier in one.follows if earlier in known)])

    return tuple(sorted(listed, key=stage))


class Battery:
    """One run of checks on a bench."""

    def __init__(
        self, bench: Bench, checks: Sequence[Check] | None = None, *, budget: int | None = None
    ) -> None:
        self.bench = bench
        wanted = every_check() if checks is None else checks
        self.checks = in_order(one for one in wanted if one.cost in bench.costs)
        self.budget = budget  #: tokens; None: no limit
        self.results: dict[str, Result] = {}  #: by id, in the order in which they came
        self.is_out_of_budget = False
        self.running: Check | None = None
        self._looked_at = 0  # how many records the suspects were sought in
        self._made_up_for: set[str] = set()

    @property
    def estimate(self) -> Estimate:
        """An upper bound of what it costs, with the budget."""
        tokens = sum(one.tokens for one in self.checks)
        return Estimate(
            len(self.checks),
            sum(one.turns for one in self.checks),
            tokens if self.budget is None else min(tokens, self.budget),
            sum(one.waits_seconds for one in self.checks),
        )

    async def run(self) -> AsyncIterator[Result]:
        """Try every check in order; each result as it comes."""
        for one in self.checks:
            yield await self.try_one(one)

    async def try_one(self, one: Check) -> Result:
        """Try one check now, once more perhaps; what it needs must have been tried before."""
        bench = self.bench
        turns, over_http = len(bench.inspector.sessions.turns), bench.tokens
        began = bench.clock.elapsed()
        self.running = one
        verdict = self._obstacle(one) or await self._verdict(one)
        self.running = None
        self._seek_suspects()
        self._made_up_for.update(verdict.makes_up_for)
        spent = bench.spent_since(turns) + bench.tokens - over_http
        if one.tokens > spent and any(
            turn.status is not Status.FAILED and turn.response and not turn.response.usage
            for turn in bench.inspector.sessions.turns[turns:]
        ):
            bench.spend(one.tokens - spent)  # nobody said what it cost
            spent = one.tokens
        result = Result(
            one.id,
            one.name,
            one.title,
            one.group.value,
            verdict.outcome,
            bench.clean(verdict.evidence),
            bench.clean(verdict.remedy),
            verdict.who.value,
            verdict.failure_class,
            verdict.findings,
            (bench.clock.elapsed() - began) * 1000,
            spent,
            one.suite,
        )
        self.results.pop(one.id, None)
        self.results[one.id] = result
        return result

    def _seek_suspects(self) -> None:
        recording = self.bench.inspector.recording
        for number in range(self._looked_at, len(recording)):
            self.bench.suspects.look(recording.record(number))
        self._looked_at = len(recording)

    def _obstacle(self, one: Check) -> Verdict | None:
        """Why a check is not tried, None when nothing stands in its way."""
        if one.explains:
            explained = self.results.get(one.explains)
            if explained is None or explained.outcome is not Outcome.FAIL:
                return skipped(f"only tried when {one.explains} fails")
        for need in one.needs:
            result = self.results.get(need)
            if result is None or need in self._made_up_for:
                continue
            if result.outcome is Outcome.FAIL:
                return skipped(f"{need} failed: {result.title}")
            if result.outcome is Outcome.SKIP:
                is_told = result.evidence.startswith(tuple(f"{one} failed: " for one in self.results))
                return skipped(result.evidence if is_told else f"{need} was skipped: {result.evidence}")
        if self.budget is not None and one.tokens and self.bench.spent + one.tokens > self.budget:
            self.is_out_of_budget = self.budget > 0  # 0 is the wish for what is free
            return skipped(f"up to {one.tokens} tokens do not fit into the budget of {self.budget}")
        return None

    async def _verdict(self, one: Check) -> Verdict:
        limit = one.limit_seconds + one.waits_seconds
        scope = asyncio.timeout(limit)
        try:
            async with scope:
                return await one(self.bench)
        except ConnectError as error:
            return verdict_of(error)
        except Silence as error:
            return failed(
                str(error),
                "Look in the proxy's log for an upstream error; the socket itself may be alive.",
                Who.PROXY,
                FailureClass.APP_SILENT.value,
            )
        except TimeoutError:
            if not scope.expired():
                raise
            return failed(f"not done after {limit:g} s", "Look at the recording: something never ends.")


def most_serious(results: Collection[Result], count: int = 3) -> tuple[Result, ...]:
    """What somebody should read first: failures that explain others, other failures, then warnings."""
    bad = [one for one in results if one.outcome.is_bad]
    return tuple(sorted(bad, key=lambda one: (one.outcome is not Outcome.FAIL, one.id == "B07"))[:count])
