"""A plan is what settings describe, hides what is secret, and can be changed by one parameter."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest

from sessions.errors import SettingsError
from sessions.settings import load
from sessions.wire.dial import Trust
from sessions.wire.plan import Plan, plan_from, retry_with_model


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a key and no settings file."""
    return {"TURNSCOPE_CONFIG": str(tmp_path / "none.toml"), "OPENAI_API_KEY": "sk-hidden-hidden"}


def planned(environ: Mapping[str, str], **flags: object) -> Plan:
    """The plan of these flags."""
    return plan_from(load(flags, environ), environ, session=3)


def test_everything_of_the_settings_is_in_the_plan(environ: dict[str, str], tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    environ["HTTPS_PROXY"] = "http://me:proxy-login@p:3128"
    plan = planned(
        environ,
        base_url="https://api.openai.com/v1",
        headers={"X-A": "b"},
        query={"q": ["1"]},
        ca=str(ca),
        insecure=True,
        compression=False,
        model="m",
        open_timeout=2.0,
        organization="org-1",
    )
    assert plan.endpoint.url == "wss://api.openai.com/v1/responses?q=1"
    assert plan.route.text == "via http://p:3128 (HTTPS_PROXY)"
    assert plan.headers == (("X-A", "b"), ("OpenAI-Organization", "org-1"))
    assert plan.trust == Trust(str(ca), True)
    assert (plan.compression, plan.model, plan.session, plan.open_timeout_seconds) == (False, "m", 3, 2.0)
    assert (plan.profile, plan.lifetime_seconds) == ("openai", 3600)
    basic = b64encode(b"me:proxy-login").decode()
    assert plan.secrets == ("sk-hidden-hidden", "proxy-login", basic)
    assert "hidden" not in repr(plan)
    assert "proxy-login" not in repr(plan)


def test_a_profile_that_wants_the_model_in_the_url_gets_it(environ: dict[str, str]) -> None:
    base_url = "http://localhost:4000/v1"
    assert planned(environ, profile="litellm", model="m 1").endpoint.target == "/v1/responses?model=m%201"
    assert planned(environ, profile="litellm").endpoint.target == "/v1/responses"
    assert planned(environ, base_url=base_url, model="m").endpoint.target == "/v1/responses"
    given = planned(environ, profile="litellm", model="m", query={"model": ["other"]})
    assert given.endpoint.target == "/v1/responses?model=other"


def test_a_plan_knows_whether_it_says_who_asks(environ: dict[str, str]) -> None:
    base_url = "http://localhost:4000/v1"
    assert planned(environ, base_url=base_url).has_login
    del environ["OPENAI_API_KEY"]
    assert not planned(environ, base_url=base_url).has_login
    assert not planned(
        environ, profile="fake", base_url=base_url
    ).has_login  # the profile's word is nobody's key
    assert planned(environ, base_url=base_url, headers={"Api-Key": "k"}).has_login
    assert planned(environ, base_url="http://u:p@localhost:4000/v1").has_login


def test_credentials_in_headers_are_secrets_too(environ: dict[str, str]) -> None:
    headers = {
        "Authorization": "Bearer own-token-1",
        "X-Api-Key": "own-key-22",
        "X-A": "b",
        "OpenAI-Project": "proj_1",
    }
    plan = planned(environ, headers=headers)
    assert plan.secrets == ("sk-hidden-hidden", "own-token-1", "own-key-22")


def test_flags_choose_the_route(environ: dict[str, str]) -> None:
    environ["HTTPS_PROXY"] = "http://p:1"
    assert planned(environ, via="socks5h://q").route.text == "via socks5h://q:1080 (--via)"
    assert planned(environ, no_proxy=True).route.source == "--no-proxy"
    Path(environ["TURNSCOPE_CONFIG"]).write_text('via = "http://f:1"\n')
    assert planned(environ).route.text.startswith(f"via http://f:1 (file {environ['TURNSCOPE_CONFIG']}")


def test_an_exact_address_and_a_login_in_it(environ: dict[str, str]) -> None:
    plan = planned(environ, url="https://u:login-pass@h.example/x?t=http://b")
    assert plan.endpoint.url == "wss://h.example/x?t=http://b"
    assert plan.secrets == ("sk-hidden-hidden", "login-pass")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"profile": "azure"}, "--base-url"),
        ({"ca": "/no/such.pem"}, "/no/such.pem (flag --ca)"),
        ({"base_url": "localhost:1"}, "scheme"),
        ({"via": "ftp://p"}, "--via"),
    ],
)
def test_what_cannot_be_a_plan_is_told(environ: dict[str, str], flags: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        planned(environ, **flags)
    assert said in str(caught.value)


def test_a_wrong_address_from_afar_is_told_with_its_source(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"no scheme.*\(environment OPENAI_BASE_URL\)"):
        plan_from(load({}, {**environ, "OPENAI_BASE_URL": "proxy.example"}), environ)


def test_the_retry_adds_the_model_once(environ: dict[str, str]) -> None:
    plan = planned(environ, base_url="http://localhost:4000/v1")
    assert retry_with_model(plan).endpoint.target == "/v1/responses?model=any"
    again = retry_with_model(plan, "gpt 6")
    assert again.endpoint.url == "ws://localhost:4000/v1/responses?model=gpt%206"
    assert retry_with_model(again, "other") is again
