"""Openings: what each turn was begun with, and what remote text becomes."""

from __future__ import annotations

import pytest

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tui.openings import Openings

OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "4711"}


@pytest.mark.parametrize(
    ("create", "words"),
    [
        (make.create("list the plans"), "you: list the plans"),
        (make.create([], generate=False), "warm-up"),
        (make.create([OUTPUT]), "1 output"),
        (make.create([OUTPUT, {**OUTPUT, "call_id": "call_2"}]), "2 outputs"),
        (make.create([]), "(no input)"),
        (make.create("[red]\x1b[2J"), "you: [red]␛[2J"),
    ],
)
def test_a_turn_is_told_by_what_began_it(create: make.Body, words: str) -> None:
    wire = make.Wire()
    inspector = Inspector(Recording.create(None))
    inspector.feed_all([wire.open(), wire.sent(create)])
    openings = Openings(inspector)
    (turn,) = inspector.sessions.turns
    assert openings.words(turn) == words
    assert openings.words(turn) == words, "what is kept is the same"
    inspector.recording.close()
