"""A finding: one thing that is wrong or worth knowing about a recording, as every face shows it.

Its one rule: a finding explains itself: title, evidence and remedy are words for a person, the id is for
scripts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """How much a finding weighs; only an error makes a check fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """One row of a check."""

    id: str  #: in words, such as `number-jump`
    severity: Severity
    session: int  #: 0 when it is about the whole recording
    records: tuple[int, ...]  #: numbers of the records it is about
    line: int  #: of the file, from 1; 0 when it is about no single line
    who: str  #: who can mend it: client, proxy, network, provider, nobody; or of the file: file, clock, tap
    title: str
    evidence: str
    remedy: str
    turn: int = 0  #: 0 when it belongs to no turn

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for machine-readable faces."""
        return {**self._asdict(), "severity": self.severity.value, "records": list(self.records)}
