"""One row of the catalogue of findings: what is always the same about a finding."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sessions.finding import Severity


class Who(StrEnum):
    """Who can mend it."""

    CLIENT = "client"
    PROXY = "proxy"
    NETWORK = "network"
    PROVIDER = "provider"
    NOBODY = "nobody"


class Entry(NamedTuple):
    """How bad it is, who can mend it, its title and what to do."""

    severity: Severity
    who: Who
    title: str
    remedy: str
