"""How to point real clients at a tap: exact texts to paste, and which of them has been seen to work.

Its one rule: a recipe runs as it is printed, edits no file of the client's by itself and holds no key: keys
come from the environment variable that the client reads anyway. Names of settings and of programs are as
measured with the versions that `Recipe.tried` names.
"""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from typing import NamedTuple

from sessions.session import Session
from sessions.state import State

MODEL = "gpt-5.4"  #: where nobody has said which model
KEY_VARIABLE = "OPENAI_API_KEY"
_PROVIDER = "turnscope"


class Language(StrEnum):
    """What a recipe is written in."""

    SHELL = "sh"
    TOML = "toml"
    PYTHON = "python"
    JAVASCRIPT = "javascript"


class Recipe(NamedTuple):
    """One way to let one client speak through the tap."""

    client: str  #: its name for people
    title: str
    language: Language
    text: str  #: what to paste or run
    note: str  #: what else it needs, "" when nothing
    tried: str  #: the version it was measured with
    signs: tuple[str, ...]  #: how its name of itself begins in a request, in lower case


def recipes(base_url: str, model: str = MODEL, key_variable: str = KEY_VARIABLE) -> tuple[Recipe, ...]:
    """All recipes for a tap that clients reach at this base URL."""
    return (
        _codex_command(base_url, key_variable),
        _codex_file(base_url, key_variable),
        _openai_python(base_url, model),
        _openai_node(base_url, model),
        _agents(base_url, model),
        _opencode(base_url, model),
    )


def recipe_for(command: str, base_url: str, key_variable: str = KEY_VARIABLE) -> Recipe | None:
    """The recipe for the program that a command line starts; None when it is not known."""
    program = command.replace("\\", "/").rpartition("/")[2].lower()
    for recipe in recipes(base_url, key_variable=key_variable):
        if recipe.language is Language.SHELL and program.startswith(recipe.signs):
            return recipe
    return None


def arrival(recipe: Recipe, state: State) -> Session | None:
    """The first socket that this recipe's client has opened through the tap; None while there is none."""
    return next(
        (
            one
            for one in state.sessions.values()
            if not one.is_http and one.opened >= 0 and is_of(recipe, one)
        ),
        None,
    )


def is_of(recipe: Recipe, session: Session) -> bool:
    """Whether a session is of this recipe's client, by what it calls itself."""
    return session.client.lower().startswith(recipe.signs)


def of_client(client: str, base_url: str) -> Recipe | None:
    """The recipe for a client that was seen, by what it calls itself; None when it is not known."""
    return next((one for one in recipes(base_url) if client.lower().startswith(one.signs)), None)


_CODEX = ("codex",)  # codex_cli_rs, codex_exec
_CODEX_TRIED = "Codex CLI 0.169"


def _codex_command(base_url: str, key_variable: str) -> Recipe:
    values: dict[str, str | bool] = {
        "model_provider": _PROVIDER,
        f"model_providers.{_PROVIDER}.name": _PROVIDER,
        f"model_providers.{_PROVIDER}.base_url": base_url,
        f"model_providers.{_PROVIDER}.wire_api": "responses",
        f"model_providers.{_PROVIDER}.env_key": key_variable,
        f"model_providers.{_PROVIDER}.supports_websockets": True,
    }
    options = [f"-c {shlex.quote(f'{name}={_toml(value)}')}" for name, value in values.items()]
    return Recipe(
        "Codex",
        "on its command line; no file is changed",
        Language.SHELL,
        " \\\n  ".join(["codex", *options]),
        f"It reads the key from {key_variable}. `exec` and other words go to the end.",
        _CODEX_TRIED,
        _CODEX,
    )


