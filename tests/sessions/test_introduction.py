"""What a client inside a tap is given, and what is told to whoever started it."""

from __future__ import annotations

import shlex
from pathlib import Path

from sessions.commands.introduction import environment_for, introduction, nothing_came

BASE_URL = "http://127.0.0.1:8377/v1"
TAP = ("turnscope", "tap", "--upstream", "https://api.openai.com/v1", "--listen", "127.0.0.1:8377")


def introduced(*client: str, shown_url: str = BASE_URL, **environ: str) -> list[str]:
    return introduction(client, BASE_URL, shown_url, TAP, {"HOME": "/nowhere", **environ}).splitlines()


def test_a_client_gets_the_base_url_and_everything_else_as_it_was() -> None:
    assert environment_for(BASE_URL, {"HOME": "/h", "OPENAI_BASE_URL": "https://elsewhere/v1"}) == {
        "HOME": "/h",
        "OPENAI_BASE_URL": BASE_URL,
    }


def test_what_would_lead_past_the_tap_leads_through_it() -> None:
    names = ("OPENAI_API_BASE", "TURNSCOPE_BASE_URL", "OPENAI_WEBSOCKET_BASE_URL")
    given = environment_for(
        BASE_URL, {**dict.fromkeys(names, "https://elsewhere/v1"), "http_proxy": "http://p"}
    )
    assert given["OPENAI_API_BASE"] == given["TURNSCOPE_BASE_URL"] == BASE_URL
    assert given["OPENAI_WEBSOCKET_BASE_URL"] == "ws://127.0.0.1:8377/v1"
    assert given["no_proxy"] == given["NO_PROXY"] == "127.0.0.1"
    listed = environment_for(BASE_URL, {"ALL_PROXY": "socks5://p", "NO_PROXY": "a.example"})
    assert listed["no_proxy"] == "a.example,127.0.0.1"


def test_a_client_that_reads_the_variable_needs_no_more_words() -> None:
    (told,) = introduced("python", "app.py")
    assert told == f"turnscope tap: the client's base URL is {BASE_URL}, in its OPENAI_BASE_URL"


def test_codex_is_told_which_command_goes_through_the_tap() -> None:
    _, why, command, _ = introduced("/usr/bin/codex", "exec", "say hi")
    assert "Codex does not go by OPENAI_BASE_URL" in why
    words = shlex.split(command)
    assert words[: len(TAP) + 2] == [*TAP, "--", "/usr/bin/codex"]
    assert f'model_providers.turnscope.base_url="{BASE_URL}"' in words
    assert words[-2:] == ["exec", "say hi"]
    assert introduced(*words[len(TAP) + 1 :]) == introduced("python")  # it is what was asked for


def test_codex_whose_settings_name_the_tap_is_left_in_peace(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'base_url = "{BASE_URL}"\n')
    assert len(introduced("codex", CODEX_HOME=str(tmp_path))) == 1
    file.write_text('base_url = "https://elsewhere/v1"\n')
    assert len(introduced("codex", CODEX_HOME=str(tmp_path))) == 4


def test_opencode_is_told_which_environment_it_reads() -> None:
    words = shlex.split(introduced("opencode", "run", "hi")[2])
    assert words[len(TAP) :][:3] == ["--", "env", "OPENCODE_EXPERIMENTAL_WEBSOCKETS=true"]
    assert words[-3:] == ["opencode", "run", "hi"]


def test_a_token_is_not_told() -> None:
    told = "\n".join(introduced("codex", shown_url="http://h:1/***/v1"))
    assert BASE_URL not in told
    assert "$OPENAI_BASE_URL" in told


def test_a_client_that_asked_nothing_is_pointed_to_the_recipes() -> None:
    told = nothing_came(BASE_URL, "https://api.openai.com/v1")
    assert "nothing came through the tap" in told
    assert "`turnscope tap --upstream https://api.openai.com/v1`" in told
