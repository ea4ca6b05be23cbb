"""Group B: every step fails by its own name, every refusal is explained, a clean server passes."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from dataclasses import replace
from hashlib import sha1
from typing import Any

import pytest
import trustme

from sessions.doctor.bench import Bench
from sessions.doctor.result import Outcome, Result
from sessions.secret import Secret
from sessions.wire.dial import Trust
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.route import parse_proxy
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run
from tests.sessions.wire_servers import answering, connect_proxy, free_port, raw_server

GROUP = tuple(f"B{number:02}" for number in range(1, 23))


def bench_to(port: int, scheme: str = "http", host: str = "127.0.0.1", **given: Any) -> Bench:
    plan = Plan(derive(f"{scheme}://{host}:{port}/v1"), key=Secret(KEY), profile="openai", **given)
    plan = replace(plan, open_timeout_seconds=given.get("open_timeout_seconds", 1.0))
    return Bench(plan, model="m", pace=0.01, environ={}, patience_seconds=1.0)


async def against(*faults: str, ids: tuple[str, ...] = GROUP, **options: Any) -> dict[str, Result]:
    async with FakeServer(Options(seed=1, faults=faults, **options)) as server:
        return await run(bench_at(server, open_timeout_seconds=1.0), *ids)


def bad(results: dict[str, Result]) -> set[str]:
    return {one.id for one in results.values() if one.outcome.is_bad}


def accepted(head: bytes, extra: bytes = b"") -> bytes:
    """A 101 that answers this request."""
    key = next(
        line.split(b":", 1)[1].strip() for line in head.split(b"\r\n") if line[:18] == b"Sec-WebSocket-Key:"
    )
    digest = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + digest + b"\r\n" + extra + b"\r\n"
    )


async def test_a_clean_server_passes_the_whole_group() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), *GROUP)
    assert bad(results) == set()
    assert tuple(sorted(results)) == GROUP
    explaining = {"B08", "B09", "B10", "B11", "B13", "B14", "B15", "B22"}
    assert {one.id for one in results.values() if one.outcome is Outcome.SKIP} == explaining
    assert not any(visit.response_ids for visit in server.log)  # nothing was generated
    assert not any(visit.crash for visit in server.log)


@pytest.mark.parametrize(
    ("fault", "failure_class", "explained_by"),
    [
        ("401", "unauthorized", "B12"),
        ("403", "forbidden", "B12"),
        ("403-without-model", "forbidden", "B08"),
        ("404", "not_found", "B09"),
        ("426", "upgrade_required", "B11"),
        ("429", "throttled", ""),
        ("500", "http_status", ""),
        ("503", "http_status", ""),
        ("http-200", "http_status", ""),
        ("silent-upgrade", "upgrade_silent", "B14"),
    ],
)
async def test_a_refused_upgrade_has_its_class_and_its_explanation(
    fault: str, failure_class: str, explained_by: str
) -> None:
    results = await against(fault)
    assert results["B07"].outcome is Outcome.FAIL
    assert results["B07"].failure_class == failure_class
    assert results["B07"].remedy
    wanted = {"B07", explained_by} - {"", "B11"}
    assert bad(results) - {"B12"} == wanted - {"B12"}
    if explained_by == "B11":
        assert results["B11"].outcome is Outcome.INFO
    elif explained_by:
        assert results[explained_by].outcome is Outcome.FAIL


async def test_what_stands_on_a_refused_upgrade_is_skipped_with_the_reason() -> None:
    results = await against("404")
    for later in ("B18", "B19", "B20", "B21"):
        assert results[later].outcome is Outcome.SKIP
        assert "B07 failed" in results[later].evidence


async def test_with_the_model_in_the_url_the_rest_is_tried_after_all() -> None:
    results = await against("403-without-model")
    assert "?model=" in results["B08"].remedy
    assert results["B20"].outcome is Outcome.PASS
    assert results["B12"].outcome is not Outcome.SKIP


async def test_a_name_without_address_stops_everything_behind_it() -> None:
    results = await run(bench_to(1, host="no-such-host.invalid"), *GROUP)
    assert results["B01"].outcome is Outcome.FAIL
    assert results["B01"].failure_class == "dns"
    assert bad(results) == {"B01"}


async def test_a_closed_port_stops_everything_behind_it() -> None:
    results = await run(bench_to(free_port()), *GROUP)
    assert results["B02"].failure_class == "tcp"
    assert bad(results) == {"B02"}


async def test_a_certificate_that_nobody_knows_names_its_issuer() -> None:
    async with FakeServer(Options(seed=1, tls=True)) as server:
        results = await run(bench_at(server), *GROUP)
    assert results["B03"].outcome is Outcome.FAIL
    assert "trustme" in results["B03"].evidence
    assert bad(results) == {"B03"}


async def test_a_trusted_certificate_passes(tmp_path: Any) -> None:
    async with FakeServer(Options(seed=1, tls=True)) as server:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(server.ca_pem)
        results = await run(
            bench_at(server, trust=Trust(str(authority))), "B01", "B02", "B03", "B04", "B05", "B07"
        )
    assert bad(results) == set()
    assert "issued by" in results["B03"].evidence


async def test_h2_is_told_only_where_it_matters(tmp_path: Any) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    roots = tmp_path / "ca.pem"
    roots.write_bytes(authority.cert_pem.bytes())
    refusal = answering(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
    async with raw_server(refusal, context) as port:
        results = await run(
            bench_to(port, "https", trust=Trust(str(roots))), "B01", "B02", "B03", "B07", "B04"
        )
    assert results["B04"].outcome is Outcome.WARN
    assert "http/1.1" in results["B04"].remedy


async def test_plain_http_on_a_tls_address_is_named() -> None:
    refusal = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with raw_server(refusal) as port:
        results = await run(bench_to(port, "https"), "B01", "B02", "B03", "B05", "B07")
    assert results["B03"].outcome is Outcome.FAIL
    assert results["B05"].outcome is Outcome.FAIL
    assert "http://" in results["B05"].remedy


async def test_tls_on_a_plain_address_is_named() -> None:
    async with FakeServer(Options(seed=1, tls=True)) as server:
        results = await run(bench_to(server.port), "B01", "B02", "B07", "B05")
    assert results["B05"].outcome is Outcome.FAIL
    assert "https://" in results["B05"].remedy


async def test_a_proxy_that_refuses_is_told_as_the_proxy() -> None:
    async with FakeServer(Options(seed=1)) as server, connect_proxy(login="me:pass") as proxy:
        route = parse_proxy(f"http://127.0.0.1:{proxy.port}", "HTTP_PROXY")
        results = await run(bench_at(server, route=route), *GROUP)
        assert results["B06"].failure_class == "proxy_connect"
        assert results["B06"].findings == ("proxy-failed",)
        assert bad(results) == {"B06"}
        route = parse_proxy(f"http://me:pass@127.0.0.1:{proxy.port}", "HTTP_PROXY")
        results = await run(bench_at(server, route=route), *GROUP)
    assert bad(results) == set()
    assert results["B06"].outcome is Outcome.PASS


async def test_a_page_of_the_edge_is_recognised() -> None:
    page = b"<html><title>Just a moment...</title></html>"
    head = (
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nCF-Ray: 8a\r\nContent-Length: %d\r\n\r\n"
        % len(page)
    )
    async with raw_server(answering(head + page)) as port:
        results = await run(bench_to(port), "B07", "B13")
    assert results["B13"].outcome is Outcome.FAIL
    assert "Just a moment" in results["B13"].evidence
    assert (await against("403", ids=("B07", "B13")))["B13"].outcome is Outcome.PASS


async def test_a_reverse_proxy_gets_its_recipe_when_the_direct_way_works() -> None:
    refusal = answering(b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.26\r\nContent-Length: 0\r\n\r\n")
    async with FakeServer(Options(seed=1)) as server, raw_server(refusal) as port:
        bench = bench_to(port)
        told = (await run(bench, "B07", "B15"))["B15"]
        bench = bench_to(port)
        bench.direct = Plan(derive(server.base_url))
        failed = (await run(bench, "B07", "B15"))["B15"]
    assert told.outcome is Outcome.INFO
    assert failed.outcome is Outcome.FAIL
    assert "proxy_set_header" in failed.remedy


async def test_the_route_elsewhere_is_found() -> None:
    async def only_bare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"401 Unauthorized" if head.startswith(b"GET /responses ") else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(only_bare) as port:
        results = await run(bench_to(port), "B07", "B10")
    assert results["B10"].outcome is Outcome.FAIL
    assert results["B10"].who == "client"
    assert "/responses" in results["B10"].evidence
    assert (await against("404", ids=("B07", "B10")))["B10"].outcome is Outcome.PASS


async def test_an_upgrade_that_is_dropped_is_no_other_service_where_http_is_answered() -> None:
    async def dropping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Upgrade: websocket" not in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with raw_server(dropping) as port:
        results = await run(bench_to(port), *GROUP)
    assert bad(results) == {"B07", "B14"}
    assert results["B07"].findings == ("upgrade-unanswered",)
    assert "ended at the upgrade without an answer" in results["B07"].evidence
    assert "GET models 200" in results["B14"].evidence
    assert "another service" not in results["B07"].remedy
    assert "plain HTTP is answered" in results["B05"].evidence


async def test_a_101_that_is_none_is_told_as_such() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
    async with raw_server(answering(answer)) as port:
        result = (await run(bench_to(port), *GROUP))["B07"]
    assert "missing Upgrade header" in result.evidence
    assert "makes up its 101" in result.remedy
    assert "not-http" not in result.findings
