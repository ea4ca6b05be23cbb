"""The house rules that no linter knows: exports, the map, what an import brings, a test file per source file.

A static graph cannot see deferred imports, so some of these start an interpreter of their own and look at
what it has loaded. The layers themselves are import-linter's, in `pyproject.toml`.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import sessions

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("sessions", "tui")
    for path in (ROOT / folder).rglob("*.py")
    if path.read_text().strip()
)
MODULES = [path for path in SOURCES if path.name != "__init__.py"]
TOP = [path.stem for path in MODULES if path.parent == Path("sessions")]

#: folders and files whose tests are named after what they do together
TESTED_TOGETHER = {
    "sessions/wire/scenarios": "sessions/test_fake*.py",  # the fake server, scene by scene
    "sessions/wire/embedded.py": "sessions/test_fake*.py",
    "sessions/compare/": "sessions/test_compare*.py",  # rules, runs and tables, by what they compare
    "sessions/findings": "sessions/test_findings*.py",  # the rules, by what they look at
    "sessions/doctor": "sessions/test_doctor*.py",  # the battery, group by group
    "sessions/wire/exchange_log.py": "sessions/test_exchange.py",
    "sessions/commands/junit.py": "sessions/test_check.py",
    "sessions/commands/comparing.py": "sessions/test_compare.py",
    "sessions/commands/creating.py": "sessions/test_send.py",
    "sessions/commands/examining.py": "sessions/test_doctor.py",
    "sessions/commands/sending.py": "sessions/test_send.py",
    "sessions/commands/rehearsal.py": "sessions/test_send_from.py",
    "sessions/commands/script_file.py": "sessions/test_send_from.py",
    "sessions/commands/fake.py": "sessions/test_fake_verb.py",
    "sessions/commands/timing.py": "sessions/test_compare_timing.py",
}
#: what a name here never is, and the one verb of the command line that is also such a word
NOT_NOUNS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "base",
    "common",
    "core",
    "handler",
    "data",
    "process",
    "obj",
    "msg",
}


def fresh(program: str) -> str:
    """What a program prints in an interpreter that has imported nothing of ours."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    """The top-level modules, and ours in full, that are loaded after a statement."""
    names = (
        fresh(f"{statement}\nimport sys\nsys.stdout.write('\\n' + ' '.join(sys.modules))")
        .splitlines()[-1]
        .split()
    )
    return {name if name.startswith(("sessions", "tui")) else name.partition(".")[0] for name in names}


def test_every_exported_name_is_there_and_documented() -> None:
    assert sorted(sessions.__all__) == list(sessions.__all__)
    for name in sessions.__all__:
        exported = getattr(sessions, name)
        assert exported.__module__.startswith("sessions."), name
        assert inspect.getdoc(exported), name
    assert set(dir(sessions)) >= set(sessions.__all__)
    with pytest.raises(AttributeError):
        _ = sessions.nothing_of_this_name


def signatures() -> Iterator[tuple[str, Any]]:
    """Every public function and method behind the exported names."""
    for name in sessions.__all__:
        exported = getattr(sessions, name)
        if inspect.isfunction(exported):
            yield name, exported
        for method, function in inspect.getmembers(exported, inspect.isfunction):
            if not method.startswith("_") and function.__module__.startswith("sessions"):
                yield f"{name}.{method}", function


@pytest.mark.parametrize(("name", "function"), list(signatures()), ids=[name for name, _ in signatures()])
def test_public_signatures_mention_only_the_standard_library_and_our_types(name: str, function: Any) -> None:
    assert name
    for hint in get_type_hints(function).values():
        for foreign in ("pydantic", "websockets", "httpx", "h11", "textual", "rich"):
            assert f"{foreign}." not in repr(hint)


def test_importing_the_package_loads_none_of_its_modules() -> None:
    assert {name for name in loaded_by("import sessions") if name.startswith("sessions.")} == set()


def test_no_exported_name_brings_a_screen() -> None:
    assert not loaded_by("from sessions import *") & {"textual", "rich", "tui", "httpx"}


def test_the_pure_core_loads_neither_loop_nor_network() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = [one for one in contracts if one["name"].startswith("the pure part")]
    loaded = loaded_by("import " + ", ".join(pure["source_modules"]))
    # `socket` is not in this list: pydantic, which checks our own shapes, loads it for its network types
    assert not loaded & {"asyncio", "websockets", "httpx", "h11", "logging", "ssl", "textual", "rich"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["send", "--help"], ["fake", "--help"]])
def test_asking_for_help_loads_no_screen_and_no_network(arguments: list[str]) -> None:
    call = f"try:\n    cli.main({arguments!r})\nexcept SystemExit:\n    pass"
    assert not loaded_by(f"from sessions import cli\n{call}") & {
        "textual",
        "rich",
        "tui",
        "websockets",
        "httpx",
        "tomlkit",
    }


def test_the_map_names_every_module_and_no_other() -> None:
    _, _, drawn = (sessions.__doc__ or "").partition("Pure, no I/O")
    listed = re.findall(r"^ +([a-z_0-9]+) {2,}\S", drawn, re.MULTILINE)
    folders = {path.parent.name for path in MODULES if path.parent.parent == Path("sessions")}
    assert set(listed) == {*TOP, *folders}
    assert len(listed) == len(set(listed))


def test_every_module_has_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one for one in contracts if one["type"] == "layers"]
    placed = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    assert {f"sessions.{name}" for name in TOP} <= placed


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_module_says_what_it_is(path: Path) -> None:
    text = ast.get_docstring(ast.parse((ROOT / path).read_text())) or ""
    assert text.partition("\n")[0].endswith((".", ";", ":", ",")) or "\n" in text
    if "/__init__" not in path.as_posix() and "\n  " not in text:  # a drawing may be longer
        assert 1 <= len(text.splitlines()) <= 6


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_names_are_nouns_of_the_field(path: Path) -> None:
    assert not set(path.stem.split("_")) & NOT_NOUNS
    tree = ast.parse((ROOT / path).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall("[A-Z][a-z]+", node.name)}
            assert not words & NOT_NOUNS, node.name


def test_every_source_file_has_a_test_file() -> None:
    missing = []
    for path in MODULES:
        if not any(path.as_posix().startswith(prefix) for prefix in TESTED_TOGETHER):
            test = ROOT / "tests" / path.parts[0] / f"test_{path.name}"
            if not test.exists():
                missing.append(path.as_posix())
    if missing:
        pytest.fail("no test file for:\n" + "\n".join(missing), pytrace=False)
    for pattern in TESTED_TOGETHER.values():
        assert list((ROOT / "tests").glob(pattern)), pattern
