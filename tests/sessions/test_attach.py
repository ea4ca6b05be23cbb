"""Which recording `turnscope attach` means when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions import cli
from sessions.commands.attach import any_growing, growing
from sessions.errors import UsageError
from sessions.recording import Recording


def test_recordings_that_grow_are_meant_the_newest_first(tmp_path: Path) -> None:
    Recording.create(tmp_path / "2026-01-02-a.jsonl").close()
    (tmp_path / "2026-01-03-b.jsonl").write_text("hello\n")
    with pytest.raises(UsageError, match=r"is being recorded now, .* with --record FILE .*attach FILE"):
        any_growing(tmp_path)
    running = Recording.create(tmp_path / "2026-01-01-c.jsonl")
    assert any_growing(tmp_path) == (running.path,)
    other = Recording.create(tmp_path / "2026-01-04-d.jsonl")
    assert growing(tmp_path) == any_growing(tmp_path) == (other.path, running.path)
    running.close()
    assert any_growing(tmp_path) == (other.path,)
    other.close()


def test_a_folder_that_is_not_there_records_nothing(tmp_path: Path) -> None:
    assert growing(tmp_path / "none") == ()


def test_without_a_terminal_it_says_what_to_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attach", str(tmp_path / "a.jsonl")]) == 2
    assert "turnscope replay FILE --json" in capsys.readouterr().err
