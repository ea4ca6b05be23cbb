"""`turnscope replay` without a screen: the lines as they are, in their time, and how it ends."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions import cli
from sessions.commands.replay import print_lines, speed
from sessions.playback import Playback
from sessions.reading import Reading
from sessions.recording import Recording
from tests.conftest import HandClock
from tests.make import Wire

TURNSCOPE = [sys.executable, "-m", "sessions.cli"]
PATIENCE_SECONDS = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording of one turn that ended well, four seconds after the opening."""
    path = tmp_path / "a.jsonl"
    recording = Recording.create(path, source="test")
    wire = Wire()
    recording.append(wire.open())
    wire.wait(4.0)
    for record in (*wire.turn("resp_1", "Recorded words."), wire.close()):
        recording.append(record)
    recording.close()
    return path


def records_of(path: Path) -> str:
    """The lines of a recording after its header."""
    return path.read_text(encoding="utf-8").partition("\n")[2]


def test_the_lines_come_out_as_they_are_and_a_summary_ends_them(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(path), "--json"]) == 0
    out, talk = capsys.readouterr()
    assert out.startswith(records_of(path))
    summary = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    assert [turn["text"] for turn in summary["turns"]] == ["Recorded words."]
    assert summary["close"]["code"] == 1000
    assert summary["recording"] == str(path)
    assert summary["damaged"] == 0
    assert talk == ""


def test_what_cannot_be_read_is_told_and_the_rest_is_printed(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b'{"n":1, nonsense\n', *lines[3:], b'{"n":99,"t":1']))
    assert cli.main(["replay", str(path), "--json"]) == 0
    out, talk = capsys.readouterr()
    assert out.splitlines()[:-1] == [line.decode().strip() for line in lines[1:]]
    assert "line 4:" in talk
    assert f"line {len(lines) + 2}: the last line is cut" in talk
    assert json.loads(out.splitlines()[-1])["damaged"] == 2


class Waiting:
    """A wait that moves the clock instead, and remembers how long it was asked to."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._clock.move(seconds)


@pytest.fixture
def playback(path: Path, clock: HandClock) -> Iterator[Playback]:
    """A playback of the recording."""
    made = Playback(Reading.open(path), clock)
    yield made
    made.reading.close()


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 4.2), (4.0, 1.05), (math.inf, 0.0)])
def test_lines_are_paced_by_the_speed(
    playback: Playback, clock: HandClock, capsys: pytest.CaptureFixture[str], factor: float, seconds: float
) -> None:
    playback.speed = factor
    waiting = Waiting(clock)
    print_lines(playback, waiting)
    assert sum(waiting.seconds) == pytest.approx(seconds, rel=0.05)
    assert len(capsys.readouterr().out.splitlines()) == playback.known


def test_a_long_silence_can_be_shortened(
    playback: Playback, clock: HandClock, capsys: pytest.CaptureFixture[str]
) -> None:
    playback.is_shortening = True
    waiting = Waiting(clock)
    print_lines(playback, waiting)
    assert sum(waiting.seconds) == pytest.approx(2.2, rel=0.1)
    assert len(capsys.readouterr().out.splitlines()) == playback.known


def test_without_a_terminal_it_says_what_to_use(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(path)]) == 2
    assert "turnscope replay FILE --json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--json"], "replay what?"),
        (["x.jsonl", "--speed", "fast"], "is no speed"),
        (["x.jsonl", "--speed", "0"], "is no speed"),
    ],
)
def test_a_wrong_command_line_is_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("text", "factor"), [("0.25", 0.25), ("16x", 16.0), ("max", math.inf)])
def test_speeds_as_people_write_them(text: str, factor: float) -> None:
    assert speed(text) == factor
    with pytest.raises(argparse.ArgumentTypeError):
        speed(text + "!")


def test_what_is_no_recording_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "a.txt"
    other.write_text("hello\n")
    assert cli.main(["replay", str(other), "--json"]) == 5
    assert "is not a recording of turnscope" in capsys.readouterr().err
    assert cli.main(["replay", str(tmp_path / "none.jsonl"), "--json"]) == 5
    assert "No such file" in capsys.readouterr().err


# As a script runs it -------------------------------------------------------------------------------------


def test_a_recording_is_read_from_a_pipe(path: Path) -> None:
    done = subprocess.run(
        [*TURNSCOPE, "replay", "-", "--json"],
        input=path.read_bytes(),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(records_of(path))
    assert json.loads(done.stdout.splitlines()[-1])["recording"] is None


@pytest.mark.parametrize(
    ("fed", "words"), [(b"", "nothing came on stdin"), (b"hello\n", "is not a recording")]
)
def test_a_pipe_that_is_no_recording_ends_with_5(fed: bytes, words: str) -> None:
    done = subprocess.run(
        [*TURNSCOPE, "replay", "-", "--json"],
        input=fed,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 5
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_file_that_is_still_written_ends_where_it_is_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "growing.jsonl"
    recording = Recording.create(path, source="test")
    try:
        for record in (Wire().open(), *Wire(at=1.0).turn("resp_1", "So far.")):
            recording.append(record)
        recording.flush()
        assert cli.main(["replay", str(path), "--json"]) == 0  # it would never come back
    finally:
        recording.close()
    out, talk = capsys.readouterr()
    assert out.startswith(records_of(path))
    assert json.loads(out.splitlines()[-1])["turns"][0]["text"] == "So far."
    assert f"{path} is still being written" in talk
    assert f"turnscope attach {path}" in talk


def test_a_pipe_is_followed_while_it_grows(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    with subprocess.Popen(
        [*TURNSCOPE, "replay", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for line in lines[:3]:
            child.stdin.write(line)
        child.stdin.flush()
        assert [child.stdout.readline() for _ in range(2)] == lines[1:3]
        child.stdin.write(lines[3])
        child.stdin.flush()
        assert child.stdout.readline() == lines[3]
        child.stdin.close()
        assert b"summary" in child.stdout.read()
        assert child.wait(PATIENCE_SECONDS) == 0


def test_a_reader_that_goes_away_is_no_error(path: Path) -> None:
    with subprocess.Popen(
        [*TURNSCOPE, "replay", str(path), "--json", "--speed", "50"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.wait(PATIENCE_SECONDS) == 0
        assert child.stderr.read() == b""


def test_ctrl_c_ends_with_130(path: Path) -> None:
    with subprocess.Popen(
        [*TURNSCOPE, "replay", str(path), "--json", "--speed", "0.01"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        os.kill(child.pid, signal.SIGINT)
        assert child.wait(PATIENCE_SECONDS) == 130
        assert b"Traceback" not in child.stderr.read()
