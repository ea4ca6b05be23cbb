"""Lines of stdin: numbered, as they were written, and a wait for one that can be given up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from io import TextIOWrapper

import pytest

from sessions.commands.stdin import StdinLines
from sessions.errors import UsageError


class Pipe:
    """A stream to read and the end that writes to it."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.stream: TextIOWrapper = os.fdopen(read, encoding="utf-8")

    def write(self, data: bytes) -> None:
        """Write bytes."""
        os.write(self._write, data)

    def end(self) -> None:
        """Close the writing end."""
        if self._write >= 0:
            os.close(self._write)
        self._write = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe of this test's own."""
    made = Pipe()
    yield made
    made.end()
    made.stream.close()


async def test_lines_come_as_they_were_written_without_empty_ones(pipe: Pipe) -> None:
    pipe.write(b'{"a": 1}\n\n\r\n  {"b":\xe2\x80\xa8"\\ud800"} \r\nlast\rline')
    pipe.end()
    lines = StdinLines(pipe.stream)
    assert await lines.next() == '{"a": 1}'
    assert await lines.next() == '  {"b":\u2028"\\ud800"} '
    assert await lines.next() == "last\rline"
    assert await lines.next() == ""


async def test_a_line_that_is_not_utf_8_is_told_by_its_number(pipe: Pipe) -> None:
    pipe.write(b"good\n\n\xff\n")
    lines = StdinLines(pipe.stream)
    assert await lines.next() == "good"
    with pytest.raises(UsageError, match="line 3 of stdin is not UTF-8"):
        await lines.next()
    pipe.end()
    assert await lines.next() == ""


async def test_a_wait_that_is_given_up_loses_no_line(pipe: Pipe) -> None:
    lines = StdinLines(pipe.stream)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(lines.next())
        await asyncio.sleep(0)
        waiting.cancel()
    assert waiting.cancelled()
    pipe.write(b"first\nsecond\n")
    pipe.end()
    assert [await lines.next(), await lines.next(), await lines.next()] == ["first", "second", ""]
