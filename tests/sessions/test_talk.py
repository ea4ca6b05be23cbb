"""What is told reaches stderr only, safe, and a closed stderr ends nothing."""

from __future__ import annotations

import io
import sys

import pytest

from sessions.talk import tell, tell_progress


def test_tells_safe_text_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\x1b]52;c;x\x07b\nc")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "a\u241b]52;c;x\u2407b\nc\n"


def test_a_closed_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    tell("nobody listens")
    monkeypatch.setattr(sys, "stderr", None)
    tell("nobody is there")
    assert closed.closed


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_progress("half")
    assert capsys.readouterr().err == ""
    with monkeypatch.context() as patch:
        terminal = Terminal()
        patch.setattr(sys, "stderr", terminal)
        tell_progress("half\x1b[2J\n" + "x" * 200)
        tell_progress("")
    shown, taken_away = terminal.getvalue().split("\r")[1:]
    assert shown.startswith("\x1b[Khalf\u241b[2J\u21b5")
    assert len(shown) < 85
    assert taken_away == "\x1b[K"
