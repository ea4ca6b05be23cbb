"""`turnscope tap`: between a client and its server, byte for byte, with a recording of what crossed.

Its one rule: a client that runs inside keeps stdin, stdout, stderr and its exit code; what we have to say
goes to stderr. Without one, stdout gets one line of JSON when the tap is ready.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sessions.commands.connection import seconds
from sessions.commands.creating import record_file
from sessions.errors import UsageError
from sessions.exits import Exit


class TapVerb:
    """The verb `tap`."""

    name = "tap"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of this verb."""
        parser.usage = (
            "turnscope tap --upstream BASE_URL [OPTION ...] [-- CLIENT ARG ...]\n"
            "       turnscope tap --stop FILE"
        )
        parser.description = (
            "Listen on this machine and join every client to the upstream, byte for byte; a recording is\n"
            "kept of what crossed. Give the client the tap's base URL instead of the server's. With --\n"
            "CLIENT the program runs inside, on this terminal, with the tap in its OPENAI_BASE_URL, and the\n"
            "tap ends with it."
        )
        add = parser.add_argument
        add(
            "--upstream",
            dest="base_url",
            metavar="BASE_URL",
            help="the server's base URL, such as https://HOST/v1",
        )
        add(
            "--listen",
            type=address,
            metavar="[HOST:]PORT",
            help="where clients connect (127.0.0.1:8377, or any free port)",
        )
        add(
            "--headless",
            action="store_true",
            help="no screen: one line of JSON when ready, until it is stopped",
        )
        add("--record", type=record_file, metavar="FILE", help="record to this file instead of a dated one")
        add("--stop", type=Path, metavar="FILE", help="stop the tap that records to this file")
        add("--status", type=Path, metavar="FILE", help="ask the tap that records to this file how it is")
        remote = parser.add_argument_group("other machines")
        remote.add_argument(
            "--allow-remote",
            action="store_true",
            help="listen where other machines can reach it; a token becomes part of the base URL",
        )
        remote.add_argument(
            "--token-env",
            metavar="NAME",
            help="the variable that holds the token, instead of one that is made up",
        )
        upstream = parser.add_argument_group("upstream")
        upstream.add_argument(
            "--profile", metavar="NAME", help="what is known of the server: openai, xai ..."
        )
        way = upstream.add_mutually_exclusive_group()
        way.add_argument("--via", metavar="PROXY", help="an HTTP or SOCKS proxy: http://, socks5h:// ...")
        way.add_argument("--no-proxy", action="store_true", default=None, help="ignore the proxy variables")
        upstream.add_argument("--ca", metavar="FILE", help="certificates to trust beside the system's")
        upstream.add_argument("--insecure", action="store_true", default=None, help="trust any certificate")
        upstream.add_argument(
            "--age-limit", type=seconds, metavar="SECONDS", help="how long a socket lives, for the countdown"
        )
        upstream.add_argument(
            "--open-timeout",
            type=seconds,
            metavar="SECONDS",
            help="how long the upstream may take to be reached (15)",
        )
        add("client", nargs="*", metavar="CLIENT", help="a program to run inside, after --")
        parser.set_defaults(no_record=False)

    def run(self, args: argparse.Namespace) -> int:
        """Tap until a signal, a word, or the end of the client; the exit code is the client's, or ours."""
        if args.stop or args.status:
            from sessions.wire.control import ask

            answer = ask(args.stop, "stop") if args.stop else ask(args.status, "status")
            sys.stdout.write(json.dumps(answer) + "\n")
            return Exit.DONE
        import asyncio

        from sessions.commands.tapping import Tapping, refuse

        if not args.headless and not args.client:
            refuse(args)  # whoever has no terminal may also have mistyped: that would come next
            raise UsageError(
                "tap needs a terminal; without one use `turnscope tap --headless`, or name a client after --"
            )
        return asyncio.run(Tapping(args).run())


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, or a port of this machine; a name that is not this machine's is looked at later."""
    host, colon, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or (colon and not host):
        raise argparse.ArgumentTypeError(f"write it as HOST:PORT or PORT, as in 127.0.0.1:8377, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


VERB = TapVerb()
