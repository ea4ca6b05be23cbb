"""The table of actions: no gap, no id twice, and what footer and help need of it."""

from __future__ import annotations

import pytest

from tui import keys


def test_every_action_can_be_explained_and_found() -> None:
    for action in keys.ACTIONS:
        assert action.label, action.id
        assert action.tooltip.endswith("."), action.id
        assert action.method, action.id
        assert keys.keys_of(action), action.id


def test_ids_are_unique() -> None:
    ids = [action.id for action in keys.ACTIONS]
    assert len(ids) == len(set(ids))


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
