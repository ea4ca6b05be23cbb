"""Retention: old recordings go only as the settings say; marked, written and foreign files never do."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest

from sessions.commands.creating import tidy_recordings
from sessions.errors import RecordingError, SettingsError
from sessions.reading import Reading
from sessions.recording import Recording, mark_path, new_path
from sessions.records import Direction, Kind, Record
from sessions.retention import stored, tidy, words
from sessions.settings import load

NOW = 1_800_000_000.0
DAY = 86_400


def recorded(folder: Path, days_old: float, size: int = 100) -> Path:
    """A dated recording that was written so many days ago."""
    path = new_path(folder, "openai", int((NOW - days_old * DAY) * 1e6))
    recording = Recording.create(path)
    recording.append(Record(1, Direction.SERVER, Kind.TEXT, 0, 0.0, b"x" * size))
    recording.close()
    os.utime(path, (NOW - days_old * DAY,) * 2)
    return path


def test_without_limits_everything_stays(tmp_path: Path) -> None:
    old = recorded(tmp_path, 5_000)
    assert tidy(tmp_path, None, None, NOW) == ()
    assert old.exists()
    assert words(None, None) == "everything is kept"


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    assert stored(tmp_path / "none") == ()
    assert tidy(tmp_path / "none", 1, 1, NOW) == ()
    assert not (tmp_path / "none").exists()


def test_what_is_older_goes_and_is_named(tmp_path: Path) -> None:
    old, young = recorded(tmp_path, 31), recorded(tmp_path, 29)
    (sentence,) = tidy(tmp_path, 30, None, NOW)
    assert not old.exists()
    assert young.exists()
    assert old.name in sentence
    assert "1 recording older than 30 days" in sentence
    (sentence,) = tidy(tmp_path, 1, None, NOW)
    assert "1 recording older than 1 day (" in sentence


def test_many_are_counted_and_some_named(tmp_path: Path) -> None:
    for days in range(40, 46):
        recorded(tmp_path, days)
    (sentence,) = tidy(tmp_path, 30, None, NOW)
    assert sentence.startswith("removed 6 recordings")
    assert sentence.endswith("and 3 more")
    assert stored(tmp_path) == ()


def test_the_oldest_go_first_when_all_are_too_large(tmp_path: Path) -> None:
    files = [recorded(tmp_path, days, size=400_000) for days in (3, 2, 1)]
    (sentence,) = tidy(tmp_path, None, 1, NOW)
    assert [path.exists() for path in files] == [False, True, True]
    assert "beyond 1 MB" in sentence


def test_a_marked_one_stays_and_the_next_goes_instead(tmp_path: Path) -> None:
    files = [recorded(tmp_path, days, size=400_000) for days in (30, 20, 10)]
    marked = Reading.open(files[0])
    marked.keep()
    kept_before = marked.is_kept
    tidy(tmp_path, 15, 0.5, NOW)
    assert [path.exists() for path in files] == [True, False, False]
    marked.keep(False)
    assert (kept_before, marked.is_kept) == (True, False)
    marked.close()
    tidy(tmp_path, 15, None, NOW)
    assert not files[0].exists()


def test_one_that_is_written_is_never_touched(tmp_path: Path) -> None:
    path = new_path(tmp_path, "openai", 1)
    recording = Recording.create(path)
    os.utime(path, (1, 1))
    assert tidy(tmp_path, 1, 0.000_001, NOW) == ()
    assert path.exists()
    recording.close()
    assert len(tidy(tmp_path, 1, None, NOW)) == 1
    assert not path.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    theirs = [
        tmp_path / "2020-01-01-000000-notes-000000.jsonl",
        tmp_path / "mine.jsonl",
        tmp_path / "deep" / "2020-01-01-000000-openai-000000.jsonl",
    ]
    for path in theirs:
        path.write_text('{"format":"har"}\n')
        os.utime(path, (1, 1))
    outside = tmp_path.parent / f"{tmp_path.name}-outside.jsonl"
    Recording.create(outside).close()
    link = tmp_path / "2020-01-01-000000-link-000000.jsonl"
    link.symlink_to(outside)
    os.utime(link, (1, 1), follow_symlinks=False)
    assert tidy(tmp_path, 1, 0.000_001, NOW) == ()
    assert all(path.exists() for path in theirs)
    assert outside.exists()
    assert link.is_symlink()


def test_a_temporary_file_cannot_be_kept_and_says_so(tmp_path: Path) -> None:
    recording = Recording.create(None)
    assert not recording.is_kept
    with pytest.raises(RecordingError, match="temporary"):
        recording.keep()
    recording.close()
    named = Recording.create(tmp_path / "a.jsonl")
    mark_path(tmp_path / "a.jsonl").mkdir()
    with pytest.raises(RecordingError, match=r"a\.jsonl\.keep"):
        named.keep(False)
    named.close()


def test_a_verb_tidies_only_where_it_records_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("recordings_days = 0.5\n")
    old = recorded(tmp_path / "turnscope" / "recordings", 400)
    limited = load({"base_url": "http://127.0.0.1:1/v1"})
    assert limited.source("recordings_days") == f"file {tmp_path / 'config.toml'}:1"
    for elsewhere in (
        Namespace(record="a.jsonl", no_record=False),
        Namespace(record=None, no_record=True),
    ):
        assert tidy_recordings(elsewhere, limited) == ()
        assert old.exists()
    os.utime(old, (1, 1))
    (sentence,) = tidy_recordings(Namespace(record=None, no_record=False), limited)
    assert old.name in sentence
    assert not old.exists()


@pytest.mark.parametrize(
    "wrong", ["recordings_days = 0", "recordings_megabytes = -1", 'recordings_days = "all"']
)
def test_a_limit_that_would_remove_everything_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f"\n{wrong}\n")
    with pytest.raises(SettingsError, match=r"config\.toml:2: recordings_"):
        load({"base_url": "http://127.0.0.1:1/v1"})


def test_limits_in_words() -> None:
    assert words(1, None) == "the newest, up to 1 day, and what is marked"
    assert words(30, 500) == "the newest, up to 30 days and 500 MB, and what is marked"
