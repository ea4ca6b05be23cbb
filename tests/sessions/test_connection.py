"""Connection options become settings and a plan; what was not given stays out of the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.cli import Parser
from sessions.commands.connection import (
    add_connection_options,
    add_recording_options,
    flags_from,
    plan_for,
    settings_from,
)
from sessions.errors import SettingsError, UsageError


def parser() -> Parser:
    """A verb with all of them."""
    made = Parser(prog="turnscope verb", allow_abbrev=False)
    add_connection_options(made, positional=True)
    add_recording_options(made)
    return made


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without a settings file."""
    return {"TURNSCOPE_CONFIG": str(tmp_path / "none.toml")}


def test_nothing_given_is_nothing_set() -> None:
    args = parser().read([])
    assert flags_from(args) == {}
    assert (args.record, args.no_record) == (None, False)


def test_every_option_reaches_the_plan(environ: dict[str, str]) -> None:
    line = (
        "--base-url https://h.example/v1 --profile xai --api-key-env K --model m --via http://p:1 --insecure "
        "--no-compression --age-limit 90 --open-timeout 3 --transport ws --query a=b=c --query a=d"
    ).split()
    args = parser().read([*line, "--header", "X-A:  b: c ", "--header", "X-B: d", "--record", "f.jsonl"])
    plan = plan_for(args, {**environ, "K": "key"}, session=2)
    assert plan.endpoint.url == "wss://h.example/v1/responses?a=b%3Dc&a=d"
    assert plan.headers == (("X-A", "b: c"), ("X-B", "d"))
    assert (plan.profile, plan.model, plan.lifetime_seconds) == ("xai", "m", 90)
    assert (plan.compression, plan.trust.is_insecure, plan.open_timeout_seconds) == (False, True, 3)
    assert plan.route.text == "via http://p:1 (--via)"
    assert plan.key.reveal() == "key"
    assert plan.session == 2


def test_the_address_may_stand_alone(environ: dict[str, str]) -> None:
    args = parser().read(["http://localhost:4000/v1"])
    assert plan_for(args, environ).endpoint.url == "ws://localhost:4000/v1/responses"
    exact = parser().read(["--url", "wss://h/v1/responses/ws"])
    assert plan_for(exact, environ).endpoint.url == "wss://h/v1/responses/ws"
    with pytest.raises(UsageError, match="twice"):
        settings_from(parser().read(["http://a/v1", "--url", "http://b/v1"]), environ)


def test_a_header_with_a_line_break_is_refused(environ: dict[str, str]) -> None:
    args = parser().read(["--header", "X-A: b\r\nX-B: c"])
    with pytest.raises(SettingsError, match="line break"):
        settings_from(args, environ)


@pytest.mark.parametrize(
    "line", ["--header x", "--query x", "--age-limit 0", "--age-limit inf", "--age-limit x"]
)
def test_a_wrong_value_is_told_with_the_right_form(line: str) -> None:
    with pytest.raises(UsageError, match=r"write it as|above 0"):
        parser().read(line.split())
