"""The connection options that several verbs share, and what they add up to with the environment and the file.

Its one rule: an option that was not given is None, so that settings below it can speak. Importing this is
cheap; what is heavy is imported when a plan is made.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sessions.commands.creating import record_file
from sessions.errors import UsageError

if TYPE_CHECKING:
    from sessions.settings import Settings
    from sessions.wire.plan import Plan


def add_connection_options(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Add the options; with `positional` the base URL may also stand alone, as in `connect BASE_URL`."""
    group = parser.add_argument_group("connection")
    if positional:
        group.add_argument("address", nargs="?", metavar="BASE_URL", help="the same as --base-url")
    where = group.add_mutually_exclusive_group()
    where.add_argument("--base-url", metavar="URL", help="the API's base URL; /responses is appended")
    where.add_argument("--url", metavar="URL", help="the exact address; nothing is appended")
    group.add_argument(
        "--profile", metavar="NAME", help="what is known of the server: openai, xai, litellm ..."
    )
    group.add_argument("--api-key-env", metavar="NAME", help="the variable that holds the key")
    group.add_argument("--model", metavar="NAME", help="the model; there is no default for a real server")
    group.add_argument(
        "--header",
        action="append",
        type=header,
        metavar="'NAME: VALUE'",
        help="a header of the upgrade; repeatable",
    )
    group.add_argument(
        "--query", action="append", type=pair, metavar="A=B", help="a query parameter; repeatable"
    )
    way = group.add_mutually_exclusive_group()
    way.add_argument(
        "--via", metavar="PROXY", help="an HTTP or SOCKS proxy: http://, https://, socks5h:// ..."
    )
    way.add_argument("--no-proxy", action="store_true", default=None, help="ignore the proxy variables")
    group.add_argument("--ca", metavar="FILE", help="certificates to trust beside the system's")
    group.add_argument("--insecure", action="store_true", default=None, help="trust any certificate")
    group.add_argument(
        "--transport",
        choices=["ws", "http", "auto"],
        help="how to speak: a WebSocket (ws), POST and an event stream (http), or ws first, else http (auto)",
    )
    group.add_argument(
        "--no-compression",
        dest="compression",
        action="store_false",
        default=None,
        help="do not offer permessage-deflate",
    )
    group.add_argument(
        "--age-limit", type=seconds, metavar="SECONDS", help="how long a socket lives, for the countdown"
    )
    group.add_argument(
        "--open-timeout",
        type=seconds,
        metavar="SECONDS",
        help="how long to wait for the upgrade (default 15)",
    )


def add_recording_options(parser: argparse.ArgumentParser) -> None:
    """Add --record and --no-record."""
    group = parser.add_argument_group("recording").add_mutually_exclusive_group()
    group.add_argument(
        "--record", type=record_file, metavar="FILE", help="record to this file instead of a dated one"
    )
    group.add_argument("--no-record", action="store_true", help="keep no recording, no history and no draft")


def settings_from(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a parsed command line; raises SettingsError or UsageError."""
    from sessions.settings import load

    return load(flags_from(args), environ)


def plan_for(args: argparse.Namespace, environ: Mapping[str, str] = os.environ, *, session: int = 1) -> Plan:
    """The plan of a parsed command line; raises SettingsError or UsageError."""
    from sessions.wire.plan import plan_from

    return plan_from(settings_from(args, environ), environ, session=session)


def flags_from(args: argparse.Namespace) -> dict[str, object]:
    """The options that were given, by the name of their setting."""
    given = {name: value for name, value in vars(args).items() if name in _SETTINGS and value is not None}
    if (address := getattr(args, "address", None)) is not None:
        if "base_url" in given or "url" in given:
            raise UsageError("the address was given twice: as BASE_URL and as an option; leave one out")
        given["base_url"] = address
    for name in ("base_url", "url"):
        if name in given and not str(given[name]).strip():
            raise UsageError("the address is empty; write it as in https://HOST/v1")
    if headers := getattr(args, "header", None):
        given["headers"] = dict(headers)
    if query := getattr(args, "query", None):
        values: dict[str, list[str]] = {}
        for name, value in query:
            values.setdefault(name, []).append(value)
        given["query"] = values
    return given


_SETTINGS = frozenset(
    {
        "base_url",
        "url",
        "profile",
        "api_key_env",
        "model",
        "via",
        "no_proxy",
        "ca",
        "insecure",
        "transport",
        "compression",
        "age_limit",
        "open_timeout",
    }
)


def header(text: str) -> tuple[str, str]:
    """`Name: value` as a pair."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        first = (name.split() or [""])[0] if any(map(str.isspace, name.strip())) else ""
        # only the first of several words: what follows may be a key
        raise argparse.ArgumentTypeError(
            f"write it as 'Name: value'{f', not {first!r} ...' if first else ''}"
        )
    return name.strip(), value.strip()


def pair(text: str) -> tuple[str, str]:
    """`a=b` as a pair."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write it as name=value")
    return name, value


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def whole(text: str) -> int:
    """A whole number of either sign."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def amount(text: str) -> float:
    """A number from 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value


def seconds(text: str) -> float:
    """A positive number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"give seconds above 0, not {text!r}")
    return value
