"""The person's own editor: the text comes back whole, or the old one stays and the reason is told."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tui.editor import EditorError, edit


def script(folder: Path, body: str) -> str:
    """A program that gets the file as its argument."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def test_what_the_editor_wrote_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", script(tmp_path, 'printf "%s\\n" "$(cat "$1") and more" > "$1"'))
    assert edit("héllo") == "héllo and more"


def test_visual_wins_and_may_have_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", script(tmp_path, 'echo "$1" > "$2"') + " --wait")
    assert edit("x") == "--wait"


def test_an_editor_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "false")
    with pytest.raises(EditorError, match="stays as it was"):
        edit("precious")


def test_an_editor_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    with pytest.raises(EditorError, match="/no/such/editor"):
        edit("precious")


def test_the_file_is_its_owners_and_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("VISUAL", script(tmp_path, f'stat -c "%a %n" "$1" > {seen}'))
    edit("secret", ".json")
    mode, name = seen.read_text().split()
    assert int(mode, 8) == stat.S_IRUSR | stat.S_IWUSR
    assert name.endswith(".json")
    assert not Path(name).exists()
