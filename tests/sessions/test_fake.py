"""The fake server as a whole: openings, endings, limits, TLS, several clients, and the verb's options."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sessions.errors import UsageError
from sessions.wire.fake import FakeServer, Options
from tests.sessions.fake_client import Client, connected, http, id_of, serving, status_of, text_of, types


async def test_a_text_turn_comes_in_the_documented_order() -> None:
    async with serving() as server, connected(server) as client:
        events = await client.turn("Capital of Peru?")
    assert types(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert text_of(events) == "Lima."
    assert "".join(event["delta"] for event in events if "delta" in event) == "Lima."
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Lima."


@pytest.mark.parametrize("path", ["/responses", "/responses/", "/responses?model=x", "/x/../codex/responses"])
async def test_any_path_that_ends_in_responses_upgrades(path: str) -> None:
    async with serving() as server, connected(server, path) as client:
        assert text_of(await client.turn("Ping?")).startswith("Hello")


async def test_an_upgrade_without_a_key_is_refused_before_101() -> None:
    async with serving() as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server, additional_headers={}):
                pass
    assert refused.value.response.status_code == 401
    assert b"API key" in (refused.value.response.body or b"")


async def test_a_wrong_key_is_refused_and_never_logged() -> None:
    async with serving(require_key="sk-right-1") as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server):
                pass
        async with connected(server, additional_headers={"Authorization": "Bearer sk-right-1"}) as client:
            assert (await client.turn("Hi"))[-1]["type"] == "response.completed"
    assert refused.value.response.status_code == 401
    assert "sk-right-1" not in repr(server.log)
    assert "sk-test" not in repr(server.log)


async def test_no_key_is_needed_where_none_is_asked_for() -> None:
    async with serving(auth="none") as server, connected(server, additional_headers={}) as client:
        assert (await client.turn("Hi"))[-1]["type"] == "response.completed"


async def test_compression_is_agreed_when_offered_and_not_otherwise() -> None:
    async with serving() as server:
        async with connected(server) as client:
            assert text_of(await client.turn("/markdown")).startswith("# Tides")
        async with connected(server, compression=None) as client:
            assert text_of(await client.turn("/markdown")).startswith("# Tides")
    assert server.log[0].compression.startswith("permessage-deflate")
    assert server.log[1].compression == ""


async def test_the_same_requests_get_the_same_bytes_under_a_seed() -> None:
    async def run() -> list[bytes]:
        async with serving(seed=3, keep_frames=True) as server, connected(server) as client:
            first = await client.turn("Remember the word heron.")
            await client.turn("What was the word?", previous_response_id=id_of(first))
        return server.log[0].sent

    once, again = await run(), await run()
    assert once == again
    assert len(once) > 20


async def test_the_age_limit_is_told_and_then_closed() -> None:
    async with serving(age_limit=0.1) as server, connected(server) as client:
        event = await client.receive()
        code, reason = await client.closed()
    assert (event["status"], event["error"]["code"]) == (400, "websocket_connection_limit_reached")
    assert (code, reason) == (1001, "connection age limit")
    assert server.log[0].close_received == (1001, "connection age limit")


async def test_the_age_limit_cuts_a_running_response() -> None:
    async with serving(age_limit=0.2, rate=20) as server, connected(server) as client:
        await client.create("long 500")
        events = await client.until("error")
    assert events[-1]["error"]["code"] == "websocket_connection_limit_reached"
    assert "response.output_text.delta" in types(events)


async def test_one_connection_too_many_is_refused_and_a_freed_one_is_given_again() -> None:
    async with serving(max_connections=1) as server:
        async with connected(server):
            with pytest.raises(InvalidStatus) as refused:
                async with connected(server):
                    pass
        async with connected(server) as client:
            assert (await client.turn("Hi"))[-1]["type"] == "response.completed"
    assert refused.value.response.status_code == 503


async def test_a_dialect_may_close_1013_instead() -> None:
    async with serving(max_connections=1, dialect="llm-interactive-proxy") as server, connected(server):
        async with connected(server) as second:
            assert (await second.closed())[0] == 1013


async def test_the_rate_paces_the_deltas() -> None:
    async with serving(rate=100) as server, connected(server) as client:
        loop = asyncio.get_running_loop()
        began = loop.time()
        events = await client.turn("Capital of Peru?")
        count = sum("delta" in event for event in events)
        assert loop.time() - began >= 0.9 * count / 100


async def test_tls_with_a_certificate_of_its_own_is_trusted_through_its_authority() -> None:
    async with serving(tls=True) as server:
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        assert server.base_url.startswith("https://127.0.0.1:")
        async with connected(server, ssl=context) as client:
            assert text_of(await client.turn("Ping?")).startswith("Hello")


async def test_tls_with_a_given_certificate(tmp_path: Path) -> None:
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    options = {"tls": True, "cert": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}
    async with serving(**options) as server, connected(server, ssl=context) as client:
        assert text_of(await client.turn("Ping?")).startswith("Hello")


async def test_a_certificate_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    with pytest.raises(UsageError, match=r"cert\.pem"):
        async with FakeServer(Options(tls=True, cert=tmp_path / "cert.pem")):
            pass


async def test_a_taken_port_is_a_usage_error() -> None:
    async with serving() as server:
        with pytest.raises(UsageError, match=str(server.port)):
            async with FakeServer(Options(port=server.port)):
                pass


@pytest.mark.parametrize(
    ("options", "nearest"),
    [
        (Options(dialect="opnai"), "openai"),
        (Options(scenario="markdwn"), "markdown"),
        (Options(faults=("silnce",)), "silence"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_right_one(options: Options, nearest: str) -> None:
    with pytest.raises(UsageError, match=nearest):
        FakeServer(options)


async def test_stopping_closes_open_sockets_with_1001() -> None:
    async with serving() as server:
        clients = connected(server)
        client = await clients.__aenter__()
        await client.turn("Hi")
    with pytest.raises(ConnectionClosed):
        await client.receive()
    assert client.socket.close_code == 1001
    await clients.__aexit__(None, None, None)


async def test_stopping_does_not_wait_for_a_client_that_ignores_the_close() -> None:
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Authorization: Bearer x\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        began = asyncio.get_running_loop().time()
    assert head.startswith(b"HTTP/1.1 101")
    assert asyncio.get_running_loop().time() - began < 2
    writer.close()


async def test_an_upgrade_with_a_body_and_early_frames_works() -> None:
    # websockets' own server refuses a body; bytes after the head belong to the first frame
    async with serving() as server:
        body = b"{}"
        mask = b"\0\0\0\0"
        payload = b'{"type":"response.create","model":"m","input":"Capital of Japan?"}'
        frame = b"\x81" + bytes([0x80 | len(payload)]) + mask + payload
        received = await http(
            server,
            b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Authorization: Bearer x\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + body + frame,
        )
    assert status_of(received) == 101
    assert b"Tokyo." in received


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"Sec-WebSocket-Version: 13\r\n", 400),  # no key
        (b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
    ],
)
async def test_an_upgrade_that_breaks_rfc_6455_is_refused(line: bytes, status: int) -> None:
    async with serving() as server:
        head = b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer = await http(server, head + b"Authorization: Bearer x\r\n" + line + b"\r\n", seconds=0.3)
    assert status_of(answer) == status


async def test_ipv6_loopback() -> None:
    async with serving(host="::1") as server, connected(server) as client:
        assert server.base_url == f"http://[::1]:{server.port}/v1"
        assert (await client.turn("Hi"))[-1]["type"] == "response.completed"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"\0" * 100_000,
        b"A" * 100_000,
        b"GET / HTTP/1.1\r\nX\r\n\r\n",
    ],
)
async def test_garbage_in_place_of_http_hurts_nobody(garbage: bytes) -> None:
    async with serving() as server, connected(server) as client:
        answer = await http(server, garbage)
        assert status_of(answer) in (400, 431)
        assert text_of(await client.turn("Ping?")).startswith("Hello")


async def test_broken_frames_end_their_own_connection_only() -> None:
    async with serving() as server, connected(server) as good, connected(server) as bad:
        transport = bad.socket.transport
        transport.write(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
        assert (await bad.closed())[0] == 1002
        assert text_of(await good.turn("Ping?")).startswith("Hello")


async def test_a_client_that_vanishes_in_the_middle_leaves_nothing_behind() -> None:
    async with serving(rate=50) as server:
        async with connected(server) as client:
            await client.create("long 100")
            await client.until("response.output_text.delta")
            client.socket.transport.abort()
        async with connected(server) as other:
            assert (await other.turn("Ping?"))[-1]["type"] == "response.completed"


async def test_many_clients_at_once_are_all_answered() -> None:
    async with serving() as server:

        async def one(number: int) -> str:
            async with connected(server) as client:
                return text_of(await client.turn(f"What is {number}+1?"))

        answers = await asyncio.gather(*(one(number) for number in range(20)))
    assert answers == [f"That makes {number + 1}." for number in range(20)]


async def test_the_log_says_what_happened() -> None:
    async with serving(keep_frames=True) as server:
        async with connected(server) as client:
            events = await client.turn("Hi")
            raw = json.dumps({"type": "response.processed", "response_id": "resp_x"})
            await client.send(raw)
        await http(server, b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    socket, plain = server.log
    assert socket.is_websocket
    assert socket.is_over
    assert socket.requests == [("GET", "/v1/responses", 101)]
    assert socket.response_ids == [id_of(events)]
    assert socket.received[-1] == raw.encode()
    assert socket.sent_count == len(socket.sent) == len(events)
    assert [json.loads(payload) for payload in socket.sent] == events
    assert socket.close_received == (1000, "")
    assert plain.requests == [("GET", "/v1/models", 401)]
    assert not plain.is_websocket


async def test_sixteen_mebibytes_from_a_client_are_read() -> None:
    async with serving() as server, connected(server) as client:
        events = await client.turn("Hi", metadata={}, instructions="x" * (16 << 20))
        assert events[-1]["type"] == "response.completed"


async def _ping(client: Client) -> float:
    async with asyncio.timeout(2):
        return await (await client.socket.ping())


async def test_pings_are_answered() -> None:
    async with serving() as server, connected(server) as client:
        assert await _ping(client) >= 0
