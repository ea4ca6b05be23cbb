"""A playhead over a recording, driven by a clock that is moved by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.changes import Change, What
from sessions.moment import Measure, Moment, parse
from sessions.playback import Pace, Playback, is_error
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Record
from sessions.reducer import fold
from tests.conftest import HandClock
from tests.make import WALL, Wire, create, error

ENOUGH = 5.0  # seconds that a step may work; none of these needs them


def conversation() -> list[Record]:
    """Three turns, the second of which fails, with a long silence before the third."""
    wire = Wire()
    records = [wire.open(), *wire.turn("resp_1", "One two three.")]
    records += [wire.sent(create("again")), wire.got(error("server_error", status=500))]
    wire.wait(30.0)
    records += [*wire.turn("resp_3", "The third answer."), wire.close()]
    return records


def written(path: Path, records: list[Record]) -> Recording:
    """A file with these records in it, whose writer has not gone."""
    recording = Recording.create(path, source="test")
    for record in records:
        recording.append(record)
    recording.flush()
    return recording


@pytest.fixture
def records() -> list[Record]:
    """The records of the recording that is played."""
    return conversation()


@pytest.fixture
def playback(tmp_path: Path, records: list[Record], clock: HandClock) -> Iterator[Playback]:
    """A playback of a finished file, folded to its end."""
    path = tmp_path / "a.jsonl"
    written(path, records).close()
    made = Playback(Reading.open(path), clock)
    run(made)
    yield made
    made.reading.close()


def run(playback: Playback) -> None:
    """Drive until nothing is due at once."""
    for _ in range(10_000):
        if playback.advance(ENOUGH) > 0:
            return
    raise AssertionError("it never rests")


def same(playback: Playback, records: list[Record]) -> None:
    """The state at the playhead is what the records before it add up to."""
    expected = fold(records[: playback.position]).snapshot()
    assert playback.inspector.sessions.snapshot() == expected


def test_it_opens_at_the_end_with_everything_folded(playback: Playback, records: list[Record]) -> None:
    assert playback.position == playback.known == len(records)
    assert playback.is_at_end
    assert not playback.is_folding
    assert not playback.is_growing
    assert playback.share == 1.0
    assert playback.pace is Pace.PAUSED
    assert playback.elapsed() == playback.duration == records[-1].elapsed
    same(playback, records)


def test_it_knows_where_turns_and_errors_are(playback: Playback, records: list[Record]) -> None:
    begins = [n for n, one in enumerate(records) if b'"response.create"' in one.payload]
    assert list(playback.turns) == begins
    assert len(begins) == 3
    assert [records[n].payload[:15] for n in playback.errors] == [b'{"type":"error"']


def test_play_from_the_end_begins_at_the_start(
    playback: Playback, clock: HandClock, records: list[Record]
) -> None:
    playback.play()
    assert playback.position == 0
    run(playback)
    assert playback.position == sum(one.elapsed <= 0.0 for one in records)
    clock.move(records[3].elapsed)
    run(playback)
    assert playback.position == 4
    assert playback.elapsed() == pytest.approx(records[3].elapsed)
    same(playback, records)


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 16.0])
def test_a_speed_is_a_factor_of_the_recorded_time(
    playback: Playback, clock: HandClock, records: list[Record], factor: float
) -> None:
    playback.play()
    run(playback)
    playback.speed = factor
    clock.move(records[5].elapsed / factor + 1e-9)
    run(playback)
    assert playback.position == 6


def test_it_says_when_the_next_record_is_due(
    playback: Playback, clock: HandClock, records: list[Record]
) -> None:
    playback.play()
    run(playback)
    playback.speed = 2.0
    due = playback.advance(ENOUGH)
    behind = records[playback.position].elapsed - playback.elapsed()
    assert due == pytest.approx(behind / 2)
    clock.move(due)
    before = playback.position
    playback.advance(ENOUGH)
    assert playback.position == before + 1


def test_as_fast_as_possible_needs_no_time(playback: Playback, records: list[Record]) -> None:
    playback.play()
    run(playback)
    playback.speed = math.inf
    run(playback)
    assert playback.is_at_end
    assert playback.pace is Pace.PAUSED
    assert playback.elapsed() == records[-1].elapsed


def test_at_the_end_playing_is_over(playback: Playback, clock: HandClock) -> None:
    playback.play()
    run(playback)
    clock.move(3600.0)
    run(playback)
    assert (playback.pace, playback.position) == (Pace.PAUSED, playback.known)
    assert playback.elapsed() == playback.duration


def test_a_pause_holds_the_time(playback: Playback, clock: HandClock) -> None:
    playback.play()
    run(playback)
    clock.move(0.5)
    run(playback)
    playback.pause()
    held = (playback.position, playback.elapsed())
    clock.move(50.0)
    run(playback)
    assert (playback.position, playback.elapsed()) == held
    playback.play()
    run(playback)
    assert (playback.position, playback.elapsed()) == held


def test_speeds_have_ends_and_any_speed_has_neighbours(playback: Playback) -> None:
    assert [playback.change_speed(-1) for _ in range(3)] == [0.5, 0.25, 0.25]
    assert playback.change_speed(+20) == math.inf
    playback.speed = 3.0
    assert playback.change_speed(+1) == 4.0
    playback.speed = 3.0
    assert playback.change_speed(-1) == 2.0


def test_a_silence_can_be_shortened(playback: Playback, clock: HandClock, records: list[Record]) -> None:
    third = playback.turns[2]
    silence = records[third].elapsed - records[third - 1].elapsed
    assert silence > 20
    playback.seek(third)
    run(playback)
    playback.pace = Pace.PLAYING
    clock.move(2.5)
    run(playback)
    assert playback.position == third
    playback.is_shortening = True
    run(playback)
    assert playback.elapsed() == pytest.approx(records[third].elapsed - 2.0)
    clock.move(2.0)
    run(playback)
    assert playback.position > third
    same(playback, records)


def test_single_steps_go_both_ways_and_stop_at_the_ends(playback: Playback, records: list[Record]) -> None:
    last = playback.known
    playback.step_event(+1)
    run(playback)
    assert playback.position == last
    for expected in (last - 1, last - 2):
        playback.step_event(-1)
        run(playback)
        assert playback.position == expected
        assert playback.elapsed() == records[expected - 1].elapsed
        same(playback, records)
    playback.step_event(+1)
    run(playback)
    assert playback.position == last - 1
    same(playback, records)
    playback.seek(0)
    run(playback)
    playback.step_event(-1)
    assert (playback.position, playback.elapsed()) == (0, 0.0)


def test_steps_by_turn_stand_behind_the_create(playback: Playback, records: list[Record]) -> None:
    places = [record + 1 for record in playback.turns]
    for expected in reversed(places):
        assert playback.step_turn(-1)
        run(playback)
        assert playback.position == expected
        same(playback, records)
    assert not playback.step_turn(-1)
    run(playback)
    assert playback.position == places[0]
    for expected in places[1:]:
        assert playback.step_turn(+1)
        run(playback)
        assert playback.position == expected
    assert not playback.step_turn(+1)
    run(playback)


def test_steps_by_error(playback: Playback) -> None:
    assert not playback.step_error(+1)
    run(playback)
    assert playback.step_error(-1)
    run(playback)
    assert playback.position == playback.errors[0] + 1
    assert not playback.step_error(-1)
    run(playback)
    playback.seek(0)
    run(playback)
    assert playback.step_error(+1)
    run(playback)
    assert playback.position == playback.errors[0] + 1


def test_a_step_to_what_is_not_known_yet_looks_for_it(
    tmp_path: Path, records: list[Record], clock: HandClock
) -> None:
    path = tmp_path / "a.jsonl"
    written(path, records).close()
    playback = Playback(Reading.open(path), clock)
    playback.seek(0)
    run(playback)
    assert playback.step_error(+1)
    run(playback)
    assert playback.position == playback.errors[0] + 1
    assert playback.step_turn(+1)
    run(playback)
    assert playback.position == playback.turns[2] + 1
    same(playback, records)
    playback.reading.close()


def test_going_on_after_going_back_marks_nothing_twice(playback: Playback) -> None:
    marks = (list(playback.turns), list(playback.errors))
    playback.seek(2)
    run(playback)
    playback.go_live()
    run(playback)
    assert (list(playback.turns), list(playback.errors)) == marks


@pytest.mark.parametrize(
    ("text", "record"), [("#0", 0), ("#7", 7), ("T1", 1), ("T3", None), ("0:00", None), ("end", None)]
)
def test_moments_of_every_kind(
    playback: Playback, records: list[Record], text: str, record: int | None
) -> None:
    playback.go_to(parse(text))
    run(playback)
    if record is None:
        record = {"T3": playback.turns[2], "end": len(records) - 1}.get(text, playback.position - 1)
    assert playback.position == record + 1
    same(playback, records)


def test_a_time_between_two_records_is_kept(playback: Playback, records: list[Record]) -> None:
    third = playback.turns[2]
    at = records[third].elapsed - 10.0
    playback.go_to(parse(f"{at:.3f}s"))
    run(playback)
    assert playback.position == third
    assert playback.elapsed() == pytest.approx(at, abs=0.001)
    playback.go_to(parse("+4s"))
    run(playback)
    assert playback.elapsed() == pytest.approx(at + 4.0, abs=0.001)
    playback.go_to(parse("-1h"))
    run(playback)
    assert playback.elapsed() == 0.0
    playback.go_to(parse("50%"))
    run(playback)
    assert playback.elapsed() == pytest.approx(playback.duration / 2)
    playback.go_to(parse("9:00:00"))
    run(playback)
    assert playback.is_at_end


@pytest.mark.parametrize("text", ["#9999", "T0", "T4"])
def test_a_moment_that_is_not_there_is_a_sentence_and_moves_nothing(playback: Playback, text: str) -> None:
    playback.seek(5)
    run(playback)
    with pytest.raises(ValueError, match="there is no"):
        playback.go_to(parse(text))
    assert playback.position == 5


def test_at_the_live_edge_time_runs_on_and_never_back(
    tmp_path: Path, records: list[Record], clock: HandClock
) -> None:
    path = tmp_path / "a.jsonl"
    writer = written(path, records[:6])
    playback = Playback(Reading.open(path), clock, is_live=True)
    clock.move((records[5].wall - WALL) / 1_000_000)
    run(playback)
    assert (playback.pace, playback.position, playback.is_growing) == (Pace.LIVE, 6, True)
    assert playback.elapsed() == pytest.approx(records[5].elapsed)
    clock.move(4.0)
    run(playback)
    assert playback.elapsed() == pytest.approx(records[5].elapsed + 4.0)
    writer.append(records[6])
    writer.flush()
    clock.move(0.2)
    run(playback)
    assert playback.position == 7
    assert playback.elapsed() >= records[5].elapsed + 4.0
    shown = playback.elapsed()
    writer.close()
    clock.move(60.0)
    run(playback)
    assert not playback.is_growing
    assert playback.elapsed() == shown
    playback.reading.close()


def test_what_is_handed_over_long_after_it_was_recorded_has_its_own_times(
    tmp_path: Path, records: list[Record], clock: HandClock
) -> None:
    path = tmp_path / "a.jsonl"
    writer = written(path, records[:6])
    clock.move(3_600.0)
    playback = Playback(Reading.open(path), clock, is_live=True, is_piped=True)
    run(playback)
    assert playback.elapsed() == pytest.approx(records[5].elapsed)
    clock.move(4.0)  # whoever hands it over pauses
    run(playback)
    assert playback.elapsed() == pytest.approx(records[5].elapsed + 4.0)
    writer.append(records[6])
    writer.flush()
    clock.move(0.2)
    run(playback)
    assert playback.position == 7
    assert playback.elapsed() == pytest.approx(records[6].elapsed)
    writer.close()
    clock.move(60.0)
    run(playback)
    assert playback.elapsed() == pytest.approx(records[6].elapsed)
    playback.reading.close()


def test_where_every_connection_has_ended_time_stands(
    tmp_path: Path, records: list[Record], clock: HandClock
) -> None:
    path = tmp_path / "a.jsonl"
    writer = written(path, records)
    playback = Playback(Reading.open(path), clock, is_live=True)
    clock.move(86_400.0)
    run(playback)
    assert playback.is_growing
    assert playback.elapsed() == records[-1].elapsed
    writer.close()
    playback.reading.close()


def test_playing_into_the_end_of_a_growing_file_stays_there(
    tmp_path: Path, records: list[Record], clock: HandClock
) -> None:
    path = tmp_path / "a.jsonl"
    writer = written(path, records[:4])
    playback = Playback(Reading.open(path), clock)
    run(playback)
    playback.seek(0)
    run(playback)
    playback.pace, playback.speed = Pace.PLAYING, math.inf
    run(playback)
    assert (playback.pace, playback.position) == (Pace.LIVE, 4)
    playback.step_event(-1)
    run(playback)
    assert (playback.pace, playback.position) == (Pace.PAUSED, 3)
    playback.go_live()
    run(playback)
    assert (playback.pace, playback.position) == (Pace.LIVE, 4)
    writer.close()
    playback.reading.close()


def test_times_that_jump_back_stop_nothing(tmp_path: Path, clock: HandClock, records: list[Record]) -> None:
    jumped = [one._replace(elapsed=one.elapsed - 3.0) if n > 8 else one for n, one in enumerate(records)]
    path = tmp_path / "a.jsonl"
    written(path, jumped).close()
    playback = Playback(Reading.open(path), clock)
    run(playback)
    playback.play()
    run(playback)
    for _ in range(100):
        clock.move(1.0)
        run(playback)
    assert playback.is_at_end
    same(playback, jumped)
    playback.reading.close()


def test_a_recording_without_records_has_no_time(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "a.jsonl"
    written(path, []).close()
    playback = Playback(Reading.open(path), clock)
    run(playback)
    playback.play()
    run(playback)
    playback.step_event(+1)
    run(playback)
    assert not playback.step_turn(-1)
    run(playback)
    assert (playback.position, playback.elapsed(), playback.duration, playback.share) == (0, 0.0, 0.0, 0.0)
    assert playback.wall() == clock.wall()
    playback.reading.close()


def test_the_wall_at_the_playhead_is_the_recordings(playback: Playback, records: list[Record]) -> None:
    playback.seek(5)
    run(playback)
    assert playback.wall() == records[4].wall


def test_the_errors_that_people_look_for() -> None:
    assert is_error(Change(What.ERROR, 1, 1))
    assert is_error(Change(What.TURN, 1, 1, detail="cut"))
    assert is_error(Change(What.SESSION, 1, 1, detail="lost"))
    assert not is_error(Change(What.SESSION, 1, 1, detail="closed"))
    assert not is_error(Change(What.RESPONSE, 1, 1, detail="completed"))


@given(st.lists(st.tuples(st.sampled_from("seek event turn error play end".split()), st.integers(0, 60))))
def test_however_the_playhead_moves_the_state_is_that_of_the_records_before_it(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]]
) -> None:
    records, clock = conversation(), HandClock()
    path = tmp_path_factory.mktemp("law") / "a.jsonl"
    written(path, records).close()
    playback = Playback(Reading.open(path), clock)
    for move, number in moves:
        step = 1 if number % 2 else -1
        match move:
            case "seek":
                playback.seek(number)
                run(playback)
            case "event":
                playback.step_event(step)
                run(playback)
            case "turn":
                playback.step_turn(step)
            case "error":
                playback.step_error(step)
            case "play":
                playback.play()
                run(playback)
                clock.move(number / 10)
            case _:
                playback.go_live()
        run(playback)
        same(playback, records)
    playback.reading.close()


# How much there is ----------------------------------------------------------------------------------------


def test_lines_are_counted_behind_the_first_screen_and_lead_the_way(tmp_path: Path, clock: HandClock) -> None:
    wire = Wire()
    records = [
        wire.open(),
        *(one for number in range(900) for one in wire.turn(f"resp_{number}", "One two.")),
    ]
    path = tmp_path / "a.jsonl"
    written(path, records).close()
    playback = Playback(Reading.open(path), clock)
    assert (playback.expected, playback.share) == (0, 0.0)
    while not playback.position:
        playback.advance(0.001)
    assert playback.position <= playback.known < len(records)
    while playback.expected < len(records):
        playback.advance(0.0)
    assert playback.known < playback.expected == len(records)
    assert 0.0 < playback.share < 0.5
    assert playback.objection(Moment(Measure.RECORD, len(records))).endswith(f"is #{len(records) - 1}")
    assert playback.duration == records[-1].elapsed
    middle = sum(one.elapsed <= records[-1].elapsed / 2 for one in records)
    assert middle > playback.known
    playback.go_to(Moment(Measure.SHARE, 0.5))
    run(playback)
    assert playback.position == middle
    assert playback.elapsed() == pytest.approx(records[-1].elapsed / 2)
    ahead = len(records) - 3
    playback.go_to(Moment(Measure.RECORD, ahead - 1))  # nobody has read so far yet
    assert playback.place == ahead
    run(playback)
    assert playback.position == ahead
    assert not playback.is_folding
    same(playback, records)
    playback.reading.close()


@pytest.mark.parametrize("number", [850, 901])
def test_a_turn_that_is_not_read_yet_is_waited_for(tmp_path: Path, clock: HandClock, number: int) -> None:
    wire = Wire()
    records = [wire.open(), *(one for turn in range(900) for one in wire.turn(f"resp_{turn}", "One two."))]
    path = tmp_path / "a.jsonl"
    written(path, records).close()
    playback = Playback(Reading.open(path), clock)
    while not playback.turns:
        playback.advance(0.001)
    playback.step_event(1)
    known = len(playback.turns)
    assert known < 850
    assert playback.objection(Moment(Measure.TURN, 0)) == f"there is no turn T0: they go from T1 to T{known}"
    playback.go_to(Moment(Measure.TURN, number))
    run(playback)
    assert (playback.pace, playback.is_folding) == (Pace.PAUSED, False)
    if number > 900:  # there is none such: it is looked for to the end
        assert playback.is_at_end
        assert playback.objection(Moment(Measure.TURN, 901)).endswith("they go from T1 to T900")
    else:
        assert playback.position == playback.turns[849] + 1
        same(playback, records)
    playback.reading.close()


def test_a_long_stretch_of_damaged_lines_does_not_stop_the_loading(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "a.jsonl"
    records = conversation()
    written(path, records).close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], *[b"junk\n"] * 5_000, *lines[4:]]))
    playback = Playback(Reading.open(path), clock)
    for _ in range(100_000):
        if playback.advance(0.001) > 0:
            break
    assert (playback.position, playback.expected) == (len(records), len(records))
    assert playback.is_at_end
    same(playback, records)
    playback.reading.close()
