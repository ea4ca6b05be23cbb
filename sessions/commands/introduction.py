"""How a client inside a tap finds the tap: by its environment, and by words where it reads none.

Its one rule: the environment is all that is given. No file of the client's is written and none of its words
is changed; a client that needs other words is told them. A token stands in the environment alone.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sessions.recipes import Recipe, recipe_for

VARIABLE = (
    "OPENAI_BASE_URL"  #: read by openai-python, openai for JavaScript, the Agents SDK, pydantic-ai, turnscope
)
#: read before it, or instead of it, by some; set where they are set already and would lead past the tap
_OTHERS = ("OPENAI_API_BASE", "TURNSCOPE_BASE_URL")
_SOCKET_VARIABLE = "OPENAI_WEBSOCKET_BASE_URL"  # the Agents SDK's, ws:// or wss://
_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_NO_PROXIES = ("no_proxy", "NO_PROXY")
_CODEX = "codex"


def environment_for(base_url: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a client inside: the tap's base URL in place of others, and no proxy before it."""
    given = {**environ, VARIABLE: base_url}
    given.update({name: base_url for name in _OTHERS if environ.get(name)})
    if environ.get(_SOCKET_VARIABLE):
        given[_SOCKET_VARIABLE] = re.sub("^http", "ws", base_url)
    if any(environ.get(name) for name in _PROXIES):
        listed = next((environ[name] for name in _NO_PROXIES if environ.get(name)), "")
        host = urlsplit(base_url).hostname or ""
        given.update(dict.fromkeys(_NO_PROXIES, f"{listed},{host}" if listed else host))
    return given


def introduction(
    client: Sequence[str],
    base_url: str,
    shown_url: str,
    tap: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> str:
    """What is told before a client starts; `tap` is the command line of this tap, up to the client."""
    told = f"turnscope tap: the client's base URL is {shown_url}, in its {VARIABLE}"
    recipe = recipe_for(client[0], base_url)
    if (
        recipe is None
        or any(base_url in word for word in client)
        or _is_configured(recipe, base_url, environ)
    ):
        return told
    told += f"\nturnscope tap: {recipe.client} does not go by {VARIABLE}; like this it may pass by the tap."
    if base_url != shown_url:
        return (
            f"{told} Its own settings must name the base URL; a shell inside the tap knows it as ${VARIABLE}"
        )
    return f"{told} This goes through it:\n{_command(recipe, client, tap)}\n# {recipe.note}"


def nothing_came(shown_url: str, upstream: str) -> str:
    """What is told when a client has ended and no request of its has come."""
    return (
        f"nothing came through the tap: the client does not go by {VARIABLE}, or asked nothing. Give it the "
        f"base URL ({shown_url}) in its own way: `turnscope tap --upstream {shlex.quote(upstream)}` keeps "
        "running and shows how"
    )


def _command(recipe: Recipe, client: Sequence[str], tap: Sequence[str]) -> str:
    """The tap's command line again, with the client as its recipe starts it."""
    words = [*tap, "--"]
    ours = shlex.split(recipe.text.replace("\\\n", " "))
    named = ours.index(recipe.signs[0])
    if named:  # it is told by its environment
        return shlex.join([*words, "env", *ours[:named], *client])
    return shlex.join([*words, client[0], *ours[1:], *client[1:]])


def _is_configured(recipe: Recipe, base_url: str, environ: Mapping[str, str]) -> bool:
    """Whether Codex's settings name the tap already; they are looked at for that alone."""
    if _CODEX not in recipe.signs:
        return False
    folder = environ.get("CODEX_HOME") or Path(environ.get("HOME", "~")).expanduser() / f".{_CODEX}"
    try:
        return base_url in (Path(folder) / "config.toml").read_text("utf-8", errors="replace")
    except OSError:
        return False
