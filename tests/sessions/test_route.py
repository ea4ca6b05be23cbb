"""The route as a table: which variable, flag or rule decides, and what is never shown."""

from __future__ import annotations

import pytest

from sessions.errors import SettingsError
from sessions.wire.endpoint import derive
from sessions.wire.route import Route, bypass_rule, parse_proxy, route_for

TLS = "https://api.example.com/v1"
PLAIN = "http://api.example.com/v1"


@pytest.mark.parametrize(
    ("address", "environ", "via", "no_proxy", "text"),
    [
        (TLS, {}, "", False, "direct"),
        (TLS, {"HTTPS_PROXY": "http://p:3128"}, "", False, "via http://p:3128 (HTTPS_PROXY)"),
        (
            TLS,
            {"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"},
            "",
            False,
            "via http://low:1 (https_proxy)",
        ),
        (TLS, {"HTTP_PROXY": "http://p:3128"}, "", False, "direct"),
        (TLS, {"ALL_PROXY": "socks5h://p"}, "", False, "via socks5h://p:1080 (ALL_PROXY)"),
        (
            TLS,
            {"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://p:2"},
            "",
            False,
            "via http://p:2 (HTTPS_PROXY)",
        ),
        (TLS, {"HTTPS_PROXY": ""}, "", False, "direct"),
        (TLS, {"HTTPS_PROXY": "p:3128"}, "", False, "via http://p:3128 (HTTPS_PROXY)"),
        (TLS, {"HTTPS_PROXY": "http://u:secret@p:3128"}, "", False, "via http://p:3128 (HTTPS_PROXY)"),
        (TLS, {"HTTPS_PROXY": "http://[::1]:3128"}, "", False, "via http://[::1]:3128 (HTTPS_PROXY)"),
        (TLS, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "", False, "direct"),
        (TLS, {"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, "", False, "direct"),
        (
            TLS,
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.com"},
            "",
            False,
            "via http://p:1 (HTTPS_PROXY)",
        ),
        (PLAIN, {"HTTPS_PROXY": "http://p:1"}, "", False, "direct"),
        (PLAIN, {"http_proxy": "http://p:1"}, "", False, "via http://p:1 (http_proxy)"),
        ("http://localhost:1/v1", {"HTTP_PROXY": "http://p:1"}, "", False, "direct"),
        ("http://127.0.0.1:1/v1", {"ALL_PROXY": "http://p:1"}, "", False, "direct"),
        ("http://[::1]:1/v1", {"ALL_PROXY": "http://p:1"}, "", False, "direct"),
        ("http://localhost:1/v1", {}, "http://q:8", False, "via http://q:8 (--via)"),
        (
            TLS,
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"},
            "socks4://q",
            False,
            "via socks4://q:1080 (--via)",
        ),
        (TLS, {"HTTPS_PROXY": "http://p:1"}, "", True, "direct"),
        ("unix:///run/x.sock", {"ALL_PROXY": "http://p:1"}, "http://q:8", False, "direct"),
    ],
)
def test_route(address: str, environ: dict[str, str], via: str, no_proxy: bool, text: str) -> None:
    route = route_for(derive(address), environ, via, no_proxy)
    assert route.text == text
    assert "secret" not in f"{route!r}"
    assert route.is_direct is (text == "direct")


def test_says_why_it_is_direct() -> None:
    assert route_for(derive("http://localhost/v1"), {}).source == "loopback is dialled without a proxy"
    environ = {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.org .example.com"}
    assert route_for(derive(TLS), environ).source == "NO_PROXY has .example.com"


@pytest.mark.parametrize(
    ("host", "port", "entries", "rule"),
    [
        ("api.example.com", 443, "example.com", "example.com"),
        ("api.example.com", 443, ".example.com", ".example.com"),
        ("api.example.com", 443, "*.example.com", "*.example.com"),
        ("badexample.com", 443, "example.com", ""),
        ("example.com", 443, "EXAMPLE.com.", "EXAMPLE.com."),
        ("example.com", 443, "example.com:443", "example.com:443"),
        ("example.com", 8443, "example.com:443", ""),
        ("10.1.2.3", 80, "a, 10.0.0.0/8", "10.0.0.0/8"),
        ("11.1.2.3", 80, "10.0.0.0/8", ""),
        ("10.1.2.3", 80, "10.1.2.3:80", "10.1.2.3:80"),
        ("fd00::1", 80, "[fd00::1]:80", "[fd00::1]:80"),
        ("fd00::1", 80, "fd00::/8", "fd00::/8"),
        ("10.1.2.3", 80, "not/a/net,", ""),
        ("host", 80, "", ""),
    ],
)
def test_no_proxy_entries(host: str, port: int, entries: str, rule: str) -> None:
    assert bypass_rule(host, port, entries) == rule


def test_a_login_is_decoded_and_hidden() -> None:
    route = parse_proxy("http://us%40er:p%3Aw@p:1", "--via")
    assert (route.username, route.password.reveal()) == ("us@er", "p:w")
    assert "p:w" not in repr(route)
    assert "p%3Aw" not in route.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://p:1", "'ftp'"),
        ("http://", "no host"),
        ("http://p:x", "cannot be read"),
        ("http://u:hidden@p:99999", "cannot be read"),
        ("http://a b:1", "no host"),
    ],
)
def test_a_wrong_proxy_address_names_its_origin(address: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_proxy(address, "ALL_PROXY")
    assert said in str(caught.value)
    assert "ALL_PROXY" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_direct_is_the_empty_route() -> None:
    assert Route().text == "direct"
    assert Route().address == ""
