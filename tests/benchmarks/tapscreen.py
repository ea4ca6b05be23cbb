"""What a busy screen costs those who speak through the tap: the slowest frames with and without one.

1,000 frames a second pass the tap while a screen follows its recording in a pty of 120x40, and again without
it. Screen and tap are processes of their own; they share the machine with server and client.
"""

from __future__ import annotations

import socket
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


@contextmanager
def _screen(recording: Path) -> Iterator[Terminal]:
    """A screen that follows the recording and paints what comes, as long as the context lasts."""
    is_over = threading.Event()
    with Terminal([*_SCREEN, str(recording)]) as terminal:
        terminal.until("LIVE", seconds=30)

        def paint() -> None:
            while not is_over.is_set():
                terminal.read(0.1)

        reader = threading.Thread(target=paint)
        reader.start()
        try:
            yield terminal
        finally:
            is_over.set()
            reader.join()


def run() -> None:
    """Measure and report."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    upstream = int(listener.getsockname()[1])
    threading.Thread(target=tap.accept, args=(listener,), daemon=True).start()
    middles: dict[str, list[float]] = {"alone": [], "screen": []}
    tails: dict[str, list[float]] = {"alone": [], "screen": []}
    painted = []
    with tempfile.TemporaryDirectory(prefix="turnscope-benchmark-") as folder:
        recording = Path(folder) / "tap.jsonl"
        with tap.tapped(upstream, recording) as port:
            tap.receive(port, 200, is_paced=True)
            for turn in range(_ROUNDS):
                for kind in ("alone", "screen") if turn % 2 else ("screen", "alone"):
                    if kind == "screen":
                        with _screen(recording) as terminal:
                            before, began = len(terminal.painted), time.monotonic()
                            took, _ = tap.receive(port, _FRAMES, is_paced=True)
                            painted.append((len(terminal.painted) - before) / (time.monotonic() - began))
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
