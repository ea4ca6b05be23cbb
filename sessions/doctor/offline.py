"""The doctor without an endpoint: the checks that a recording can answer, by what the judge finds in it.

Its one rule: the same findings decide as when the checks run, and a check that no record can answer is
skipped, never passed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sessions.doctor.battery import every_check
from sessions.doctor.check import Check, Group
from sessions.doctor.report import Examination
from sessions.doctor.result import Outcome, Result, judged
from sessions.doctor.rules import Rules
from sessions.finding import Finding
from sessions.findings.judge import Judge
from sessions.findings.rules import OF_PROFILE, forgiven
from sessions.inspector import Inspector
from sessions.reading import Reading
from sessions.reducer import Sessions

_ALL_SECONDS = float("inf")
#: without their finding these say nothing: only who tries it knows that a limit or a lane is as it should be
_ONLY_BY_TRYING = ("F01", "F02", "F03", "F09", "F10", "F15")


def examine(
    reading: Reading,
    rules: Rules | None,
    name: str,
    habits: Mapping[str, Collection[str]] | None = None,
) -> Examination:
    """What a recording says, check by check; raises RecordingError when it cannot be read."""
    sessions = Sessions()
    forgiving = forgiven(OF_PROFILE if rules is None else rules.name, habits)
    inspector = Inspector(reading, sessions=sessions, judge=Judge(sessions, forgiving))
    while reading.read_on(_ALL_SECONDS):
        while inspector.show_on(reading.known, _ALL_SECONDS):
            pass
    findings = (*inspector.findings, *inspector.judge.end())
    results = _results(every_check(), findings, _seen(inspector), _unshown(inspector))
    profiles = sorted({session.profile for session in sessions.sessions.values() if session.profile})
    used = (response.usage for turn in sessions.turns for response in turn.responses if response.usage)
    return Examination(
        name,
        ", ".join(profiles) or "unknown",
        rules.name if rules is not None else "of the profile",
        results,
        tokens=sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in used),
        seconds=max((turn.ended for turn in sessions.turns), default=0.0),
    )


def _seen(inspector: Inspector) -> frozenset[Group]:
    """The groups that this recording can say anything about."""
    sessions = inspector.sessions
    groups = set()
    if sessions.sessions:
        groups |= {Group.REACH, Group.SECURITY}
    if any(turn.failure is not None for turn in sessions.turns):
        groups.add(Group.ERRORS)
    if any(turn.responses for turn in sessions.turns):
        groups |= {Group.TURNS, Group.LIMITS}
    if any(turn.parent for turn in sessions.turns):
        groups.add(Group.CHAIN)
    return frozenset(groups)


def _unshown(inspector: Inspector) -> Mapping[str, str]:
    """The checks that this recording cannot pass, each with the reason, by id."""
    sessions = inspector.sessions
    unshown = dict.fromkeys(_ONLY_BY_TRYING, "a recording cannot show it: it has to be tried")
    if not any(session.route.startswith("via ") for session in sessions.sessions.values()):
        unshown["B06"] = "no socket of the recording went through an outbound proxy"
    called = {
        response.id
        for turn in sessions.turns
        for response in turn.responses
        if any(item.type == "function_call" for item in response.items)
    }
    if not any(turn.parent and turn.parent in called for turn in sessions.turns):
        unshown["E07"] = "no call of a function is answered in the recording"
    return unshown


def _results(
    checks: Sequence[Check],
    findings: Sequence[Finding],
    seen: frozenset[Group],
    unshown: Mapping[str, str],
) -> tuple[Result, ...]:
    out = []
    covered: set[str] = set()
    for one in checks:
        if not one.findings:
            continue
        covered.update(one.findings)
        verdict = judged(findings, one.findings, "nothing wrong in this recording")
        if verdict.outcome is Outcome.PASS and one.explains:
            out.append(_result(one, Outcome.SKIP, f"only asked where {one.explains} fails"))
            continue
        if verdict.outcome is Outcome.PASS and one.group not in seen:
            out.append(_result(one, Outcome.SKIP, "the recording has nothing of it"))
            continue
        if verdict.outcome is Outcome.PASS and one.id in unshown:
            out.append(_result(one, Outcome.SKIP, unshown[one.id]))
            continue
        out.append(
            Result(
                one.id, one.name, one.title, one.group.value, *verdict[:3], verdict.who.value,
                verdict.failure_class, verdict.findings, suite=one.suite,
            )
        )  # fmt: skip
    rest = [one for one in findings if one.id not in covered]
    for number, finding_id in enumerate(dict.fromkeys(one.id for one in rest), start=1):
        verdict = judged(rest, (finding_id,))
        first = next(one for one in rest if one.id == finding_id)
        out.append(
            Result(
                f"{Group.TURNS.value}{90 + number}", finding_id, first.title, Group.TURNS.value, *verdict[:3],
                verdict.who.value, "", verdict.findings,
            )
        )  # fmt: skip
    return tuple(out)


def _result(one: Check, outcome: Outcome, evidence: str) -> Result:
    return Result(one.id, one.name, one.title, one.group.value, outcome, evidence)
