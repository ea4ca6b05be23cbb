"""How long the doctor's default run takes on a clean local endpoint, against ten sequential turns on it.

The endpoint thinks before it speaks and speaks as fast as a quick model, so that a turn is a turn. The waits
that checks name are taken off: they are idle, whatever the endpoint does.
"""

from __future__ import annotations

import asyncio
import time

from sessions.doctor.battery import Battery
from sessions.doctor.bench import Bench
from sessions.doctor.result import Outcome
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from tests.benchmarks.figures import Figure, Ratio, report

_ROUNDS = 3
_TURNS = 10
_THINK_MS = 400.0
_RATE = 60.0  # tokens a second


def run() -> None:
    """Measure and print."""
    turns: list[float] = []
    runs: list[float] = []
    waits: list[float] = []
    tokens: list[float] = []
    for _ in range(_ROUNDS):
        turns.append(asyncio.run(_turns()))
        seconds, waited, spent = asyncio.run(_examined())
        runs.append(seconds - waited)
        waits.append(waited)
        tokens.append(float(spent))
    ten = Figure(f"{_TURNS} sequential turns", "s", tuple(turns))
    doctor = Figure("the doctor's default run without its waits", "s", tuple(runs))
    figures = (
        ten,
        doctor,
        Figure("waits that its checks name", "s", tuple(waits)),
        Figure("tokens that it cost", "tokens", tuple(tokens)),
    )
    ratio = Ratio("default run to ten turns", doctor.median / ten.median, 1.0, is_floor=False)
    report(f"doctor: {_THINK_MS:g} ms of thought, {_RATE:g} tokens/s, {_ROUNDS} rounds", figures, (ratio,))


def _server() -> FakeServer:
    return FakeServer(Options(seed=1, think_ms=_THINK_MS, rate=_RATE))


def _bench(server: FakeServer) -> Bench:
    plan = Plan(derive(server.base_url), key=Secret("benchmark"), profile="openai")
    return Bench(plan, model="gpt-6-astra", environ={})


async def _turns() -> float:
    async with _server() as server:
        bench = _bench(server)
        began = time.perf_counter()
        async with bench.open() as bout:
            parent = None
            for number in range(_TURNS):
                frame = bench.frame(
                    f"Tell me fact {number} about plums.", parent=parent, max_output_tokens=None
                )
                parent = (await bout.ask(frame)).response_id
        return time.perf_counter() - began


async def _examined() -> tuple[float, float, int]:
    async with _server() as server:
        bench = _bench(server)
        battery = Battery(bench)
        began = time.perf_counter()
        bad = [one.id async for one in battery.run() if one.outcome is Outcome.FAIL]
        seconds = time.perf_counter() - began
        assert not bad, bad
        return seconds, bench.waited_seconds, bench.spent


if __name__ == "__main__":
    run()
