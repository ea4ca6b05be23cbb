"""`turnscope` without a verb: the start screen, with a demonstration that is already running.

It opens no socket of the person's own and needs no key. This module only knows the options; the screen is
given by whoever has one.
"""

from __future__ import annotations

import argparse

from sessions.commands.connection import add_connection_options, add_recording_options
from sessions.errors import UsageError


class Start:
    """The ways in."""

    name = "start"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options; they are those of `connect`, so that its line can be preselected."""
        add_connection_options(parser)
        add_recording_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """There is nothing to show without a screen."""
        raise UsageError("the start screen needs a terminal")


VERB = Start()
