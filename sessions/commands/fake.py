"""`turnscope fake`: the server that follows a script, as a program of its own.

Its one rule: stdout gets one line of JSON when the server is ready, and nothing after it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.commands.connection import amount, count, whole
from sessions.errors import UsageError

if TYPE_CHECKING:
    from sessions.script import Script
    from sessions.wire.fake import FakeServer


class FakeVerb:
    """The verb `fake`."""

    name = "fake"
    help = "a Responses server on this machine that follows a script; no key, no network"
    screen = False

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of this verb."""
        parser.formatter_class = _Catalogue
        parser.description = (
            "Listen on this machine and answer as a Responses server does: over WebSocket, POST with and "
            "without an event stream, and GET models. One line of JSON on stdout says where, once it is "
            "ready; SIGINT or SIGTERM stops it."
        )
        add = parser.add_argument
        add("--port", type=_port, default=0, help="port to listen on (any free one)")
        add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        add("--allow-remote", action="store_true", help="accept an address that other machines can reach")
        add(
            "--tls",
            action="store_true",
            help="speak TLS, with a certificate made at start or --cert and --key",
        )
        add("--cert", type=Path, metavar="FILE", help="PEM certificate chain, for --tls")
        add("--key", type=Path, metavar="FILE", help="PEM private key of --cert")
        add("--seed", type=whole, metavar="N", help="give the same ids and times in every run")
        add(
            "--rate",
            type=amount,
            default=0.0,
            metavar="N",
            help="tokens per second; 0 is as fast as possible (0)",
        )
        add("--think-ms", type=amount, default=0.0, metavar="MS", help="silence before the first token (0)")
        add(
            "--handshake-ms",
            type=amount,
            default=0.0,
            metavar="MS",
            help="wait at every new connection, as TCP and TLS to a far server would (0)",
        )
        add(
            "--delay-ms",
            type=amount,
            default=0.0,
            metavar="MS",
            help="wait before an upgrade is answered (0)",
        )
        add(
            "--dialect", default="openai", metavar="NAME", help="whose manners to copy (openai; listed below)"
        )
        add(
            "--scenario",
            metavar="NAME",
            help="what to say (conversation; listed below)",
        )
        add(
            "--from",
            dest="script",
            metavar="FILE",
            help="answer as the server in this recording did, turn by turn, under new ids",
        )
        add(
            "--pace",
            choices=("recorded", "max"),
            help="of --from: with the recorded pauses, or as fast as possible (recorded)",
        )
        add(
            "--fault",
            action="append",
            default=[],
            metavar="NAME[:ARG][@N]",
            help="go wrong on purpose, at the n-th create or upgrade only with @N; repeatable (listed below)",
        )
        add(
            "--age-limit",
            type=amount,
            metavar="SECONDS",
            help="lifetime of a connection (the dialect's own)",
        )
        add("--max-connections", type=count, default=100, metavar="N", help="open sockets at most (100)")
        add("--no-auth", action="store_true", help="do not ask for an Authorization header")
        add("--require-key-env", metavar="NAME", help="accept only the key in this environment variable")
        add("--model", action="append", metavar="NAME", help="a model to list; repeatable")
        add("--no-compression", action="store_true", help="do not accept permessage-deflate")
        add("--no-store", action="store_true", help="an absent store means false")

    def run(self, args: argparse.Namespace) -> int:
        """Serve until a signal; returns 0. Raises UsageError for what cannot be served."""
        import asyncio

        from sessions.commands.script_file import created_models
        from sessions.wire.fake import MODELS, FakeServer, Options

        if not _is_loopback(args.host) and not args.allow_remote:
            raise UsageError(
                f"{args.host} can be reached from other machines; add --allow-remote to mean that."
            )
        if (args.cert is None) != (args.key is None):
            raise UsageError("--cert and --key belong together.")
        script = _script(args)
        options = Options(
            host=args.host,
            port=args.port,
            tls=args.tls or args.cert is not None,
            cert=args.cert,
            key_file=args.key,
            seed=args.seed,
            rate=args.rate,
            dialect=args.dialect,
            scenario=args.scenario or "conversation",
            script=script,
            pace=args.pace or "recorded",
            faults=tuple(args.fault),
            age_limit=args.age_limit,
            max_connections=args.max_connections,
            store=not args.no_store,
            auth="none" if args.no_auth else "any",
            require_key=_required_key(args.require_key_env),
            models=tuple(args.model or (created_models(script) if script else ()) or MODELS),
            delay_ms=args.delay_ms,
            handshake_ms=args.handshake_ms,
            think_ms=args.think_ms,
            compression=not args.no_compression,
        )
        asyncio.run(_serve(FakeServer(options)))
        return 0


