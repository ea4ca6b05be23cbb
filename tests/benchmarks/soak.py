"""Ten minutes of 2,000 events a second through a tap: its memory stays flat, and every event is in the file.

Server, tap and client are three programs of their own, as in use. Resident memory is read from the system
every few seconds; the first minute, in which everything has been touched once, is the measure for the rest.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.reading import Reading
from sessions.records import Direction, Kind
from tests.benchmarks.figures import Figure, Ratio, report

SECONDS = float(os.environ.get("TURNSCOPE_SOAK_SECONDS", "600"))
RATE = 2_000
_LOOK_SECONDS = 5.0
_PROGRAM = [sys.executable, "-m", "sessions.cli"]


def run() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soak.jsonl"
        with _server(["fake", "--port", "0", "--rate", str(RATE)]) as upstream:
            command = ["tap", "--headless", "--upstream", upstream["base_url"], "--listen", "0"]
            with _server([*command, "--record", str(path)]) as tap:
                memory = _watch(tap, int(RATE * SECONDS))
        events, others, seconds = _recorded(path)
        size = path.stat().st_size
    warm = max(1, len(memory) // 10)
    early, late = statistics.median(memory[warm : 2 * warm]), statistics.median(memory[-warm:])
    report(
        f"soak: {SECONDS:.0f} s at {RATE:,} events a second through the tap",
        [
            Figure("memory of the tap", "MiB", tuple(memory)),
            Figure("events in the recording", "", (float(events),)),
            Figure("other records", "", (float(others),)),
            Figure("events a second", "", (events / seconds,)),
            Figure("size of the recording", "MiB", (size / (1 << 20),)),
        ],
        [
            Ratio("memory in the last tenth / in the second tenth", late / early, 1.1, False),
            Ratio("events in the recording / events sent", events / (RATE * SECONDS), 0.98, True),
        ],
    )


def _watch(tap: dict[str, str], deltas: int) -> list[float]:
    """Let a client ask for so many deltas; the tap's memory in MiB, look by look, until the answer ends."""
    asked = [*_PROGRAM, "send", "--text", "--no-record", "--base-url", tap["base_url"], "--model", "m"]
    memory: list[float] = []
    with subprocess.Popen([*asked, f"/flood {deltas}"], stdout=subprocess.DEVNULL) as client:
        deadline = time.monotonic() + SECONDS * 1.5 + 30
        try:
            while client.poll() is None and time.monotonic() < deadline:
                memory.append(_resident(int(tap["pid"])))
                with _no_end():
                    client.wait(_LOOK_SECONDS)
        finally:
            client.kill()
    return memory


@contextmanager
def _no_end() -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired:
        pass


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@contextmanager
def _server(command: list[str]) -> Iterator[dict[str, str]]:
    """A program that prints one line when it is ready; it is stopped by a signal."""
    with subprocess.Popen([*_PROGRAM, *command], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            ready = json.loads(program.stdout.readline())
            yield {"pid": str(program.pid), **{key: str(value) for key, value in ready.items()}}
        finally:
            program.terminate()
            program.wait(20)


def _recorded(path: Path) -> tuple[int, int, float]:
    """Messages of the server in a recording, all other records, and the seconds from first to last."""
    reading = Reading.whole(path)
    try:
        numbers = range(len(reading))
        events = sum(
            reading.kind_at(one) is Kind.TEXT and reading.direction_at(one) is Direction.SERVER
            for one in numbers
        )
        return events, len(reading) - events, reading.elapsed_at(len(reading) - 1) - reading.elapsed_at(0)
    finally:
        reading.close()
