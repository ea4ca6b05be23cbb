"""What is told reaches stderr only, safe, and a closed stderr ends nothing."""

from __future__ import annotations

import io
import sys

import pytest

from sessions.talk import tell


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
