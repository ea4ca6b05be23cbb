"""Group B: from the name to the 101, each step by itself, and what a refused upgrade means.

Its one rule: who refuses is named, and one cause is one failure: the other checks of this group explain it.
"""

from __future__ import annotations

from sessions.doctor.battery import verdict_of
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.result import Verdict, passed


@check("B07", "the bare upgrade", Cost.FREE)
async def bare_upgrade(bench: Bench) -> Verdict:
    """One upgrade with the key and nothing else that it does not need."""
    knock = await bench.knock()
    if knock.error is not None:
        bench.facts.refused = knock.record
        return verdict_of(knock.error)
    bench.facts.opened = knock.record
    return passed("101")


CHECKS = (bare_upgrade,)
