"""Who may come in to a bridge, what is refused and how, and requests that are no upgrade."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from sessions.records import Kind
from sessions.secret import Secret
from sessions.wire.fake import MODELS, FakeServer
from tests.sessions.bridges import KEY, Bridged, ask, bridged

TOKEN = "a-token-for-this-test-0123"


async def spoken(bridge: Bridged, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.bridge.port)
    writer.write(request)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_an_opened_socket_is_recorded_without_its_key(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path, age_limit=99) as bridge:
        async with bridge.connect("?model=m") as client:
            await ask(client, input="Hi")
        records = await bridge.records()
        opened = records[0]
        assert opened.kind is Kind.OPEN
        assert opened.meta["url"] == f"{bridge.socket_url}?model=m"
        assert (opened.meta["status"], opened.meta["lifetime"]) == (101, 99)
        assert opened.meta["bridge"] == f"{fake.base_url}/responses"
        assert "permessage-deflate" in str(opened.meta["compression"])
        assert str(opened.meta["masked"]).lower() == "authorization"
        asked = next(one for one in records if one.kind is Kind.REQUEST)
        assert (asked.session, asked.meta["for"], asked.meta["client"]) == (2, 1, "turnscope-bridge")
    assert KEY not in bridge.path.read_text()


async def test_a_page_of_another_origin_is_refused(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        with pytest.raises(InvalidStatus, match="403") as refused:
            await bridge.connect(origin="https://evil.example")
        assert json.loads(refused.value.response.body or b"")["error"]["code"] == "foreign_origin"
        (record,) = await bridge.records()
        assert (record.kind, record.meta["failure_class"]) == (Kind.REFUSED, "forbidden")


async def test_a_name_that_a_page_may_have_led_here_is_refused(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        head, body = await spoken(bridge, get("/v1/models").replace(b"Host: x", b"Host: evil.example"))
        assert head.startswith(b"HTTP/1.1 403")
        assert json.loads(body)["error"]["code"] == "foreign_host"


async def test_a_token_is_wanted_as_the_key(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path, token=Secret(TOKEN)) as bridge:
        for key in ("", KEY, f"{TOKEN}x"):
            with pytest.raises(InvalidStatus, match="401"):
                await bridge.connect(key=key)
        head, _ = await spoken(bridge, get("/v1/models"))
        assert head.startswith(b"HTTP/1.1 401")
        async with bridge.connect(key=TOKEN) as client:
            (error,) = await ask(client, input="Hi")
            assert error["status"] == 401  # the token is not the upstream's key, and does not go there
        await bridge.records()
    assert TOKEN not in bridge.path.read_text()


@pytest.mark.parametrize("path", ["/v1/other", "/responses", "/elsewhere/v1/responses"])
async def test_a_socket_at_another_path_is_not_found(path: str, tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        bridge.bridge.path = path
        client = bridge.connect()
        bridge.bridge.path = "/v1/responses"
        with pytest.raises(InvalidStatus, match="404") as refused:
            await client
        assert b"/v1/responses" in (refused.value.response.body or b"")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/", "/ws", "/a/b/responses"])
async def test_the_path_is_as_it_was_set(path: str, tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path, path=path) as bridge:
        async with bridge.connect() as client:
            assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"


async def test_an_upgrade_that_is_none_is_refused(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        upgrade = ("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 7")
        head, body = await spoken(bridge, get("/v1/responses", *upgrade))
        assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 426"))
        assert json.loads(body)["error"]["code"] == "no_upgrade"


async def test_other_requests_reach_the_upstream(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        head, body = await spoken(bridge, get("/v1/models", f"Authorization: Bearer {KEY}"))
        assert head.startswith(b"HTTP/1.1 200")
        assert [model["id"] for model in json.loads(body)["data"]] == list(MODELS)
        records = await bridge.until(lambda found: found[-1].kind is Kind.NOTE)
        assert [one.kind for one in records] == [Kind.REQUEST, Kind.RESPONSE, Kind.NOTE]
        head, _ = await spoken(bridge, get("/other/models"))
        assert head.startswith(b"HTTP/1.1 404")
    assert KEY not in bridge.path.read_text()


async def test_two_requests_on_one_connection(tmp_path: Path) -> None:
    request = get("/v1/models", f"Authorization: Bearer {KEY}")
    first = request.replace(b"Connection: close\r\n", b"")
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        head, body = await spoken(bridge, first + request)
        assert (head + body).count(b"HTTP/1.1 200") == 2


async def test_what_is_no_http_is_answered(tmp_path: Path) -> None:
    async with FakeServer() as fake, bridged(fake.base_url, tmp_path) as bridge:
        head, body = await spoken(bridge, b"\x16\x03\x01\x00\x00\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert "TLS" in json.loads(body)["error"]["message"]
        # a client that leaves without a word troubles nobody
        _, writer = await asyncio.open_connection("127.0.0.1", bridge.bridge.port)
        writer.transport.abort()
        head, _ = await spoken(bridge, get("/v1/models"))
        assert head.startswith(b"HTTP/1.1 401")
