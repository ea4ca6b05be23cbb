"""The journal: a header with facts, lines in their order, flat memory, and a lock while it is written."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from pathlib import Path

import pytest

from sessions.errors import RecordingError
from sessions.journal import FLUSH_SECONDS, Journal
from sessions.records import Direction, Kind, Record


def text(payload: bytes = b"x") -> Record:
    return Record(1, Direction.SERVER, Kind.TEXT, 1_700_000_000_000_000, 0.0, payload)


def test_the_header_has_the_facts_of_its_writer_but_its_own_words_win(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Journal.create(path, "tap", {"tap": "http://127.0.0.1:1/v1", "pid": 7, "format": "mine"}).close()
    header = json.loads(path.read_bytes())
    assert (header["source"], header["tap"], header["pid"]) == ("tap", "http://127.0.0.1:1/v1", 7)
    assert (header["format"], header["version"]) == ("turnscope", 1)


def test_records_are_numbered_counted_and_on_disk_after_a_flush(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "a.jsonl")
    assert [journal.append(text()) for _ in range(3)] == [0, 1, 2]
    assert journal.count == 3
    journal.flush()
    assert journal.bytes_written == (tmp_path / "a.jsonl").stat().st_size
    assert [json.loads(line)["n"] for line in (tmp_path / "a.jsonl").read_bytes().splitlines()[1:]] == [
        0,
        1,
        2,
    ]
    journal.close()


def test_a_file_is_locked_while_it_is_written_and_free_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = Journal.create(path)
    other = os.open(path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    journal.close()
    fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(other)


def test_a_device_that_is_full_is_told_when_the_file_is_made_or_later() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    journal = Journal(descriptor, Path("/dev/full"), {})
    told: list[RecordingError] = []
    journal.on_failure = told.append
    journal.append(text(b"kept"))
    journal.flush()
    assert "No space left" in str(told[0])
    assert b"kept" in journal.unwritten(0, journal.end)
    with pytest.raises(RecordingError, match="No space left"):
        journal.append(text())
    with pytest.raises(RecordingError, match="No space left"):
        journal.append_all([text()])
    assert journal.count == 1
    journal.close()
    journal.close()


async def test_a_loop_that_starts_no_thread_any_more_still_flushes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = Journal.create(path)
    journal.append(text(b"late"))
    loop = asyncio.get_running_loop()
    await loop.shutdown_default_executor()
    before = len(os.listdir("/dev/fd"))
    flushed = asyncio.Event()
    loop.call_later(FLUSH_SECONDS * 1.5, flushed.set)
    await flushed.wait()
    assert b'"raw":"late"' in path.read_bytes()
    assert len(os.listdir("/dev/fd")) == before
    journal.close()


async def test_a_disk_that_fails_when_asked_to_keep_is_told_on_the_loop() -> None:
    reader, writer = os.pipe()  # takes bytes, and cannot be synchronised
    journal = Journal(writer, Path("a pipe"), {})
    told = asyncio.Event()
    said: list[RecordingError] = []

    def listen(error: RecordingError) -> None:
        asyncio.get_running_loop()  # raises where it is called from a thread
        said.append(error)
        told.set()

    journal.on_failure = listen
    journal.append(text())
    await asyncio.wait_for(told.wait(), 5)
    assert "recording to a pipe failed" in str(said[0])
    with pytest.raises(RecordingError):
        journal.append(text())
    journal.close()
    os.close(reader)


@pytest.mark.parametrize(("what", "said"), [("remove", "has removed the file"), ("cut", "has cut the file")])
async def test_a_file_that_somebody_takes_away_is_told(tmp_path: Path, what: str, said: str) -> None:
    journal = Journal.create(tmp_path / "a.jsonl")
    failed = asyncio.Event()
    journal.on_failure = lambda error: failed.set()
    if what == "remove":
        (tmp_path / "a.jsonl").unlink()
    else:
        os.truncate(tmp_path / "a.jsonl", 0)
    journal.append(Record(1, Direction.CLIENT, Kind.TEXT, 0, 0.0, b"{}"))
    await asyncio.wait_for(failed.wait(), 5)
    assert said in str(journal.failure)
    journal.close()


def test_records_that_are_appended_together_stand_as_if_one_by_one(tmp_path: Path) -> None:
    records = [text(b"text %d" % number)._replace(elapsed=number / 8) for number in range(300)]
    together, alone = Journal.create(tmp_path / "a.jsonl"), Journal.create(tmp_path / "b.jsonl")
    for start, stop in ((0, 0), (0, 1), (1, 299), (299, 300)):
        together.append_all(iter(records[start:stop]))
    assert [alone.append(record) for record in records] == list(range(300))
    assert (together.count, together.end) == (alone.count, alone.end)
    together.close()
    alone.close()
    lines = [(tmp_path / name).read_bytes().splitlines()[1:] for name in ("a.jsonl", "b.jsonl")]
    assert lines[0] == lines[1]
    assert len(lines[0]) == 300


def test_many_records_together_reach_the_file_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = Journal.create(path)
    journal.append_all(text(b"x" * 1_000) for _ in range(1_000))
    assert path.stat().st_size == journal.end
    journal.close()
