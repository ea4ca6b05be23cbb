"""The control socket of a tap: who may use it, what it answers, and what a killed tap leaves behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessions.errors import RecordingError, UsageError
from sessions.wire.control import Control, ask, control_path


async def status() -> dict[str, Any]:
    return {"event": "status", "open": 3}


def leave_behind(path: Path) -> None:
    """A socket file that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(path))


async def test_a_word_gets_its_answer_and_the_socket_is_its_owners(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    async with Control(recording, {"status": status}) as control:
        assert control.path == tmp_path / "a.jsonl.control"
        assert stat.S_IMODE(control.path.stat().st_mode) == 0o600
        assert await asyncio.to_thread(ask, recording, "status") == {"event": "status", "open": 3}
        assert await asyncio.to_thread(ask, recording, "dance") == {
            "event": "error",
            "detail": "'dance' is not one of status",
        }
    assert not control.path.exists()


async def test_an_answer_that_waits_for_the_end_still_goes_out(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    asked, ended = asyncio.Event(), asyncio.Event()

    async def stop() -> dict[str, Any]:
        asked.set()
        await ended.wait()
        return {"event": "stopped"}

    async with asyncio.TaskGroup() as group:
        async with Control(recording, {"stop": stop}):
            answer = group.create_task(asyncio.to_thread(ask, recording, "stop"))
            await asked.wait()
            ended.set()
    assert answer.result() == {"event": "stopped"}


async def test_a_client_that_says_nothing_or_too_much_harms_nobody(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    async with Control(recording, {"status": status}) as control:
        for words in (b"", b"x" * 200_000):
            reader, writer = await asyncio.open_unix_connection(control.path)
            writer.write(words)
            writer.write_eof()
            await reader.read()
            writer.close()
        assert (await asyncio.to_thread(ask, recording, "status"))["open"] == 3


def test_asking_where_nobody_taps_says_so(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    with pytest.raises(UsageError, match=r"a\.jsonl: there is no such recording$"):
        ask(recording, "stop")
    recording.touch()
    with pytest.raises(UsageError, match="no tap is running that records to it"):
        ask(recording, "stop")
    leave_behind(control_path(recording))
    with pytest.raises(UsageError, match="ended without saying goodbye"):
        ask(recording, "stop")
    assert not control_path(recording).exists()


async def test_a_socket_that_a_killed_tap_left_is_replaced(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    leave_behind(control_path(recording))
    async with Control(recording, {"status": status}):
        assert (await asyncio.to_thread(ask, recording, "status"))["open"] == 3


async def test_a_socket_in_use_and_a_file_in_the_way_are_left_alone(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    async with Control(recording, {"status": status}):
        with pytest.raises(RecordingError, match="another tap is running"):
            await Control(recording, {}).__aenter__()
    control_path(recording).write_text("mine")
    with pytest.raises(RecordingError, match="is in the way"):
        await Control(recording, {}).__aenter__()
    assert control_path(recording).read_text() == "mine"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files whose own path is short, however deep the tests' is."""
    with tempfile.TemporaryDirectory(prefix="ts-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def deep(tmp_path: Path) -> Path:
    """A recording whose path is too long for a socket beside it."""
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    return folder / "a.jsonl"


async def test_a_path_too_long_for_a_socket_goes_to_a_short_folder(tmp_path: Path, short: Path) -> None:
    recording = deep(tmp_path)
    path = control_path(recording)
    assert path.parent == short / f"turnscope-{os.getuid()}"
    assert path != control_path(recording.with_name("b.jsonl"))
    async with Control(recording, {"status": status}):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert (await asyncio.to_thread(ask, recording, "status"))["open"] == 3


@pytest.mark.usefixtures("short")
async def test_a_short_folder_that_others_can_use_is_refused(tmp_path: Path) -> None:
    recording = deep(tmp_path)
    folder = control_path(recording).parent
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(RecordingError, match="is not a folder of yours alone"):
        await Control(recording, {"status": status}).__aenter__()
