"""A person's own keys: clashes, ids that do not exist, keys that cannot be pressed."""

from __future__ import annotations

import pytest

from tui import keys, own_keys


def test_no_key_means_two_things_in_one_place() -> None:
    assert own_keys.clashes() == ()


def test_a_clash_of_the_users_own_keys_is_told_with_both_names() -> None:
    (sentence,) = own_keys.clashes({"session.branch": "y"})
    assert "session.branch" in sentence
    assert "session.copy" in sentence
    assert "'y'" in sentence


def test_what_is_wrong_with_the_users_keys_takes_nothing_else_with_it() -> None:
    own = {"write": "w", "session.parent": "ctrl-x", "session.copy": "i", "session.branch": "B"}
    judged = own_keys.judged(own)
    assert judged.usable == {"session.branch": "B"}
    unknown, no_key, clash = judged.problems
    assert unknown == "'write' is not an action; did you mean 'session.write'?"
    assert no_key.startswith("'ctrl-x' is no key for session.parent")
    assert clash == "'i' means both session.write and session.copy"


@pytest.mark.parametrize(
    ("meant", "found"), [("sesion.wrte", "session.write"), ("warm up", "session.warm_up")]
)
def test_an_id_that_does_not_exist_names_the_one_that_is_meant(meant: str, found: str) -> None:
    (problem,) = own_keys.judged({meant: "w"}).problems
    assert f"did you mean {found!r}?" in problem
    assert "`turnscope info --keys` lists them" in own_keys.judged({"zzzz": "w"}).problems[0]


def test_two_keys_can_be_swapped_at_once() -> None:
    own = {"session.write": "y", "session.copy": "i"}
    assert own_keys.judged(own) == (own, ())


def test_every_key_of_the_table_can_be_pressed() -> None:
    own = {action.id: action.keys for action in keys.ACTIONS}
    assert own_keys.judged(own) == (own, ())
