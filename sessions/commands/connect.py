"""`turnscope connect [BASE_URL]`: a session of one's own, direct or through a proxy, on the screen.

This module only knows the options; the screen is given by whoever has one. Nothing is sent by itself.
"""

from __future__ import annotations

import argparse

from sessions.commands.connection import add_connection_options, add_recording_options
from sessions.commands.creating import add_create_options
from sessions.errors import UsageError


class Connect:
    """Open a socket and show what crosses it."""

    name = "connect"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        add_connection_options(parser, positional=True)
        add_recording_options(parser)
        add_session_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """There is nothing to show without a screen."""
        raise UsageError("connect needs a terminal; `turnscope send` works without one")


def session_name(text: str) -> str:
    """A name for a session."""
    from sessions.roster import SESSION_NAME

    if not SESSION_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a name has one to 32 letters, digits, _ . or -")
    return text


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add what a session on the screen can be told before it opens."""
    add_create_options(parser)
    group = parser.add_argument_group("session")
    group.add_argument(
        "--session",
        action="append",
        type=session_name,
        metavar="NAME",
        help="open a session by this name; repeatable, each in a tab of its own",
    )
    group.add_argument("--read-only", action="store_true", help="look only: no composer, nothing can be sent")


VERB = Connect()
