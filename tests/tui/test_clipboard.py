"""Copying: which way is taken, in which words it is told, and that no way blocks or fails in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.clipboard import TERMINAL_BYTES, VARIABLE, Way, copy, native_tools, way_of


class Terminal:
    """Takes what would go out as OSC 52."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


def tool(folder: Path, name: str, script: str) -> None:
    """A program of this name that runs a shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def environ(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which only the folder's programs exist."""
    return {"PATH": str(folder), **more}


def written(told: str) -> bytes:
    """What stands in the file that a sentence names; only its owner may read it."""
    path = Path(told.split(" to ")[1].removesuffix("."))
    assert path.stat().st_mode & 0o077 == 0
    return path.read_bytes()


async def test_a_native_tool_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "xclip", f"exec /bin/cat > {tmp_path}/taken")
    monkeypatch.setenv("PATH", str(tmp_path))
    terminal = Terminal()
    told = await copy("h\u00e9llo", terminal, environ(tmp_path, DISPLAY=":0"))
    assert told == "Copied 5 characters with xclip."
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "h\u00e9llo"
    assert terminal.texts == []


async def test_a_tool_that_fails_gives_way_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "xsel", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    terminal = Terminal()
    told = await copy("x", terminal, environ(tmp_path, DISPLAY=":0"))
    assert told == "Copied 1 character by OSC 52, if your terminal allows it."
    assert terminal.texts == ["x"]
    told = await copy("x", terminal, environ(tmp_path, DISPLAY=":0", TURNSCOPE_CLIPBOARD="native"))
    assert told == "Not copied: xsel ended with code 3."


def test_tools_need_their_surroundings(tmp_path: Path) -> None:
    for name in ("wl-copy", "xclip", "tmux", "pbcopy"):
        tool(tmp_path, name, "exit 0")
    assert [one.command[0] for one in native_tools(environ(tmp_path))] == ["pbcopy"]
    assert [one.command[0] for one in native_tools(environ(tmp_path, WAYLAND_DISPLAY="w", DISPLAY=":0"))] == [
        "wl-copy", "xclip", "pbcopy",
    ]  # fmt: skip
    remote = environ(tmp_path, DISPLAY=":0", TMUX="t", SSH_TTY="/dev/pts/1")
    assert [one.command[0] for one in native_tools(remote)] == ["tmux"]


async def test_osc_52_has_a_limit(tmp_path: Path) -> None:
    terminal = Terminal()
    large = "x" * (TERMINAL_BYTES + 1)
    told = await copy(large, terminal, environ(tmp_path), tmp_path)
    assert told.startswith("Wrote 100.0 kB to ")
    assert written(told) == large.encode()
    told = await copy(large, terminal, environ(tmp_path, TURNSCOPE_CLIPBOARD="osc52"))
    assert told == "Not copied: 100,001 bytes are more than a terminal takes by OSC 52 (100,000)."
    assert terminal.texts == []


async def test_a_file_keeps_line_ends_and_is_the_owners(tmp_path: Path) -> None:
    told = await copy("a\r\nb", Terminal(), {VARIABLE: "file"}, tmp_path)
    assert written(told) == b"a\r\nb"


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told = await copy("x", Terminal(), {VARIABLE: "file"}, tmp_path / "missing")
    assert told.startswith("Not copied: no file could be written")


async def test_off_nothing_and_a_wrong_word(tmp_path: Path) -> None:
    terminal = Terminal()
    assert await copy("", terminal, {}) == "Nothing to copy here."
    assert await copy("x", terminal, {VARIABLE: "off"}) == f"Not copied: {VARIABLE} is off."
    assert await copy("x", terminal, {VARIABLE: "nativ"}) == (
        f"Not copied: {VARIABLE}=nativ is none of auto, native, osc52, file, off."
    )
    assert await copy("x", terminal, environ(tmp_path, TURNSCOPE_CLIPBOARD="native")) == (
        "Not copied: no clipboard program was found here."
    )
    assert terminal.texts == []


def test_the_word_for_the_way() -> None:
    assert way_of({}) is Way.AUTO
    assert way_of({VARIABLE: " OSC52 "}) is Way.TERMINAL
