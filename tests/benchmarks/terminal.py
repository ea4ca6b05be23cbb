"""A program in a pty of 120x40, watched from outside: what it painted, when, and how soon it answered a key.

It answers the question that decides whether updates are synchronised, so that one synchronised update is one
frame. Everything read is kept with its time and counted afterwards: a watcher that counts would take the time
of what it watches.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

ROOT = Path(__file__).resolve().parents[2]
_FRAME = re.compile(rb"\x1b\[\?2026h(.*?)\x1b\[\?2026l", re.DOTALL)
_ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\].*?(?:\x07|\x1b\\)", re.DOTALL)
_ASKED, _YES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Frame(NamedTuple):
    """One synchronised update: when its end was read, and its words without colours."""

    at: float
    text: str


class Terminal:
    """A program in a pty as a context manager; leaving it ends the program."""

    def __init__(
        self, command: list[str], *, size: tuple[int, int] = (120, 40), without: Sequence[str] = ()
    ) -> None:
        self.painted = bytearray()  #: everything the program wrote
        self._reads: list[tuple[float, int]] = []
        self._is_answered = False
        self._has_ended = False
        self._home = tempfile.TemporaryDirectory()  # of its own: no draft of another run is restored
        self.began = time.perf_counter()
        self.child, self._master = pty.fork()
        if self.child == 0:
            # after the fork and before the program: it finds its terminal in the right size
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.chdir(ROOT)
            environ = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith("XDG_") and name not in without
            }
            environ = {**environ, "TERM": "xterm-256color", "HOME": self._home.name}
            os.execvpe(command[0], command, environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        os.close(self._master)
        self._home.cleanup()

    @property
    def descriptor(self) -> int:
        """The side of the pty that a terminal holds, for somebody else to read."""
        return self._master

    def end(self) -> None:
        """End the program, once."""
        if not self._has_ended:
            self._has_ended = True
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)

    def read(self, seconds: float) -> bool:
        """Take what is painted next; False when nothing is within so many seconds. Raises EOFError."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError as error:
            raise EOFError(f"the program ended: {bytes(self.painted[-400:])!r}") from error
        self.painted += data
        self._reads.append((time.perf_counter(), len(self.painted)))
        if not self._is_answered and _ASKED in self.painted:
            self._is_answered = True
            os.write(self._master, _YES)
        return True

    def idle(self, seconds: float) -> None:
        """Read on for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def press(self, keys: str) -> int:
        """Press keys; returns how much had been painted before."""
        before = len(self.painted)
        os.write(self._master, keys.encode())
        return before

    def until(self, mark: str, *, after: int = 0, seconds: float = 20.0) -> float:
        """Milliseconds until these words are painted beyond `after` bytes; raises TimeoutError."""
        began = time.perf_counter()
        wanted = mark.encode()
        looked = after
        while (found := self.painted.find(wanted, looked)) < 0:
            looked = max(after, len(self.painted) - len(wanted))
            left = seconds - (time.perf_counter() - began)
            if left <= 0 or not self.read(left):
                seen = bytes(self.painted[-300:])
                raise TimeoutError(f"no {mark!r} within {seconds:g} s: {seen!r}")
        return (self._when(found) - began) * 1000

    def answer_ms(self, key: str, mark: str = "", *, seconds: float = 20.0) -> float:
        """Milliseconds from a key to its mark on the screen; the mark is the key itself unless given."""
        return self.until(mark or key, after=self.press(key), seconds=seconds)

    def painted_ms(self, key: str, *, seconds: float = 5.0) -> float:
        """Milliseconds from a key to the next whole picture, whatever it shows."""
        return self.until("\x1b[?2026l", after=self.press(key), seconds=seconds)

    def when(self, mark: str) -> float:
        """The time at which these words were first read; they must have been."""
        return self._when(self.painted.index(mark.encode()))

    def frames(self, since: float = 0.0) -> list[Frame]:
        """The synchronised updates that were read after this time."""
        found = []
        for match in _FRAME.finditer(self.painted):
            at = self._when(match.end() - 1)
            if at >= since:
                found.append(Frame(at, _ESCAPE.sub(b"", match[1]).decode(errors="replace")))
        return found

    def _when(self, offset: int) -> float:
        index = bisect_right(self._reads, offset, key=lambda read: read[1])
        return self._reads[min(index, len(self._reads) - 1)][0]


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The built-in server in a process of its own; its base URL."""
    command = [sys.executable, "-m", "sessions.cli", "fake", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.terminate()


def cpu_seconds(process: int) -> float:
    """Processor time of a process so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
