"""What stands in the way is named: reverse proxies, a balancer, outbound proxies, an interception of TLS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.conftest import start_fake
from tests.peers.hops import (
    MODEL,
    bad,
    examined,
    found_in,
    port_of,
    start_haproxy,
    start_mitmproxy,
    start_nginx,
    start_squid,
    start_tinyproxy,
    turnscope,
)
from tests.peers.room import Room

DEBIAN = pytest.mark.peer("debian")


@DEBIAN
def test_nginx_without_upgrade_headers_is_the_hop(tmp_path: Path) -> None:
    """The upgrade fails there and works past it; the remedy is a piece of nginx configuration."""
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        base_url = start_nginx(room, server.base_url, tmp_path, is_upgrading=False)
        report = examined(room, tmp_path, base_url, "--only", "B15", "--direct", server.base_url)
    assert bad(report) == {"B07": "fail", "B15": "fail"}
    upgrade, reverse_proxy = report["checks"]["B07"], report["checks"]["B15"]
    assert upgrade["failure_class"] == "upgrade_required"
    assert upgrade["hop"].startswith("between")
    assert "nginx: proxy_http_version 1.1" in upgrade["remedy"]
    assert "426 through nginx/" in reverse_proxy["evidence"]
    assert report["capabilities"]["product"].startswith("looks like nginx")


@DEBIAN
def test_nginx_with_upgrade_headers_is_clean(tmp_path: Path) -> None:
    """The whole battery finds nothing; only the fingerprint tells that nginx is there."""
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        report = examined(room, tmp_path, start_nginx(room, server.base_url, tmp_path))
    assert bad(report) == {}
    assert report["capabilities"]["product"].startswith("looks like nginx")


@DEBIAN
def test_the_read_timeout_of_nginx_cuts_an_answer(tmp_path: Path) -> None:
    """A model that thinks longer than proxy_read_timeout loses its connection without a close frame."""
    recording = tmp_path / "cut.jsonl"
    with Room() as room:
        server = start_fake(room, "--think-ms", "4000", home=tmp_path)
        base_url = start_nginx(room, server.base_url, tmp_path, read_seconds=2)
        arguments = ("--base-url", base_url, "--model", MODEL, "--record", recording)
        done = turnscope(room, tmp_path, "send", *arguments, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert done.status == 1, done.stderr
    assert set(found) == {"cut-in-answer"}
    assert found["cut-in-answer"]["severity"] == "error"
    assert found["cut-in-answer"]["who"] == "network"


@DEBIAN
@pytest.mark.parametrize("replicas", [1, 2])
def test_haproxy_scatters_chains_over_replicas(tmp_path: Path, replicas: int) -> None:
    """One server keeps a stored chain for every socket; of two, each knows only its own.

    Which of two checks says so hangs on whose turn it is when the second socket opens.
    """
    with Room() as room:
        upstreams = [start_fake(room, home=tmp_path).base_url for _ in range(replicas)]
        base_url = start_haproxy(room, upstreams, tmp_path)
        report = examined(room, tmp_path, base_url, "--only", "E05")
    if replicas == 1:
        assert bad(report) == {}
        assert report["checks"]["E05"]["outcome"] == "pass"
    else:
        assert bad(report) in ({"E04": "warn"}, {"E05": "fail"}, {"E05": "warn"})


@DEBIAN
@pytest.mark.parametrize("start", [start_tinyproxy, start_squid])
def test_an_outbound_proxy_is_passed_or_named(
    tmp_path: Path, start: Callable[[Room, str, Path], str]
) -> None:
    """Through its open port the chain holds; a port that it does not allow is its refusal, not the API's."""
    with Room() as room:
        allowed, denied = (start_fake(room, home=tmp_path).base_url for _ in range(2))
        proxy = start(room, port_of(allowed), tmp_path)
        passed = examined(room, tmp_path, allowed, "--via", proxy, "--only", "B06,E01")
        refused = examined(room, tmp_path, denied, "--via", proxy, "--only", "B06,E01")
    assert bad(passed) == {}
    assert {passed["checks"][one]["outcome"] for one in ("B06", "E01")} == {"pass"}
    assert bad(refused) == {"B06": "fail"}
    verdict = refused["checks"]["B06"]
    assert verdict["failure_class"] == "proxy_connect"
    assert "answered 403" in verdict["evidence"]
    assert refused["checks"]["E01"]["outcome"] == "skip"


@pytest.mark.peer("mitmproxy")
def test_an_interception_of_tls_is_named_and_can_be_trusted(tmp_path: Path) -> None:
    """The certificate tells who reads along; with its CA, the chain holds."""
    with Room() as room:
        server = start_fake(room, "--tls", home=tmp_path)
        proxy, ca = start_mitmproxy(room, tmp_path)
        wary = examined(room, tmp_path, server.base_url, "--via", proxy, "--only", "E01")
        trusting = examined(room, tmp_path, server.base_url, "--via", proxy, "--ca", ca, "--only", "E01")
    assert bad(wary) == {"B03": "fail"}
    assert wary["checks"]["B03"]["failure_class"] == "tls"
    assert "issued by mitmproxy" in wary["checks"]["B03"]["evidence"]
    assert bad(trusting) == {}
    assert trusting["checks"]["E01"]["outcome"] == "pass"
