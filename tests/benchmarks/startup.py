"""From exec to the first paint in a terminal: at most 1.4 times a minimal Textual app.

The programs run in a pty of 120x40 in turns; the clock stops when the first words of the screen arrive. The
first picture of the demo says that its server starts; the time until its session stands has no bound.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure, Ratio, report
from tests.benchmarks.terminal import Terminal

_ROUNDS = 9
_MINIMAL = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Minimal(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first-paint")

Minimal().run()
"""


def first_paint(command: list[str], *marks: str) -> list[float]:
    """Milliseconds from exec until each mark stands in the terminal's output; the program is ended then."""
    with Terminal(command, without=("OPENAI_API_KEY",)) as terminal:
        for mark in marks:
            terminal.until(mark, seconds=30)
        return [(terminal.when(mark) - terminal.began) * 1000 for mark in marks]


def run() -> None:
    """Measure and report."""
    minimal, start, demo, stands = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "minimal.py"
        script.write_text(_MINIMAL)
        for _ in range(_ROUNDS):
            minimal += first_paint([sys.executable, str(script)], "first-paint")
            start += first_paint([sys.executable, "-m", "tui.cli"], "Demo")
            first, session = first_paint([sys.executable, "-m", "tui.cli", "demo"], "starting the", "DEMO")
            demo.append(first)
            stands.append(session)
    floor = statistics.median(minimal)
    report(
        "startup: exec to first paint in a pty, 120x40",
        [
            Figure("minimal Textual app", "ms", tuple(minimal)),
            Figure("turnscope", "ms", tuple(start)),
            Figure("turnscope demo", "ms", tuple(demo)),
            Figure("turnscope demo, until its session stands", "ms", tuple(stands)),
        ],
        [
            Ratio("turnscope / minimal app", statistics.median(start) / floor, 1.4, False),
            Ratio("turnscope demo / minimal app", statistics.median(demo) / floor, 1.4, False),
        ],
    )
