"""The line of time at any width: what stays, what goes, and where the bar's marks are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.playback import Pace, Playback
from sessions.reading import Reading
from sessions.recording import Recording
from tests.conftest import HandClock
from tests.make import Wire, create, error
from tui.timeline import bar_cells, position_words, speed_words, state_words, time_line


@pytest.fixture
def playback(tmp_path: Path, clock: HandClock) -> Iterator[Playback]:
    """A recording of a hundred seconds: a turn at 0 and one at 50 that fails."""
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    wire = Wire(step=0.0)
    records = [wire.open(), *wire.turn("resp_1")]
    wire.wait(50.0)
    records += [wire.sent(create("again")), wire.got(error("server_error", status=500))]
    wire.wait(50.0)
    for record in [*records, wire.close()]:
        recording.append(record)
    recording.close()
    made = Playback(Reading.open(path), clock)
    yield made
    made.reading.close()


def folded(playback: Playback) -> Playback:
    """The same playback, at rest."""
    while playback.advance(5.0) <= 0:
        pass
    return playback


def test_state_is_a_word(playback: Playback) -> None:
    assert state_words(playback) == "LOADING 0 %"
    folded(playback)
    assert state_words(playback) == "AT THE END"
    assert "AT THE END, space plays it" in time_line(playback, 120).text.plain
    playback.seek(3)
    assert state_words(folded(playback)) == "PAUSED"
    playback.pace, playback.speed = Pace.PLAYING, 0.25
    assert state_words(playback) == "PLAYING 0.25x"
    playback.speed = math.inf
    assert state_words(playback) == f"PLAYING {speed_words(math.inf)}" == "PLAYING max"
    playback.pace = Pace.LIVE
    assert state_words(playback) == "ENDED"


def test_times_of_a_short_recording_have_tenths(playback: Playback) -> None:
    assert position_words(folded(playback)) == "1:40.0 / 1:40.0"
    playback.seek_time(61.55)
    assert position_words(folded(playback)) == "1:01.5 / 1:40.0"


@pytest.mark.parametrize("cells", range(1, 220, 7))
def test_no_line_is_wider_than_its_room(playback: Playback, cells: int) -> None:
    line = time_line(folded(playback), cells)
    assert line.text.cell_len <= cells
    if line.bar_cells:
        assert line.bar_start + line.bar_cells <= cells


def test_where_there_is_little_room_state_and_time_stay(playback: Playback) -> None:
    line = time_line(folded(playback), 28)
    assert line.text.plain.split() == ["AT", "THE", "END", "1:40.0", "/", "1:40.0"]
    assert line.bar_cells == 0


def test_the_whole_line(playback: Playback) -> None:
    folded(playback).seek_time(25.0)
    line = time_line(folded(playback), 100)
    words, bar = line.text.plain[: line.bar_start], line.text.plain[line.bar_start :]
    assert words.split("  ") == [" PAUSED", "0:25.0 / 1:40.0", "#11 of 14", "T1 of 2", "1 error", ""]
    assert len(bar) == line.bar_cells
    assert bar.index("█") == line.bar_cells // 4
    assert bar.index("!") in (line.bar_cells // 2 - 1, line.bar_cells // 2)  # it is on the border of two
    assert set(bar[: bar.index("█")]) <= {"━", "┼"}
    assert set(bar[bar.index("!") + 1 :]) == {"─"}
    assert bar[0] == "┼"


def test_a_cut_of_silences_is_said(playback: Playback) -> None:
    folded(playback).is_shortening = True
    assert "silences cut to 2 s" in time_line(playback, 120).text.plain
    assert "no silences" in time_line(playback, 60).text.plain


def test_while_its_length_is_not_known_the_bar_tells_how_far_it_is(playback: Playback) -> None:
    line = time_line(playback, 80)
    assert "LOADING" in line.text.plain
    assert set(line.text.plain[line.bar_start :]) == {"─"}


def test_cells_hold_the_marks_of_their_stretch_of_time() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 9.9]

    def number_at(at: float) -> int:
        return sum(time <= at for time in times)

    assert bar_cells(5, 10.0, 5, number_at, [0]) == (True, False, False, False, False)
    assert bar_cells(5, 10.0, 5, number_at, [3, 4]) == (False, True, False, False, True)
    assert bar_cells(5, 10.0, 5, number_at, []) == (False,) * 5
    assert bar_cells(5, 0.0, 0, number_at, []) == (False,) * 5


def test_so_many_turns_that_they_would_hide_the_bar_are_left_out(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "many.jsonl"
    recording = Recording.create(path)
    wire = Wire()
    recording.append(wire.open())
    for number in range(200):
        for record in wire.turn(f"resp_{number}"):
            recording.append(record)
    recording.close()
    playback = folded(Playback(Reading.open(path), clock))
    line = time_line(playback, 100)
    assert "T200 of 200" in line.text.plain
    assert "┼" not in line.text.plain
    playback.reading.close()


def test_turns_that_may_still_come_are_said_to(tmp_path: Path, clock: HandClock) -> None:
    wire = Wire()
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    for record in [
        wire.open(),
        *(one for turn in range(900) for one in wire.turn(f"resp_{turn}", "One two.")),
    ]:
        recording.append(record)
    recording.close()
    playback = Playback(Reading.open(path), clock)
    while not playback.turns:
        playback.advance(0.001)
    assert f" of {len(playback.turns)}+" in time_line(playback, 120).text.plain
    while playback.advance(0.01) <= 0:
        pass
    assert "T900 of 900 " in time_line(playback, 120).text.plain
    playback.reading.close()
