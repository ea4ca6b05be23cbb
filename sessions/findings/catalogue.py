"""Every finding there is: its id, how bad it is, who can mend it, its title and what to do.

One row an id, in the table beside the rules that claim it. The ids are stable, because scripts and reports
quote them; wording may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.findings.entries import bodies, chains, errors, frames, sockets, stream
from sessions.findings.entry import Entry, Who

__all__ = ["CATALOGUE", "Entry", "Who"]

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        **sockets.ENTRIES,
        **frames.ENTRIES,
        **stream.ENTRIES,
        **bodies.ENTRIES,
        **errors.ENTRIES,
        **chains.ENTRIES,
    }
)
