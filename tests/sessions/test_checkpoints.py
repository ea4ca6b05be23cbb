"""Checkpoints: a restored state is the state that a fold from zero gives, and behaves as it does."""

from __future__ import annotations

from sessions.checkpoints import Checkpoints


def test_without_a_checkpoint_everything_begins_at_zero() -> None:
    sessions, count = Checkpoints().restore(5)
    assert count == 0
    assert sessions.records == 0
