"""Moments as people write them, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.moment import HELP, Measure, Moment, parse


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1:30", Moment(Measure.SECONDS, 90.0)),
        ("1:02:03", Moment(Measure.SECONDS, 3723.0)),
        ("0:01.5", Moment(Measure.SECONDS, 1.5)),
        (" 90s ", Moment(Measure.SECONDS, 90.0)),
        ("250ms", Moment(Measure.SECONDS, 0.25)),
        ("2m", Moment(Measure.SECONDS, 120.0)),
        ("+10s", Moment(Measure.STEP, 10.0)),
        ("-1:00", Moment(Measure.STEP, -60.0)),
        ("#1200", Moment(Measure.RECORD, 1200.0)),
        ("T5", Moment(Measure.TURN, 5.0)),
        ("t5", Moment(Measure.TURN, 5.0)),
        ("40%", Moment(Measure.SHARE, 0.4)),
        ("0", Moment(Measure.SECONDS, 0.0)),
        ("start", Moment(Measure.SECONDS, 0.0)),
        ("End", Moment(Measure.END)),
    ],
)
def test_what_people_write(text: str, moment: Moment) -> None:
    assert parse(text) == moment


@pytest.mark.parametrize("text", ["12", "+12", "-7"])
def test_a_bare_number_is_refused_with_the_ways_to_say_it(text: str) -> None:
    number = text.lstrip("+-")
    with pytest.raises(ValueError, match=rf"#{number} a record, T{number} a turn"):
        parse(text)


@pytest.mark.parametrize("text", ["", "soon", "1:75", "101%", "#", "#-1", "T", "++1s"])
def test_what_names_no_moment_is_told_what_would(text: str) -> None:
    with pytest.raises(ValueError) as told:
        parse(text)
    assert HELP in str(told.value)


@given(st.text(max_size=12))
def test_any_text_is_a_moment_or_a_sentence(text: str) -> None:
    try:
        moment = parse(text)
    except ValueError:
        return  # and nothing else: the sentences are looked at above
    assert moment.measure in Measure
