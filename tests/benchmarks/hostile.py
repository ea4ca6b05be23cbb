"""The longest a key waits for its paint while hostile text and frames arrive, and while they are looked at.

Nothing may block a key for 200 ms. Each case is a server with one fault or scenario and our program in a pty
of 120x40: letters are typed into the box while the answer comes, then events are chosen one after the other,
raw shows each in its next view, and letters are typed while it does. The first case is an ordinary answer:
the noise of the machine. What the terminal received is searched for what only remote text could have made.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from tests.benchmarks.figures import Figure, Ratio, report
from tests.benchmarks.terminal import Terminal, server
from tests.escapes import foreign

_KEYS = "§¶¤¥£¢¿¡ÆØÅæøåÞþÐðßµ÷×¬¦±°¹²³"
_LETTERS = "ĀĂĄĆĈĊČĎĐĒĔĖ"  # painted by nothing else
_LIMIT_MS = 200.0


class Case(NamedTuple):
    """One kind of hostility."""

    name: str
    prompt: str
    fault: str = ""
    seconds: float = 3.0  #: of typing while it arrives


CASES = (
    Case("ordinary answer", "hello"),
    Case("hostile text", "/hostile"),
    Case("one line of a million characters", "/hostile line"),
    Case("hostile names", "/hostile names"),
    Case("no JSON", "hello", "non-json"),
    Case("binary frames", "hello", "binary"),
    Case("nested 10,000 deep", "hello", "deep-nesting"),
    Case("lone surrogates", "hello", "lone-surrogates"),
    Case("event-stream prefix", "hello", "sse-prefix"),
    Case("unknown event", "hello", "unknown-event"),
    Case("16 MiB, one string", "hello", "big-frame"),
    Case("16 MiB, small objects", "hello", "big-frame-objects"),
    Case("a million tiny deltas", "hello", "million-deltas", 12.0),
)


class Waits(NamedTuple):
    """Milliseconds from key to paint."""

    arriving: tuple[float, ...]
    looking: tuple[float, ...]


def _type(terminal: Terminal, seconds: float) -> list[float]:
    began = time.perf_counter()
    waits = []
    for at, key in enumerate(_KEYS):
        terminal.idle(began + seconds * at / len(_KEYS) - time.perf_counter())
        waits.append(terminal.answer_ms(key))
    return waits


def watch(case: Case) -> Waits:
    """Run one case; raises RuntimeError when something foreign reached the terminal."""
    faults = ("--fault", case.fault) if case.fault else ()
    with server("--no-compression", *faults) as base_url:
        command = [sys.executable, "-m", "tui.cli", "connect", base_url, "--no-record", "--model", "bench"]
        with Terminal(command) as terminal:
            terminal.until("59:5")
            terminal.press(case.prompt)
            terminal.until(case.prompt[-1])
            terminal.idle(0.5)
            start = terminal.press("\r")
            arriving = _type(terminal, case.seconds)
            looking = _look(terminal)
            if found := foreign(bytes(terminal.painted[start:])):
                raise RuntimeError(f"{case.name}: the terminal received {found[:5]!r}")
            return Waits(tuple(arriving), tuple(looking))


def _look(terminal: Terminal) -> list[float]:
    """Walk up the events, look at each in the next view of raw, and type a letter meanwhile."""
    waits: list[float] = []
    for letter in _LETTERS:
        terminal.press("\x1b")
        terminal.idle(0.25)  # only then an escape is a key of its own
        for key in "2k4v":
            waits.append(terminal.painted_ms(key))
        waits.append(terminal.answer_ms("i", " typing "))  # as the last line says
        waits.append(terminal.answer_ms(letter))
    return waits


def run() -> None:
    """Measure and report."""
    os.environ.setdefault("OPENAI_API_KEY", "sk-bench-not-a-key")
    figures, worst = [], 0.0
    for case in CASES:
        waits = watch(case)
        figures.append(Figure(f"{case.name}: while it arrives", "ms", waits.arriving))
        figures.append(Figure(f"{case.name}: while it is looked at", "ms", waits.looking))
        sys.stderr.write(f"  {case.name}: {max(waits.arriving):.0f} ms, {max(waits.looking):.0f} ms\n")
        worst = max(worst, *waits.arriving, *waits.looking)
    report(
        f"hostile: key to paint, medians and ranges, load {os.getloadavg()[0]:.1f}",
        figures,
        [Ratio("the longest wait / 200 ms", worst / _LIMIT_MS, 1.0, False)],
    )
