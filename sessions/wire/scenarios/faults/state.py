"""Faults of memory: the server remembers what it should have forgotten, or the other way round."""

from __future__ import annotations

from sessions.wire.scenarios.faults.fault import Fault, StateFault

FAULTS: tuple[Fault, ...] = (
    StateFault("no-eviction", "a failed continuation does not make its lane forget the parent"),
    StateFault("not-found-masked", "an unknown parent is reported under another code (argument: the code)"),
    StateFault("wrong-parent", "the parent is echoed, but its context is lost"),
)
