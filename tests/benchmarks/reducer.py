"""The reducer's cost a delta: at 1,000,000 deltas of one answer at most 1.5 times that at 10,000."""

from __future__ import annotations

import gc
import json
import statistics
import time

from sessions.events import decode
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions
from tests.benchmarks.figures import Figure, Ratio, report

_ITEM = {"id": "msg_1", "type": "message"}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_SMALL, _LARGE, _ROUNDS = 10_000, 1_000_000, 5


def _record(body: dict[str, object], direction: Direction = Direction.SERVER) -> Record:
    return Record(1, direction, Kind.TEXT, 0, 1.0, json.dumps(body).encode())


def _begun() -> Sessions:
    sessions = Sessions()
    for record in (
        _record({"type": "response.create", "model": "m", "input": "hi"}, Direction.CLIENT),
        _record({"type": "response.created", "response": {"id": "resp_1"}}),
        _record({"type": "response.output_item.added", "output_index": 0, "item": _ITEM}),
        _record(
            {"type": "response.content_part.added", **_PLACE, "part": {"type": "output_text", "text": ""}}
        ),
    ):
        sessions.apply(record)
    return sessions


def _microseconds(count: int, words: list[Record]) -> float:
    """Cost a delta over the last 10,000 of `count`, so that growth shows and is not averaged away."""
    sessions = _begun()
    events = [decode(record.payload) for record in words]
    pairs = list(zip(words, events, strict=True))
    for _ in range(count // len(pairs) - 1):
        for record, event in pairs:
            sessions.apply(record, event)
    gc.collect()
    started = time.perf_counter()
    for record, event in pairs:
        sessions.apply(record, event)
    return (time.perf_counter() - started) / len(pairs) * 1e6


def run() -> None:
    """Measure and report."""
    words = [
        _record(
            {
                "type": "response.output_text.delta",
                "sequence_number": n,
                "item_id": "msg_1",
                "output_index": 0,
                "content_index": 0,
                "delta": f"word{n} ",
                "logprobs": [],
                "obfuscation": "x" * (n % 16),
            }
        )
        for n in range(_SMALL)
    ]
    small, large = [], []
    for _ in range(_ROUNDS):
        small.append(min(_microseconds(_SMALL, words) for _ in range(5)))
        large.append(_microseconds(_LARGE, words))
    report(
        "reducer: cost of a delta as an answer grows",
        [Figure("at 10,000 deltas", "us", tuple(small)), Figure("at 1,000,000 deltas", "us", tuple(large))],
        [Ratio("at 1,000,000 / at 10,000", statistics.median(large) / statistics.median(small), 1.5, False)],
    )
