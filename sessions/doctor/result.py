"""What came of a check: one of five outcomes, with evidence, whose it is to mend, and what to do.

Its one rule: whatever is no pass explains itself. A verdict is what a check's function says; a result is the
verdict with its check, its time and its cost, as every face shows it. Both are frozen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.finding import Finding, Severity
from sessions.findings.catalogue import Who


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    INFO = "info"

    @property
    def is_bad(self) -> bool:
        """Whether somebody has something to mend."""
        return self in (Outcome.WARN, Outcome.FAIL)


class Verdict(NamedTuple):
    """What a check says about what it tried."""

    outcome: Outcome
    evidence: str = ""  #: what was seen: a frame number, a header, a close code
    remedy: str = ""  #: what to do; "" where there is nothing to mend
    who: Who = Who.NOBODY
    failure_class: str = ""  #: a `contract.FailureClass` where one fits
    findings: tuple[str, ...] = ()  #: ids of findings that prove it
    makes_up_for: tuple[str, ...] = ()  #: ids of failed checks that no longer stand in the way of others
    stands_for: tuple[str, ...] = ()  #: ids of earlier failures that only follow from this one


class Result(NamedTuple):
    """One row of the report."""

    id: str  #: as in the list of checks: B07
    name: str  #: in words, stable: bare-upgrade
    title: str
    group: str  #: the group's letter
    outcome: Outcome
    evidence: str = ""
    remedy: str = ""
    who: str = Who.NOBODY.value
    failure_class: str = ""
    findings: tuple[str, ...] = ()
    ms: float = 0.0
    tokens: int = 0  #: that it cost, as the server said, or as many as it can have cost
    suite: tuple[str, ...] = ()  #: names of tests of the public Open Responses suite that look at the same
    hop: str = ""  #: where the defect lives, when the direct way was tried too
    cause: str = ""  #: id of the check that names why this one failed

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for machine-readable faces."""
        return {
            **self._asdict(),
            "outcome": self.outcome.value,
            "failure_class": self.failure_class or None,
            "findings": list(self.findings),
            "suite": list(self.suite),
            "ms": round(self.ms, 1),
        }


def passed(evidence: str = "") -> Verdict:
    """All is as it should be."""
    return Verdict(Outcome.PASS, evidence)


def told(evidence: str, remedy: str = "") -> Verdict:
    """Worth knowing, and nothing to mend: a capability, a number."""
    return Verdict(Outcome.INFO, evidence, remedy)


def warned(evidence: str, remedy: str, who: Who = Who.PROXY, failure_class: str = "") -> Verdict:
    """It works, but somebody will stumble over it."""
    return Verdict(Outcome.WARN, evidence, remedy, who, failure_class)


def failed(
    evidence: str,
    remedy: str,
    who: Who = Who.PROXY,
    failure_class: str = "",
    *,
    makes_up_for: tuple[str, ...] = (),
) -> Verdict:
    """A defect."""
    return Verdict(Outcome.FAIL, evidence, remedy, who, failure_class, (), makes_up_for)


def skipped(reason: str) -> Verdict:
    """Not tried, and why."""
    return Verdict(Outcome.SKIP, reason)


def judged(findings: Iterable[Finding], ids: Collection[str], evidence: str = "") -> Verdict:
    """The verdict that findings with these ids give: the worst of them; a pass where there is none.

    An error is a fail, a warning a warn; a note, which a profile's known deviation is too, is told.
    """
    found = [finding for finding in findings if finding.id in ids]
    if not found:
        return passed(evidence)
    worst = min(found, key=lambda one: _BY_WEIGHT[one.severity])
    names = tuple(dict.fromkeys(one.id for one in found))
    said = "; ".join(dict.fromkeys(_sentences(found, name) for name in names))
    return Verdict(_OUTCOMES[worst.severity], said, worst.remedy, Who(worst.who), "", names)


def verdict_of(error: ConnectError) -> Verdict:
    """A refusal or an end in the middle as a verdict."""
    failure = error.failure_class
    who = Who.NETWORK if failure in _NETWORKS else Who.CLIENT if failure in _CLIENTS else Who.PROXY
    return failed(error.detail or str(error), error.remedy, who, failure.value)


_OUTCOMES = {Severity.ERROR: Outcome.FAIL, Severity.WARNING: Outcome.WARN, Severity.NOTE: Outcome.INFO}
_BY_WEIGHT = {severity: weight for weight, severity in enumerate(_OUTCOMES)}


def _sentences(found: Collection[Finding], name: str) -> str:
    """What the findings of one id say: the first of them, and how many more there are."""
    same = [one for one in found if one.id == name]
    more = len({_sentence(one) for one in same}) - 1
    return f"{_sentence(same[0])}{f', and {more} more' if more else ''}"


def _sentence(finding: Finding) -> str:
    where = f"#{finding.records[0]}" if finding.records else ""
    evidence = ", ".join(part for part in (where, finding.evidence) if part)
    return f"{finding.title} ({evidence})" if evidence else finding.title


_CLIENTS = (FailureClass.UNAUTHORIZED, FailureClass.THROTTLED)
_NETWORKS = (FailureClass.DNS, FailureClass.TCP, FailureClass.TLS, FailureClass.UPGRADE_SILENT)
