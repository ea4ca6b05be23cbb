"""The report: what the doctor found, as text that can be pasted into an issue, and as one JSON object.

Its one rule: it holds no credential and nothing that acts on a terminal, and the worst comes with its
evidence and its remedy. Of the address only host and path are told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sessions import redact
from sessions.doctor.battery import Battery, most_serious
from sessions.doctor.check import Group
from sessions.doctor.result import Outcome, Result
from sessions.exits import Exit, exit_code
from sessions.findings.catalogue import Who
from sessions.fingerprint import Fingerprint, recipe
from sessions.safe import safe
from sessions.version import version

SCHEMA = 1
_HANDSHAKE = Group.REACH.value
_UPGRADE = "B07"
_OUTBOUND = "B06"  # the check of the outbound proxy
_IN_BOTH = "in both: the provider's"
_WIDTH = 78


class Examination(NamedTuple):
    """One run of the battery, or what a recording says, ready to be told."""

    endpoint: str  #: host and path only
    profile: str
    rules: str
    results: tuple[Result, ...]
    capabilities: Mapping[str, str] = {}
    tokens: int = 0
    seconds: float = 0.0
    is_out_of_budget: bool = False
    is_interrupted: bool = False
    excess: int = 0  #: tokens of one create beyond what it holds and asks for
    secrets: tuple[str, ...] = ()
    direct: tuple[Result, ...] = ()  #: the same checks past the proxy
    direct_endpoint: str = ""
    is_recorded: bool = False  #: a recording was read: nothing was sent or spent

    @property
    def ordered(self) -> tuple[Result, ...]:
        """The results as people look for them: by id."""
        return tuple(sorted(self.results, key=lambda one: one.id))

    @property
    def counts(self) -> Counter[str]:
        """How many results there are of each outcome."""
        return Counter(one.outcome.value for one in self.results)


def examination(battery: Battery, *, is_interrupted: bool = False) -> Examination:
    """What a battery has found so far."""
    bench = battery.bench
    endpoint = bench.plan.endpoint
    guesses = battery.bench.suspects.fingerprints
    product = {"product": guesses[0].words} if guesses else {}
    return Examination(
        f"{endpoint.authority}{endpoint.target.partition('?')[0]}",
        bench.plan.profile,
        bench.rules.name,
        tuple(_in_words_of(guesses, one) for one in battery.results.values()),
        {**bench.capabilities, **product},
        bench.spent,
        bench.clock.elapsed(),
        battery.is_out_of_budget,
        is_interrupted,
        battery.excess,
        bench.secrets,
    )


def _in_words_of(guesses: Collection[Fingerprint], one: Result) -> Result:
    """The same result, its remedy said for the product that seems to answer."""
    is_to_mend = one.outcome.is_bad or bool(one.remedy and one.findings)
    words = recipe(guesses, *one.findings, one.failure_class) if is_to_mend else ""
    return one._replace(remedy=f"{one.remedy} {words}".strip()) if words else one


def with_direct(through: Examination, directly: Examination) -> Examination:
    """The same examination with the hop in which each defect lives, told by a second one past the proxy."""
    other = {one.id: one for one in directly.results}
    results = tuple(_with_hop(one, other.get(one.id)) for one in through.results)
    return through._replace(
        results=results,
        direct=directly.results,
        direct_endpoint=directly.endpoint,
        tokens=through.tokens + directly.tokens,
        excess=max(through.excess, directly.excess),
        is_out_of_budget=through.is_out_of_budget or directly.is_out_of_budget,
        secrets=(*through.secrets, *directly.secrets),
    )


def _with_hop(through: Result, directly: Result | None) -> Result:
    """The result with its hop; what is in both is not the proxy's to mend."""
    hop = _hop(through, directly)
    is_providers = hop == _IN_BOTH and through.who == Who.PROXY.value
    return through._replace(hop=hop, who=Who.PROVIDER.value if is_providers else through.who)


