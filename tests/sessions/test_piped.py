"""A recording that arrives through a pipe: kept in a file without a name, growing until the pipe ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from sessions.commands.piped import open_piped
from sessions.errors import Damaged
from sessions.reading import Reading
from sessions.recording import Recording
from tests.make import Wire


@pytest.fixture(autouse=True)
def _kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files of these tests are looked for in a folder of their own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of a recording of one turn."""
    path = tmp_path_factory.mktemp("made") / "a.jsonl"
    recording = Recording.create(path)
    wire = Wire()
    for record in (wire.open(), *wire.turn("resp_1")):
        recording.append(record)
    recording.close()
    return path.read_bytes().splitlines(keepends=True)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread does, at most a few seconds."""
    pause = Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come")


def known(reading: Reading, count: int) -> bool:
    """Whether so many records are known by now."""
    reading.read_on(1.0)
    return reading.known == count


def test_it_grows_with_the_pipe_and_has_ended_with_it(lines: list[bytes], tmp_path: Path) -> None:
    source, pipe = os.pipe()
    os.write(pipe, b"".join(lines[:3]))
    reading = open_piped(source)
    assert list(tmp_path.iterdir()) == []
    assert reading.path is None
    until(lambda: known(reading, 2))
    assert reading.is_growing()
    os.write(pipe, lines[3][:10])
    os.write(pipe, lines[3][10:])
    until(lambda: known(reading, 3))
    assert reading.line(2) == lines[3]
    os.close(pipe)
    until(lambda: not reading.is_growing())
    assert reading.problems == []
    reading.close()


def test_a_cut_end_is_told(lines: list[bytes]) -> None:
    source, pipe = os.pipe()
    os.write(pipe, b"".join(lines[:3])[:-5])
    os.close(pipe)
    reading = open_piped(source)
    until(lambda: not reading.is_growing())
    assert known(reading, 1)
    problem = reading.end_problem()
    assert problem is not None
    assert problem.line == 3
    reading.close()


@pytest.mark.parametrize(
    ("fed", "words"), [(b"", "nothing came"), (b"hello\nworld\n", "no header"), (b"x" * 60_000, "no header")]
)
def test_what_is_no_recording_is_refused_and_leaves_nothing(fed: bytes, words: str, tmp_path: Path) -> None:
    source, pipe = os.pipe()
    os.write(pipe, fed)
    os.close(pipe)
    with pytest.raises(Damaged, match=words):
        open_piped(source)
    assert list(tmp_path.iterdir()) == []
