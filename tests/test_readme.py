"""The README keeps its word: commands, verbs, keys, pictures and the diagram are what the program has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.cli import VERBS
from tests.benchmarks.__main__ import NAMES
from tests.diagram import block, draw
from tui import own_keys

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_diagram_is_the_table() -> None:
    assert block(README) == draw()


def test_ci_runs_the_tests_as_the_readme_says() -> None:
    command = next(line for line in README.splitlines() if "tests/check.py" in line and "venv" in line)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_verb_has_an_example() -> None:
    missing = [verb for verb in VERBS if verb != "start" and f"turnscope {verb}" not in README]
    assert not missing


def test_every_benchmark_is_named() -> None:
    assert "python -m tests.benchmarks" in README
    missing = [name for name in NAMES if f"`{name}`" not in README]
    assert not missing


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all(5_000 < (ROOT / picture).stat().st_size < 200_000 for picture in pictures)


def test_the_library_example_runs(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    example = tmp_path / "example.py"
    example.write_text(code[1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("completed Hello")


def test_its_example_of_an_own_key_can_be_used() -> None:
    found = re.search(r'`"([\w.]+)" = "(.+?)"`', README)
    assert found is not None
    assert own_keys.judged({found[1]: found[2]}) == ({found[1]: found[2]}, ())


@pytest.mark.parametrize("word", ["OPENAI_API_KEY", "0600", "MIT", "pipx", "uv tool install"])
def test_what_a_newcomer_asks_for_is_there(word: str) -> None:
    assert word in README
