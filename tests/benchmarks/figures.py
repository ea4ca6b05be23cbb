"""Figures of interleaved rounds: medians, spreads and the ratio that counts."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One thing measured over several rounds."""

    name: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def line(self) -> str:
        """One line for people: median and range."""
        spread = f"({min(self.rounds):,.2f} to {max(self.rounds):,.2f})"
        return f"  {self.name:<44} {self.median:>12,.2f} {self.unit:<10} {spread}"


class Ratio(NamedTuple):
    """A promise: a ratio and the bound it should keep."""

    name: str
    value: float
    bound: float
    is_floor: bool  #: the value should be at least the bound, else at most

    @property
    def is_kept(self) -> bool:
        return self.value >= self.bound if self.is_floor else self.value <= self.bound

    def line(self) -> str:
        """One line for people: the ratio, its bound, and whether it was kept in this run."""
        word = "at least" if self.is_floor else "at most"
        verdict = "kept" if self.is_kept else "NOT KEPT in this run"
        return f"  => {self.name}: {self.value:.2f} ({word} {self.bound:.2f}: {verdict})"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(title: str, figures: Sequence[Figure], ratios: Sequence[Ratio]) -> None:
    """Write one benchmark's outcome."""
    lines = [title, *(figure.line() for figure in figures), *(ratio.line() for ratio in ratios), ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
