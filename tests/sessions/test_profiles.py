"""The built-in profiles carry the known lifetimes and deviations."""

from __future__ import annotations

import pytest

from sessions.errors import SettingsError
from sessions.profile import OPENAI
from sessions.profiles import built_in_profiles, profiles_from


def test_the_built_in_profiles() -> None:
    profiles = built_in_profiles()
    assert set(profiles) == {
        "openai",
        "codex",
        "azure",
        "xai",
        "vercel",
        "litellm",
        "llm-interactive-proxy",
        "fake",
    }
    assert {name: profile.lifetime_seconds for name, profile in profiles.items()} | {} == {
        **dict.fromkeys(profiles, 3600.0),
        "xai": 1500.0,
        "vercel": 780.0,
    }
    assert profiles["litellm"].model_in_query
    assert profiles["codex"].stores == "never"
    assert profiles["codex"].socket_after_error == "dead"
    assert all(sentence.endswith(".") for profile in profiles.values() for sentence in profile.deviations)


def test_a_wrong_profile_names_file_line_and_key() -> None:
    text = "[profiles.mine]\nlane = true\n"
    with pytest.raises(SettingsError) as caught:
        profiles_from({"mine": {"lane": True}}, "config.toml", text)
    error = caught.value
    assert (error.file, error.line, error.key, error.nearest) == ("config.toml", 2, "lane", "lanes")
    with pytest.raises(SettingsError, match="must be tables"):
        profiles_from(3, "config.toml", "profiles = 3")


def test_a_forecast_takes_what_it_needs_from_a_profile() -> None:
    profiles = built_in_profiles()
    codex = profiles["codex"].forecast_facts("codex")
    assert (codex.name, codex.lanes, codex.stores, codex.socket_after_error) == (
        "codex",
        False,
        "never",
        "dead",
    )
    assert profiles["openai"].forecast_facts("openai") == OPENAI
    assert profiles["xai"].forecast_facts("xai").lifetime == 1500
    assert profiles["xai"].forecast_facts("xai", 90).lifetime == 90
    assert profiles["litellm"].forecast_facts("litellm").create_shape == "flat"
    assert profiles["vercel"].forecast_facts("vercel").is_model_fixed
