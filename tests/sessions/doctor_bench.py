"""A bench at a fake server, for the tests of the doctor: named waits pass in no time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sessions.doctor.battery import Battery, every_check
from sessions.doctor.bench import Bench
from sessions.doctor.check import Check
from sessions.doctor.result import Result
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan

KEY = "sk-test-doctor-4711-0815"


def bench_at(server: FakeServer, **given: Any) -> Bench:
    """A bench whose waits are a hundredth of what they are."""
    changes = {name: given.pop(name) for name in list(given) if name in Plan.__dataclass_fields__}
    plan = Plan(derive(server.base_url), key=Secret(KEY), profile="openai")
    given = {"model": "gpt-6-astra", "pace": 0.01, "environ": {}, "patience_seconds": 5.0, **given}
    return Bench(replace(plan, **changes), **given)


async def run(bench: Bench, *ids: str, **given: Any) -> dict[str, Result]:
    """The results of these checks, all when none is named."""
    battery = Battery(bench, chosen(*ids), **given)
    return {one.id: one async for one in battery.run()}


def chosen(*ids: str) -> tuple[Check, ...]:
    """The checks with these ids, all when none is named."""
    return tuple(one for one in every_check() if not ids or one.id in ids)
