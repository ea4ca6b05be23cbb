"""A reading: found line by line, shown as far as one likes, and told what became of its file."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sessions.reading as reading_module
from sessions.errors import Damaged, RecordingError, TooNew
from sessions.journal import FLUSH_SECONDS
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record, to_line
from tests.killed import kill_a_writer

EVER = float("inf")
HEADER = b'{"format":"turnscope","version":1,"app":"turnscope 0","source":"test"}\n'


def text(payload: str | bytes, elapsed: float = 0.0, session: int = 1) -> Record:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Record(session, Direction.SERVER, Kind.TEXT, 1_700_000_000_000_000, elapsed, raw)


def line(number: int, elapsed: float = 0.0) -> bytes:
    return to_line(text(f"record {number}", elapsed), number)


def written(path: Path, count: int) -> Path:
    path.write_bytes(HEADER + b"".join(line(number, number / 10) for number in range(count)))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "a.jsonl", 5)


# How far ------------------------------------------------------------------------------------------------


def test_opening_reads_the_header_and_nothing_else(path: Path) -> None:
    reading = Reading.open(path)
    assert (reading.known, len(reading), reading.header["source"]) == (0, 0, "test")
    assert (reading.bytes_known, reading.bytes_total()) == (len(HEADER), path.stat().st_size)
    reading.close()
    assert reading.read_on(EVER) == 0
    reading.close()


def test_what_is_known_is_not_yet_shown_and_can_be_taken_back(path: Path) -> None:
    reading = Reading.open(path)
    assert reading.read_on(EVER) == 5
    assert (reading.known, len(reading)) == (5, 0)
    reading.show(3)
    assert [record.payload for record in reading] == [b"record 0", b"record 1", b"record 2"]
    reading.show(99)
    assert len(reading) == 5
    reading.show(1)
    assert (len(reading), reading.known) == (1, 5)
    assert reading.elapsed_at(4) == 0.4
    assert reading.read_on(EVER) == 0
    assert reading.end_problem() is None
    reading.close()


def test_a_slice_of_time_ends_in_time_and_the_next_goes_on(tmp_path: Path) -> None:
    reading = Reading.open(written(tmp_path / "a.jsonl", 2_000))
    first = reading.read_on(0.0)
    assert 0 < first < 2_000
    rounds = 1
    while reading.read_on(0.0):
        rounds += 1
    assert rounds > 10
    assert reading.known == 2_000
    assert [record.payload for record in reading.records(0, 2_000)] == [
        f"record {number}".encode() for number in range(2_000)
    ]
    reading.close()


def test_lines_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", 2_000)
    with path.open("ab") as file:
        file.write(b"junk\n{")
    reading = Reading.open(path)
    assert (reading.expected, reading.bytes_found) == (0, len(HEADER))
    while reading.find_on(0.0):
        pass
    assert (reading.known, reading.expected) == (0, 2_001)
    assert reading.bytes_known == len(HEADER)
    assert reading.bytes_found == path.stat().st_size - 1
    assert reading.end_problem() is None
    while reading.read_on(0.0):
        assert reading.expected in (2_001, 2_000)
    assert (reading.known, reading.expected) == (2_000, 2_000)
    assert [(one.line, one.reason.startswith("not a record")) for one in reading.problems] == [(2_002, False)]
    assert reading.end_problem() == (2_003, "the last line is cut: 1 bytes without an end")
    reading.close()
    assert not reading.find_on(EVER)


def test_a_stretch_of_damaged_lines_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + line(0) + b"junk\n" * 3_000 + line(1))
    reading = Reading.open(path)
    while reading.read_on(0.0):
        pass
    assert (reading.known, reading.damaged) == (2, 3_000)
    reading.close()


def test_a_line_beyond_what_one_read_returns_is_told_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_module, "_LARGEST_LINE", 1_000_000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + line(0) + b"\0" * 1_000_000 + b"\n" + line(1) + line(2))
    reading = Reading.whole(path)
    assert [record.payload for record in reading] == [b"record 0", b"record 1", b"record 2"]
    assert reading.problems == [(3, "it is too large to be read: 1,000,001 bytes")]
    reading.close()


def test_nothing_is_ever_written_to_it(path: Path) -> None:
    before = path.read_bytes()
    reading = Reading.whole(path)
    with pytest.raises(RecordingError, match="being read"):
        reading.append(text("x"))
    reading.flush()
    reading.close()
    assert path.read_bytes() == before


def test_a_time_leads_to_the_first_record_after_it(path: Path) -> None:
    reading = Reading.whole(path)
    assert [reading.number_at(at) for at in (-1.0, 0.0, 0.15, 0.4, 99.0)] == [0, 1, 2, 5, 5]
    reading.close()


def test_a_clock_that_jumped_back_counts_as_standing_still(tmp_path: Path) -> None:
    times = [0.0, 5.0, 1.0, 2.0, 6.0]
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + b"".join(line(number, at) for number, at in enumerate(times)))
    reading = Reading.whole(path)
    assert [reading.number_at(at) for at in (0.0, 1.5, 4.9, 5.0, 5.5, 6.0)] == [1, 1, 1, 4, 4, 5]
    reading.close()


def test_the_last_time_is_looked_up_as_soon_as_lines_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", 3_000)
    with path.open("ab") as file:
        file.write(b"junk\n" * 3 + line(3_000, 300.0)[:-9])
    reading = Reading.open(path)
    assert reading.last_elapsed() == 0.0
    while reading.find_on(EVER):
        pass
    assert reading.last_elapsed() == 299.9
    reading.read_on(0.0)
    assert 0 < reading.known < 3_000
    assert reading.last_elapsed() == 299.9
    while reading.read_on(EVER):
        pass
    assert reading.last_elapsed() == 299.9
    reading.close()


def test_where_no_line_that_waits_can_be_read_the_last_known_time_stands(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", 40)
    reading = Reading.open(path)
    reading.read_on(EVER)
    with path.open("ab") as file:
        file.write(b"junk\n" * 40)
    while reading.find_on(EVER):
        pass
    assert reading.expected == 80
    assert reading.last_elapsed() == 3.9
    reading.close()


def test_a_file_cut_behind_what_is_read_keeps_what_is_left(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", 3_000)
    reading = Reading.open(path)
    reading.read_on(0.0)
    while reading.find_on(EVER):
        pass
    known = reading.known
    assert reading.expected == 3_000
    os.truncate(path, path.stat().st_size // 2)
    while reading.read_on(EVER):
        pass
    assert known < reading.known == reading.expected < 3_000
    assert reading.known == path.read_bytes().count(b"\n") - 1
    assert reading.last_elapsed() == (reading.known - 1) / 10
    assert not reading.problems
    os.truncate(path, len(HEADER) + 10)
    assert reading.read_on(EVER) == 0
    assert reading.expected == reading.known
    assert "became shorter" in reading.problems[0].reason
    reading.close()


# What a file can be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [b"\n", b"\0" * 5_000, b"[1]\n", HEADER[:-1], HEADER[:30], b"x" * 5_000_000, b"[" * 9_999 + b"\n"],
)
def test_what_has_no_header_is_refused(tmp_path: Path, first: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(first)
    with pytest.raises(Damaged, match="no header"):
        Reading.open(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    with pytest.raises(Damaged, match=r"a\.jsonl is empty: no recording was written to it"):
        Reading.open(path)


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"format":"turnscope","version":2,"app":"turnscope 9.1"}\n{"odd":1}\n')
    with pytest.raises(TooNew, match=r"turnscope 9\.1 in format version 2; this one reads up to 1"):
        Reading.open(path)


def test_a_header_alone_is_a_recording_of_nothing(tmp_path: Path) -> None:
    reading = Reading.whole(written(tmp_path / "a.jsonl", 0))
    assert (reading.known, reading.problems, reading.number_at(1.0)) == (0, [], 0)
    reading.close()


def test_a_folder_a_pipe_and_a_missing_file_say_what_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("", "folder"), ("pipe", "a pipe"), ("none", "No such file")):
        with pytest.raises(RecordingError, match=words):
            Reading.open(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else_says_so(path: Path) -> None:
    path.chmod(0)
    with pytest.raises(RecordingError, match="Permission denied"):
        Reading.open(path)


def test_damaged_lines_are_told_by_number_and_everything_around_them_is_kept(tmp_path: Path) -> None:
    damaged = [
        b"\n",
        b"\0" * 300 + b"\n",
        b'{"n":1,"broken\n',
        b"[]\n",
        b"17\n",
        line(0)[:-1] + b"trailing\n",
        line(0).replace(b'"conn":1', b'"conn":-1'),
        line(0).replace(b'"conn":1', b'"conn":99999999'),
        line(0).replace(b'"t":17', b'"t":99999917'),
        line(0).replace(b'"mono":0.0', b'"mono":NaN'),
        line(0).replace(b"record 0", b"\\ud800"),
        line(0).replace(b"record 0", b"a\0b"),
        line(0).replace(b"record 0", b"\xff\xfe"),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + line(0) + line(1).join(damaged) + line(2))
    reading = Reading.whole(path)
    count = len(damaged) - 1
    assert [record.payload for record in reading] == [b"record 0", *[b"record 1"] * count, b"record 2"]
    assert [record.payload for record in reading.records(0, 99)] == [record.payload for record in reading]
    assert [problem.line for problem in reading.problems] == [3 + 2 * n for n in range(len(damaged))]
    assert all(problem.reason for problem in reading.problems)
    assert reading.damaged == len(damaged)
    assert reading.line(0) == line(0)
    reading.close()


def test_very_many_damaged_lines_are_counted_and_a_thousand_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + b"junk\n" * 5_000 + line(0))
    reading = Reading.whole(path)
    assert (reading.known, reading.damaged, len(reading.problems)) == (1, 5_000, 1_000)
    reading.close()


def test_foreign_spacing_order_and_keys_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        HEADER
        + b'{"raw": "caf\\u00e9", "later": [1], "kind":"text", "dir":"client", "conn":"3","mono":1,"t":5}\r\n'
        + b'{"b64":"/w==","size":99,"kind":"binary","dir":"server","conn":1,"mono":2.5,"t":6,"n":7}\n'
    )
    reading = Reading.whole(path)
    assert reading.problems == []
    assert [record.payload for record in reading] == ["café".encode(), b"\xff"]
    assert [reading.size_at(number) for number in (0, 1)] == [5, 1]  # counted, not believed
    assert (reading.session_at(0), reading.direction_at(0), reading.kind_at(1)) == (
        3,
        Direction.CLIENT,
        Kind.BINARY,
    )
    reading.close()


def test_a_huge_line_is_read_whole_among_small_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    huge = "x" * 3_000_000
    path.write_bytes(HEADER + line(0) + to_line(text(huge), 1) + line(2))
    reading = Reading.whole(path)
    assert [len(record.payload) for record in reading] == [8, 3_000_000, 8]
    assert [len(record.payload) for record in reading.records(0, 3)] == [8, 3_000_000, 8]
    assert reading.size_at(1) == 3_000_000
    reading.close()


@given(cut=st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_a_file_cut_anywhere_keeps_every_whole_line(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole = HEADER + b"".join(line(number) for number in range(3))
    cut = max(len(HEADER), len(whole) - cut)
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes(whole[:cut])
    reading = Reading.whole(path)
    assert reading.known == whole[:cut].count(b"\n") - 1
    is_cut = not whole[:cut].endswith(b"\n")
    assert [problem.line for problem in reading.problems] == ([reading.known + 2] if is_cut else [])
    assert all("cut" in problem.reason for problem in reading.problems)
    reading.close()


# A file that somebody still writes ------------------------------------------------------------------------


def test_a_growing_file_is_followed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    reading = Reading.open(path)
    assert reading.is_growing()
    assert reading.read_on(EVER) == 0
    for number in range(3):
        recording.append(text(f"record {number}"))
        recording.flush()
        assert reading.read_on(EVER) == 1
    recording.close()
    assert not reading.is_growing()
    assert reading.known == 3
    assert reading.problems == []
    reading.close()


def test_a_line_that_is_being_written_waits_for_its_end(path: Path) -> None:
    reading = Reading.open(path)
    reading.read_on(EVER)
    half = line(5)
    with path.open("ab", buffering=0) as writer:
        for piece in (half[:1], half[1:20], half[20:-1]):
            writer.write(piece)
            assert reading.read_on(EVER) == 0
            assert reading.end_problem() is not None
        writer.write(half[-1:])
        assert reading.end_problem() is None
        assert reading.read_on(EVER) == 1
    assert reading.problems == []
    reading.close()


def shorten(path: Path) -> None:
    os.truncate(path, len(HEADER) + 10)


def overwrite(path: Path) -> None:
    path.write_bytes(b"something else entirely\n" * 500)


def replace(path: Path) -> None:
    beside = path.with_name("b.jsonl")
    beside.write_bytes(HEADER)
    beside.replace(path)


@pytest.mark.parametrize(
    ("change", "words", "is_gone"),
    [
        (shorten, "became shorter", True),
        (overwrite, "was overwritten", True),
        (replace, "another file took its place", False),
        (Path.unlink, "was removed", False),
    ],
)
def test_what_becomes_of_a_followed_file_is_told_once_and_ends_nothing(
    path: Path, change: Callable[[Path], object], words: str, is_gone: bool
) -> None:
    reading = Reading.open(path)
    reading.read_on(EVER)
    reading.show(reading.known)
    change(path)
    assert [reading.read_on(EVER) for _ in range(3)] == [0, 0, 0]
    (problem,) = reading.problems
    assert words in problem.reason
    reading.is_growing()
    reading.end_problem()
    for records in (list(reading), list(reading.records(0, 5))):
        assert len(records) == 5
        assert ("gone" in records[3].meta) is is_gone
        assert records[3].elapsed == pytest.approx(0.3)
    reading.close()


# Killed writers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_killed_writer_loses_at_most_the_last_interval(tmp_path: Path, seed: int) -> None:
    left = kill_a_writer(tmp_path, random.Random(seed).uniform(0.15, 0.45))
    assert left.known > 0
    assert not left.is_growing
    assert all("the last line is cut" in problem.reason for problem in left.problems)
    assert left.lost_seconds <= FLUSH_SECONDS + 0.4  # a machine under load wakes the writer late


# Holes ----------------------------------------------------------------------------------------------------


def holes(path: Path, lines: list[bytes]) -> set[int]:
    path.write_bytes(HEADER + b"".join(lines))
    reading = Reading.whole(path)
    reading.close()
    return reading.holes


def test_a_reader_knows_before_which_records_others_are_missing(path: Path) -> None:
    whole = [line(number) for number in range(6)]
    assert holes(path, whole) == set()
    assert holes(path, [*whole[:2], b"{broken\n", *whole[3:]]) == {2}
    assert holes(path, [*whole[:2], *whole[4:]]) == {2}
    assert holes(path, [*whole[:3], whole[1], *whole[4:]]) == {3, 4}
    assert holes(path, whole[2:]) == {0}


def test_numbers_that_stand_elsewhere_in_a_line_tell_of_no_hole(path: Path) -> None:
    turned = [
        json.dumps(dict(reversed(json.loads(line(number)).items()))).encode() + b"\n" for number in (0, 5)
    ]
    assert holes(path, turned) == set()
