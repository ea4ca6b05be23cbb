"""The kinds of JSON values in words."""

from __future__ import annotations

import json

import pytest

from sessions.json_kinds import kind_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ("0", "a number"),
        ("1.5", "a number"),
        ('""', "a string"),
        ("[]", "a list"),
        ("{}", "an object"),
    ],
)
def test_every_kind_of_json_has_its_words(text: str, words: str) -> None:
    assert kind_words(json.loads(text)) == words
