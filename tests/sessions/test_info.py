"""`turnscope info`: complete, aligned, machine-readable, and without a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions.cli import main
from sessions.settings import NAMES


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and none of the variables people have."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TURNSCOPE_CONFIG", raising=False)
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    return tmp_path


def test_json_is_one_object_with_every_setting_and_its_source(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://u:login@h.example/forward?target=http://b&token=tok123")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:proxy-pass@p:3128")
    argv = ["info", "--json", "--header", "X-Api-Key: header-secret", "--header", "X-Trace: yes"]
    assert main([*argv, "--query", "api_key=query-secret", "--query", "v=1"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    for secret in ("very-secret", "login", "proxy-pass", "header-secret", "query-secret", "tok123"):
        assert secret not in out
    facts = json.loads(out)
    assert set(facts) == {"version", "versions", "paths", "recordings", "settings", "endpoint"}
    assert set(facts["settings"]) == {*NAMES, "key"}
    assert all(set(entry) == {"value", "source"} for entry in facts["settings"].values())
    assert facts["settings"]["key"] == {
        "value": "set, 25 characters",
        "source": "environment OPENAI_API_KEY",
    }
    assert facts["settings"]["headers"]["value"] == {"X-Api-Key": "***", "X-Trace": "yes"}
    assert facts["settings"]["query"]["value"] == {"api_key": "***", "v": ["1"]}
    assert facts["settings"]["base_url"]["source"] == "environment OPENAI_BASE_URL"
    endpoint = facts["endpoint"]
    assert endpoint["url"].startswith("wss://h.example/forward/responses?target=http://b&token=***")
    assert endpoint["http_url"].startswith("https://h.example/forward/responses?")
    assert endpoint["route"] == "via http://p:3128 (HTTPS_PROXY)"
    assert endpoint["profile"] == "custom"
    assert endpoint["sources"]["url"] == "environment OPENAI_BASE_URL"
    assert any("--url" in hint for hint in endpoint["hints"])
    assert facts["paths"]["config"] == str(home / "CONFIG" / "turnscope" / "config.toml")
    assert facts["recordings"] == {
        "folder": str(home / "DATA" / "turnscope" / "recordings"),
        "count": 0,
        "bytes": 0,
        "kept": 0,
        "retention": "everything is kept",
    }
    assert list(home.iterdir()) == []


def test_keys_belong_to_the_program_with_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--keys"]) == 2
    assert "use `turnscope info`" in capsys.readouterr().err


def test_text_is_aligned_with_defaults_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "http://localhost:4000", "--profile", "xai"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("turnscope ")
    assert "  url                   ws://localhost:4000/responses" in lines[3]
    assert any("hint" in line and "/v1 is missing" in line for line in lines)
    assert any("25 minutes" in line for line in lines)
    settings = lines[lines.index("settings") + 1 : lines.index("paths") - 1]
    is_default = [line.endswith("(default)") for line in settings]
    assert is_default == sorted(is_default)
    assert not any("\x1b" in line for line in lines)
    days = next(line for line in lines if "recordings_days" in line)
    assert days.split() == ["recordings_days", "-", "(default)"]


def test_a_key_is_hidden_wherever_it_was_put(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "0123azure0key0without0shape0"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    argv = ["info", "https://h.example/v1", "--query", f"q={key}", "--header", f"X-Trace: {key}"]
    assert main([*argv, "--model", key]) == 0
    assert main([*argv, "--model", key, "--json"]) == 0
    assert key not in capsys.readouterr().out


def test_a_placeholder_is_not_told_as_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "http://127.0.0.1:4000/v1", "--json"]) == 0
    key = json.loads(capsys.readouterr().out)["settings"]["key"]
    assert key["value"] == "not set; a placeholder is sent"
    assert key["source"].startswith("a placeholder for loopback; not set (")


def test_an_address_that_is_outranked_says_by_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://h.example/v1")
    assert main(["info", "--json", "--url", "wss://exact.example/x"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["settings"]["base_url"]["source"] == "environment OPENAI_BASE_URL; url outranks it"
    assert facts["endpoint"]["url"] == "wss://exact.example/x"


def test_a_short_placeholder_hides_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", "--profile", "fake"]) == 0
    assert json.loads(capsys.readouterr().out)["endpoint"]["profile"] == "fake"


def test_a_wrong_address_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "localhost:4000/v1"]) == 2
    captured = capsys.readouterr()
    assert "did you mean http://localhost:4000/v1?" in captured.err
    assert captured.out == ""
