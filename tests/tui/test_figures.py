"""Numbers as people read them."""

from __future__ import annotations

import pytest

from sessions.contract import Status
from sessions.session import Turn
from tui.figures import (
    bar,
    bytes_words,
    clock_words,
    count_words,
    left_words,
    percentile,
    seconds_words,
    standing,
    standing_style,
)


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "-"), (0, "0"), (999, "999"), (1_000, "1.0k"), (1_234, "1.2k"), (21_400, "21k"),
     (999_400, "999k"), (999_600, "1.0M"), (1_900_000, "1.9M"), (7_000_000_000, "7.0G")],
)  # fmt: skip
def test_counts(count: int | None, words: str) -> None:
    assert count_words(count) == words


@pytest.mark.parametrize(
    ("count", "words"), [(None, "-"), (0, "0 B"), (165, "165 B"), (999, "999 B"), (1_000, "1.0k")]
)
def test_sizes_below_a_thousand_say_their_unit(count: int | None, words: str) -> None:
    assert bytes_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.0, "0ms"), (0.412, "412ms"), (3.12, "3.1s"), (9.96, "10s"), (47.2, "47s"),
     (59.7, "1m00s"), (185.0, "3m05s"), (7440.0, "2h04m")],
)  # fmt: skip
def test_durations(seconds: float | None, words: str) -> None:
    assert seconds_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3521, "58:41"), (0.9, "0:00"), (-4, "0:00"), (3723, "1:02:03")]
)
def test_clocks(seconds: float, words: str) -> None:
    assert clock_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3521, "58 min"), (601, "10 min"), (600, "10:00"), (119.9, "1:59"), (0.0, "0:00")]
)
def test_what_is_left_is_told_to_the_second_only_at_the_end(seconds: float, words: str) -> None:
    assert left_words(seconds) == words


def test_bars_are_characters() -> None:
    assert bar(1.0, 12) == "[##########]"
    assert bar(0.5, 12) == "[#####-----]"
    assert bar(-1.0, 4) == "[--]"


def test_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0], 0.95) == 3.0


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_word_and_a_style(status: Status) -> None:
    turn = Turn(1, 1, None, 0, 0.0)
    turn.status = status
    assert standing(turn)
    assert standing_style(turn).startswith("pane--")


def test_a_warm_up_is_called_so() -> None:
    turn = Turn(1, 1, None, 0, 0.0)
    turn.status, turn.is_warmup = Status.COMPLETED, True
    assert standing(turn) == "warmed up"
