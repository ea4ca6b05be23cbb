"""Which recording `turnscope attach` means when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions import cli
from sessions.commands.attach import growing, the_one
from sessions.errors import UsageError
from sessions.recording import Recording


def test_the_only_recording_that_grows_is_meant(tmp_path: Path) -> None:
    Recording.create(tmp_path / "2026-01-02-a.jsonl").close()
    (tmp_path / "2026-01-03-b.jsonl").write_text("hello\n")
    with pytest.raises(UsageError, match="is being recorded now"):
        the_one(tmp_path)
    running = Recording.create(tmp_path / "2026-01-01-c.jsonl")
    assert the_one(tmp_path) == running.path
    other = Recording.create(tmp_path / "2026-01-04-d.jsonl")
    assert growing(tmp_path) == (other.path, running.path)
    with pytest.raises(UsageError) as told:
        the_one(tmp_path)
    assert [line for line in str(told.value).splitlines() if line.startswith("  ")] == [
        f"  turnscope attach {other.path}",
        f"  turnscope attach {running.path}",
    ]
    running.close()
    assert the_one(tmp_path) == other.path
    other.close()


def test_a_folder_that_is_not_there_records_nothing(tmp_path: Path) -> None:
    assert growing(tmp_path / "none") == ()


def test_without_a_terminal_it_says_what_to_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attach", str(tmp_path / "a.jsonl")]) == 2
    assert "turnscope replay FILE --json" in capsys.readouterr().err
