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
from sessions.doctor import chain, errors, limits, local, reach, refused, security, streams, turns
from sessions.doctor.bench import SLOW_SECONDS, Bench
from sessions.doctor.bout import Unsteady
from sessions.doctor.check import Check, Cost, Group
from sessions.doctor.result import Outcome, Result, Verdict, failed, skipped, verdict_of
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who

#: the checks that are amended where later ones meet what they look for
_SOCKETS, _TURN = "B20", "D01"
_UPGRADE, _CERTIFICATE = "B07", "B03"
_TRIES = 3  #: at most, where a socket was refused or lost before anything was generated on it
_AGAIN_SECONDS = 0.5
_LOST_IN_ROW = 3  #: checks that were lost to refused sockets; then no more are tried
_STAGES = {Cost.LOCAL: 0, Cost.FREE: 2, Cost.TURNS: 3, Cost.SLOW: 4, Cost.INTRUSIVE: 5}
_LAST = 9
#: findings of a context or a call that is gone, and of a state that reaches others
_LOSES = frozenset({"context-lost", "call-lost", "unstored-parent-used", "stored-parent-lost"})
_UNSTEADY_REMEDY = (
    "Intermittent: look at what the proxy dials before its first answer, and how many sockets it allows."
)
_REACH = 1  # of the free ones these come first: nothing else can be tried without them


class Estimate(NamedTuple):
    """What a run can cost at most."""

    checks: int
    turns: int
    tokens: int
    waits_seconds: float
    at_risk: int = 0  #: so many of the tokens only where a server answers what it should refuse


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
        *streams.CHECKS,
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

    ordered: dict[str, Check] = {}

    def take(one: Check) -> None:
        for earlier in one.follows:
            if earlier in known and earlier not in ordered:
                take(known[earlier])
        ordered.setdefault(one.id, one)

    for one in sorted(listed, key=stage):
        take(one)
    return tuple(ordered.values())