async def _serve(server: FakeServer) -> None:
    import asyncio
    import signal
    import tempfile

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        with tempfile.TemporaryDirectory(prefix="turnscope-fake-") as folder:
            ready: dict[str, object] = {
                "event": "ready",
                "base_url": server.base_url,
                "port": server.port,
                "dialect": server.options.dialect,
                "scenario": server.options.scenario if server.options.script is None else None,
                "faults": list(server.options.faults),
                "models": list(server.options.models),
            }
            if server.ca_pem:
                authority = Path(folder) / "ca.pem"
                authority.write_bytes(server.ca_pem)
                ready["ca"] = str(authority)
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await stop.wait()


def _script(args: argparse.Namespace) -> Script | None:
    """The script of --from; raises UsageError beside what would answer otherwise."""
    if args.script is None:
        if args.pace:
            raise UsageError("--pace belongs to --from; without a recording the speed is --rate.")
        return None
    others = {"--scenario": args.scenario, "--think-ms": args.think_ms, "--age-limit": args.age_limit}
    if given := [flag for flag, value in others.items() if value]:
        raise UsageError(f"--from answers as it was recorded; leave out {', '.join(given)}.")
    if args.pace and args.rate:
        raise UsageError("--pace and --rate both say how fast; give one of them.")
    from sessions.commands.script_file import client_frames, read_script

    script = read_script(args.script)
    client_frames(script, args.script)
    return script


class _Catalogue(argparse.HelpFormatter):
    """Help that ends with every dialect, scenario and fault; they are read only when help is asked for."""

    _lists_options = False

    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        """The options; a usage line alone has none, and gets no lists either."""
        self._lists_options = True
        super().add_arguments(actions)

    def format_help(self) -> str:
        """The usual help, and the lists."""
        usual = super().format_help()
        return f"{usual}\n{_catalogue()}" if self._lists_options else usual


def _catalogue() -> str:
    from sessions.wire.scenarios.answers import SCENARIOS
    from sessions.wire.scenarios.dialects import DIALECTS
    from sessions.wire.scenarios.faults import FAULTS

    dialects = [(dialect.name, dialect.line) for dialect in DIALECTS.values()]
    scenarios = [(scenario.name, scenario.line) for scenario in SCENARIOS.values()]
    faults = [(fault.name, fault.line) for fault in FAULTS.values()]
    return "\n".join(
        (
            _listed("dialects", "", dialects),
            _listed(
                "scenarios",
                "A prompt may choose one itself: /markdown, /flood 5000, /hostile line.",
                scenarios,
            ),
            _listed(
                "faults",
                "As NAME, NAME:ARGUMENT, and with @N for the n-th only: abort-mid-stream:fin@2.",
                faults,
            ),
        )
    )


def _listed(title: str, note: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows) + 2
    lines = [
        f"{title}:",
        *([f"  {note}"] if note else []),
        *(f"  {name:<{width}}{line}" for name, line in rows),
    ]
    return "\n".join(lines) + "\n"


def _required_key(name: str | None) -> str | None:
    # from the environment, because a command line can be read by everyone on the machine
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"--require-key-env names {name}, and that variable is not set.")
    return key


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


VERB = FakeVerb()
