"""Every stage of dialling against real sockets: what it times, and what each failure is called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path

import pytest
import trustme

from sessions.contract import FailureClass
from sessions.errors import ConnectError, SettingsError
from sessions.secret import Secret
from sessions.wire.clock import SystemClock
from sessions.wire.dial import SYSTEM_TRUST, Dial, Trust, tls_context
from sessions.wire.endpoint import Endpoint, derive
from sessions.wire.missing import remedy
from sessions.wire.route import DIRECT, Route, parse_proxy
from tests.sessions.wire_servers import (
    answering,
    connect_proxy,
    free_port,
    raw_server,
    socks_proxy,
)

HELLO = answering(b"hello")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority nobody trusts yet."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its certificate as a file."""
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """TLS of a server called localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert("localhost").configure_cert(context)
    return context


def dial_to(address: str | Endpoint, route: Route = DIRECT, trust: Trust = SYSTEM_TRUST) -> Dial:
    """A dial that is about to run."""
    endpoint = address if isinstance(address, Endpoint) else derive(address)
    return Dial(endpoint, route, trust, SystemClock())


async def greeted(dial: Dial) -> bytes:
    """Dial, ask, and read the answer."""
    stream = await dial.run(5)
    try:
        stream.write(b"GET / HTTP/1.1\r\n\r\n")
        return await stream.read_some()
    finally:
        stream.close()


async def failed(dial: Dial, seconds: float = 5) -> ConnectError:
    """Dial and expect a failure."""
    with pytest.raises(ConnectError) as caught:
        await dial.run(seconds)
    return caught.value


async def test_direct_by_name_tries_all_addresses() -> None:
    async with raw_server(HELLO) as port:
        dial = dial_to(f"http://localhost:{port}/v1")
        assert await greeted(dial) == b"hello"
        assert dial.address == f"127.0.0.1:{port}"
        assert set(dial.timings) == {"dns_ms", "tcp_ms"}
        assert all(value >= 0 for value in dial.timings.values())


async def test_an_address_in_digits_needs_no_resolver() -> None:
    async with raw_server(HELLO) as port:
        dial = dial_to(f"http://127.0.0.1:{port}/v1")
        assert await greeted(dial) == b"hello"
        assert set(dial.timings) == {"tcp_ms"}


async def test_an_ipv6_address() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await HELLO(reader, writer)
        writer.close()

    try:
        server = await asyncio.start_server(talk, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with server:
        port = server.sockets[0].getsockname()[1]
        dial = dial_to(f"http://[::1]:{port}/v1")
        assert await greeted(dial) == b"hello"
        assert dial.address == f"[::1]:{port}"


async def test_a_unix_socket(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await HELLO(reader, writer)
        writer.close()

    file = tmp_path / "x.sock"
    server = await asyncio.start_unix_server(talk, str(file))
    async with server:
        dial = dial_to(f"unix://{file}")
        assert await greeted(dial) == b"hello"
        assert dial.address == str(file)
    error = await failed(dial_to(f"unix://{tmp_path}/missing.sock"))
    assert error.failure_class is FailureClass.TCP
    assert "No such file" in error.detail


async def test_a_name_without_an_address_is_dns() -> None:
    error = await failed(dial_to("http://does-not-exist.invalid/v1"), 20)
    assert error.failure_class is FailureClass.DNS
    assert error.detail.startswith("does-not-exist.invalid: ")


async def test_a_closed_port_is_tcp() -> None:
    dial = dial_to(f"http://localhost:{free_port()}/v1")
    error = await failed(dial)
    assert error.failure_class is FailureClass.TCP
    assert "Connection refused" in error.detail
    assert "tcp_ms" in dial.timings


async def test_silence_below_http_is_told_with_its_stage() -> None:
    # A listener with a full backlog accepts nothing more: the SYN is simply not answered.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        error = await failed(dial_to(f"http://127.0.0.1:{port}/v1"), 0.3)
        for one in waiting:
            one.close()
    assert error.failure_class is FailureClass.TCP
    assert "no answer within 0.3 s" in error.detail


async def test_tls_with_a_given_authority(server_context: ssl.SSLContext, ca: str) -> None:
    async with raw_server(HELLO, server_context) as port:
        dial = dial_to(f"https://localhost:{port}/v1", trust=Trust(ca))
        stream = await dial.run(5)
        tls = stream.transport.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "http/1.1"
        stream.close()
        assert dial.tls.startswith("TLSv1.")
        assert set(dial.timings) == {"dns_ms", "tcp_ms", "tls_ms"}


async def test_an_unknown_authority_is_tls_unless_insecure(server_context: ssl.SSLContext) -> None:
    async with raw_server(HELLO, server_context) as port:
        error = await failed(dial_to(f"https://localhost:{port}/v1"))
        assert error.failure_class is FailureClass.TLS
        assert "not trusted" in error.detail
        insecure = dial_to(f"https://localhost:{port}/v1", trust=Trust(is_insecure=True))
        assert await greeted(insecure) == b"hello"


async def test_a_wrong_name_in_the_certificate_is_tls(server_context: ssl.SSLContext, ca: str) -> None:
    async with raw_server(HELLO, server_context) as port:
        error = await failed(dial_to(f"https://127.0.0.1:{port}/v1", trust=Trust(ca)))
    assert error.failure_class is FailureClass.TLS
    assert "127.0.0.1" in error.detail


async def test_tls_on_a_plain_port_says_so() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with raw_server(plain) as port:
        error = await failed(dial_to(f"https://127.0.0.1:{port}/v1"))
    assert error.failure_class is FailureClass.TLS
    assert "does not speak TLS" in error.detail


async def test_a_handshake_that_is_cut_off_is_tls() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async with raw_server(cut) as port:
        error = await failed(dial_to(f"https://127.0.0.1:{port}/v1"))
    assert error.failure_class is FailureClass.TLS


async def test_a_missing_certificate_file_is_told_by_name() -> None:
    error = await failed(dial_to("https://127.0.0.1:1/v1", trust=Trust("/no/such/ca.pem")))
    assert error.failure_class is FailureClass.TLS
    assert "/no/such/ca.pem" in error.detail
    with pytest.raises(SettingsError, match="--ca"):
        tls_context(Trust(__file__))


async def test_the_system_s_trust_can_be_named_by_environment(
    server_context: ssl.SSLContext, ca: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    async with raw_server(HELLO, server_context) as port:
        assert await greeted(dial_to(f"https://localhost:{port}/v1")) == b"hello"
    assert "SECRET" in (tmp_path / "keys.log").read_text()


# Proxies -------------------------------------------------------------------------------------------------


async def test_a_connect_tunnel_with_tls_inside(server_context: ssl.SSLContext, ca: str) -> None:
    async with raw_server(HELLO, server_context) as port, connect_proxy(login="me:p:w") as proxy:
        route = parse_proxy(f"http://me:p%3Aw@127.0.0.1:{proxy.port}", "--via")
        dial = dial_to(f"https://localhost:{port}/v1", route, Trust(ca))
        assert await greeted(dial) == b"hello"
        assert proxy.targets == [f"localhost:{port}"]
        assert dial.address == f"127.0.0.1:{proxy.port}"
        assert set(dial.timings) == {"tcp_ms", "connect_ms", "tls_ms"}


async def test_a_proxy_spoken_to_over_tls(server_context: ssl.SSLContext, ca: str) -> None:
    async with raw_server(HELLO, server_context) as port, connect_proxy(context=server_context) as proxy:
        route = parse_proxy(f"https://localhost:{proxy.port}", "HTTPS_PROXY")
        assert await greeted(dial_to(f"https://localhost:{port}/v1", route, Trust(ca))) == b"hello"
        assert proxy.targets == [f"localhost:{port}"]


async def test_a_proxy_that_wants_a_login_is_not_told_as_the_api() -> None:
    async with connect_proxy(login="me:secret") as proxy:
        route = parse_proxy(f"http://me:wrong-one@127.0.0.1:{proxy.port}", "--via")
        error = await failed(dial_to("https://api.example.com/v1", route))
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert error.status == 407
    assert "the proxy http://127.0.0.1" in error.detail
    assert "no login" in error.body
    assert "USER:PASSWORD" in error.remedy
    assert "wrong-one" not in f"{error}{error.detail}{error.body}"


async def test_a_proxy_that_forbids() -> None:
    refusal = b"HTTP/1.0 403 Forbidden\r\n\r\nnot this host"
    async with connect_proxy(refusal) as proxy:
        route = parse_proxy(f"127.0.0.1:{proxy.port}", "--via")
        error = await failed(dial_to("https://api.example.com/v1", route))
    assert (error.failure_class, error.status) == (FailureClass.PROXY_CONNECT, 403)
    assert error.received == refusal
    assert "--no-proxy" in error.remedy


async def test_a_proxy_that_is_no_proxy() -> None:
    async with connect_proxy(b"SSH-2.0\r\n") as proxy:
        error = await failed(
            dial_to("https://api.example.com/v1", parse_proxy(f"127.0.0.1:{proxy.port}", "--via"))
        )
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert "not HTTP" in error.detail


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there(scheme: str) -> None:
    route = parse_proxy(f"{scheme}://127.0.0.1:{free_port()}", "ALL_PROXY")
    error = await failed(dial_to("https://api.example.com/v1", route))
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert "Connection refused" in error.detail
    unknown = parse_proxy(f"{scheme}://does-not-exist.invalid:1", "ALL_PROXY")
    error = await failed(dial_to("https://api.example.com/v1", unknown), 20)
    assert error.failure_class is FailureClass.PROXY_CONNECT


@pytest.mark.parametrize(("scheme", "host"), [("socks5h", "localhost"), ("socks5", "127.0.0.1")])
async def test_a_socks_proxy_resolves_when_its_scheme_says_so(scheme: str, host: str) -> None:
    async with raw_server(HELLO) as port, socks_proxy() as proxy:
        route = parse_proxy(f"{scheme}://127.0.0.1:{proxy.port}", "ALL_PROXY")
        dial = dial_to(f"http://localhost:{port}/v1", route)
        assert await greeted(dial) == b"hello"
        assert proxy.targets == [f"{host}:{port}"]
        assert set(dial.timings) == {"connect_ms"}


async def test_a_socks_proxy_that_refuses() -> None:
    async with socks_proxy(reply=2) as proxy:
        route = parse_proxy(f"socks5h://127.0.0.1:{proxy.port}", "ALL_PROXY")
        error = await failed(dial_to("https://api.example.com/v1", route))
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert "not allowed" in error.detail


async def test_socks_without_its_package_asks_for_it_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    route = Route("--via", "socks5", "127.0.0.1", 1, "me", Secret("x"))
    error = await failed(dial_to("https://api.example.com/v1", route))
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert error.remedy == remedy("python-socks[asyncio]")
    assert "-m pip install 'python-socks[asyncio]'" in error.remedy or "uv pip install" in error.remedy


async def test_a_silent_proxy_is_told_as_the_proxy() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        route = parse_proxy(f"http://127.0.0.1:{port}", "--via")
        error = await failed(dial_to("https://api.example.com/v1", route), 0.3)
    assert error.failure_class is FailureClass.PROXY_CONNECT
    assert f"http://127.0.0.1:{port} gave no answer" in error.detail
