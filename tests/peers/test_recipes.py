"""The recipes that a tap prints run as they are printed, and are seen to have arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessions import recipes
from sessions.recipes import Language, Recipe
from tests.peers.conftest import KEY
from tests.peers.environment import folder_of, program
from tests.peers.room import Finished, Room
from tests.peers.tapped import Tapped, assert_same_bytes


@pytest.fixture
def tapped(tmp_path: Path) -> Iterator[Tapped]:
    """A tap at work in a room of its own."""
    with Room() as room:
        made = Tapped(room, tmp_path)
        made.start()
        yield made


def _recipe(client: str, language: Language, tapped: Tapped) -> Recipe:
    found = recipes.recipes(tapped.base_url, model="gpt-6-astra")
    return next(one for one in found if (one.client, one.language) == (client, language))


def _python(environment: str) -> Callable[[Recipe, Room, Path], Finished]:
    def run(recipe: Recipe, room: Room, folder: Path) -> Finished:
        script = folder / "recipe.py"
        script.write_text(recipe.text)
        environ = {"HOME": str(folder), "OPENAI_API_KEY": KEY}
        return room.run([program(environment, "python"), script], environ=environ, folder=folder)

    return run


def _javascript(recipe: Recipe, room: Room, folder: Path) -> Finished:
    (folder / "node_modules").symlink_to(folder_of("node") / "node_modules")
    script = folder / "recipe.mjs"
    script.write_text(recipe.text)
    environ = {"HOME": str(folder), "OPENAI_API_KEY": KEY}
    return room.run([program("node", "node"), script], environ=environ, folder=folder)


def _codex(words: str, room: Room, folder: Path) -> Finished:
    """Run a command line in a shell that finds Codex, with settings in this folder."""
    environ = {
        "HOME": str(folder),
        "CODEX_HOME": str(folder),
        "OPENAI_API_KEY": KEY,
        "PATH": f"{program('codex', 'codex').parent}:/usr/local/bin:/usr/bin:/bin",
    }
    line = f"{words} exec --skip-git-repo-check 'Say hi.'"
    return room.run(["sh", "-c", line], environ=environ, folder=folder)


def _codex_line(recipe: Recipe, room: Room, folder: Path) -> Finished:
    done = _codex(recipe.text, room, folder)
    assert not (folder / "config.toml").exists()
    return done


def _codex_file(recipe: Recipe, room: Room, folder: Path) -> Finished:
    (folder / "config.toml").write_text(recipe.text)
    return _codex("codex", room, folder)


def _opencode(recipe: Recipe, room: Room, folder: Path) -> Finished:
    """With what `opencode auth login` would have written."""
    login = folder / ".local" / "share" / "opencode" / "auth.json"
    login.parent.mkdir(parents=True)
    login.write_text(json.dumps({"openai": {"type": "api", "key": KEY}}))
    path = f"{program('opencode', 'opencode').parent}:/usr/local/bin:/usr/bin:/bin"
    return room.run(["sh", "-c", recipe.text], environ={"HOME": str(folder), "PATH": path}, folder=folder)


@pytest.mark.parametrize(
    ("client", "language", "run"),
    [
        pytest.param("Codex", Language.SHELL, _codex_line, marks=pytest.mark.peer("codex"), id="codex-line"),
        pytest.param("Codex", Language.TOML, _codex_file, marks=pytest.mark.peer("codex"), id="codex-file"),
        pytest.param(
            "openai-python", Language.PYTHON, _python("openai"), marks=pytest.mark.peer("openai"), id="openai"
        ),
        pytest.param(
            "openai (JavaScript)",
            Language.JAVASCRIPT,
            _javascript,
            marks=pytest.mark.peer("node"),
            id="node",
        ),
        pytest.param(
            "OpenAI Agents SDK",
            Language.PYTHON,
            _python("agents"),
            marks=pytest.mark.peer("agents"),
            id="agents",
        ),
        pytest.param(
            "opencode", Language.SHELL, _opencode, marks=pytest.mark.peer("opencode"), id="opencode"
        ),
    ],
)
def test_a_recipe_runs_as_printed(
    tapped: Tapped,
    tmp_path: Path,
    client: str,
    language: Language,
    run: Callable[[Recipe, Room, Path], Finished],
) -> None:
    """One conversation over a socket through the tap; the recipe knows its client by what it calls itself."""
    recipe = _recipe(client, language, tapped)
    folder = tmp_path / "client"
    folder.mkdir()
    done = run(recipe, tapped.room, folder)
    assert done.status == 0, done.stdout + done.stderr
    assert done.stdout
    tapped.stop()
    assert_same_bytes(tapped.finish())
    tapped.checked()
    turns = tapped.replayed()
    assert turns
    assert {turn["status"] for turn in turns} == {"completed"}
    arrived = recipes.arrival(recipe, tapped.state())
    assert arrived is not None
    assert not arrived.is_http