def _hop(through: Result, directly: Result | None) -> str:
    """In whose hop a defect lives; both ways go through the same outbound proxy, where there is one."""
    if directly is None or directly.outcome is Outcome.SKIP or through.outcome is Outcome.SKIP:
        return ""
    if through.outcome.is_bad:
        if through.id == _OUTBOUND and directly.outcome.is_bad:
            return "on both ways: the outbound proxy's"
        return _IN_BOTH if directly.outcome.is_bad else "between: only past the proxy it works"
    return "the proxy mends it: only the direct way has it" if directly.outcome.is_bad else ""


def exit_of(found: Examination) -> Exit:
    """3 or 4 when only the handshake failed, else 1 when anything did; 6 when the budget ended it."""
    if found.is_interrupted:
        return Exit.INTERRUPTED
    failures = [one for one in found.ordered if one.outcome is Outcome.FAIL]
    if failures:
        turned_away = any(
            one.id == _UPGRADE and one.outcome is Outcome.FAIL for one in found.results
        ) and not any(
            one.group == Group.TURNS.value and one.outcome is not Outcome.SKIP for one in found.results
        )
        if turned_away or all(one.group == _HANDSHAKE for one in failures):
            classed = next((one.failure_class for one in failures if one.failure_class), "")
            return _exit_of_class(failures, classed)
        return Exit.FINDINGS
    return Exit.RAN_OUT if found.is_out_of_budget else Exit.DONE


def _exit_of_class(failures: Iterable[Result], classed: str) -> Exit:
    from sessions.contract import FailureClass

    upgrade = next((one.failure_class for one in failures if one.id == "B07"), classed)
    return exit_code(FailureClass(upgrade)) if upgrade else Exit.FINDINGS


def plain(found: Examination) -> str:
    """The report as text, one line a check, then the three most serious, then the capabilities."""
    lines = [
        f"turnscope {version()} doctor  {found.endpoint}",
        f"profile {found.profile}, rules {found.rules}, {_spent(found)}",
    ]
    if found.direct_endpoint:
        lines.append(f"compared with {found.direct_endpoint}")
    group = ""
    skipped: list[Result] = []
    for one in found.ordered:
        if one.outcome is Outcome.SKIP:
            skipped.append(one)
            continue
        if one.group != group:
            group = one.group
            lines += ["", f"{group}  {Group(group).words}"]
        lines.append(line_of(one))
    if skipped:
        lines += ["", "skipped"]
        reasons: dict[str, list[str]] = {}
        for one in skipped:
            reasons.setdefault(one.evidence, []).append(one.id)
        lines += [f"  {' '.join(ids)}: {reason}" for reason, ids in reasons.items()]
    lines += _worst(found)
    if found.capabilities:
        able = "; ".join(f"{name} {value}" for name, value in sorted(found.capabilities.items()))
        lines += ["", f"capabilities: {able}"]
    counts = found.counts
    summary = ", ".join(f"{counts[one.value]} {one.value}" for one in Outcome if counts[one.value])
    lines += ["", summary or "nothing was tried"]
    if found.excess:
        lines.append(f"a create cost up to {found.excess} tokens more than it holds: the server adds to it")
    if found.is_out_of_budget:
        lines.append("the budget of tokens left some checks out")
    if found.is_interrupted:
        lines.append("interrupted: only what was found until then")
    return cleaned("\n".join(lines), found.secrets) + "\n"


def fenced(found: Examination) -> str:
    """The same in a code fence, so that an issue shows it as it is: no names, numbers or stars are read."""
    text = plain(found)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}{fence}\n"


def line_of(one: Result) -> str:
    """One check as one line."""
    said = f": {one.evidence}" if one.evidence else ""
    hop = f" [{one.hop}]" if one.hop else ""
    suite = f" (suite: {', '.join(one.suite)})" if one.suite else ""
    cause = f" (see {one.cause})" if one.cause else ""
    return f"  {one.outcome.value:<4}  {one.id}  {one.title}{suite}{said}{hop}{cause}"


def _spent(found: Examination) -> str:
    if found.is_recorded:
        return f"a recording of {found.seconds:.1f} s with {found.tokens} tokens; nothing was sent"
    return f"{found.seconds:.1f} s, {found.tokens} tokens"


