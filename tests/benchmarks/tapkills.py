"""200 kills around a tap, at random moments of a running answer: of the tap, of its screen, of the client.

Every recording is read afterwards. A killed tap may lose what came within its last flush interval; a killed
screen or client may cost nothing: the tap goes on, and its recording is whole to the end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sessions.journal import FLUSH_SECONDS
from sessions.reading import Reading
from sessions.soundness import Soundness
from tests.benchmarks.figures import Figure, Ratio, percentile, report
from tests.benchmarks.terminal import Terminal

KILLS = int(os.environ.get("TURNSCOPE_KILLS", "200"))
_RATE = 2_000
_PROGRAM = [sys.executable, "-m", "sessions.cli"]
_SCREEN = [sys.executable, "-m", "tui.cli"]
_VICTIMS = ("tap", "screen", "client")
_HARMLESS = frozenset({"cut-end", "no-end", "digest-missing"})  # what a kill may leave at the end of a file


class Program(NamedTuple):
    """A server program that is ready."""

    popen: subprocess.Popen[str]
    ready: dict[str, str]


class Remains(NamedTuple):
    """What a kill has left."""

    victim: str
    records: int
    lost_seconds: float  #: of a killed tap: between its last record and the last that its client received
    damage: tuple[str, ...]  #: ids of what is wrong with the recording beyond its end


def run() -> None:
    """Measure and report."""
    moments = random.Random(7)
    with (
        tempfile.TemporaryDirectory() as folder,
        _program(["fake", "--port", "0", "--rate", str(_RATE)]) as up,
    ):
        found = [
            _kill(_VICTIMS[turn % 3], Path(folder) / f"{turn}.jsonl", up.ready["base_url"], moments)
            for turn in range(KILLS)
        ]
    lost = [one.lost_seconds * 1_000 for one in found if one.victim == "tap"]
    damaged = [one for one in found if one.damage]
    for one in damaged:
        sys.stdout.write(f"  {one.victim}: {', '.join(one.damage)} in {one.records} records\n")
    interval = FLUSH_SECONDS * 1_000
    report(
        f"tapkills: {KILLS} kills of tap, screen and client",
        [
            Figure("lost by a killed tap", "ms", tuple(lost)),
            Figure("records that were kept", "records", tuple(float(one.records) for one in found)),
        ],
        [
            Ratio("recordings that are damaged before their end", float(len(damaged)), 0.0, False),
            Ratio("99 of 100 lost / the interval", percentile(lost, 0.99) / interval, 1.1, False),
            Ratio("the worst lost / the interval", max(lost) / interval, 1.5, False),
        ],
    )


def _kill(victim: str, path: Path, upstream: str, moments: random.Random) -> Remains:
    tap_words = ["tap", "--headless", "--upstream", upstream, "--listen", "0", "--record", str(path)]
    with _program(tap_words) as tap:
        with _client(tap.ready["base_url"]) as client:
            if not client.is_heard.wait(20):
                raise RuntimeError("no event reached the client within 20 s")
            seconds = moments.uniform(0.02, 0.6)
            if victim == "screen":
                with Terminal([*_SCREEN, "attach", str(path)]) as terminal:
                    terminal.until("LIVE", seconds=20)
                    _let_pass(seconds)
            else:
                _let_pass(seconds)
                (tap.popen if victim == "tap" else client.popen).kill()
            if victim == "tap":
                tap.popen.wait(10)
                client.popen.wait(20)
        if victim != "tap":
            tap.popen.send_signal(signal.SIGTERM)
            tap.popen.wait(20)
        return _remains(victim, path, client)


def _remains(victim: str, path: Path, client: _Client) -> Remains:
    soundness = Soundness()
    with path.open("rb") as lines:
        lines.readline()
        wrong = [finding for place, line in enumerate(lines, 2) for finding in soundness.take(line, place)]
    wrong += soundness.end()
    damage = tuple(
        finding.id for finding in wrong if finding.id not in _HARMLESS and finding.severity != "note"
    )
    if victim != "tap":
        damage += tuple(finding.id for finding in wrong if finding.id == "cut-end")
    reading = Reading.whole(path)
    try:
        count = len(reading)
        last = reading.wall_at(count - 1) if count else client.first_wall
        lost = max(0, client.last_wall - last) / 1_000_000 if victim == "tap" else 0.0
        return Remains(victim, count, lost, damage)
    finally:
        reading.close()


class _Client:
    """A client with a long answer on its way; it notes when the newest event reached it."""

    def __init__(self, base_url: str) -> None:
        words = ["send", "--no-record", "--base-url", base_url, "--model", "m", "/flood 100000"]
        self.popen = subprocess.Popen(
            [*_PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.is_heard = threading.Event()
        self.first_wall = 0  #: when its first event came, in microseconds since the epoch
        self.last_wall = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            if '"dir":"server","kind":"text"' in line:
                self.last_wall = int(line[line.index('"t":') + 4 : line.index(',"mono"')])
                self.first_wall = self.first_wall or self.last_wall
                if "output_text.delta" in line:
                    self.is_heard.set()

    def end(self) -> None:
        """End it and what reads it."""
        self.popen.kill()
        self.popen.wait(10)
        self._reader.join(10)
        assert self.popen.stdout is not None
        self.popen.stdout.close()


@contextmanager
def _client(base_url: str) -> Iterator[_Client]:
    client = _Client(base_url)
    try:
        yield client
    finally:
        client.end()


@contextmanager
def _program(words: list[str]) -> Iterator[Program]:
    with subprocess.Popen(
        [*_PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as popen:
        assert popen.stdout is not None
        try:
            yield Program(popen, json.loads(popen.stdout.readline()))
        finally:
            if popen.poll() is None:
                os.kill(popen.pid, signal.SIGTERM)
                try:
                    popen.wait(20)
                except subprocess.TimeoutExpired:
                    popen.kill()


def _let_pass(seconds: float) -> None:
    time.sleep(seconds)  # a benchmark of kills at random moments has nothing else to wait for
