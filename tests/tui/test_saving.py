"""What a person takes out: copies, the conversation as Markdown, a picture; nothing is overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.make import Wire
from tests.scene import playing
from tests.screen import screen_text
from tests.transcripts import plain
from tui.saving import refuse_path, write_new


def files(folder: Path, suffix: str) -> list[Path]:
    """What was saved there."""
    return list(folder.glob(f"*.{suffix}"))


async def test_copying_says_by_which_way_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCOPE_CLIPBOARD", "osc52")
    async with playing(plain()) as scene:
        await scene.press("y")
        assert "turn T" in screen_text(scene.app)
        await scene.press("1", "enter")
        await scene.until(lambda: scene.app.clipboard)
        await scene.shows("OSC 52")


async def test_an_event_is_copied_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCOPE_CLIPBOARD", "osc52")
    wire = Wire()
    records = [wire.open(), wire.sent('{ "type":"response.create",  "input":"x" }')]
    async with playing(records) as scene:
        await scene.press("2", "G", "y", "2", "enter")
        await scene.until(lambda: scene.app.clipboard)
        assert scene.app.clipboard == '{ "type":"response.create",  "input":"x" }'


async def test_with_nothing_to_copy_it_says_so() -> None:
    async with playing([]) as scene:
        await scene.press("y")
        await scene.shows("nothing to copy")


async def test_the_conversation_is_saved_as_markdown_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing(plain()) as scene:
        await scene.press("x", "enter")
        await scene.until(lambda: files(tmp_path, "md"))
        (saved,) = files(tmp_path, "md")
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        assert scene.screen.inspector.sessions.turns[0].responses[0].text in saved.read_text()


async def test_a_picture_hides_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wire = Wire()
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
    async with playing([wire.open(), *wire.turn("resp_1", f"The key is {key}.")]) as scene:
        await scene.press("S")
        (saved,) = files(tmp_path, "svg")
        assert key not in saved.read_text()
        assert "sk-proj-abcdef" not in saved.read_text()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    write_new(path, "mine")
    with pytest.raises(FileExistsError):
        write_new(path, "yours")
    assert path.read_text() == "mine"
    assert "exists already" in refuse_path(str(path))
    assert "no folder" in refuse_path(str(tmp_path / "none" / "a.md"))
    assert refuse_path(" ") == "Give a file name."
    assert refuse_path(str(tmp_path / "b.md")) == ""