def _worst(found: Examination) -> list[str]:
    worst = most_serious(found.ordered)
    if not worst:
        return []
    lines = ["", "most serious"]
    for number, one in enumerate(worst, start=1):
        lines.append(f"  {number}. {one.id} {one.title}: {one.evidence}")
        ids = f" ({', '.join(one.findings)})" if one.findings else ""
        lines.append(f"     who: {one.who}{f', {one.hop}' if one.hop else ''}{ids}")
        lines.append(f"     fix: {one.remedy}")
    return lines


def as_json(found: Examination) -> dict[str, Any]:
    """The report as plain data; its schema only grows."""
    counts = found.counts
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "app": f"turnscope {version()}",
        "endpoint": found.endpoint,
        "profile": found.profile,
        "rules": found.rules,
        "checks": [one.plain() for one in found.ordered],
        "capabilities": dict(found.capabilities),
        "totals": {
            **{outcome.value: counts[outcome.value] for outcome in Outcome},
            "tokens": found.tokens,
            "tokens_more_than_sent": found.excess,
            "seconds": round(found.seconds, 3),
        },
        "is_out_of_budget": found.is_out_of_budget,
        "is_interrupted": found.is_interrupted,
    }
    if found.direct_endpoint:
        out["direct"] = {
            "endpoint": found.direct_endpoint,
            "checks": [one.plain() for one in sorted(found.direct, key=lambda one: one.id)],
        }
    cleaned_out = _cleaned(out, found.secrets)
    assert isinstance(cleaned_out, dict)
    return cleaned_out


def dry_run(battery: Battery, *, is_twice: bool = False) -> str:
    """What would be tried, on one endpoint or on two, and what it can cost at most; as text."""
    lines = []
    group = ""
    for one in sorted(battery.checks, key=lambda one: one.id):
        if one.group.value != group:
            group = one.group.value
            lines += ["", f"{group}  {one.group.words}"]
        price = f", up to {one.tokens} tokens" if one.tokens else ""
        price += f", {one.at_risk} more at worst" if one.at_risk else ""
        wait = f", waits {one.waits_seconds:g} s" if one.waits_seconds else ""
        lines.append(f"  {one.id}  {one.title} [{one.cost.words}{price}{wait}]: {one.sends}")
    bound = battery.estimate
    lines += [
        "",
        f"{bound.checks} checks, at most {bound.turns} creates that can cost and {bound.tokens} tokens, "
        f"{bound.waits_seconds:g} s of waiting{', and the same past the proxy' if is_twice else ''}; "
        "nothing was sent",
        f"{bound.at_risk} of these tokens only where a server answers what it should refuse, or ignores "
        "generate or max_output_tokens.",
        "A server that adds a prompt of its own to each create, or thinks beyond the limit, bills more: "
        "--budget N watches what is really spent.",
    ]
    return cleaned("\n".join(lines[1:]), battery.bench.secrets) + "\n"


def dry_run_json(battery: Battery, *, is_twice: bool = False) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "schema": SCHEMA,
        "dry_run": True,
        "runs": 2 if is_twice else 1,
        "checks": [
            {
                "id": one.id,
                "name": one.name,
                "title": one.title,
                "cost": one.cost.value,
                "sends": one.sends,
                "turns": one.turns,
                "tokens": one.tokens,
                "at_risk": one.at_risk,
                "waits_seconds": one.waits_seconds,
            }
            for one in sorted(battery.checks, key=lambda one: one.id)
        ],
        "at_most": battery.estimate._asdict(),
    }


def cleaned(text: str, secrets: Collection[str]) -> str:
    """A text without these secrets and without anything that acts on a terminal."""
    return safe(redact.text(text, secrets).value)


def _cleaned(value: object, secrets: Collection[str]) -> object:
    if isinstance(value, str):
        return cleaned(value, secrets)
    if isinstance(value, dict):
        return {name: _cleaned(one, secrets) for name, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one, secrets) for one in value]
    return value
