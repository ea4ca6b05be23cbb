"""Changes: small, frozen, and with a word for each kind."""

from __future__ import annotations

import pytest

from sessions.changes import Change, What


def test_a_change_cannot_be_written() -> None:
    change = Change(What.TEXT, 1, 1)
    assert (change.turn, change.response, change.item, change.detail) == (0, "", "", "")
    with pytest.raises(AttributeError):
        change.turn = 2  # type: ignore[misc] # what the test is about


def test_each_kind_has_one_lower_case_word() -> None:
    assert len({what.value for what in What}) == len(What)
    assert all(what.value.isalpha() and what.value.islower() for what in What)
