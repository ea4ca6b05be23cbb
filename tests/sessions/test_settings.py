"""Settings: their order, where each value came from, and errors that say file, line, key and nearest key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sessions.errors import SettingsError
from sessions.findings.catalogue import CATALOGUE
from sessions.profiles import built_in_profiles
from sessions.secret import Secret
from sessions.settings import NAMES, Settings, known_habits, load, paths, read_file, set_value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file that does not exist yet."""
    return tmp_path / "config" / "config.toml"


def written(file: Path, text: str) -> Path:
    """The file with this text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def loaded(file: Path, flags: Mapping[str, object] | None = None, **environ: str) -> Settings:
    """The settings with this file."""
    return load(flags or {}, {"TURNSCOPE_CONFIG": str(file), **environ})


# Order and sources ---------------------------------------------------------------------------------------


def test_each_layer_outranks_the_next(file: Path) -> None:
    default = loaded(file)
    assert (default.base_url, default.source("base_url")) == ("https://api.openai.com/v1", "profile openai")
    assert (default.profile, default.source("profile")) == ("openai", "default")
    assert default.source("compression") == "default"
    written(file, '# mine\nbase_url = "https://file.example/v1"\nmodel = "m-file"\n')
    in_file = loaded(file)
    assert in_file.base_url == "https://file.example/v1"
    assert in_file.source("base_url") == f"file {file}:2"
    assert (in_file.profile, in_file.file) == ("custom", str(file))
    environ = loaded(file, OPENAI_BASE_URL="https://env.example/v1")
    assert (environ.base_url, environ.source("base_url")) == (
        "https://env.example/v1",
        "environment OPENAI_BASE_URL",
    )
    socket_url = loaded(file, OPENAI_BASE_URL="https://a/v1", OPENAI_WEBSOCKET_BASE_URL="wss://b/v1")
    assert socket_url.base_url == "wss://b/v1"
    flag = loaded(file, {"base_url": "https://flag.example/v1"}, OPENAI_BASE_URL="https://env.example/v1")
    assert (flag.base_url, flag.source("base_url")) == ("https://flag.example/v1", "flag --base-url")
    assert (flag.model, flag.source("model")) == ("m-file", f"file {file}:3")


def test_a_profile_gives_address_lifetime_and_key(file: Path) -> None:
    xai = loaded(file, {"profile": "xai"}, XAI_API_KEY="k-xai", OPENAI_API_KEY="k-openai")
    assert (xai.base_url, xai.age_limit, xai.key) == ("https://api.x.ai/v1", 1500, Secret("k-xai"))
    assert xai.source("age_limit") == "profile xai"
    assert xai.source("key") == "environment XAI_API_KEY"
    assert xai.facts.lanes is False
    shorter = loaded(file, {"profile": "xai", "age_limit": 90})
    assert (shorter.age_limit, shorter.source("age_limit")) == (90, "flag --age-limit")
    assert not shorter.key
    assert shorter.source("key") == "not set (XAI_API_KEY)"


@pytest.mark.parametrize(
    ("base_url", "profile"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("wss://api.x.ai/v1", "xai"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("https://ai-gateway.vercel.sh/v1", "vercel"),
        ("https://chatgpt.com/backend-api/codex", "codex"),
        ("https://notchatgpt.com/v1", "custom"),
        ("http://localhost:4000/v1", "custom"),
        ("no-scheme", "custom"),
        ("https://[bad", "custom"),
    ],
)
def test_a_profile_is_recognised_by_its_host(file: Path, base_url: str, profile: str) -> None:
    settings = loaded(file, {"base_url": base_url}, OPENAI_API_KEY="k", XAI_API_KEY="x")
    assert settings.profile == profile
    if profile == "xai":
        assert settings.key == Secret("x")  # never another vendor's key
    if profile == "custom":
        assert settings.key == Secret("k")


def test_organisation_and_project_become_headers(file: Path) -> None:
    settings = loaded(
        file, {"headers": {"openai-project": "mine"}}, OPENAI_ORG_ID="org-1", OPENAI_PROJECT_ID="proj_1"
    )
    assert settings.all_headers() == {"openai-project": "mine", "OpenAI-Organization": "org-1"}


def test_tables_of_flag_and_file_are_joined(file: Path) -> None:
    written(file, '[headers]\nA = "1"\nB = "2"\n[query]\nx = ["1", "2"]\n')
    settings = loaded(file, {"headers": {"B": "3"}, "query": {"y": ["4"]}})
    assert settings.headers == {"A": "1", "B": "3"}
    assert settings.query_pairs() == (("x", "1"), ("x", "2"), ("y", "4"))


def test_an_address_given_higher_up_replaces_an_exact_one_below(file: Path) -> None:
    written(file, 'url = "https://exact.example/x"\nvia = "http://p:1"\n')
    assert loaded(file).url == "https://exact.example/x"
    assert loaded(file, {"base_url": "https://b/v1"}).url == ""
    assert loaded(file, OPENAI_BASE_URL="https://b/v1").url == ""
    assert loaded(file).via == "http://p:1"
    assert loaded(file, {"no_proxy": True}).via == ""


def test_a_hosted_profile_brings_its_own_address_along(file: Path) -> None:
    environ = {"OPENAI_BASE_URL": "http://localhost:4000/v1", "XAI_API_KEY": "k-xai"}
    xai = loaded(file, {"profile": "xai"}, **environ)
    assert (xai.base_url, xai.source("base_url")) == ("https://api.x.ai/v1", "profile xai")
    assert (
        loaded(file, {"profile": "xai", "base_url": "http://mine/v1"}, **environ).base_url == "http://mine/v1"
    )
    assert loaded(file, {"profile": "litellm"}, **environ).base_url == "http://localhost:4000/v1"
    assert loaded(file, None, TURNSCOPE_PROFILE="xai", **environ).base_url == "http://localhost:4000/v1"
    own = "https://eu.api.openai.com/v1"
    assert loaded(file, {"profile": "openai"}, OPENAI_BASE_URL=own).base_url == own
    written(file, 'url = "http://localhost:1/x"\n')
    assert loaded(file, TURNSCOPE_PROFILE="xai").base_url == "https://api.x.ai/v1"


def test_openai_s_account_is_not_told_to_other_hosts(file: Path) -> None:
    account = {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj_1"}
    assert loaded(file, {"profile": "xai"}, **account).all_headers() == {}
    assert len(loaded(file, {"base_url": "http://localhost:4000/v1"}, **account).all_headers()) == 2
    asked = loaded(file, {"profile": "xai", "organization": "org-2"}, **account)
    assert asked.all_headers() == {"OpenAI-Organization": "org-2"}


def test_an_empty_variable_is_not_set(file: Path) -> None:
    settings = loaded(file, OPENAI_BASE_URL="", OPENAI_API_KEY=" ")
    assert settings.base_url == "https://api.openai.com/v1"
    assert not settings.key


def test_own_profiles_stand_beside_the_built_in_ones(file: Path) -> None:
    written(
        file,
        '[profiles.mine]\nbase_url = "https://m.example/v1"\nhosts = ["*.m.example"]\n'
        'key_env = ["MINE_KEY"]\nlifetime_seconds = 60\ndeviations = ["It is mine."]\n',
    )
    mine = loaded(file, {"profile": "mine"}, MINE_KEY="k")
    assert (mine.base_url, mine.age_limit, mine.key) == ("https://m.example/v1", 60, Secret("k"))
    assert loaded(file, {"base_url": "https://a.m.example/v1"}).profile == "mine"


# Errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key", "nearest", "said"),
    [
        ('model = "x"\n\nbase_ulr = "https://x"\n', 3, "base_ulr", "base_url", "no setting 'base_ulr'"),
        ("compression = 7\n", 1, "compression", "", "compression"),
        ('# c\nage_limit = "long"\n', 2, "age_limit", "", "age_limit"),
        ("age_limit = -1\n", 1, "age_limit", "", "greater than 0"),
        ('transport = "smoke"\n', 1, "transport", "", "transport"),
        ("model = \n", 1, "", "", "not TOML"),
        ('[headers]\n"Bad Name" = "x"\n', 1, "headers", "", "'Bad ...' is not a header name"),
        ('[headers]\nUpgrade = "x"\n', 1, "headers", "", "belongs to the handshake"),
        ('[headers]\nA = "x\\r\\ny"\n', 1, "headers", "", "line break"),
        (
            '[profiles.mine]\nbase_url = "x"\nlife_seconds = 3\n',
            3,
            "life_seconds",
            "lifetime_seconds",
            "mine",
        ),
        ('[profiles.mine]\nlanes = "many"\n', 2, "lanes", "", "lanes"),
        ("profiles = 3\n", 1, "", "", "[profiles.NAME]"),
        ('profile = "opnai"\n', 1, "profile", "openai", "no profile 'opnai'"),
    ],
)
def test_an_error_names_file_line_key_and_the_nearest(
    file: Path, text: str, line: int, key: str, nearest: str, said: str
) -> None:
    written(file, text)
    with pytest.raises(SettingsError) as caught:
        loaded(file)
    error = caught.value
    assert (error.line, error.key, error.nearest) == (line, key, nearest)
    assert said in str(error)
    assert str(file) in str(error)


def test_a_wrong_flag_value_names_the_flag(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"flag --header\b"):
        loaded(file, {"headers": {"A": "\u20ac"}})


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    written(file, "").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        loaded(file)


# Places and writing --------------------------------------------------------------------------------------


def test_asking_for_paths_creates_nothing(tmp_path: Path) -> None:
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    found = paths(home)
    assert found.config == tmp_path / "XDG_CONFIG_HOME" / "turnscope" / "config.toml"
    assert found.recordings == tmp_path / "XDG_DATA_HOME" / "turnscope" / "recordings"
    assert found.state == tmp_path / "XDG_STATE_HOME" / "turnscope"
    assert paths({**home, "TURNSCOPE_CONFIG": "/x/y.toml"}).config == Path("/x/y.toml")
    assert list(tmp_path.iterdir()) == []
    assert set(found.as_text()) == {"config", "recordings", "state"}


def test_writing_keeps_comments_and_order(file: Path) -> None:
    written(file, '# my settings\nmodel = "a"  # the cheap one\n\n[headers]\nA = "1"  # needed\n')
    set_value(file, "model", "b")
    set_value(file, "headers.B", "2")
    set_value(file, "compression", False)
    assert file.read_text() == (
        '# my settings\nmodel = "b"  # the cheap one\ncompression = false\n\n'
        '[headers]\nA = "1"  # needed\nB = "2"\n'
    )
    assert [one.name for one in file.parent.iterdir()] == ["config.toml"]


def test_writing_makes_the_file_and_refuses_what_would_not_load(file: Path) -> None:
    with pytest.raises(SettingsError, match="no setting") as caught:
        set_value(file, "modle", "b")
    assert caught.value.nearest == "model"
    with pytest.raises(SettingsError):
        set_value(file, "age_limit", -1)
    assert not file.exists()
    set_value(file, "profiles.mine.base_url", "https://m/v1")
    assert loaded(file, {"profile": "mine"}).base_url == "https://m/v1"


def test_what_is_filled_in_cannot_be_written(file: Path) -> None:
    assert not {"key", "facts", "sources", "file"} & set(NAMES)
    with pytest.raises(SettingsError, match="no setting 'key'"):
        loaded(written(file, 'key = "sk-1"\n'))


def test_a_byte_order_mark_is_no_part_of_the_file(file: Path) -> None:
    assert loaded(written(file, '\ufeffmodel = "m"\n')).model == "m"


def test_nothing_is_written_over_what_is_no_regular_file(tmp_path: Path) -> None:
    folder = tmp_path / "config.toml"
    folder.mkdir()
    with pytest.raises(SettingsError, match="no regular file"):
        set_value(folder, "model", "m")
    assert folder.is_dir()


def test_what_an_own_profile_is_known_for_stands_beside_the_built_in_habits(file: Path) -> None:
    written(file, '[profiles.mine]\nknown = ["final-empty"]\n[profiles.codex]\nknown = ["usage-missing"]\n')
    habits = known_habits({"TURNSCOPE_CONFIG": str(file)})
    assert habits["mine"] == {"final-empty"}
    assert habits["codex"] == {"usage-missing"}  # one's own stands in the place of the built-in one
    assert "error-untyped" in habits["xai"]


def test_a_finding_that_does_not_exist_is_told_with_its_line_and_the_nearest(file: Path) -> None:
    written(file, '[profiles.mine]\nlanes = false\nknown = ["final-empty", "sequence-gaps"]\n')
    with pytest.raises(SettingsError, match="there is no finding 'sequence-gaps'") as caught:
        read_file(file)
    error = caught.value
    assert (error.line, error.key, error.nearest) == (3, "known", "sequence-gap")


def test_the_built_in_profiles_are_known_for_findings_that_exist() -> None:
    for profile in built_in_profiles().values():
        assert set(profile.known) <= set(CATALOGUE)


def test_ids_of_own_keys_may_stand_without_quotes(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[keys]\nsession.write = "w"\n"session.copy" = "Y"\n')
    assert loaded(file).keys == {"session.write": "w", "session.copy": "Y"}
