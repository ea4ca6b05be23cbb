"""The lines of stdin, one when it is asked for, while the socket is served.

Its one rule: whoever waits for a line can stop waiting at any time. So the reading is done by a thread that
nobody joins, on a descriptor of its own: the interpreter would wait for one that holds `sys.stdin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from typing import IO

from sessions.errors import UsageError

_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")  # how Python reads a byte that is not UTF-8


class StdinLines:
    """The lines of a stream that has a descriptor, without their ends; empty ones are left out."""

    def __init__(self, stream: IO[str]) -> None:
        self._file = open(os.dup(stream.fileno()), encoding="utf-8", errors="surrogateescape", newline="\n")
        self._wanted = threading.Semaphore(0)
        self._read: asyncio.Queue[str] = asyncio.Queue()
        self._number = 0
        self._is_asked = False  # a wait that was given up has asked already
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="stdin", daemon=True).start()

    async def next(self) -> str:
        """The next line; "" at the end. Raises UsageError for a line that is not UTF-8."""
        while line := await self._one():
            self._number += 1
            if stripped := line.removesuffix("\n").removesuffix("\r"):
                if _ESCAPED_BYTE.search(stripped):
                    raise UsageError(f"line {self._number} of stdin is not UTF-8, as a text frame must be")
                return stripped
        return ""

    async def _one(self) -> str:
        if not self._is_asked:
            self._is_asked = True
            self._wanted.release()
        line = await self._read.get()
        self._is_asked = False
        return line

    def _run(self) -> None:
        line = "unread"
        with self._file:
            while line:
                self._wanted.acquire()
                try:
                    line = self._file.readline()
                except OSError:
                    line = ""  # a terminal that went away has nothing more to say
                with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever asked
                    self._loop.call_soon_threadsafe(self._read.put_nowait, line)
