"""The options that shape every create of a verb, and where its run is recorded.

Its one rule: an option that was not given leaves its field out of the frame. Importing this is cheap.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessions.settings import Settings


def add_create_options(parser: argparse.ArgumentParser) -> None:
    """Add what each create carries beside its prompt; none of it is inherited through the parent."""
    group = parser.add_argument_group("turns")
    group.add_argument(
        "--tools", metavar="FILE", help="a JSON file of tools, flat or in chat-completions form"
    )
    group.add_argument("--instructions", metavar="TEXT", help="instructions, resent with every turn")
    group.add_argument("--effort", metavar="WORD", help="reasoning effort, such as low, medium or high")
    group.add_argument(
        "--store",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="set `store` in every frame; the server's default is true when it is left out",
    )


def record_file(text: str) -> str:
    """The file that `--record` names; raises ArgumentTypeError for what names none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a file, or leave --record out")
    if text == "-":
        raise argparse.ArgumentTypeError(
            "a recording goes to a file, not to stdout; name one (./- is a file called -)"
        )
    return text


def recording_path(args: argparse.Namespace, profile: str) -> Path | None:
    """Where this run is recorded: the file that was named, else a dated one; None keeps no recording."""
    from sessions.recording import new_path
    from sessions.settings import paths

    if args.no_record:
        return None
    if args.record:
        return Path(args.record).expanduser()
    return new_path(paths().recordings, profile, time.time_ns() // 1000)


def tidy_recordings(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    """Let old recordings go, as the settings say, before a dated one is made; sentences about what went."""
    from sessions.retention import tidy
    from sessions.settings import paths

    if getattr(args, "no_record", False) or getattr(args, "record", None):
        return ()
    return tidy(
        paths().recordings, settings.recordings_days, settings.recordings_megabytes, time.time_ns() / 1e9
    )
