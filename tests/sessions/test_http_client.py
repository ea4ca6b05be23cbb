"""The list of models over the same route, trust and key as the socket."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.secret import Secret
from sessions.wire.dial import Trust
from sessions.wire.http_client import list_models, models_url
from sessions.wire.plan import Plan
from sessions.wire.route import parse_proxy
from tests.sessions.wire_servers import (
    KEY,
    answering,
    connect_proxy,
    free_port,
    plan_to,
    raw_server,
    socks_proxy,
)


def http(body: object, status: str = "200 OK", extra: bytes = b"") -> bytes:
    """An answer with a JSON body."""
    text = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n".encode() + extra + b"\r\n" + text


async def failed(plan: Plan) -> ConnectError:
    """The failure of asking."""
    with pytest.raises(ConnectError) as caught:
        await list_models(plan)
    return caught.value


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/v1/responses", "https://host/v1/models"),
        ("/responses", "https://host/models"),
        ("/v1/responses?model=a/b&t=http://x", "https://host/v1/models?model=a/b&t=http://x"),
    ],
)
def test_models_stand_beside_responses(target: str, url: str) -> None:
    assert models_url(f"https://host{target}", target) == url


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ({"object": "list", "data": [{"id": "b"}, {"id": "a"}]}, ("b", "a")),
        ({"models": [{"slug": "codex"}, {"name": "n"}, {"other": 1}, 7]}, ("codex", "n")),
        (["x", {"id": "y"}], ("x", "y")),
        ({"data": []}, ()),
    ],
)
async def test_lists_models(body: object, models: tuple[str, ...]) -> None:
    async with raw_server(answering(http(body))) as port:
        assert await list_models(plan_to(port)) == models


async def test_sends_the_key_and_headers_to_the_right_path() -> None:
    heads: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        packed = gzip.compress(b'{"data":[{"id":"m"}]}')
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n" % len(packed)
            + packed
            + b"\r\n0\r\n\r\n"
        )

    async with raw_server(talk) as port:
        headers = (("OpenAI-Project", "proj_1"), ("Sec-WebSocket-Protocol", "x"))
        plan = replace(plan_to(port, path="/v1?a=1", key=Secret(KEY)), headers=headers)
        assert await list_models(plan) == ("m",)
    assert heads[0].startswith("GET /v1/models?a=1 HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}\r\n" in heads[0].lower()
    assert heads[0].lower().count("host: ") == 1
    assert "OpenAI-Project: proj_1" in heads[0]
    assert "websocket" not in heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "failure", "status"),
    [
        (http({"error": KEY}, "401 Unauthorized"), FailureClass.UNAUTHORIZED, 401),
        (http({}, "404 Not Found"), FailureClass.NOT_FOUND, 404),
        (http({}, "302 Found", b"Location: https://elsewhere/\r\n"), FailureClass.HTTP_STATUS, 302),
        (http({"no": "list"}), FailureClass.HTTP_STATUS, 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<ht", FailureClass.HTTP_STATUS, 200),
        (b"SSH-2.0-x\r\n\r\n", FailureClass.PROTOCOL, 0),
        (b"", FailureClass.PROTOCOL, 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", FailureClass.PROTOCOL, 0),
    ],
)
async def test_every_failure_has_its_class(answer: bytes, failure: FailureClass, status: int) -> None:
    async with raw_server(answering(answer)) as port:
        error = await failed(plan_to(port, key=Secret(KEY)))
    assert (error.failure_class, error.status) == (failure, status)
    assert KEY not in f"{error}{error.body}"


async def test_dialling_fails_as_for_the_socket() -> None:
    assert (await failed(plan_to(free_port()))).failure_class is FailureClass.TCP
    async with raw_server(answering(b"", stays_open=True)) as port:
        silent = await failed(plan_to(port, open_timeout_seconds=0.2))
    assert silent.failure_class is FailureClass.APP_SILENT


async def test_takes_the_same_route_and_trust(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    talk = answering(http({"data": [{"id": "m"}]}))
    async with raw_server(talk, context) as port, connect_proxy() as proxy, socks_proxy() as socks:
        plan = replace(plan_to(port, scheme="https", host="localhost"), trust=Trust(str(tmp_path / "ca.pem")))
        for address in (f"http://127.0.0.1:{proxy.port}", f"socks5h://127.0.0.1:{socks.port}"):
            assert await list_models(replace(plan, route=parse_proxy(address, "--via"))) == ("m",)
    assert proxy.targets == socks.targets == [f"localhost:{port}"]
