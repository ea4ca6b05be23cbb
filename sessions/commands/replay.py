"""`turnscope replay FILE`: a recording played again, on the screen or as the lines that it holds.

Its one rule: nothing is sent, and the file is only read. stdout is data: the recording's lines as they are
and a summary; what cannot be read is told on stderr.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.errors import UsageError
from sessions.exits import Exit
from sessions.safe import safe_json
from sessions.talk import tell

if TYPE_CHECKING:
    from sessions.playback import Playback
    from sessions.reading import Reading

STDIN = "-"
_SLICE_SECONDS = 0.05


def speed(text: str) -> float:
    """A speed: a number above 0 with or without an x, or `max`."""
    if text == "max":
        return math.inf
    try:
        number = float(text.removesuffix("x"))
    except ValueError:
        number = 0.0
    if not 0.01 <= number <= 1000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no speed: a number from 0.01 to 1000 such as 0.5, 1, 4, 16, or max"
        )
    return number


class Replay:
    """Play a recording."""

    name = "replay"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            help="a recording, as far as it has come; `-` reads one from stdin while it grows",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print its lines and a summary instead of a screen; `damaged` counts the lines left out",
        )
        parser.add_argument(
            "--speed",
            type=speed,
            metavar="X",
            help="0.25, 1, 4, 16 ... or max: a screen plays at once, without it space does; max with --json",
        )
        parser.add_argument(
            "--shorten-silences", action="store_true", help="wait at most two seconds between two records"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print the recording; returns an exit code."""
        from sessions.playback import Playback
        from sessions.settings import known_habits
        from sessions.wire.clock import SystemClock

        if not args.json:
            raise UsageError("replay needs a terminal; without one use `turnscope replay FILE --json`")
        habits = known_habits()
        reading = open_named(args.file, sys.stdin.fileno)
        try:
            playback = Playback(reading, SystemClock(), habits=habits)
            playback.speed = args.speed or math.inf
            playback.is_shortening = args.shorten_silences
            print_lines(playback, time.sleep, follows=args.file == STDIN)
            print_summary(playback)
            tell_problems(reading)
            if playback.is_growing:
                name = args.file
                tell(
                    f"{name} is still being written; this is how far it had come. To follow it: "
                    f"`turnscope attach {name}`, or `tail -n +1 -f {name} | turnscope replay - --json`"
                )
        finally:
            reading.close()
        return Exit.DONE


def open_named(name: str | None, stdin: Callable[[], int]) -> Reading:
    """The recording of this name, `-` for the one on stdin.

    Raises UsageError without a name, RecordingError when it cannot be read or is no recording.
    """
    from sessions.commands.piped import open_piped
    from sessions.reading import Reading

    if not name:
        raise UsageError("replay what? Name a recording, or `-` for one on stdin")
    if name == STDIN:
        return open_piped(stdin())
    return Reading.open(Path(name).expanduser())


def print_lines(playback: Playback, wait: Callable[[float], None], *, follows: bool = False) -> None:
    """Write every line when its time has come; `wait` waits some seconds.

    It ends with the last line that is there; one that `follows` goes on for as long as somebody writes.
    """
    playback.play()
    out, printed = sys.stdout, 0
    while True:
        due = playback.advance(_SLICE_SECONDS)
        for number in range(printed, playback.position):
            out.write(safe_json(playback.reading.line(number).decode()))
        if printed != playback.position:
            printed = playback.position
            out.flush()
        if playback.is_at_end and not (follows and playback.is_growing):
            return
        if due > 0:
            wait(due)


def print_summary(playback: Playback) -> None:
    """Write the last line, as `send` does, and how many lines of the file could not be read."""
    from sessions import outcome

    sessions = playback.inspector.sessions
    newest = sessions.sessions.get(max(sessions.sessions, default=0))
    path = playback.reading.path
    plain = outcome.summary(sessions, newest, str(path) if path else None, playback.inspector.findings)
    cut = 0 if playback.is_growing else playback.reading.end_problem() is not None
    plain["damaged"] = playback.reading.damaged + cut
    sys.stdout.write(safe_json(json.dumps(plain, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def tell_problems(reading: Reading) -> None:
    """Tell which lines could not be read."""
    end = reading.end_problem()
    for problem in (*reading.problems, *((end,) if end is not None else ())):
        tell(f"line {problem.line}: {problem.reason}")


VERB = Replay()
