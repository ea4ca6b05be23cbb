"""What the judge found, by record, by turn and by connection: in words short enough to stand beside things.

Its one rule: it looks at each finding once. Notes stand beside records only; turns and connections are marked
by what somebody should mend.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from typing import NamedTuple

from sessions.finding import Finding, Severity
from sessions.inspector import Inspector

STYLES = {Severity.ERROR: "pane--error", Severity.WARNING: "pane--warning", Severity.NOTE: "pane--dim"}
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


class Mark(NamedTuple):
    """What stands beside a record."""

    words: str
    style: str
    is_wrong: bool  #: False for a note


class Weights(NamedTuple):
    """How many findings of each weight there are."""

    errors: int = 0
    warnings: int = 0
    notes: int = 0

    @property
    def words(self) -> str:
        """Errors and warnings, "" when there are none."""
        return ", ".join(
            f"{count} {noun}{'' if count == 1 else 's'}"
            for count, noun in ((self.errors, "error"), (self.warnings, "warning"))
            if count
        )

    @property
    def style(self) -> str:
        """The component class of the worst."""
        worst = _ORDER[0] if self.errors else _ORDER[1] if self.warnings else _ORDER[2]
        return STYLES[worst]


class Marks:
    """The findings of one inspector, as far as they have come."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._seen = 0
        self._records: list[int] = []
        self._by_record: dict[int, list[Finding]] = {}
        self._by_turn: dict[int, Counter[Severity]] = {}
        self._by_session: dict[int, Counter[Severity]] = {}
        self._all: Counter[Severity] = Counter()

    def at(self, first: int, last: int) -> Mark | None:
        """What was found at these records; None when nothing was."""
        self._take_up()
        place = bisect_left(self._records, first)
        if place >= len(self._records) or self._records[place] > last:
            return None
        found = [
            finding
            for number in self._records[place : bisect_left(self._records, last + 1)]
            for finding in self._by_record[number]
        ]
        worst = min((finding.severity for finding in found), key=_ORDER.index)
        names = list(dict.fromkeys(finding.id for finding in found if finding.severity is worst))
        more = f" +{len(found) - 1}" if len(found) > 1 else ""
        is_wrong = worst is not Severity.NOTE
        return Mark(f"{'! ' if is_wrong else ''}{names[0]}{more}", STYLES[worst], is_wrong)

    def turn(self, number: int) -> Weights:
        """How much was found in a turn."""
        self._take_up()
        return _weights(self._by_turn.get(number))

    def session(self, number: int) -> Weights:
        """How much was found on a connection; 0: on all of them."""
        self._take_up()
        return _weights(self._by_session.get(number) if number else self._all)

    def _take_up(self) -> None:
        findings = self._inspector.findings
        while self._seen < len(findings):
            finding = findings[self._seen]
            self._seen += 1
            record = finding.records[-1]
            if record not in self._by_record:
                insort(self._records, record)
            self._by_record.setdefault(record, []).append(finding)
            self._by_session.setdefault(finding.session, Counter())[finding.severity] += 1
            self._all[finding.severity] += 1
            if finding.turn:
                self._by_turn.setdefault(finding.turn, Counter())[finding.severity] += 1


def _weights(counted: Counter[Severity] | None) -> Weights:
    return Weights(*(counted[severity] for severity in _ORDER)) if counted is not None else Weights()
