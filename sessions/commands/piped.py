"""A recording that arrives on stdin, kept in a file that can be read while it grows.

Its one rule: the pipe is emptied as quickly as it is filled, whatever is done with what came; nothing else is
read from it. The file has no name once it is open, and a lock while more may come, as every growing one has.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from pathlib import Path

from sessions.errors import Damaged, RecordingError
from sessions.reading import Reading

_CHUNK_BYTES = 1 << 18
_HEADER_BYTES = 1 << 16  # a first line longer than that is no header


def open_piped(source: int) -> Reading:
    """Wait for the first line on this descriptor and follow what comes after it; takes the descriptor.

    Raises Damaged when it does not begin as a recording does, RecordingError when it cannot be kept.
    """
    try:
        kept, name = tempfile.mkstemp(prefix="turnscope-", suffix=".jsonl")
    except OSError as error:
        raise RecordingError(f"cannot keep what comes on stdin: {error.strerror}") from error
    fcntl.flock(kept, fcntl.LOCK_EX)
    path = Path(name)
    try:
        if not _keep_first_line(source, kept):
            raise Damaged("nothing came on stdin: pipe a recording of turnscope into `replay -`")
        try:
            reading = Reading.open(path)
        except Damaged:
            # its own sentence would name a file that nobody has heard of
            raise Damaged(
                "what came on stdin is not a recording of turnscope: its first line is no header"
            ) from None
    except BaseException:
        os.close(kept)
        os.close(source)
        raise
    finally:
        path.unlink()
    reading.path = None
    threading.Thread(target=_keep_rest, args=(source, kept), name="stdin", daemon=True).start()
    return reading


def _keep_first_line(source: int, kept: int) -> bool:
    length = 0
    while chunk := os.read(source, _CHUNK_BYTES):
        _write(kept, chunk)
        length += len(chunk)
        if b"\n" in chunk or length > _HEADER_BYTES:
            break
    return length > 0


def _keep_rest(source: int, kept: int) -> None:
    try:
        while chunk := os.read(source, _CHUNK_BYTES):
            _write(kept, chunk)
    except OSError:
        pass  # a full disk or a pipe that broke: what came so far is shown, and that no more will come
    finally:
        os.close(kept)
        os.close(source)


def _write(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
