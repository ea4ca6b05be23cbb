"""The text of answers on stdout: each character once, and on a line of its own."""

from __future__ import annotations

import pytest

from sessions.commands.spoken import Spoken
from sessions.reducer import Sessions
from tests import make


def test_what_has_grown_is_written_once_and_made_safe(capsys: pytest.CaptureFixture[str]) -> None:
    wire, sessions = make.Wire(), Sessions()
    spoken = Spoken(sessions)
    bodies = make.answer("resp_1", "Hello\x1b[2J, world.")
    for record in [wire.open(), wire.sent(make.create()), *wire.got_all(bodies)]:
        sessions.apply(record)
        spoken.write()
    assert capsys.readouterr().out == "Hello\u241b[2J, world."
    spoken.end_line()
    spoken.end_line()
    assert capsys.readouterr().out == "\n"
