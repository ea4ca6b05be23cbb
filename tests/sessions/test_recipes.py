"""Recipes: each in the language it says, aimed at the tap, with no key in it; and green when it worked."""

from __future__ import annotations

import ast
import json
import shlex
import tomllib

import pytest

from sessions.recipes import Language, Recipe, arrival, is_of, of_client, recipe_for, recipes
from sessions.reducer import fold
from sessions.session import Session
from tests.make import Wire

BASE_URL = "http://127.0.0.1:8377/v1"
#: a base URL whose token would break out of a careless quote
ODD_URL = "http://127.0.0.1:8377/a'b\"c$d`e\\f/v1"
NAMES = ["Codex", "Codex", "openai-python", "openai (JavaScript)", "OpenAI Agents SDK", "opencode"]


def words_of(command: str) -> list[str]:
    """The words that a shell makes of a command over several lines."""
    return shlex.split(command.replace("\\\n", ""))


def named(client: str, language: Language) -> Recipe:
    (found,) = [one for one in recipes(BASE_URL) if (one.client, one.language) == (client, language)]
    return found


def test_there_is_one_for_every_client() -> None:
    assert [one.client for one in recipes(BASE_URL)] == NAMES
    for recipe in recipes(BASE_URL):
        assert BASE_URL in recipe.text
        assert recipe.title
        assert recipe.tried
        assert "sk-" not in recipe.text


@pytest.mark.parametrize("base_url", [BASE_URL, ODD_URL])
def test_codex_is_told_the_same_in_a_file_and_on_its_command_line(base_url: str) -> None:
    command, file = recipes(base_url, key_variable="LAB_KEY")[:2]
    words = words_of(command.text)
    assert words[0] == "codex"
    assert set(words[1::2]) == {"-c"}
    settings = tomllib.loads("\n".join(words[2::2]))
    assert settings == tomllib.loads(file.text)
    assert settings["model_provider"] == "turnscope"
    assert settings["model_providers"]["turnscope"] == {
        "name": "turnscope",
        "base_url": base_url,
        "wire_api": "responses",
        "env_key": "LAB_KEY",
        "supports_websockets": True,
    }


@pytest.mark.parametrize("base_url", [BASE_URL, ODD_URL])
def test_python_recipes_are_python(base_url: str) -> None:
    for recipe in recipes(base_url):
        if recipe.language is Language.PYTHON:
            words = [
                node.value for node in ast.walk(ast.parse(recipe.text)) if isinstance(node, ast.Constant)
            ]
            assert base_url in words
    assert "responses.connect()" in named("openai-python", Language.PYTHON).text
    agents = named("OpenAI Agents SDK", Language.PYTHON).text
    assert 'set_default_openai_responses_transport("websocket")' in agents


def test_javascript_asks_over_a_socket() -> None:
    recipe = named("openai (JavaScript)", Language.JAVASCRIPT)
    assert 'from "openai/resources/responses/ws"' in recipe.text
    assert f'baseURL: "{BASE_URL}"' in recipe.text


@pytest.mark.parametrize("base_url", [BASE_URL, ODD_URL])
def test_opencode_is_told_by_its_environment(base_url: str) -> None:
    words = words_of(recipes(base_url, "my model")[-1].text)
    assert words[0] == "OPENCODE_EXPERIMENTAL_WEBSOCKETS=true"
    name, _, value = words[1].partition("=")
    assert name == "OPENCODE_CONFIG_CONTENT"
    assert json.loads(value) == {"provider": {"openai": {"options": {"baseURL": base_url}}}}
    assert words[2:] == ["opencode", "run", "--model", "openai/my model", "Say hi."]


@pytest.mark.parametrize(
    ("command", "client"),
    [
        ("codex", "Codex"),
        ("/usr/local/bin/codex", "Codex"),
        ("opencode", "opencode"),
        ("python3", None),
        ("", None),
    ],
)
def test_the_recipe_for_a_command(command: str, client: str | None) -> None:
    found = recipe_for(command, BASE_URL)
    assert (found.client if found else None) == client
    if found:
        assert found.language is Language.SHELL


@pytest.mark.parametrize(
    ("calls_itself", "client"),
    [
        ("codex_cli_rs/0.169.0 (Debian 12; x86_64)", "Codex"),
        ("codex_exec/0.169.0", "Codex"),
        ("OpenAI/Python 3.52.0", "openai-python"),
        ("AsyncOpenAI/Python 3.52.0", "openai-python"),
        ("OpenAI/JS 7.55.0", "openai (JavaScript)"),
        ("Agents/Python 0.24.0", "OpenAI Agents SDK"),
        ("opencode/1.18.33", "opencode"),
        ("pydantic-ai/2.68.0", None),
        ("", None),
    ],
)
def test_who_a_client_is(calls_itself: str, client: str | None) -> None:
    session = Session(1)
    session.client = calls_itself
    assert [one.client for one in recipes(BASE_URL) if is_of(one, session)][:1] == (
        [client] if client else []
    )
    found = of_client(calls_itself, BASE_URL)
    assert (found.client if found else None) == client


def test_a_recipe_is_green_when_its_first_upgrade_has_arrived() -> None:
    green = named("openai-python", Language.PYTHON)
    refused, posted, opened, other = Wire(1), Wire(2), Wire(3), Wire(4)
    who = "OpenAI/Python 3.52.0"
    records = [
        refused.refused("forbidden", status=403, client=who),
        posted.asked("{}", client=who),
        other.open(client="codex_cli_rs/0.169.0"),
    ]
    assert arrival(green, fold(records)) is None
    found = arrival(green, fold([*records, opened.open(client=who)]))
    assert found is not None
    assert found.number == 3
    codex = arrival(named("Codex", Language.TOML), fold(records))
    assert codex is not None
    assert codex.number == 4
