"""The screen at 5,000 events a second, side by side with two stock ScrollViews fed the same.

Both run in a pty of 120x40, in turns. A frame counts when it shows a record that no frame before it showed:
painting the same twice is no frame. A key is one character typed into the box; its paint is that character
coming back. Bounds: at least 1.5 times the frames, at most a quarter of the key-to-paint time at the median
and at p95.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import time
from typing import NamedTuple

from tests.benchmarks.figures import Figure, Ratio, percentile, report
from tests.benchmarks.terminal import Frame, Terminal, cpu_seconds, server

_RATE, _SECONDS, _ROUNDS = 5_000, 8.0, 3
_KEYS = "§¶¤¥£¢¿¡ÆØÅæøåÞþÐðßµ÷×¬¦±°¹²³¼½¾"
_PROMPT = "/flood 400000"
_ROW = re.compile(r"\b(\d+) +\d+\.\d{3}\b")  # a record's number and its time, as both programs write them


class Watched(NamedTuple):
    """What one program did while it was watched."""

    frames: float  #: a second, that show new records
    paints: float  #: a second, all of them
    events: float  #: a second, by the record numbers that were shown
    processor: float  #: share of one processor
    keys_ms: tuple[float, ...]


def fresh(frames: list[Frame]) -> list[tuple[float, int]]:
    """The frames that show a newer record than all before: when, and which."""
    found: list[tuple[float, int]] = []
    newest = -1
    for frame in frames:
        shown = max((int(number) for number in _ROW.findall(frame.text)), default=-1)
        if shown > newest:
            newest = shown
            found.append((frame.at, shown))
    return found


def _watch(terminal: Terminal) -> Watched:
    """Frames and key times over some seconds of full stream."""
    terminal.idle(2.0)
    keys: list[float] = []
    began, busy = time.perf_counter(), cpu_seconds(terminal.child)
    for at, key in enumerate(_KEYS):
        terminal.idle(began + _SECONDS * at / len(_KEYS) - time.perf_counter())
        keys.append(terminal.answer_ms(key))
    terminal.idle(began + _SECONDS - time.perf_counter())
    seconds = time.perf_counter() - began
    busy = cpu_seconds(terminal.child) - busy
    frames = terminal.frames(began)
    new = fresh(frames)
    if len(new) < 2:
        raise RuntimeError("nothing new was shown: is the prompt sent?")
    rate = (new[-1][1] - new[0][1]) / (new[-1][0] - new[0][0])
    return Watched(len(new) / seconds, len(frames) / seconds, rate, busy / seconds, tuple(keys))


def _stock(base_url: str) -> Watched:
    with Terminal([sys.executable, "-m", "tests.benchmarks.stock", base_url, _PROMPT]) as terminal:
        terminal.until("stock-ready")
        terminal.until("output_text.delta")
        return _watch(terminal)


def _ours(base_url: str) -> Watched:
    command = [sys.executable, "-m", "tui.cli", "connect", base_url, "--no-record", "--model", "bench"]
    with Terminal(command) as terminal:
        terminal.until("59:5")  # the countdown: the socket is open
        terminal.press(_PROMPT)
        terminal.until(_PROMPT[-1])
        terminal.idle(0.5)
        terminal.press("\r")
        terminal.until("output_text.delta")
        return _watch(terminal)


def run() -> None:
    """Measure and report."""
    os.environ.setdefault("OPENAI_API_KEY", "sk-bench-not-a-key")
    stock: list[Watched] = []
    ours: list[Watched] = []
    with server("--rate", str(_RATE), "--no-compression") as base_url:
        for _ in range(_ROUNDS):
            stock.append(_stock(base_url))
            ours.append(_ours(base_url))
    figures: list[Figure] = []
    for name, all_watched in (("two stock ScrollViews", stock), ("turnscope", ours)):
        for words, unit, values in (
            ("frames with new records", "a second", [one.frames for one in all_watched]),
            ("key to paint, median", "ms", [statistics.median(one.keys_ms) for one in all_watched]),
            ("key to paint, p95", "ms", [percentile(one.keys_ms, 0.95) for one in all_watched]),
            ("all paints", "a second", [one.paints for one in all_watched]),
            ("events received", "a second", [one.events for one in all_watched]),
            ("processor", "% of one", [one.processor * 100 for one in all_watched]),
        ):
            figures.append(Figure(f"{name}: {words}", unit, tuple(values)))
    medians = [figure.median for figure in figures]
    load = os.getloadavg()[0]
    report(
        f"screen: {_RATE:,} events a second, pty of 120x40, {len(_KEYS)} keys a round, load {load:.1f}",
        figures,
        [
            Ratio("frames, ours / stock", medians[6] / medians[0], 1.5, True),
            Ratio("key to paint at the median, ours / stock", medians[7] / medians[1], 0.25, False),
            Ratio("key to paint at p95, ours / stock", medians[8] / medians[2], 0.25, False),
        ],
    )
