"""Stages of an opening one by one, against real sockets on this machine."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.secret import Secret
from sessions.wire.clock import SystemClock
from sessions.wire.dial import Trust
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from sessions.wire.stages import (
    Family,
    accepted_head,
    certificate,
    reach,
    resolve,
    speaks_http,
    speaks_tls,
    untrusted_certificate,
)
from tests.sessions.wire_servers import free_port


async def test_a_literal_address_is_its_own_family() -> None:
    assert await resolve("127.0.0.1", 80) == (Family("IPv4", ("127.0.0.1",)),)
    with pytest.raises(socket.gaierror):
        await resolve("no-such-host.invalid", 80)


async def test_a_family_is_reached_or_says_why_not() -> None:
    async with FakeServer(Options()) as server:
        assert (await reach(Family("IPv4", ("127.0.0.1",)), server.port)).error == ""
    assert "refused" in (await reach(Family("IPv4", ("127.0.0.1",)), free_port())).error.lower()


async def test_a_certificate_is_read_whether_it_is_trusted_or_not(tmp_path: Path) -> None:
    clock = SystemClock()
    async with FakeServer(Options(tls=True)) as server:
        plan = Plan(derive(server.base_url), key=Secret("sk-test-4711"))
        with pytest.raises(ConnectError) as refused:
            await certificate(plan, clock)
        assert refused.value.failure_class is FailureClass.TLS
        assert "trustme" in (await untrusted_certificate(plan, clock)).issuer
        roots = tmp_path / "ca.pem"
        roots.write_bytes(server.ca_pem)
        found = await certificate(replace(plan, trust=Trust(str(roots))), clock, protocols=("h2", "http/1.1"))
    assert "trustme" in found.issuer
    assert found.alpn == "http/1.1"
    assert found.expires
    assert found.tls.startswith("TLS")


async def test_what_speaks_on_a_port_is_told() -> None:
    clock = SystemClock()
    async with FakeServer(Options()) as plain, FakeServer(Options(tls=True)) as encrypted:
        for server, is_tls in ((plain, False), (encrypted, True)):
            plan = Plan(derive(server.base_url))
            assert await speaks_http(plan.endpoint, plan, clock) is not is_tls
            assert await speaks_tls(plan.endpoint, plan, clock) is is_tls
    plan = Plan(derive(f"http://127.0.0.1:{free_port()}/v1"))
    assert not await speaks_http(plan.endpoint, plan, clock)
    assert not await speaks_tls(plan.endpoint, plan, clock)


async def test_the_head_of_an_accepted_upgrade_comes_as_it_is() -> None:
    async with FakeServer(Options()) as server:
        head = await accepted_head(Plan(derive(server.base_url), key=Secret("sk-test-4711")), SystemClock())
    assert head.startswith(b"HTTP/1.1 101")
