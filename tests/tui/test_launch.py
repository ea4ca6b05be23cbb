"""Launches: what a command line becomes, before anything is opened."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sessions.commands.connect import session_name
from sessions.errors import UsageError
from tests.scene import arguments
from tui.launch import launch_connection, launch_demo, recording_path, taste


def home(tmp_path: Path, text: str = "") -> dict[str, str]:
    """An environment with its own folders and settings file."""
    file = tmp_path / "config.toml"
    if text:
        file.write_text(text)
    return {
        "TURNSCOPE_CONFIG": str(file),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


def test_a_connection_takes_its_settings_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in home(tmp_path).items():
        monkeypatch.setenv(name, value)
    args = arguments("connect", address="http://127.0.0.1:9/v1", model="m", effort="low", store=False)
    made = launch_connection(args, {**home(tmp_path), "OPENAI_API_KEY": "sk-0123456789"})
    assert made.plan.endpoint.url == "ws://127.0.0.1:9/v1/responses"
    assert (made.create.model, made.create.effort, made.create.store) == ("m", "low", False)
    assert not made.is_demo
    assert made.suggestions == ()
    assert "sk-0123456789" not in repr(made)
    assert not (tmp_path / "data").exists()


def test_a_real_endpoint_has_no_default_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in home(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert launch_connection(arguments("connect"), home(tmp_path)).create.model == ""


def test_tools_that_cannot_be_read_are_an_error_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the tools"):
        launch_connection(arguments("connect", tools=str(tmp_path / "none.json")), home(tmp_path))


def test_a_demo_runs_its_own_server_and_ignores_the_persons_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijklmnop")
    made = launch_demo(arguments("demo", age_limit=90.0))
    try:
        assert made.plan.endpoint.host == "127.0.0.1"
        assert made.plan.lifetime_seconds == 90
        assert "sk-proj-abcdefghijklmnop" not in made.plan.secrets
        assert made.is_demo
        assert made.drafts is None
        assert made.create.model
        assert made.suggestions
    finally:
        made.release()


def test_a_demo_of_an_unknown_scenario_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="conversation"):
        launch_demo(arguments("demo", scenario="conversatoin"))


def test_where_a_run_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in home(tmp_path).items():
        monkeypatch.setenv(name, value)
    dated = recording_path(arguments("connect"), "openai")
    assert dated is not None
    assert dated.parent == tmp_path / "data" / "turnscope" / "recordings"
    assert recording_path(arguments("connect", no_record=True), "openai") is None
    assert recording_path(arguments("demo"), "fake") is None
    assert recording_path(arguments("demo", record="a.jsonl"), "fake") == Path("a.jsonl")


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_run_without_a_recording_keeps_no_prompt_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_recorded: bool
) -> None:
    for name, value in home(tmp_path).items():
        monkeypatch.setenv(name, value)
    args = arguments("connect", address="http://127.0.0.1:9/v1", no_record=not is_recorded)
    drafts = launch_connection(args, home(tmp_path)).drafts
    assert drafts is not None
    drafts.remember("a secret plan")
    drafts.save("half a secret")
    assert drafts.history()[-1].text == "a secret plan"  # while it runs it is known all the same
    on_disk = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert (b"secret" in on_disk) is is_recorded


def test_own_keys_and_theme_come_from_the_settings_file(tmp_path: Path) -> None:
    found = taste(home(tmp_path, 'theme = "nord"\n[keys]\n"session.copy" = "Y"\n'))
    assert found == ({"session.copy": "Y"}, "nord", "")
    assert taste(home(tmp_path, '[keys]\nsession.copy = "Y"\n')).own_keys == {"session.copy": "Y"}
    assert taste(home(tmp_path / "none")).own_keys == {}
    assert "keys must be a table" in taste(home(tmp_path, "keys = 3\n")).problem
    assert "not TOML" in taste(home(tmp_path, "keys = = 3\n")).problem


def test_the_sessions_to_open_have_the_names_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in home(tmp_path).items():
        monkeypatch.setenv(name, value)
    args = arguments("connect", address="http://127.0.0.1:9/v1", session=["alpha", "beta"])
    assert launch_connection(args, home(tmp_path)).names == ("alpha", "beta")
    assert launch_connection(arguments("connect"), home(tmp_path)).names == ()
    with pytest.raises(UsageError, match="both be called 'alpha'"):
        launch_connection(arguments("connect", session=["alpha", "beta", "alpha"]), home(tmp_path))


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 33, "\x1b[31m"])
def test_a_name_that_no_session_can_have_is_refused_on_the_command_line(name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="one to 32 letters"):
        session_name(name)
    assert session_name("plan-2.a_b") == "plan-2.a_b"
