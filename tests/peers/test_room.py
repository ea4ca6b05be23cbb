"""A room has a loopback interface and nothing else, and takes everything in it along when it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.peers.room import Room, RoomError, why_no_room

pytestmark = pytest.mark.skipif(why_no_room() is not None, reason=why_no_room() or "")

_DIAL_OUT = "import socket; socket.create_connection(('192.0.2.1', 443), 5)"
_ECHO = "import sys\nfor line in sys.stdin: print(line.upper(), end='')"


def test_nothing_leaves_a_room() -> None:
    """192.0.2.1 is reserved for documents; without an interface it is unreachable at once."""
    with Room() as room:
        done = room.run([sys.executable, "-c", _DIAL_OUT])
    assert done.status == 1
    assert "Network is unreachable" in done.stderr


def test_programs_in_a_room_share_its_loopback_only() -> None:
    """A server of one room is found from the same room, and not from another."""
    serve = "import socket; s = socket.create_server(('127.0.0.1', 8099)); print('up'); s.accept()"
    dial = "import socket; socket.create_connection(('127.0.0.1', 8099), 5).close()"
    with Room() as room, Room() as other:
        room.start([sys.executable, "-c", serve]).line_that(lambda line: line == "up")
        assert other.run([sys.executable, "-c", dial]).status == 1
        assert room.run([sys.executable, "-c", dial]).status == 0


def test_a_running_program_is_spoken_to() -> None:
    with Room() as room:
        echo = room.start([sys.executable, "-c", _ECHO])
        echo.say("heron")
        behind, line = echo.line_that(lambda line: line.startswith("H"))
        assert (behind, line) == (1, "HERON")
        assert echo.finish() == 0
        assert echo.lines() == ["HERON"]


def test_an_early_end_is_told_with_the_last_words() -> None:
    with Room() as room:
        brief = room.start([sys.executable, "-c", "raise SystemExit('no port')"])
        with pytest.raises(AssertionError, match="ended; its last words:\nno port"):
            brief.line_that(lambda line: "ready" in line)


def test_a_room_takes_its_programs_along() -> None:
    """A program that waits for ever has ended when the room has."""
    with Room() as room:
        patient = room.start([sys.executable, "-c", "print('up'); import time; time.sleep(600)"])
        patient.line_that(lambda line: line == "up")
    assert patient.status() is not None


def test_a_room_takes_along_what_let_go_of_it() -> None:
    """A background server is nobody's child any more, but lives in the room's network."""
    spawn = (
        "import subprocess as s, sys; print(s.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    )
    with Room() as room:
        done = room.run([sys.executable, "-c", spawn])
        background = Path("/proc") / done.stdout.strip()
        assert background.exists()
    assert not background.exists() or (background / "stat").read_text().split()[2] == "Z"


def test_no_settings_of_this_machine_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1:1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-peers")
    with Room() as room:
        done = room.run(["env"], environ={"HOME": "/nowhere"})
    assert "192.0.2.1" not in done.stdout
    assert "sk-not-for-peers" not in done.stdout
    assert "HOME=/nowhere" in done.stdout


def test_a_refused_namespace_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not permit it, the reason carries what the system said."""
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RoomError, match=r"not permitted here: .*Operation not permitted"), Room():
        pass
