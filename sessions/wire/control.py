"""The way to speak to a tap that runs: a socket beside its recording, one word in, one answer out.

Its one rule: whoever may write the recording may stop the tap, and nobody else. A socket that a killed tap
left behind is recognised and removed. Nothing that crosses the tap goes this way.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from sessions.errors import RecordingError, UsageError

_MAX_PATH_BYTES = 100  # of a unix socket; systems take 104 to 108
_MAX_WORD_BYTES = 64
_ASK_SECONDS = 10.0
_LEAVE_SECONDS = 1.0

Answers: TypeAlias = Mapping[str, Callable[[], Awaitable[dict[str, Any]]]]


def control_path(recording: Path) -> Path:
    """Where the socket of the tap that writes this recording is: beside it, or in a short folder of ours."""
    beside = recording.absolute().with_name(recording.name + ".control")
    if len(os.fsencode(beside)) <= _MAX_PATH_BYTES:
        return beside
    name = blake2b(os.fsencode(recording.resolve()), digest_size=8).hexdigest()
    return _short_folder() / f"{name}.control"


def _short_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"turnscope-{os.getuid()}"


def _make_room(path: Path) -> None:
    """Make the folder of the socket; the short one must be ours alone, as it stands where all can write."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.parent == _short_folder():
        found = path.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise RecordingError(f"{path.parent} is not a folder of yours alone; the control socket needs it")


class Control:
    """The listening end, as an async context manager; each word has a coroutine that answers it."""

    def __init__(self, recording: Path, answers: Answers) -> None:
        self.path = control_path(recording)
        self._answers = answers
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        _remove_stale(self.path)
        try:
            _make_room(self.path)
            # nobody else may connect even between the socket's making and a later chmod
            before = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, self.path)
            finally:
                os.umask(before)
        except OSError as error:
            raise RecordingError(f"cannot make the control socket {self.path}: {error.strerror}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None  # entered
        self._server.close()
        with suppress(OSError):
            self.path.unlink()
        if self._asked:
            await asyncio.wait(self._asked, timeout=_LEAVE_SECONDS)  # the last answers go out
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a coroutine runs in one
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        try:
            word = (await reader.readline())[:_MAX_WORD_BYTES].decode("ascii", "replace").strip()
            answer = self._answers.get(word)
            said = (
                await answer()
                if answer is not None
                else {"event": "error", "detail": f"{word!r} is not one of {', '.join(self._answers)}"}
            )
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            pass  # whoever asked has gone, or wrote no line
        finally:
            writer.close()


def ask(recording: Path, word: str) -> dict[str, Any]:
    """Say a word to the tap that writes this recording and wait for its answer, at most ten seconds.

    Raises UsageError when no tap does, or when it does not answer.
    """
    path = control_path(recording)
    try:
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(_ASK_SECONDS)
            own.connect(os.fspath(path))
            own.sendall(word.encode() + b"\n")
            with own.makefile("rb") as lines:
                answer = json.loads(lines.readline())
    except FileNotFoundError:
        what = "no tap is running that records to it" if recording.exists() else "there is no such recording"
        raise UsageError(f"{recording}: {what}") from None
    except ConnectionRefusedError:
        _remove_stale(path)
        raise UsageError(
            f"{recording}: its tap has ended without saying goodbye; the recording can be read as it is"
        ) from None
    except TimeoutError:
        raise UsageError(f"{recording}: its tap does not answer; end it by its process id") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{recording}: its tap cannot be asked: {error}") from None
    if not isinstance(answer, dict):
        raise UsageError(f"{recording}: its tap answered with something else than an object")
    return answer


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on; raises RecordingError when somebody does, or it is none."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise RecordingError(f"{path} is in the way: the tap needs this name for its control socket")
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(1.0)
            own.connect(os.fspath(path))
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    except OSError as error:
        raise RecordingError(f"the control socket {path} cannot be looked at: {error.strerror}") from error
    raise RecordingError(f"another tap is running with the control socket {path}")
