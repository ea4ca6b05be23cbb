"""Group A: what can be said about address, key, route and first frame before anything is sent.

Its one rule: nothing is opened and nothing is resolved.
"""

from __future__ import annotations

from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.result import Verdict, passed, warned
from sessions.findings.catalogue import Who


@check("A02", "shape of the path", Cost.LOCAL)
async def path_shape(bench: Bench) -> Verdict:
    """Reads the path: /v1 once, nothing behind /responses."""
    path = bench.plan.endpoint.target.partition("?")[0]
    if path.count("/v1") > 1 or "//" in path:
        return warned(path, "The base URL should end in one /v1.", Who.CLIENT)
    return passed(path)


CHECKS = (path_shape,)
