"""Memory at 1,000,000 events: at most 64 bytes an event beyond the frame's own bytes and the text shown.

Each way to hold them is measured in a process of its own, as growth of its resident memory between the
first thousands, when everything is loaded, and the last. The frames themselves stay on disk.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from pathlib import Path

from sessions.checkpoints import Checkpoints
from sessions.inspector import Inspector
from sessions.journal import Journal
from sessions.reading import Reading
from sessions.recording import Recording
from tests.benchmarks.events import conversation, text_bytes
from tests.benchmarks.figures import Figure, Ratio, report

_FIRST, _COUNT, _ROUNDS = 20_000, 1_000_000, 3
_KINDS = ("recorded", "read", "read, with checkpoints")


def _resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def measure(kind: str) -> float:
    """Bytes an event of one way to hold them; to be run in a fresh process."""
    total = _FIRST + _COUNT
    if kind == "recorded":
        inspector = Inspector(Recording.create(None))
        first = 0
        for number, record in enumerate(conversation(total), start=1):
            inspector.feed(record)
            if number == _FIRST:
                first = _resident()
    else:
        checkpoints = Checkpoints()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "million.jsonl"
            journal = Journal.create(path)
            for record in conversation(total):
                journal.append(record)
            journal.close()
            reading = Reading.open(path)
            inspector = Inspector(reading)
            first = 0
            while inspector.show_on(total if first else _FIRST, 0.01) or reading.read_on(0.01):
                if kind != "read":
                    checkpoints.note(inspector.sessions, len(reading))
                if not first and len(reading) == _FIRST:
                    first = _resident()
                    while reading.find_on(0.01):  # as a playback does: every line is counted ahead
                        pass
    grown = _resident() - first
    assert len(inspector.recording) == total
    inspector.recording.close()
    return (grown - text_bytes(_COUNT)) / _COUNT


def _measured(kind: str) -> float:
    program = (
        f"import sys; from tests.benchmarks import memory; sys.stdout.write(str(memory.measure({kind!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run() -> None:
    """Measure and report."""
    rounds: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for _ in range(_ROUNDS):
        for kind in _KINDS:
            rounds[kind].append(_measured(kind))
    figures = [Figure(kind, "bytes", tuple(found)) for kind, found in rounds.items()]
    report(
        f"memory: an event of {_COUNT:,}, beyond its text",
        figures,
        [Ratio(f"{one.name} / 64 bytes", one.median / 64, 1.0, False) for one in figures],
    )