class Battery:
    """One run of checks on a bench."""

    def __init__(
        self, bench: Bench, checks: Sequence[Check] | None = None, *, budget: int | None = None
    ) -> None:
        self.bench = bench
        wanted = every_check() if checks is None else checks
        self.checks = in_order(one for one in wanted if one.cost in bench.costs)
        self.budget = budget  #: tokens; None: no limit
        self.leaves_out = True  #: what is minor, where each upgrade takes long
        self.results: dict[str, Result] = {}  #: by id, in the order in which they came
        self.is_out_of_budget = False
        self.running: Check | None = None
        self._looked_at = 0  # how many records the suspects were sought in
        self._made_up_for: set[str] = set()
        self._firsts: dict[str, Result] = {}  # what was said before it was amended
        self.excess = 0  #: tokens of one create beyond its bound, as seen
        self._lost_in_row = 0
        self._no_more_sockets: ConnectError | None = None

    @property
    def estimate(self) -> Estimate:
        """An upper bound of what it costs, with the budget."""
        risk = sum(one.at_risk for one in self.checks)
        tokens = sum(one.tokens for one in self.checks) + risk
        return Estimate(
            len(self.checks),
            sum(one.turns for one in self.checks),
            tokens if self.budget is None else min(tokens, self.budget),
            sum(one.waits_seconds for one in self.checks),
            risk if self.budget is None else min(risk, self.budget),
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
        for follower in verdict.stands_for:
            self._stand_aside(follower, one)
        spent = bench.spent_since(turns) + bench.tokens - over_http
        if one.turns and spent > one.tokens + one.at_risk:
            over = spent - one.tokens - one.at_risk
            self.excess = max(self.excess, -(-over // one.turns))
        bound = one.tokens or one.at_risk
        if bound > spent and any(
            turn.status is not Status.FAILED and turn.response and not turn.response.usage
            for turn in bench.inspector.sessions.turns[turns:]
        ):
            bench.spend(bound - spent)  # nobody said what it cost
            spent = bound
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
        self._firsts.pop(one.id, None)
        self.results[one.id] = result
        if verdict.outcome.is_bad and _UPGRADE in (one.explains, *one.after, *verdict.makes_up_for):
            self._explain(one.id)
        return result

    def _stand_aside(self, check_id: str, cause: Check) -> None:
        """An earlier failure that only follows from this one is no failure of its own."""
        known = self.results.get(check_id)
        if known is None or not known.outcome.is_bad:
            return
        evidence = f"follows from {cause.id}: {known.evidence}"
        self.results[check_id] = known._replace(
            outcome=Outcome.SKIP, evidence=evidence, remedy="", who=Who.NOBODY.value, findings=()
        )

    def _explain(self, cause: str) -> None:
        """The upgrade failed, and this check names why."""
        for check_id in (_UPGRADE, _CERTIFICATE):
            known = self.results.get(check_id)
            if known is not None and known.outcome is Outcome.FAIL and not known.cause:
                self.bench.facts.notes["cause"] = cause
                self.results[check_id] = known._replace(cause=cause)

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
        if (error := self._no_more_sockets) is not None and self._needs_upgrade(one):
            if one.id == _SOCKETS:
                return verdict_of(error)
            return skipped(f"follows from {_SOCKETS}: {error.detail}")
        for need in one.needs:
            result = self.results.get(need)
            if result is None or need in self._made_up_for:
                continue
            if result.outcome is Outcome.FAIL:
                return skipped(f"{need} failed: {result.title}")
            if result.outcome is Outcome.SKIP:
                is_told = result.evidence.startswith(
                    ("follows from ", *(f"{one} failed: " for one in self.results))
                )
                return skipped(result.evidence if is_told else f"{need} was skipped: {result.evidence}")
        seconds = self.bench.upgrade_seconds
        if one.is_minor and self.leaves_out and seconds > SLOW_SECONDS:
            return skipped(f"left out, as each upgrade takes {seconds:.1f} s: --only tries it")
        reserve = self._reserve(one)
        if self.budget is not None and reserve and self.bench.spent + reserve > self.budget:
            self.is_out_of_budget = self.budget > 0  # 0 is the wish for what is free
            left = max(self.budget - self.bench.spent, 0)
            return skipped(
                f"up to {reserve} tokens do not fit into the {left} left of a budget of {self.budget}"
            )
        return None

    def _reserve(self, one: Check) -> int:
        """How many tokens must be left for it: what it can cost, and what this server adds to each create."""
        if not one.tokens and not self.bench.spent:
            return 0  # free, as far as is known
        if one.seen_by and self.bench.facts.notes.get(one.seen_by):
            return 0
        needed = one.tokens + one.at_risk
        return needed + one.turns * self.excess if needed else 0

    def _needs_upgrade(self, one: Check) -> bool:
        return _UPGRADE in one.needs or any(
            self._needs_upgrade(other) for other in self.checks if other.id in one.needs
        )

    async def _verdict(self, one: Check) -> Verdict:
        """Try it; again where its socket was refused or lost by chance, and nothing was generated yet."""
        bench = self.bench
        for left in reversed(range(_TRIES)):
            turns = len(bench.inspector.sessions.turns)
            try:
                verdict = await self._tried(one)
            except ConnectError as error:
                if bench.facts.opened is None:
                    return verdict_of(error)
                if not self._needs_upgrade(one) and error.failure_class is not FailureClass.THROTTLED:
                    return verdict_of(error)
                is_cut = self._amend(one, error)
                was_generated = any(turn.responses for turn in bench.inspector.sessions.turns[turns:])
                if left and not was_generated and self._no_more_sockets is None:
                    await bench.pause(_AGAIN_SECONDS)
                    continue
                self._count_lost(error)
                follows = _TURN if is_cut else _SOCKETS
                if follows == one.id or follows not in {other.id for other in self.checks}:
                    return verdict_of(error)
                return skipped(f"follows from {follows}: {error.detail}")
            self._lost_in_row = 0
            return verdict
        raise AssertionError("the last try returns")

    def _count_lost(self, error: ConnectError) -> None:
        self._lost_in_row += 1
        if self._lost_in_row >= _LOST_IN_ROW and self._no_more_sockets is None:
            self._no_more_sockets = error

    def _amend(self, one: Check, error: ConnectError) -> bool:
        """Say where it belongs that a socket was refused or lost later on; whether an answer was cut."""
        facts = self.bench.facts
        said = f"{error.detail} ({one.id})"
        if isinstance(error, Unsteady) and error.turn is not None:
            facts.cut.append(said)
            amended = f"later {len(facts.cut)} answers were cut: {_in_short(facts.cut)}"
            remedy = "Look in the proxy's log at this time: answers that begin must end by an event."
            self._amend_result(_TURN, Outcome.FAIL, amended, remedy, ("cut-in-answer",))
            return True
        if error.failure_class is FailureClass.THROTTLED:
            self._no_more_sockets = error
        facts.unsteady.append(said)
        count, opened = len(facts.unsteady), self.bench.opened
        amended = (
            f"{count} of {opened} sockets were refused or lost before their use: {_in_short(facts.unsteady)}"
        )
        is_rare = error.failure_class is not FailureClass.THROTTLED and count * 2 < opened
        remedy = error.remedy if error.status else _UNSTEADY_REMEDY
        self._amend_result(_SOCKETS, Outcome.WARN if is_rare else Outcome.FAIL, amended, remedy)
        return False

    def _amend_result(
        self, check_id: str, outcome: Outcome, said: str, remedy: str, findings: tuple[str, ...] = ()
    ) -> None:
        first = self._firsts.get(check_id) or self.results.get(check_id)
        if first is None:
            return
        self._firsts[check_id] = first
        bad = first.outcome.is_bad
        bench = self.bench
        self.results[check_id] = first._replace(
            outcome=first.outcome if first.outcome is Outcome.FAIL else outcome,
            evidence=bench.clean(f"{first.evidence}; {said}" if first.evidence else said),
            remedy=first.remedy if bad else bench.clean(remedy),
            who=first.who if bad else Who.PROXY.value,
            findings=first.findings or findings,
        )

    async def _tried(self, one: Check) -> Verdict:
        limit = one.limit_seconds + one.waits_seconds
        scope = asyncio.timeout(limit)
        try:
            async with scope:
                return await one(self.bench)
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
    """What somebody should read first: failures, then warnings; one whose cause is named stands aside."""
    bad = [one for one in results if one.outcome.is_bad]
    names = {one.id for one in bad}
    own = [one for one in bad if one.cause not in names]
    return tuple(sorted(own, key=_weight)[:count])


def _weight(one: Result) -> tuple[bool, int]:
    """Failures before warnings; first what lets nothing through, then what loses or leaks, then the rest."""
    if one.group == Group.REACH.value or one.id == _TURN:
        rank = 0
    elif _LOSES & set(one.findings) or one.group == Group.SECURITY.value:
        rank = 1
    else:
        rank = 2
    return one.outcome is not Outcome.FAIL, rank


def _in_short(said: Sequence[str]) -> str:
    """The first three different ones of these sentences."""
    different = tuple(dict.fromkeys(said))
    more = f"; and {len(different) - 3} more" if len(different) > 3 else ""
    return f"{'; '.join(different[:3])}{more}"