def _codex_file(base_url: str, key_variable: str) -> Recipe:
    text = (
        f'model_provider = "{_PROVIDER}"\n\n'
        f"[model_providers.{_PROVIDER}]\n"
        f'name = "{_PROVIDER}"\n'
        f"base_url = {_toml(base_url)}\n"
        'wire_api = "responses"\n'
        f"env_key = {_toml(key_variable)}\n"
        "supports_websockets = true\n"
    )
    return Recipe(
        "Codex",
        "in its config.toml, in ~/.codex or in CODEX_HOME",
        Language.TOML,
        text,
        "Without supports_websockets it speaks HTTP only. The first line stands above every [table].",
        _CODEX_TRIED,
        _CODEX,
    )


def _openai_python(base_url: str, model: str) -> Recipe:
    text = f"""\
from openai import OpenAI

client = OpenAI(base_url={_quoted(base_url)})
with client.responses.connect() as connection:
    connection.response.create(model={_quoted(model)}, input="Say hi.")
    for event in connection:
        print(event.type)
        if event.type in ("response.completed", "response.incomplete", "response.failed", "error"):
            break
"""
    return Recipe(
        "openai-python",
        "its responses.connect()",
        Language.PYTHON,
        text,
        "responses.create() and responses.stream() speak HTTP: only connect() opens a socket.",
        "openai 3.52",
        ("openai/python", "asyncopenai/python"),
    )


def _openai_node(base_url: str, model: str) -> Recipe:
    text = f"""\
import OpenAI from "openai";
import {{ ResponsesWS }} from "openai/resources/responses/ws";

const socket = new ResponsesWS(new OpenAI({{ baseURL: {_quoted(base_url)} }}));
const events = socket.stream();
socket.send({{ type: "response.create", model: {_quoted(model)}, input: "Say hi." }});
for await (const event of events) {{
  if (event.type === "error" || event.type === "close") break;
  if (event.type !== "message") continue;
  console.log(event.message.type);
  if (["response.completed", "response.incomplete", "response.failed"].includes(event.message.type)) break;
}}
socket.close();
"""
    return Recipe(
        "openai (JavaScript)",
        "its ResponsesWS, in a file that ends in .mjs",
        Language.JAVASCRIPT,
        text,
        "It needs the package ws beside openai. Version 7 needs Node 22; version 6 does not say its name, so "
        "it cannot be told from other clients.",
        "openai 7.55 on Node 22",
        ("openai/js",),
    )


def _agents(base_url: str, model: str) -> Recipe:
    text = f"""\
import asyncio

from agents import Agent, Runner, set_default_openai_client, set_default_openai_responses_transport
from openai import AsyncOpenAI

set_default_openai_client(AsyncOpenAI(base_url={_quoted(base_url)}), use_for_tracing=False)
set_default_openai_responses_transport("websocket")
print(asyncio.run(Runner.run(Agent(name="Tap", model={_quoted(model)}), "Say hi.")).final_output)
"""
    return Recipe(
        "OpenAI Agents SDK",
        "its WebSocket transport",
        Language.PYTHON,
        text,
        "Without the second call it speaks HTTP. Its tracing goes elsewhere and not through the tap.",
        "openai-agents 0.24",
        ("agents/python",),
    )


def _opencode(base_url: str, model: str) -> Recipe:
    settings = json.dumps({"provider": {"openai": {"options": {"baseURL": base_url}}}}, separators=(",", ":"))
    text = (
        "OPENCODE_EXPERIMENTAL_WEBSOCKETS=true \\\n"
        f"  OPENCODE_CONFIG_CONTENT={shlex.quote(settings)} \\\n"
        f"  opencode run --model {shlex.quote('openai/' + model)} 'Say hi.'"
    )
    return Recipe(
        "opencode",
        "by its environment; no file is changed",
        Language.SHELL,
        text,
        "It needs a login for openai (`opencode auth login`). Its titles go by HTTP all the same, and it "
        "does not fall back from WebSocket.",
        "opencode 1.18",
        ("opencode",),
    )


def _toml(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value)


def _quoted(value: str) -> str:
    """A string as TOML, JSON, Python and JavaScript all write it."""
    return json.dumps(value)
