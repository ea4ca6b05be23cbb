"""The countdown: from the 101, in words, a bar, and how urgent it is."""

from __future__ import annotations

import pytest

from sessions.reducer import fold
from sessions.session import Session
from tests import make
from tui.countdown import Urgency, countdown


def opened(lifetime: float) -> Session:
    wire = make.Wire(step=0.0, at=100.0)
    return fold([wire.open(lifetime=lifetime)]).sessions[1]


@pytest.mark.parametrize(
    ("lifetime", "age", "words", "urgency"),
    [
        (3600, 79, "58:41 left", Urgency.CALM),
        (3600, 2999, "10:01 left", Urgency.CALM),
        (3600, 3000, "10:00 left, roll over soon", Urgency.WARN),
        (3600, 3480, "2:00 left, ROLL OVER NOW", Urgency.ALARM),
        (3600, 3700, "0:00 left, age limit reached", Urgency.OVER),
        (1500, 900, "10:00 left, roll over soon", Urgency.WARN),
        (90, 0, "1:30 left", Urgency.CALM),
        (90, 46, "0:44 left, roll over soon", Urgency.WARN),
        (90, 73, "0:17 left, ROLL OVER NOW", Urgency.ALARM),
    ],
)
def test_words_and_urgency(lifetime: float, age: float, words: str, urgency: Urgency) -> None:
    left = countdown(opened(lifetime), 100.0 + age)
    assert (left.words, left.urgency) == (words, urgency)


def test_the_bar_empties() -> None:
    assert countdown(opened(100), 100.0).bar(12) == "[##########]"
    assert countdown(opened(100), 150.0).bar(12) == "[#####-----]"


def test_it_stands_still_after_the_end() -> None:
    wire = make.Wire(step=0.0)
    opening = wire.open()
    wire.wait(60.0)
    session = fold([opening, wire.lost()]).sessions[1]
    assert countdown(session, 60.0) == countdown(session, 1_000.0)
