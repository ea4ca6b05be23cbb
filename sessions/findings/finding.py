"""A finding: one thing that is wrong, with the records that prove it. Frozen facts, no wording of its own.

Title, remedy and whose it is stand in the catalogue; a profile can make a finding a note.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"  #: a standard client breaks, hangs or loses something
    WARNING = "warning"  #: it works, at a cost, or with some clients only
    NOTE = "note"  #: worth knowing; nobody has to mend anything

    @property
    def is_defect(self) -> bool:
        """Whether a check fails because of it."""
        return self is Severity.ERROR


class Who(StrEnum):
    """Who can mend it."""

    CLIENT = "client"
    PROXY = "proxy"
    NETWORK = "network"
    PROVIDER = "provider"
    NOBODY = "nobody"


class Finding(NamedTuple):
    """One thing that is wrong in one place."""

    id: str  #: stable, in words: `sequence-gap`
    severity: Severity
    session: int
    turn: int  #: 0 when it belongs to no turn
    records: tuple[int, ...]  #: the numbers that prove it, the newest last
    who: Who
    title: str
    evidence: str
    remedy: str

    def plain(self) -> dict[str, Any]:
        """The object that machine-readable faces print."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "session": self.session,
            "turn": self.turn,
            "records": list(self.records),
            "who": self.who.value,
            "title": self.title,
            "evidence": self.evidence,
            "remedy": self.remedy,
        }
