"""`turnscope attach FILE`: the screen at the live end of a recording that somebody else still writes.

Its one rule: whoever writes is left alone, whatever happens to the screen. Without FILE the only recording
that grows is meant; where there are several, the screen asks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sessions.errors import UsageError

_LOOKED_AT = 200  # recordings, newest first


class Attach:
    """Look at a running recording."""

    name = "attach"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            help="a recording that grows; without it, the one that does, or a choice of them",
        )

    def run(self, args: argparse.Namespace) -> int:
        """There is nothing to show without a screen."""
        raise UsageError("attach needs a terminal; without one use `turnscope replay FILE --json`")


def growing(folder: Path) -> tuple[Path, ...]:
    """The recordings in this folder that are being written, the newest first."""
    from sessions.errors import RecordingError
    from sessions.reading import Reading

    found = []
    newest = sorted(folder.glob("*.jsonl"), key=lambda path: path.name, reverse=True)
    for path in newest[:_LOOKED_AT]:
        try:
            reading = Reading.open(path)
        except RecordingError:
            continue
        try:
            if reading.is_growing():
                found.append(path)
        finally:
            reading.close()
    return tuple(found)


def any_growing(folder: Path) -> tuple[Path, ...]:
    """The recordings that grow, at least one; raises UsageError when there is none."""
    found = growing(folder)
    if not found:
        raise UsageError(
            f"nothing in {folder} is being recorded now, and attach looks nowhere else. What is recorded "
            "with --record FILE has to be named: `turnscope attach FILE`; a tap says which when it begins. "
            "A finished one is looked at with `turnscope replay FILE`"
        )
    return found


VERB = Attach()
