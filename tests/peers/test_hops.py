"""What stands in the way is named: reverse proxies, a balancer, outbound proxies, an interception of TLS."""

from __future__ import annotations

import json
from base64 import b64encode
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

#: a name that is nobody's, so that what stands on this machine is not taken for what is trusted here anyway
ELSEWHERE = "https://api.example.net/v1"
DEBIAN = pytest.mark.peer("debian")


@DEBIAN
def test_nginx_without_upgrade_headers_is_the_hop(tmp_path: Path) -> None:
    """The upgrade fails there and works past it; the remedy is a piece of nginx configuration."""
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        base_url = start_nginx(room, server.base_url, tmp_path, is_upgrading=False)
        report = examined(room, tmp_path, base_url, "--only", "B15", "--direct", server.base_url)
        arguments = ("--base-url", base_url, "--model", MODEL, "--record", recording)
        done = turnscope(room, tmp_path, "send", *arguments, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert bad(report) == {"B07": "fail", "B15": "fail"}
    assert done.status == 3, done.stderr
    assert set(found) == {"websocket-off"}
    assert "nginx: proxy_http_version 1.1" in found["websocket-off"]["remedy"]
    upgrade, reverse_proxy = report["checks"]["B07"], report["checks"]["B15"]
    assert (upgrade["failure_class"], upgrade["findings"]) == ("upgrade_required", ["websocket-off"])
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
        base_url = start_nginx(room, server.base_url, tmp_path, directives="proxy_read_timeout 2s;")
        arguments = ("--base-url", base_url, "--model", MODEL, "--record", recording)
        done = turnscope(room, tmp_path, "send", *arguments, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert done.status == 1, done.stderr
    assert set(found) == {"cut-in-answer"}
    assert found["cut-in-answer"]["severity"] == "error"
    assert found["cut-in-answer"]["who"] == "network"
    assert "nginx: Raise proxy_read_timeout" in found["cut-in-answer"]["remedy"]


@DEBIAN
def test_haproxy_before_one_server_is_clean(tmp_path: Path) -> None:
    """A stored chain goes on on every socket."""
    with Room() as room:
        base_url = start_haproxy(room, [start_fake(room, home=tmp_path).base_url], tmp_path)
        report = examined(room, tmp_path, base_url, "--only", "E04,E05")
    assert bad(report) == {}
    assert {report["checks"][one]["outcome"] for one in ("E04", "E05")} == {"pass"}


@DEBIAN
def test_haproxy_scatters_chains_over_two_servers(tmp_path: Path) -> None:
    """Each knows only its own answers: every second socket has lost a stored chain, and both say whose it is.

    haproxy adds nothing to what it passes on, so nobody can tell from the stream that it stands there.
    """
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        upstreams = [start_fake(room, f"--seed={seed}", home=tmp_path).base_url for seed in (1, 2)]
        base_url = start_haproxy(room, upstreams, tmp_path)
        report = examined(room, tmp_path, base_url, "--only", "E05", "--record", recording)
        found = found_in(room, tmp_path, recording)
    # whose turn it is when the second socket opens decides whether the first look finds it, too
    assert bad(report) in ({"E04": "warn", "E05": "fail"}, {"E05": "fail"})
    verdict = report["checks"]["E05"]
    assert verdict["evidence"] == "4 of 8 new sockets know it"
    assert verdict["findings"] == ["stored-parent-lost"]
    assert "State is per replica" in verdict["remedy"]
    assert "product" not in report["capabilities"]
    assert "stored-parent-lost" in found  # beside what the doctor provokes on purpose
    assert (found["stored-parent-lost"]["severity"], found["stored-parent-lost"]["who"]) == (
        "warning",
        "proxy",
    )


@DEBIAN
def test_haproxy_without_a_server_is_named(tmp_path: Path) -> None:
    """Its page is all that tells of it."""
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        base_url = start_haproxy(room, [server.base_url], tmp_path)
        server.stop()
        report = examined(room, tmp_path, base_url, "--only", "B07")
        arguments = ("--base-url", base_url, "--model", MODEL, "--record", recording)
        turnscope(room, tmp_path, "send", *arguments, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert bad(report) == {"B07": "fail"}
    assert report["capabilities"]["product"] == "looks like haproxy (its error page; 90%)"
    assert set(found) == {"server-unavailable"}
    assert "haproxy: Its servers are down" in found["server-unavailable"]["remedy"]


@DEBIAN
@pytest.mark.parametrize("start", [start_tinyproxy, start_squid])
def test_an_outbound_proxy_is_passed_or_named(
    tmp_path: Path, start: Callable[[Room, str, Path], str]
) -> None:
    """Through its open port the chain holds; a port that it does not allow is its refusal, not the API's."""
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        allowed, denied = (start_fake(room, home=tmp_path).base_url for _ in range(2))
        proxy = start(room, port_of(allowed), tmp_path)
        passed = examined(room, tmp_path, allowed, "--via", proxy, "--only", "B06,E01")
        refused = examined(room, tmp_path, denied, "--via", proxy, "--only", "B06,E01")
        connection = ("--base-url", denied, "--model", MODEL, "--via", proxy, "--record", recording)
        done = turnscope(room, tmp_path, "send", *connection, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert bad(passed) == {}
    assert {passed["checks"][one]["outcome"] for one in ("B06", "E01")} == {"pass"}
    assert bad(refused) == {"B06": "fail"}
    verdict = refused["checks"]["B06"]
    name = start.__name__.removeprefix("start_")
    assert verdict["failure_class"] == "proxy_connect"
    assert verdict["findings"] == ["proxy-failed"]
    assert "answered 403" in verdict["evidence"]
    assert f"{name}: For a 403, add the port" in verdict["remedy"]
    assert refused["capabilities"]["product"].startswith(f"looks like {name} (its headers, its error page")
    assert refused["checks"]["E01"]["outcome"] == "skip"
    assert done.status == 3, done.stderr
    assert set(found) == {"proxy-failed"}
    assert f"{name}: For a 403, add the port" in found["proxy-failed"]["remedy"]


@DEBIAN
def test_squid_with_a_login_is_passed_with_it_and_tells_nobody(tmp_path: Path) -> None:
    """Without it 407 is the proxy's; with it the way is open, and no file and no face holds it."""
    name, password = "heron-at-work", "planword-4711"
    recordings = {word: tmp_path / f"{word}.jsonl" for word in ("without", "with", "examined")}
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        (tmp_path / "squid").mkdir()
        proxy = start_squid(room, port_of(server.base_url), tmp_path / "squid", login=(name, password))
        known = proxy.replace("//", f"//{name}:{password}@")
        refused = examined(room, tmp_path, server.base_url, "--via", proxy, "--only", "B06,E01")
        arguments = ("--via", known, "--only", "B06,E01", "--record", recordings["examined"])
        passed = examined(room, tmp_path, server.base_url, *arguments)
        connection = ("--base-url", server.base_url, "--model", MODEL, "--via")
        told = [
            turnscope(room, tmp_path, "send", *connection, way, "--record", recordings[word], "Say hello.")
            for word, way in (("without", proxy), ("with", known))
        ]
        other = ("--only", "B06", "--via", known.replace(password, "another-word"))
        wrong = turnscope(room, tmp_path, "doctor", server.base_url, "--model", MODEL, *other)
        found = found_in(room, tmp_path, recordings["without"])
    assert bad(refused) == {"B06": "fail"}
    assert "answered 407" in refused["checks"]["B06"]["evidence"]
    assert "--via http://USER:PASSWORD@HOST:PORT" in refused["checks"]["B06"]["remedy"]
    assert refused["capabilities"]["product"].startswith("looks like squid")
    assert bad(passed) == {}
    assert passed["checks"]["E01"]["outcome"] == "pass"
    assert [done.status for done in told] == [3, 0]
    assert set(found) == {"proxy-failed"}
    assert "answered 407" in wrong.stdout
    written = [path.read_text("utf-8") for path in recordings.values()]
    shown = [json.dumps(passed), *(text for done in (*told, wrong) for text in (done.stdout, done.stderr))]
    basic = b64encode(f"{name}:{password}".encode()).decode()
    for text in (*written, *shown):
        assert not [secret for secret in (name, password, basic, "another-word") if secret in text]


@pytest.mark.peer("mitmproxy")
def test_an_interception_of_tls_is_named_and_can_be_trusted(tmp_path: Path) -> None:
    """The certificate tells who reads along; with its CA the chain holds, and another sentence says so."""
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        server = start_fake(room, "--tls", home=tmp_path)
        proxy, ca = start_mitmproxy(room, server.base_url, tmp_path)
        way = (ELSEWHERE, "--via", proxy)
        wary = examined(room, tmp_path, *way, "--only", "E01")
        trusting = examined(room, tmp_path, *way, "--ca", ca, "--only", "E01")
        arguments = ("--base-url", *way, "--model", MODEL, "--record", recording)
        done = turnscope(room, tmp_path, "send", *arguments, "Say hello.")
        found = found_in(room, tmp_path, recording)
    assert bad(wary) == {"B03": "fail"}
    refused, warned = (report["checks"]["B03"] for report in (wary, trusting))
    assert (refused["failure_class"], refused["findings"]) == ("tls", ["tls-failed"])
    assert "is not trusted" in refused["evidence"]
    assert "issued by mitmproxy" in refused["evidence"]
    assert refused["remedy"].startswith("Traffic is intercepted, or signed, by mitmproxy: add its CA (--ca")
    assert "mitmproxy: Trust its CA in every client" in refused["remedy"]
    assert bad(trusting) == {"B03": "warn"}
    assert "issued by mitmproxy" in warned["evidence"]
    assert "only --ca makes it trusted" in warned["evidence"]
    assert warned["remedy"].startswith("Traffic is intercepted by mitmproxy: add its CA to every client.")
    assert trusting["checks"]["E01"]["outcome"] == "pass"
    for report in (wary, trusting):
        assert report["capabilities"]["product"].startswith("looks like mitmproxy (its signature")
    assert done.status == 3, done.stderr
    assert set(found) == {"tls-failed"}
