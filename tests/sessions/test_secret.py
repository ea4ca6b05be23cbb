"""A secret shows itself only to whoever asks for it by name."""

from __future__ import annotations

import copy
import pickle

from sessions.secret import NO_SECRET, Secret


def test_no_way_of_printing_shows_it() -> None:
    secret = Secret("sk-very-secret")
    shown = f"{secret} {secret!r} {[secret]} {pickle.dumps(secret)!r} {copy.copy(secret)!r}"
    assert "very" not in shown
    assert secret.reveal() == "sk-very-secret"


def test_an_empty_secret_is_falsy() -> None:
    assert not NO_SECRET
    assert str(NO_SECRET) == ""
    assert Secret("x")
    assert len(Secret("abc")) == 3
    assert Secret("a") == Secret("a") != Secret("b")
