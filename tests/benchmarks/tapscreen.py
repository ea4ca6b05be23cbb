"""What a busy screen costs those who speak through the tap: the slowest frames with and without one.

1,000 frames a second pass the tap while a screen follows its recording in a pty of 120x40, and again without
it. Screen and tap are processes of their own; they share the machine with server and client.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import tap
from tests.benchmarks.figures import Figure, Ratio, percentile, report
from tests.benchmarks.terminal import Terminal

_ROUNDS = 7
_FRAMES = 2_000
_SCREEN = [sys.executable, "-m", "tui.cli", "attach"]
#: reads what a terminal would until the program in it has ended; then says how many bytes that were
_PAINTER = """
import os
count = 0
try:
    while more := os.read(0, 65_536):
        count += len(more)
except OSError:
    pass
print(count)
"""


@contextmanager
def _screen(recording: Path, painted: list[float]) -> Iterator[None]:
    """A screen that follows the recording and paints what comes, as long as the context lasts.

    What it paints is read by a process of its own, as by a terminal: in this one the reading would hold up
    the server and the client.
    """
    with Terminal([*_SCREEN, str(recording)]) as terminal:
        terminal.until("LIVE", seconds=30)
        command = [sys.executable, "-c", _PAINTER]
        with subprocess.Popen(command, stdin=terminal.descriptor, stdout=subprocess.PIPE) as painter:
            assert painter.stdout is not None
            began = time.monotonic()
            yield
            terminal.end()
            painted.append(int(painter.stdout.read()) / (time.monotonic() - began))


def run() -> None:
    """Measure and report."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    upstream = int(listener.getsockname()[1])
    threading.Thread(target=tap.accept, args=(listener,), daemon=True).start()
    middles: dict[str, list[float]] = {"alone": [], "screen": []}
    tails: dict[str, list[float]] = {"alone": [], "screen": []}
    painted: list[float] = []
    with tempfile.TemporaryDirectory(prefix="turnscope-benchmark-") as folder:
        recording = Path(folder) / "tap.jsonl"
        with tap.tapped(upstream, recording) as port:
            tap.receive(port, 200, is_paced=True)
            for turn in range(_ROUNDS):
                for kind in ("alone", "screen") if turn % 2 else ("screen", "alone"):
                    if kind == "screen":
                        with _screen(recording, painted):
                            took, _ = tap.receive(port, _FRAMES, is_paced=True)
                    else:
                        took, _ = tap.receive(port, _FRAMES, is_paced=True)
                    middles[kind].append(percentile(took, 0.5))
                    tails[kind].append(percentile(took, 0.99))
    figures = [
        Figure("alone, p50", "us", tuple(middles["alone"])),
        Figure("with a screen, p50", "us", tuple(middles["screen"])),
        Figure("alone, p99", "us", tuple(tails["alone"])),
        Figure("with a screen, p99", "us", tuple(tails["screen"])),
        Figure("painted by the screen", "bytes/s", tuple(painted)),
    ]
    ratio = figures[3].median / figures[2].median
    report(
        f"a frame through the tap at 1,000 frames a second, {_FRAMES} frames a round",
        figures,
        [Ratio("p99 with a busy screen to p99 without", ratio, 1.5, False)],
    )
