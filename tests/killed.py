"""A real writer in a process of its own, killed while it writes; and what is left of its recording."""

from __future__ import annotations

import mmap
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sessions.reading import Reading
from sessions.recording import Problem

_WRITER = """
import asyncio, mmap, struct, sys, time
from pathlib import Path
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record

async def write(path, told):
    recording = Recording.create(Path(path))
    with open(told, "r+b") as file:
        last = mmap.mmap(file.fileno(), 8)
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    while True:
        now = time.monotonic()
        recording.append(Record(1, Direction.SERVER, Kind.TEXT, 0, now, b"x" * 200))
        last[:] = struct.pack("d", now)
        await asyncio.sleep(0.001)

asyncio.run(write(*sys.argv[1:]))
"""


class Remains(NamedTuple):
    """What a killed writer has left."""

    known: int  #: records that can be read
    lost_seconds: float  #: from the last record that can be read to the last that was appended
    problems: tuple[Problem, ...]
    is_growing: bool


def kill_a_writer(folder: Path, seconds: float) -> Remains:
    """Let a writer record some 800 records a second for this time, kill it, and read its file.

    When it appended last stands in memory that it shares, which outlives it.
    """
    path, told = folder / "killed.jsonl", folder / "last"
    path.unlink(missing_ok=True)
    told.write_bytes(bytes(8))
    with subprocess.Popen([sys.executable, "-c", _WRITER, path, told], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with suppress(subprocess.TimeoutExpired):
            writer.wait(seconds)
        writer.kill()
    with told.open("rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as shared:
        (appended,) = struct.unpack("d", shared[:])
    reading = Reading.whole(path)
    try:
        last = reading.elapsed_at(reading.known - 1) if reading.known else appended
        return Remains(reading.known, appended - last, tuple(reading.problems), reading.is_growing())
    finally:
        reading.close()
