"""A mistake is found in the text and told in words."""

from __future__ import annotations

import pytest

from sessions.complaint import key_parts, line_of, nearest, sentence_of


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("a",), 2),
        (("t", "b"), 5),
        (("t", "missing"), 4),
        (("t", "u", "c d"), 7),
        (("x", "y"), 3),
        (("nowhere",), 0),
    ],
)
def test_finds_the_line_of_a_key(keys: tuple[str, ...], line: int) -> None:
    text = '# a = 0\na = 1\nx.y = 2\n[t]\nb = "[no]"\n[t."u"] # c\n"c d" = 3\n'
    assert line_of(text, *keys) == line


def test_a_dotted_key_has_parts() -> None:
    assert key_parts('a."b c".d-e') == ("a", "b c", "d-e")


def test_the_nearest_word_or_none() -> None:
    assert nearest("modle", ["model", "query"]) == "model"
    assert nearest("zzz", ["model"]) == ""


def test_a_validation_error_is_a_sentence() -> None:
    error = {"msg": "Input should be greater than 0", "input": -1, "type": "greater_than"}
    assert sentence_of(error) == "input should be greater than 0, not -1"
    own = {"msg": "Value error, 'a' is no name", "input": "a", "type": "value_error"}
    assert sentence_of(own) == "'a' is no name"
