"""Receive, decode, reduce and judge without a screen: at least 60 % of a bare `recv()` loop, 100,000 deltas.

Both clients read the same built-in server, which runs in a process of its own and writes as fast as it can.
The floor is `websockets`' own client in its quickest plain form; ours makes a record of every frame, decodes
it, applies it, judges it, and in a third figure writes the recording too.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.asyncio.client import connect as bare_connect

from sessions.events import decode
from sessions.findings.judge import Judge
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.reducer import Sessions
from sessions.secret import Secret
from sessions.session import Turn
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from tests.benchmarks.figures import Figure, Ratio, report

_DELTAS, _ROUNDS = 100_000, 7
_CREATE = json.dumps(
    {"type": "response.create", "model": "bench", "input": f"/flood {_DELTAS}", "store": False}
)


@contextmanager
def server() -> Iterator[str]:
    """The built-in server in another process; its base URL."""
    command = [sys.executable, "-m", "sessions.cli", "fake", "--port", "0", "--no-compression"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.terminate()


async def _bare(base_url: str) -> float:
    url = derive(base_url).url
    headers = {"Authorization": "Bearer sk-bench"}
    async with bare_connect(url, additional_headers=headers, compression=None, max_size=None) as socket:
        await socket.send(_CREATE)
        started = time.perf_counter()
        count = 0
        while True:
            message = await socket.recv()
            count += 1
            if message.startswith('{"type":"response.completed"'):  # type: ignore[arg-type] # text frames only
                return count / (time.perf_counter() - started)


async def _ours(base_url: str, *, is_recording: bool) -> float:
    plan = Plan(derive(base_url), key=Secret("sk-bench"), compression=False)
    live = connect(plan)
    await live.opened()
    inspector = Inspector(Recording.create(None), plan.secrets) if is_recording else None
    sessions = inspector.sessions if inspector else Sessions()
    judge = Judge(sessions)
    await live.send(_CREATE)
    started = time.perf_counter()
    turn: Turn | None = None
    async for batch in live.batches():
        for record in batch:
            if inspector is not None:
                inspector.feed(record)
            else:
                number, event = sessions.records, decode(record.payload)
                judge.judge(record, number, event, sessions.apply(record, event))
        turn = turn or sessions.turn(1)
        if turn is not None and not turn.is_live:
            break
    rate = sessions.records / (time.perf_counter() - started)
    assert turn is not None
    assert turn.response is not None
    assert turn.response.deltas >= _DELTAS
    await live.aclose()
    if inspector is not None:
        inspector.recording.close()
    return rate


def run() -> None:
    """Measure and report."""
    bare, ours, recorded = [], [], []
    with server() as base_url:
        asyncio.run(_bare(base_url))
        for _ in range(_ROUNDS):
            bare.append(asyncio.run(_bare(base_url)))
            ours.append(asyncio.run(_ours(base_url, is_recording=False)))
            recorded.append(asyncio.run(_ours(base_url, is_recording=True)))
    shares = [mine / floor for mine, floor in zip(ours, bare, strict=True)]
    kept = [mine / floor for mine, floor in zip(recorded, bare, strict=True)]
    report(
        f"pipeline: {_DELTAS:,} deltas from the built-in server, no screen",
        [
            Figure("bare recv() loop", "events/s", tuple(bare)),
            Figure("receive + decode + reduce + judge", "events/s", tuple(ours)),
            Figure("the same with the recording", "events/s", tuple(recorded)),
        ],
        [
            Ratio("receive + decode + reduce + judge / bare", statistics.median(shares), 0.60, True),
            Ratio("the same with the recording / bare", statistics.median(kept), 0.40, True),
        ],
    )
