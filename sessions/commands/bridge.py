"""`turnscope bridge`: WebSocket mode in front of a server that only speaks HTTP and an event stream.

Its one rule: stdout gets one line of JSON when the bridge is ready; everything else goes to stderr. SIGTERM
and SIGINT close every socket, the recording is whole, and the exit code is 0.
"""

from __future__ import annotations

import argparse

from sessions.commands.connection import count, seconds
from sessions.commands.creating import record_file
from sessions.commands.tap import address


class BridgeVerb:
    """The verb `bridge`."""

    name = "bridge"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of this verb."""
        parser.usage = "turnscope bridge --upstream HTTP_BASE_URL [OPTION ...]"
        parser.description = (
            "Give clients a Responses WebSocket whose turns are POSTed to an upstream that has none. What a\n"
            "socket remembers, the bridge remembers: the upstream gets the whole chain with every turn.\n"
            "A client's own key goes upstream; one without a key uses yours. Both sides are recorded."
        )
        add = parser.add_argument
        add(
            "--upstream",
            dest="base_url",
            metavar="HTTP_BASE_URL",
            help="the server's base URL, such as http://127.0.0.1:4000/v1",
        )
        add(
            "--listen",
            type=address,
            metavar="[HOST:]PORT",
            help="where clients connect (127.0.0.1:8378, or any free port)",
        )
        add("--path", type=path, default="/v1/responses", help="the path of the socket (%(default)s)")
        add(
            "--age-limit",
            type=seconds,
            metavar="SECONDS",
            help="how old a socket may become (3600); then an error says so and it is closed with 1001",
        )
        add(
            "--max-connections",
            type=count,
            default=100,
            metavar="N",
            help="sockets at one time (%(default)s); one more is refused with 503",
        )
        add("--record", type=record_file, metavar="FILE", help="record to this file instead of a dated one")
        remote = parser.add_argument_group("other machines")
        remote.add_argument(
            "--allow-remote",
            action="store_true",
            help="listen where other machines can reach it; clients must then send a token as their key",
        )
        remote.add_argument(
            "--token-env",
            metavar="NAME",
            help="the variable that holds the token, instead of one that is made up; on loopback, too",
        )
        upstream = parser.add_argument_group("upstream")
        upstream.add_argument(
            "--profile", metavar="NAME", help="what is known of the server: openai, litellm ..."
        )
        upstream.add_argument("--api-key-env", metavar="NAME", help="the variable that holds your key")
        way = upstream.add_mutually_exclusive_group()
        way.add_argument("--via", metavar="PROXY", help="an HTTP or SOCKS proxy: http://, socks5h:// ...")
        way.add_argument("--no-proxy", action="store_true", default=None, help="ignore the proxy variables")
        upstream.add_argument("--ca", metavar="FILE", help="certificates to trust beside the system's")
        upstream.add_argument("--insecure", action="store_true", default=None, help="trust any certificate")
        upstream.add_argument(
            "--open-timeout",
            type=seconds,
            metavar="SECONDS",
            help="how long the upstream may take to be reached (15)",
        )
        parser.set_defaults(no_record=False)

    def run(self, args: argparse.Namespace) -> int:
        """Bridge until a signal comes."""
        import asyncio

        from sessions.commands.bridging import Bridging

        return asyncio.run(Bridging(args).run())


def path(text: str) -> str:
    """A path from its slash on, without a query."""
    if not text.startswith("/") or any(sign in text for sign in "?# ") or not text.isascii():
        raise argparse.ArgumentTypeError(f"write it as in /v1/responses, not {text!r}")
    return text


VERB = BridgeVerb()
