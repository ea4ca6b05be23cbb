"""The recording: what is appended is read back, survives damage, and never fails in silence."""

from __future__ import annotations

import asyncio
import json
import resource
import stat
from pathlib import Path

import pytest

from sessions.errors import Damaged, RecordingError, TooNew
from sessions.events import Event
from sessions.journal import FLUSH_SECONDS
from sessions.reading import Reading
from sessions.recording import Recording, new_path
from sessions.records import Direction, Kind, Record


def text(payload: str | bytes, elapsed: float = 0.0, session: int = 1) -> Record:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Record(session, Direction.SERVER, Kind.TEXT, 1_700_000_000_000_000, elapsed, raw)


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "a.jsonl", source="test")
    records = [text(f'{{"type":"t{n}"}}', n / 10, session=n % 3 + 1) for n in range(700)]
    assert [recording.append(record) for record in records] == list(range(700))
    assert list(recording) == records
    assert recording.elapsed_at(5) == 0.5
    assert recording.session_at(4) == 2
    assert recording.kind_at(0) is Kind.TEXT
    assert recording.direction_at(0) is Direction.SERVER
    assert recording.size_at(699) == len(records[699].payload)
    assert recording.event(3) == Event("t3", {"type": "t3"})
    with pytest.raises(IndexError):
        recording.record(700)
    recording.close()


def test_a_file_is_its_owners_and_has_a_header(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.jsonl"
    recording = Recording.create(path, source="connect")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header = json.loads(path.read_text())
    assert (header["format"], header["version"], header["source"]) == ("turnscope", 1, "connect")
    recording.close()


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    with pytest.raises(RecordingError, match="exists already"):
        Recording.create(path)
    assert path.read_text() == "mine"


def test_a_place_that_takes_no_file_is_told_with_the_ways_on() -> None:
    with pytest.raises(RecordingError, match=r"Not a directory.*--no-record"):
        Recording.create(Path("/dev/null/below/run.jsonl"))


def test_without_a_path_nothing_stays_on_disk() -> None:
    recording = Recording.create(None)
    recording.append(text("x"))
    assert recording.path is None
    assert recording.record(0).payload == b"x"
    recording.close()


async def test_the_file_follows_within_the_flush_interval(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    before = path.stat().st_size
    recording.append(text("soon"))
    assert path.stat().st_size == before
    arrived = asyncio.Event()
    asyncio.get_running_loop().call_later(FLUSH_SECONDS * 1.5, arrived.set)
    await arrived.wait()
    assert b'"raw":"soon"' in path.read_bytes()
    recording.close()


def test_a_cut_last_line_and_a_damaged_one_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    for n in range(4):
        recording.append(text(f"record {n}"))
    recording.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b'{"n":1,"broken\n'
    path.write_bytes(b"".join(lines)[:-9])
    opened = Reading.whole(path)
    assert [record.payload for record in opened] == [b"record 0", b"record 2"]
    assert [problem.line for problem in opened.problems] == [3, 5]
    assert opened.problems[1].reason.startswith("the last line is cut")
    opened.close()


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"format":"turnscope","version":2,"app":"turnscope 9.1"}\n')
    with pytest.raises(TooNew, match=r"turnscope 9\.1.*please update"):
        Reading.whole(path)


@pytest.mark.parametrize(
    "first", ["not json\n", "[1]\n", '{"format":"har","version":1}\n', '{"format":"turnscope"}\n']
)
def test_what_is_no_recording_is_refused(tmp_path: Path, first: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(first)
    with pytest.raises(Damaged, match="no header"):
        Reading.whole(path)


def test_a_missing_file_says_why(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        Reading.whole(tmp_path / "none.jsonl")


def test_a_full_disk_is_loud_and_keeps_what_crossed_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    told: list[RecordingError] = []
    recording.on_failure = told.append
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, hard))
        recording.append(text("these words must stay readable"))
        recording.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert len(told) == 1
    assert "failed" in str(told[0])
    assert recording.failure is told[0]
    with pytest.raises(RecordingError):
        recording.append(text("next"))
    assert recording.record(0).payload == b"these words must stay readable"  # half on disk, half in memory
    recording.save_as(tmp_path / "elsewhere.jsonl")
    saved = Reading.whole(tmp_path / "elsewhere.jsonl")
    assert [record.payload for record in saved] == [b"these words must stay readable"]
    saved.close()
    recording.close()


def test_bytes_that_are_not_text_survive(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path)
    hostile = [
        b"\xff\xfe",
        "\x1b]52;c;eA==\x07\u202e\x9b2J \U000e0041".encode(),
        b"",
        b"\n\n",
        "\u2028".encode(),
    ]
    for payload in hostile:
        recording.append(text(payload))
    recording.close()
    content = path.read_bytes()
    assert b"\x1b" not in content
    assert "\x9b" not in content.decode()
    opened = Reading.whole(path)
    assert [record.payload for record in opened] == hostile
    opened.close()


def test_a_name_from_the_user_cannot_leave_the_folder(tmp_path: Path) -> None:
    path = new_path(tmp_path, "../../etc/x y", 1_700_000_000_123_456)
    assert path.parent == tmp_path
    assert path.name == "2023-11-14-221320-------etc-x-y-123456.jsonl"


def test_saving_a_copy(tmp_path: Path) -> None:
    recording = Recording.create(None)
    recording.append(text("kept"))
    copy = tmp_path / "copy.jsonl"
    recording.save_as(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    opened = Reading.whole(copy)
    assert opened.record(0).payload == b"kept"
    with pytest.raises(RecordingError):
        recording.save_as(copy)
    opened.close()
    recording.close()


def test_the_columns_stay_below_64_bytes_a_record() -> None:
    recording = Recording.create(None)
    columns = (recording._offsets, recording._elapsed, recording._wall, recording._labels, recording._sizes)
    per_record = sum(column.itemsize for column in columns)
    assert per_record <= 64 - 14  # the state adds a type and a turn, a text its offset and its record
    recording.close()


def test_a_closed_recording_can_be_closed_again() -> None:
    recording = Recording.create(None)
    recording.close()
    recording.close()
