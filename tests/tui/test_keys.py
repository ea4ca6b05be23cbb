"""The table of actions: no clash, no gap, and the user's own keys are judged by the same rule."""

from __future__ import annotations

import pytest

from tui import keys


def test_no_key_means_two_things_in_one_place() -> None:
    assert keys.clashes() == ()


def test_every_action_can_be_explained_and_found() -> None:
    for action in keys.ACTIONS:
        assert action.label, action.id
        assert action.tooltip.endswith("."), action.id
        assert action.method, action.id
        assert keys.keys_of(action), action.id


def test_ids_are_unique() -> None:
    ids = [action.id for action in keys.ACTIONS]
    assert len(ids) == len(set(ids))


def test_a_clash_of_the_users_own_keys_is_told_with_both_names() -> None:
    (sentence,) = keys.clashes({"session.branch": "y"})
    assert "session.branch" in sentence
    assert "session.copy" in sentence
    assert "'y'" in sentence


def test_what_is_wrong_with_the_users_keys_takes_nothing_else_with_it() -> None:
    own = {"write": "w", "session.parent": "ctrl-x", "session.copy": "i", "session.branch": "B"}
    judged = keys.judged(own)
    assert judged.usable == {"session.branch": "B"}
    unknown, no_key, clash = judged.problems
    assert unknown == "'write' is not an action; did you mean 'session.write'?"
    assert no_key.startswith("'ctrl-x' is no key for session.parent")
    assert clash == "'i' means both session.write and session.copy"


@pytest.mark.parametrize(
    ("meant", "found"), [("sesion.wrte", "session.write"), ("warm up", "session.warm_up")]
)
def test_an_id_that_does_not_exist_names_the_one_that_is_meant(meant: str, found: str) -> None:
    (problem,) = keys.judged({meant: "w"}).problems
    assert f"did you mean {found!r}?" in problem
    assert "`turnscope info --keys` lists them" in keys.judged({"zzzz": "w"}).problems[0]


def test_two_keys_can_be_swapped_at_once() -> None:
    own = {"session.write": "y", "session.copy": "i"}
    assert keys.judged(own) == (own, ())


def test_every_key_of_the_table_can_be_pressed() -> None:
    own = {action.id: action.keys for action in keys.ACTIONS}
    assert keys.judged(own) == (own, ())


def test_the_same_key_may_mean_two_things_in_two_places() -> None:
    # Enter sends in the message box and opens a row in a view
    assert keys.action("composer.submit").keys == keys.action("pane.open").keys == "enter"


def test_the_footer_never_holds_more_than_seven() -> None:
    everything = [action.id for action in keys.ACTIONS]
    shown = keys.in_footer(everything)
    assert len(shown) == 7
    assert [action.rank for action in shown] == sorted(action.rank for action in shown)


def test_bindings_carry_what_remapping_and_help_need() -> None:
    for binding in keys.bindings(keys.Where.MOVING):
        assert binding.id
        assert binding.tooltip


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        keys.action("session.fly")


def test_nothing_that_sends_or_closes_is_on_a_letter() -> None:
    letters = {key for a in keys.ACTIONS for key in keys.keys_of(a) if len(key) == 1 and "send_now" in a.id}
    assert letters == set()
