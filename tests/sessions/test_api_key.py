"""The key: from its variable, never shown, and a placeholder on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.api_key import LOOPBACK_KEY
from sessions.errors import SettingsError
from sessions.secret import Secret
from sessions.settings import load
from tests.sessions.test_settings import loaded


def test_a_key_s_variable_can_be_named(tmp_path: Path) -> None:
    named = loaded(
        tmp_path / "config.toml", {"api_key_env": "MY_KEY"}, MY_KEY=" secret-one\n", OPENAI_API_KEY="k"
    )
    assert named.key == Secret("secret-one")
    assert "secret-one" not in f"{named!r}{named.model_dump()}{named.sources}"
    with pytest.raises(SettingsError, match=r"MY_KEX.*\(flag --api-key-env\), is not set") as caught:
        loaded(tmp_path / "config.toml", {"api_key_env": "MY_KEX"}, MY_KEY="x")
    assert caught.value.nearest == "MY_KEY"
    fake = loaded(tmp_path / "config.toml", {"profile": "fake"})
    assert fake.key
    assert fake.source("key") == "a placeholder of the profile"


@pytest.mark.parametrize("tail", ["\nx", "\u043a", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(tmp_path: Path, tail: str) -> None:
    for flags in ({}, {"api_key_env": "OPENAI_API_KEY"}):
        with pytest.raises(SettingsError, match="position 8 of") as caught:
            loaded(tmp_path / "config.toml", flags, OPENAI_API_KEY=f"sk-mine{tail}y")
        assert "sk-mine" not in str(caught.value)


def test_a_key_in_place_of_its_variable_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the name of a variable") as caught:
        loaded(tmp_path / "config.toml", {"api_key_env": "sk-mine"})
    assert "sk-mine" not in str(caught.value)


def test_loopback_without_a_key_gets_a_placeholder_and_says_so() -> None:
    here = load({"base_url": "http://127.0.0.1:4000/v1"}, {})
    assert here.key.reveal() == LOOPBACK_KEY
    assert here.source("key") == "a placeholder for loopback; not set (OPENAI_API_KEY)"
    assert not load({"base_url": "https://proxy.example/v1"}, {}).key
    set_one = load({"base_url": "http://127.0.0.1:4000/v1"}, {"OPENAI_API_KEY": "sk-mine"})
    assert set_one.key.reveal() == "sk-mine"
