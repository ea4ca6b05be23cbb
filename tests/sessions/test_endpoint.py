"""Every row of the derivation table, and what a person is told when an address cannot be one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import SettingsError
from sessions.secret import Secret
from sessions.wire.endpoint import derive, with_query

ROWS = [
    ("https://api.openai.com/v1", "wss://api.openai.com/v1/responses"),
    ("https://api.openai.com/v1/", "wss://api.openai.com/v1/responses"),
    ("https://api.openai.com/v1/responses", "wss://api.openai.com/v1/responses"),
    ("https://api.openai.com/v1/responses/", "wss://api.openai.com/v1/responses"),
    ("HTTPS://API.OpenAI.com/v1", "wss://api.openai.com/v1/responses"),
    ("  https://api.openai.com/v1\n", "wss://api.openai.com/v1/responses"),
    ("http://localhost:4000", "ws://localhost:4000/responses"),
    ("http://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1/responses"),
    (
        "https://proxy.com/forward?target=http://backend.internal/v1",
        "wss://proxy.com/forward/responses?target=http://backend.internal/v1",
    ),
    (
        "https://proxy.com/forward?target=http://backend",
        "wss://proxy.com/forward/responses?target=http://backend",
    ),
    (
        "https://proxy.com/forward?target=https%3A%2F%2Fb%2Fv1&x=1",
        "wss://proxy.com/forward/responses?target=https%3A%2F%2Fb%2Fv1&x=1",
    ),
    ("https://proxy.com/http://inner/v1", "wss://proxy.com/http://inner/v1/responses"),
    ("https://user:p%40ss@host/v1", "wss://host/v1/responses"),
    ("https://host:/v1", "wss://host/v1/responses"),
    ("https://host:443/v1", "wss://host/v1/responses"),
    ("http://host:443/v1", "ws://host:443/v1/responses"),
    ("http://host:80/v1", "ws://host/v1/responses"),
    ("http://[::1]:8080/v1", "ws://[::1]:8080/v1/responses"),
    ("http://[fe80::1%25eth0]:8080/v1", "ws://[fe80::1%25eth0]:8080/v1/responses"),
    ("ws://localhost:9000/v1", "ws://localhost:9000/v1/responses"),
    ("wss://host/v1/responses?model=gpt-4o", "wss://host/v1/responses?model=gpt-4o"),
    ("https://host/v1#frag", "wss://host/v1/responses"),
    ("https://host/v1//", "wss://host/v1/responses"),
    ("https://host//v1", "wss://host//v1/responses"),
    ("https://host/a%2Fb/v1", "wss://host/a%2Fb/v1/responses"),
    ("https://host/v1?a=1&a=2", "wss://host/v1/responses?a=1&a=2"),
    ("https://host/v1?x=a%20b+c&e=", "wss://host/v1/responses?x=a%20b+c&e="),
    ("https://host?k=v", "wss://host/responses?k=v"),
    ("https://host/v1?", "wss://host/v1/responses"),
    ("https://host/responses-api", "wss://host/responses-api/responses"),
    (
        "https://res.openai.azure.com/openai/v1?api-version=preview",
        "wss://res.openai.azure.com/openai/v1/responses?api-version=preview",
    ),
    ("https://münich.example/v1", "wss://xn--mnich-kva.example/v1/responses"),
    ("unix:///run/fake.sock", "ws://localhost/v1/responses"),
    ("http+unix://%2Frun%2Ffake.sock/v1", "ws://localhost/v1/responses"),
]


@pytest.mark.parametrize(("base_url", "url"), ROWS)
def test_derives_the_socket_url(base_url: str, url: str) -> None:
    endpoint = derive(base_url)
    assert endpoint.url == url
    assert endpoint.http_url == url.replace("wss://", "https://", 1).replace("ws://", "http://", 1)
    assert endpoint.url.endswith(endpoint.target)
    assert derive(endpoint.url).url == endpoint.url


def test_an_exact_address_is_taken_as_it_is() -> None:
    address = "https://proxy.com/forward?target=http://backend.internal/v1"
    assert derive(address, exact=True).url == "wss://proxy.com/forward?target=http://backend.internal/v1"
    assert derive("wss://api.phaseo.app/v1/responses/ws", exact=True).target == "/v1/responses/ws"
    assert derive("http://host", exact=True).url == "ws://host/"


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("localhost:4000/v1", "http://localhost:4000/v1"),
        ("api.example.com/v1", "https://api.example.com/v1"),
        ("", "empty"),
        ("   ", "empty"),
        ("ftp://host/v1", "'ftp'"),
        ("https:///v1", "no host"),
        ("https://host:99999/v1", "Port out of range"),
        ("https://host:0/v1", "port 0"),
        ("https://host:x/v1", "Port"),
        ("https://ho st/v1", "a space at character 11"),
        ("https://host/v1\t/x", "a tab"),
        ("https://host/\u200bv1", "U+200B"),
        ("https://[::1/v1", "cannot be read"),
        ("https://ho$t/v1", "not a valid name"),
        ("unix://run/x.sock", "three slashes"),
        ("http+unix://x/v1", "socket file"),
    ],
)
def test_says_what_is_wrong_and_what_would_be_right(base_url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        derive(base_url)
    assert said in str(caught.value)


def test_a_login_in_the_url_is_taken_out_and_hidden() -> None:
    endpoint = derive("https://user:p%40ss@host/v1")
    assert endpoint.userinfo is not None
    assert endpoint.userinfo.username == "user"
    assert endpoint.userinfo.password == Secret("p@ss")
    assert "p@ss" not in repr(endpoint)
    assert "p@ss" not in repr(endpoint.userinfo)
    with pytest.raises(SettingsError) as caught:
        derive("https://user:p4ss@host:99999/v1")
    assert "p4ss" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "hint"),
    [
        ("http://localhost:4000", "/v1 is missing"),
        ("https://res.openai.azure.com/openai/v1?api-version=preview", "api-version"),
        ("https://proxy.com/forward?target=http://b/v1", "--url"),
        ("https://host/v1#frag", "fragment"),
        ("http://host/v1", "not encrypted"),
        ("https://host/v1/chat/completions", "before /chat/completions"),
        ("https://gateway.ai.cloudflare.com/v1/a/g", "not this protocol"),
    ],
)
def test_hints_at_what_is_probably_not_meant(base_url: str, hint: str) -> None:
    assert any(hint in one for one in derive(base_url).hints)


def test_gives_no_hint_where_nothing_is_odd() -> None:
    assert derive("https://api.openai.com/v1").hints == ()
    assert derive("http://127.0.0.1:8080/v1").hints == ()


def test_parts_for_dialling() -> None:
    zone = derive("http://[fe80::1%25eth0]:8080/v1")
    assert (zone.host, zone.port, zone.authority) == ("fe80::1%eth0", 8080, "[fe80::1]:8080")
    socket_file = derive("http+unix://%2Frun%2FFake.sock/v1?x=1")
    assert (socket_file.unix, socket_file.target) == ("/run/Fake.sock", "/v1/responses?x=1")
    plain = derive("https://Host:444/v1")
    assert (plain.host, plain.port, plain.tls, plain.origin) == ("host", 444, True, "https://host:444")
    assert derive("https://host/v1").authority == "host"


@pytest.mark.parametrize(
    ("base_url", "loopback"),
    [
        ("http://localhost/v1", True),
        ("http://a.localhost/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://[::1]/v1", True),
        ("unix:///x", True),
        ("http://localhost.example/v1", False),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_knows_what_stays_on_this_machine(base_url: str, loopback: bool) -> None:
    assert derive(base_url).is_loopback is loopback


def test_extra_query_goes_to_the_end() -> None:
    endpoint = derive("https://host/v1?t=http://b", query=[("model", "openai/gpt 6"), ("é", "&")])
    assert endpoint.target == "/v1/responses?t=http://b&model=openai%2Fgpt%206&%C3%A9=%26"
    assert endpoint.has_model
    assert not derive("https://host/v1?mymodel=1").has_model
    with_model = with_query(derive("unix:///run/x.sock"), "model", "m")
    assert (with_model.url, with_model.unix) == ("ws://localhost/v1/responses?model=m", "/run/x.sock")


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), min_size=1)
)
def test_a_query_is_never_touched(query: str) -> None:
    assert derive(f"https://host/v1?{query}").target == f"/v1/responses?{query}"


@given(st.text())
def test_any_text_is_an_endpoint_or_a_clear_error(text: str) -> None:
    with suppress(SettingsError):
        endpoint = derive(text)
        assert endpoint.url.isascii()
        assert endpoint.port > 0
