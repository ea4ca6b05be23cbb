"""A room: a network of its own, with only the loopback interface up, for a server and its foreign peers.

Third-party programs phone home when they start; in a room nothing of theirs can leave, and no port can
clash. One rule: everything started in a room ends with it. Needs Linux with `unshare` and `nsenter`; where
those are missing or refused, `why_no_room` says so and the tests are skipped.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

#: As root a network namespace is enough; others get a user namespace too, where the system allows it.
_WAYS: tuple[tuple[list[str], list[str]], ...] = (
    (["--net"], ["--net"]),
    (["--user", "--map-root-user", "--net"], ["--user", "--net", "--preserve-credentials"]),
)
_KEEPER = "ip link set lo up && echo ready && exec cat"  # cat ends when its standard input is closed


@functools.cache
def why_no_room() -> str | None:
    """Why no room can be made here, None when one can."""
    missing = [name for name in ("unshare", "nsenter", "ip") if shutil.which(name) is None]
    if missing:
        return f"a network namespace needs {' and '.join(missing)} (Linux, util-linux, iproute2)"
    try:
        with Room():
            return None
    except RoomError as error:
        return str(error)


class RoomError(Exception):
    """The system refused a network namespace; the text says how."""


class Finished(NamedTuple):
    """A program that ran to its end."""

    status: int
    stdout: str
    stderr: str


class Room:
    """A network namespace, held open by a small process; a context manager."""

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[str] | None = None
        self._entrance: list[str] = []
        self._running: list[Running] = []

    def __enter__(self) -> Room:
        refusals: list[str] = []
        for outside, inside in _WAYS:
            keeper = subprocess.Popen(
                ["unshare", *outside, "sh", "-c", _KEEPER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert keeper.stdout is not None
            if keeper.stdout.readline() == "ready\n":
                self._keeper = keeper
                self._entrance = ["nsenter", f"--target={keeper.pid}", *inside, "--"]
                return self
            refusals.append(keeper.communicate()[1].strip())
        raise RoomError("unshare is not permitted here: " + "; ".join(refusals))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in reversed(self._running):
            running.stop()
        if self._keeper is not None:
            self.end_strays()
            self._keeper.communicate()

    def end_strays(self) -> None:
        """End what lives in this network and has let go of whoever started it, as background servers do."""
        assert self._keeper is not None
        known = {self._keeper.pid, *(running.pid for running in self._running)}
        for inhabitant in self._inhabitants():
            with contextlib.suppress(ProcessLookupError):
                if inhabitant not in known and os.getsid(inhabitant) not in known:
                    _end(inhabitant)

    def _inhabitants(self) -> Iterator[int]:
        assert self._keeper is not None
        network = os.stat(f"/proc/{self._keeper.pid}/ns/net").st_ino
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or belongs to somebody else
                if os.stat(folder / "ns" / "net").st_ino == network:
                    yield int(folder.name)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stdin: str = "",
        seconds: float = 60,
    ) -> Finished:
        """Run a program to its end; raises subprocess.TimeoutExpired after `seconds`."""
        done = subprocess.run(
            [*self._entrance, *map(str, command)],
            input=stdin,
            capture_output=True,
            text=True,
            env=_environment(environ),
            cwd=folder,
            timeout=seconds,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Running:
        """Start a program that goes on until it is stopped, or until the room ends."""
        running = Running(
            subprocess.Popen(
                [*self._entrance, *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",  # tmux tells of output in pieces that end anywhere
                env=_environment(environ),
                cwd=folder,
                start_new_session=True,
            )
        )
        self._running.append(running)
        return running


class Running:
    """A program at work: its lines as they come, and its standard input."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        assert program.stderr is not None
        self._program = program
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._ended: set[str] = set()
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("stdout", program.stdout), ("stderr", program.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process id, and that of its session."""
        return self._program.pid

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self._program.stdin is not None
        self._program.stdin.write(line + "\n")
        self._program.stdin.flush()

    def line_that(
        self, fits: Callable[[str], bool], *, after: int = 0, stream: str = "stdout", seconds: float = 30
    ) -> tuple[int, str]:
        """The first line from index `after` on that fits, with the index behind it.

        Raises AssertionError with the last words when the program ends or the seconds are over.
        """
        seen = after

        def is_settled() -> bool:
            nonlocal seen
            lines = self._lines[stream]
            while seen < len(lines) and not fits(lines[seen]):
                seen += 1
            return seen < len(lines) or stream in self._ended

        with self._news:
            self._news.wait_for(is_settled, seconds)
            if seen < len(self._lines[stream]):
                return seen + 1, self._lines[stream][seen]
            why = "ended" if stream in self._ended else f"said nothing that fits for {seconds} s"
        raise AssertionError(f"{self._program.args!r} {why}; its last words:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of what it wrote so far, the standard error last."""
        with self._news:
            return "\n".join(line for lines in self._lines.values() for line in lines[-40:])

    def lines(self) -> list[str]:
        """The lines of its standard output so far."""
        with self._news:
            return list(self._lines["stdout"])

    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._program.poll()

    def finish(self, seconds: float = 30) -> int:
        """Close its standard input and wait for its own end; its exit status."""
        assert self._program.stdin is not None
        self._program.stdin.close()
        status = self._program.wait(seconds)
        for reader in self._readers:
            reader.join()
        return status

    def stop(self) -> None:
        """End it and whatever it started; a second time does nothing."""
        program = self._program
        assert program.stdin is not None
        if program.poll() is None:
            _signal_group(program.pid, signal.SIGTERM)
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                _signal_group(program.pid, signal.SIGKILL)
                program.wait()
        for reader in self._readers:
            reader.join(10)
        if not program.stdin.closed:
            program.stdin.close()

    def _read(self, name: str, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with self._news:
                    self._lines[name].append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended.add(name)
            self._news.notify_all()


def _end(program: int) -> None:
    """End a program that is nobody's child, and wait until it has ended."""
    try:
        handle = os.pidfd_open(program)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], 10)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return  # it ended between the look and the signal


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """What a program in a room is told: a path and a language; no proxies, keys or settings from outside."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **(extra or {})}
