"""`turnscope demo [SCENARIO]`: the built-in server on loopback and a session on it; no key, no network.

This module only knows the options; the screen is given by whoever has one. What the options mean is the fake
server's business: they are its own words.
"""

from __future__ import annotations

import argparse

from sessions.commands.connect import add_session_options
from sessions.commands.connection import add_recording_options, amount, seconds, whole
from sessions.errors import UsageError

RATE = 55.0  #: tokens a second: as quick as a good model, slow enough to read


class Demo:
    """A session with the built-in server."""

    name = "demo"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "scenario",
            nargs="?",
            default="conversation",
            metavar="SCENARIO",
            help="what the server answers; `turnscope fake --help` lists them (default conversation)",
        )
        parser.add_argument(
            "--age-limit",
            type=seconds,
            metavar="SECONDS",
            help="end the socket after so long: 90 is worth watching",
        )
        parser.add_argument(
            "--rate",
            type=amount,
            default=RATE,
            metavar="N",
            help=f"tokens a second; 0 is no limit (default {RATE:g})",
        )
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME",
            help="a fault by name, repeatable; see fake --help",
        )
        parser.add_argument(
            "--dialect",
            default="openai",
            metavar="NAME",
            help="how the server spells things (default openai)",
        )
        parser.add_argument("--seed", type=whole, metavar="N", help="the same answers, ids and times again")
        parser.add_argument("--model", metavar="NAME", help="the model that the frames name")
        add_session_options(parser)
        add_recording_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """There is nothing to show without a screen."""
        raise UsageError("the demo needs a terminal; `turnscope fake` serves the same without one")


VERB = Demo()
