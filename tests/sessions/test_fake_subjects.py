"""What the small world explains, and when it does not."""

from __future__ import annotations

import pytest

from sessions.wire.scenarios.answers.demo import STEPS
from sessions.wire.scenarios.answers.subjects import SUBJECTS, explained


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("What are you?", "script"),
        ("what is a fork?", "second child"),
        ("tell me about lanes", "stream_id"),
        ("why does this chain send less input than HTTP?", "previous_response_id"),
        ("what does store false do?", "previous_response_not_found"),
        ("How long does this socket live?", "sixty minutes"),
    ],
)
def test_it_explains_websocket_mode(asked: str, word: str) -> None:
    text = explained(asked)
    assert text is not None
    assert word in text


@pytest.mark.parametrize("asked", ["", "ping", "one", "What is 2+2?", "What was the word?", "third"])
def test_it_leaves_the_rest_alone(asked: str) -> None:
    assert explained(asked) is None


def test_every_paragraph_is_long_enough_to_watch() -> None:
    assert all(len(subject.text.split()) >= 45 for subject in SUBJECTS)


def test_the_tour_has_a_long_first_answer() -> None:
    assert explained(STEPS[0].prompt)
