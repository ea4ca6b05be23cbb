"""Opening 1,000,000 records: the first screen as soon as of 1,000, line offsets near `wc -l`, the way back.

The first screen is an opened file, slices of reading and of showing until it is full. Line offsets are what
a `Playback` finds next, in slices, before it reads on; all of them are counted here. Going back by ten from
the end restores a checkpoint and shows the rest; it is set against showing everything again from zero.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sessions.checkpoints import Checkpoints
from sessions.inspector import Inspector
from sessions.reading import Reading
from sessions.recording import Recording
from tests.benchmarks.events import conversation
from tests.benchmarks.figures import Figure, Ratio, report

_SMALL, _LARGE, _ROUNDS, _SLICE, _ROWS = 1_000, 1_000_000, 7, 0.003, 60


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def _written(path: Path, count: int) -> Path:
    recording = Recording.create(path)
    for record in conversation(count):
        recording.append(record)
    recording.close()
    return path


def _first_screen(path: Path) -> None:
    reading = Reading.open(path)
    inspector = Inspector(reading)
    while len(reading) < _ROWS:  # one slice of each is enough on a machine that is not busy
        reading.read_on(_SLICE)
        inspector.show_on(_ROWS, _SLICE)
    reading.close()


def _counted(path: Path, seconds: float = _SLICE) -> None:
    """Open it and find where every line ends, as a playback does, in slices of this time."""
    reading = Reading.open(path)
    while reading.find_on(seconds):
        pass
    assert reading.expected == _LARGE
    reading.close()


def _folded(reading: Reading, checkpoints: Checkpoints) -> tuple[list[float], list[float], list[float]]:
    """Read and show everything in slices; how long each reading, showing and checkpoint took, in ms."""
    read: list[float] = []
    shown: list[float] = []
    kept: list[float] = []
    inspector = Inspector(reading)
    while reading.known < reading.bytes_total():
        before = reading.known
        read.append(_timed(lambda: reading.read_on(0.01)))
        if reading.known == before:
            break
    while len(reading) < reading.known:
        shown.append(_timed(lambda: inspector.show_on(reading.known, 0.01)))
        count = len(checkpoints)
        took = _timed(lambda: checkpoints.note(inspector.sessions, len(reading)))
        if len(checkpoints) != count:
            kept.append(took)
    return read, shown, kept


def _gone_back(reading: Reading, checkpoints: Checkpoints, count: int) -> None:
    sessions, seen = checkpoints.restore(count)
    reading.show(seen)
    inspector = Inspector(reading, sessions=sessions)
    inspector.show_on(count, float("inf"))
    assert inspector.sessions.records == count


def run() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        small = _written(Path(folder) / "small.jsonl", _SMALL)
        large = _written(Path(folder) / "large.jsonl", _LARGE)
        first_small, first_large, counted, found = [], [], [], []
        for path in (small, large):
            _first_screen(path)
        for _ in range(_ROUNDS):
            first_small.append(_timed(lambda: _first_screen(small)))
            first_large.append(_timed(lambda: _first_screen(large)))
            counted.append(
                _timed(lambda: subprocess.run(["wc", "-l", large], capture_output=True, check=True))
            )
            found.append(_timed(lambda: _counted(large)))
        checkpoints = Checkpoints()
        reading = Reading.open(large)
        read, shown, kept = _folded(reading, checkpoints)
        back = [
            _timed(lambda place=place: _gone_back(reading, checkpoints, place))  # type: ignore[misc] # bound now
            for place in range(_LARGE - 10, _LARGE - 60, -10)
        ]
        zero = [_timed(lambda: _gone_back(reading, Checkpoints(), _LARGE - 10)) for _ in range(2)]
        reading.close()
    report(
        f"opening: a recording of {_LARGE:,} records",
        [
            Figure(f"first screen of {_SMALL:,}", "ms", tuple(first_small)),
            Figure(f"first screen of {_LARGE:,}", "ms", tuple(first_large)),
            Figure("wc -l", "ms", tuple(counted)),
            Figure(f"line offsets, in slices of {_SLICE * 1_000:.0f} ms", "ms", tuple(found)),
            Figure("a slice of reading (10 ms wanted)", "ms", tuple(read)),
            Figure("a slice of showing (10 ms wanted)", "ms", tuple(shown)),
            Figure("all of it read", "ms", (sum(read),)),
            Figure("a checkpoint", "ms", tuple(kept)),
            Figure("all of it shown, checkpoints included", "ms", (sum(shown) + sum(kept),)),
            Figure(f"back by ten ({len(checkpoints)} checkpoints)", "ms", tuple(back)),
            Figure("the same from zero", "ms", tuple(zero)),
        ],
        [
            Ratio(
                "first screen, large / small",
                statistics.median(first_large) / statistics.median(first_small),
                1.5,
                False,
            ),
            Ratio("line offsets / wc -l", statistics.median(found) / statistics.median(counted), 3.0, False),
            Ratio("back by ten / from zero", statistics.median(back) / statistics.median(zero), 0.1, False),
        ],
    )
