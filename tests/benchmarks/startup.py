"""From exec to the first paint in a terminal: at most 1.4 times a minimal Textual app.

Both programs run in a pty of 120x40 in turns; the clock stops when the first words of the screen arrive.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, Ratio, report

_ROUNDS = 9
_MINIMAL = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Minimal(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first-paint")

Minimal().run()
"""


def first_paint(command: list[str], mark: bytes, limit_seconds: float = 30.0) -> float:
    """Milliseconds from exec until `mark` stands in the terminal's output; the program is ended then."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        home = tempfile.gettempdir()
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40", "HOME": home}
        environ.pop("OPENAI_API_KEY", None)
        os.execvpe(command[0], command, environ)
    seen = b""
    try:
        while mark not in seen:
            ready, _, _ = select.select([terminal], [], [], limit_seconds)
            if not ready or time.perf_counter() - started > limit_seconds:
                raise TimeoutError(f"{command} painted no {mark!r} within {limit_seconds:g} s")
            try:
                seen += os.read(terminal, 65_536)
            except OSError as error:  # the program ended
                raise RuntimeError(f"{command} ended before it painted: {seen[-400:]!r}") from error
        return (time.perf_counter() - started) * 1000
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def run() -> None:
    """Measure and report."""
    root = Path(__file__).resolve().parents[2]
    os.chdir(root)
    minimal, start, demo = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "minimal.py"
        script.write_text(_MINIMAL)
        for _ in range(_ROUNDS):
            minimal.append(first_paint([sys.executable, str(script)], b"first-paint"))
            start.append(first_paint([sys.executable, "-m", "tui.cli"], b"Demo"))
            demo.append(first_paint([sys.executable, "-m", "tui.cli", "demo"], b"DEMO"))
    floor = statistics.median(minimal)
    report(
        "startup: exec to first paint in a pty, 120x40",
        [
            Figure("minimal Textual app", "ms", tuple(minimal)),
            Figure("turnscope", "ms", tuple(start)),
            Figure("turnscope demo", "ms", tuple(demo)),
        ],
        [
            Ratio("turnscope / minimal app", statistics.median(start) / floor, 1.4, False),
            Ratio("turnscope demo / minimal app", statistics.median(demo) / floor, 1.4, False),
        ],
    )
