"""Which old recordings go when a new one is made: by age and by size, and only as the settings say.

Its one rule: in doubt a file stays. Only dated recordings directly in the recordings folder count; one that
is marked (an empty `FILE.keep` beside it) or still written is never touched, and what went is named.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sessions.journal import FORMAT
from sessions.recording import mark_path

_DAY_SECONDS = 86_400
_MEGABYTE = 1_000_000
_DATED = re.compile(r"\d{4}-\d\d-\d\d-\d{6}-[A-Za-z0-9_-]+-\d{6}\.jsonl")
_BEGINS = f'"format":"{FORMAT}"'.encode()
_NAMED = 3  # files that a sentence names; more are counted


class Stored(NamedTuple):
    """One dated recording of the folder."""

    path: Path
    size: int  #: bytes
    modified: float  #: seconds since the epoch
    is_kept: bool


def stored(folder: Path) -> tuple[Stored, ...]:
    """The dated recordings of a folder, oldest first; none when there is no such folder."""
    return tuple(sorted(_found(folder), key=lambda one: (one.modified, one.path.name)))


def _found(folder: Path) -> Iterator[Stored]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _DATED.fullmatch(entry.name):
                with suppress(OSError):  # it went meanwhile
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        path = Path(entry.path)
                        yield Stored(path, facts.st_size, facts.st_mtime, mark_path(path).exists())


def tidy(folder: Path, days: float | None, megabytes: float | None, now: float) -> tuple[str, ...]:
    """Remove recordings older than `days`, then the oldest until all fit into `megabytes`; None: no limit.

    `now` is seconds since the epoch. Returns a sentence for each reason, naming what was removed; a file
    that cannot be removed stays, and a sentence says so.
    """
    if days is None and megabytes is None:
        return ()
    left = list(stored(folder))
    said: list[str] = []
    if days is not None:
        old = [one for one in left if now - one.modified > days * _DAY_SECONDS]
        gone, refused = _removed(old)
        left = [one for one in left if one not in gone]
        said += _sentences(gone, refused, f"older than {_days(days)} (recordings_days)")
    if megabytes is not None:
        excess = sum(one.size for one in left) - megabytes * _MEGABYTE
        surplus = []
        for one in left:
            if excess <= 0:
                break
            if not one.is_kept and not _is_written(one.path):
                surplus.append(one)
                excess -= one.size
        gone, refused = _removed(surplus)
        said += _sentences(gone, refused, f"beyond {megabytes:g} MB (recordings_megabytes)")
    return tuple(said)


def words(days: float | None, megabytes: float | None) -> str:
    """What the settings keep, in words."""
    limits = [_days(days)] if days is not None else []
    limits += [f"{megabytes:g} MB"] if megabytes is not None else []
    return f"the newest, up to {' and '.join(limits)}, and what is marked" if limits else "everything is kept"


def _days(days: float) -> str:
    return f"{days:g} day{'' if days == 1 else 's'}"


def _removed(wanted: list[Stored]) -> tuple[list[Stored], list[str]]:
    gone: list[Stored] = []
    refused: list[str] = []
    for one in wanted:
        if one.is_kept:
            continue
        try:
            if _remove(one.path):
                gone.append(one)
        except OSError as error:
            refused.append(f"{one.path.name} could not be removed: {error.strerror}")
    return gone, refused


def _remove(path: Path) -> bool:
    """Remove one file, if it is a recording that nobody writes and nobody marked; whether it went."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _BEGINS not in os.pread(descriptor, 1 << 12, 0).partition(b"\n")[0] or mark_path(path).exists():
            return False
        os.unlink(path)
        return True
    except BlockingIOError:
        return False  # it is being written
    finally:
        os.close(descriptor)


def _is_written(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _sentences(gone: list[Stored], refused: list[str], reason: str) -> list[str]:
    if not gone:
        return refused
    names = ", ".join(one.path.name for one in gone[:_NAMED])
    if len(gone) > _NAMED:
        names += f" and {len(gone) - _NAMED} more"
    noun = "recording" if len(gone) == 1 else "recordings"
    size = sum(one.size for one in gone) / _MEGABYTE
    return [f"removed {len(gone)} {noun} {reason}, {size:,.1f} MB: {names}", *refused]
