"""`turnscope info`: versions, paths, every setting with its source, and the endpoint; nothing is opened.

Its one rule: it may be pasted into a bug report. Of a secret it says only whether it is there and how long.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sessions.commands.connection import add_connection_options, settings_from
from sessions.errors import UsageError
from sessions.exits import Exit
from sessions.safe import safe_line

if TYPE_CHECKING:
    from pathlib import Path

    from sessions.settings import Settings

#: what is shorter, such as the placeholder `fake`, is a word that may stand anywhere
_SECRET_LENGTH = 8
_PACKAGES = ("textual", "websockets", "httpx", "h11", "pydantic", "python-socks", "trustme")
_NAME_CELLS = 22  # the longest setting's name and a gap
_ID_CELLS = 32  # the longest action's id and a gap


class Info:
    """Show what holds now, and why."""

    name = "info"
    help = "show versions, paths, settings with their sources, and the endpoint; opens nothing"
    screen = False

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add this verb's options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--keys",
            action="store_true",
            help="list the actions of the screen: ids for [keys], keys, what they do",
        )
        add_connection_options(parser, positional=True)

    def run(self, args: argparse.Namespace) -> int:
        """Run it; returns an exit code."""
        settings = settings_from(args)
        facts = gather(settings, os.environ)
        key_table = getattr(args, "key_table", None)
        if args.keys and key_table is None:
            raise UsageError(
                "this is the command line without a screen, which has no keys; use `turnscope info`"
            )
        if key_table is not None and (args.keys or settings.keys):
            table = key_table(settings.keys)
            facts["keys"] = {"actions": list(table.actions), "problems": list(table.problems)}
        if args.json:
            sys.stdout.write(json.dumps(facts, ensure_ascii=True) + "\n")
        else:
            sys.stdout.write(keys_as_text(facts["keys"]) if args.keys else as_text(facts))
        return Exit.DONE


def gather(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Everything that is shown, as plain data without a secret."""
    from sessions.redact import header, url
    from sessions.settings import NAMES, paths
    from sessions.version import version
    from sessions.wire.plan import Plan, endpoint_from, route_from

    endpoint = endpoint_from(settings)
    route = route_from(settings, endpoint, environ)
    values: dict[str, Any] = settings.model_dump(mode="json", include=set(NAMES))
    for name in ("base_url", "url", "via"):
        values[name] = url(str(values[name])).value
    values["headers"] = {name: header(name, value).value for name, value in settings.headers.items()}
    values["query"] = {
        name: "***" if url(f"?{name}=x").masked else value for name, value in settings.query.items()
    }
    values["key"] = f"set, {len(settings.key)} characters" if settings.key else "not set"
    if settings.is_key_placeholder:
        values["key"] = "not set; a placeholder is sent"
    where = "url" if settings.url else "base_url"
    headers = tuple(settings.all_headers().items())
    plan = Plan(endpoint=endpoint, route=route, key=settings.key, headers=headers)
    secrets = tuple(secret for secret in plan.secrets if len(secret) >= _SECRET_LENGTH)
    facts: dict[str, Any] = {
        "version": version(),
        "versions": _versions(),
        "paths": paths(environ).as_text(),
        "recordings": _recordings(paths(environ).recordings, settings),
        "settings": {
            name: {"value": value, "source": _source(settings, name)} for name, value in values.items()
        },
        "endpoint": {
            "url": url(endpoint.url).value,
            "http_url": url(endpoint.http_url).value,
            "route": route.text,
            "profile": settings.profile,
            "sources": {
                "url": settings.source(where),
                "route": route.source,
                "profile": settings.source("profile"),
                "key": settings.source("key"),
            },
            "hints": list(endpoint.hints),
            "deviations": list(settings.facts.deviations),
        },
    }
    without: dict[str, Any] = _without(facts, secrets)
    return without


def _source(settings: Settings, name: str) -> str:
    """Where a value came from, and what outranks it."""
    source = settings.source(name)
    return (
        f"{source}; url outranks it" if name == "base_url" and settings.base_url and settings.url else source
    )


def _recordings(folder: Path, settings: Settings) -> dict[str, Any]:
    from sessions.retention import stored, words

    found = stored(folder)
    return {
        "folder": str(folder),
        "count": len(found),
        "bytes": sum(one.size for one in found),
        "kept": sum(one.is_kept for one in found),
        "retention": words(settings.recordings_days, settings.recordings_megabytes),
    }


def _without(value: Any, secrets: tuple[str, ...]) -> Any:
    """Plain data whose texts hold none of the secrets, wherever somebody put them."""
    from sessions.redact import text

    if isinstance(value, dict):
        return {name: _without(one, secrets) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, secrets) for one in value]
    return text(value, secrets).value if isinstance(value, str) else value


def as_text(facts: Mapping[str, Any]) -> str:
    """The same for a person: aligned, defaults last."""
    endpoint = facts["endpoint"]
    lines = [f"turnscope {facts['version']}", "", "endpoint"]
    shown = ("url", "http_url", "route", "profile")
    lines += [_row(name, endpoint[name], endpoint["sources"].get(name, "")) for name in shown]
    lines += [_row("hint", hint) for hint in endpoint["hints"]]
    lines += [_row("known", sentence) for sentence in endpoint["deviations"]]
    lines += ["", "settings"]
    settings = sorted(facts["settings"].items(), key=lambda item: item[1]["source"] == "default")
    for name, entry in settings:
        value = entry["value"]
        plain = value if isinstance(value, str) else "" if value is None else json.dumps(value)
        lines.append(_row(name, plain or "-", entry["source"]))
    if problems := facts.get("keys", {}).get("problems"):
        lines += ["", "keys that cannot be used", *(f"  {safe_line(one)}" for one in problems)]
    for title in ("paths", "versions"):
        lines += ["", title, *(_row(name, value) for name, value in facts[title].items())]
    recordings = facts["recordings"]
    lines += ["", "recordings", _row("folder", recordings["folder"])]
    lines.append(_row("size", f"{recordings['count']:,} files, {recordings['bytes'] / 1e6:,.1f} MB"))
    lines.append(_row("kept", f"{recordings['kept']:,} marked"))
    lines.append(_row("retention", recordings["retention"]))
    return "\n".join(lines) + "\n"


def keys_as_text(table: Mapping[str, Any]) -> str:
    """The actions of the screen by place: id, keys, what they do; and what is wrong with one's own keys."""
    lines = [
        "Keys can be changed by these ids in the settings file:",
        "",
        "  [keys]",
        '  "session.branch" = "B"',
    ]
    place = ""
    for one in table["actions"]:
        if one["where"] != place:
            place = one["where"]
            lines += ["", place]
        shown = " ".join(one["keys"]) + (" (own)" if one["is_own"] else "")
        lines.append(f"  {one['id']:<{_ID_CELLS}}{safe_line(shown):<{_NAME_CELLS}}{one['does']}")
    if table["problems"]:
        lines += ["", "cannot be used", *(f"  {safe_line(one)}" for one in table["problems"])]
    return "\n".join(lines) + "\n"


def _row(name: str, value: str, source: str = "") -> str:
    row = f"  {name:<{_NAME_CELLS}}{safe_line(str(value))}"
    return f"{row:<60}  ({safe_line(source)})" if source else row


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


VERB = Info()
