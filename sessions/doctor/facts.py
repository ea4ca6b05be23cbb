"""The facts: what earlier checks of a run have found out, for those that come later.

Its one rule: a check writes here only what it has seen itself; what nobody has looked at has its default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sessions.records import Record
from sessions.session import Turn


@dataclass
class Facts:
    """What earlier checks found out, for those that come later."""

    opened: Record | None = None  #: of the bare upgrade
    refused: Record | None = None  #: the bare upgrade's, when it was refused
    found_path: str = ""  #: another path that takes the upgrade
    http_status: int = 0  #: of GET models, 0 when it was not answered
    turns: dict[str, Turn] = field(default_factory=dict)  #: turns that several checks look at, by name
    unsteady: list[str] = field(default_factory=list)  #: sockets that were refused or ended before their use
    cut: list[str] = field(default_factory=list)  #: answers that began and were cut, after one that was not
    notes: dict[str, Any] = field(default_factory=dict)  #: what a group's checks tell one another
