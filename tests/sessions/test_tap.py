"""The tap between real clients and real servers: what passes, what is written down, who is refused."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial_websocket
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from sessions.contract import Status
from sessions.conversation import converse
from sessions.errors import UsageError
from sessions.inspector import Inspector
from sessions.journal import Journal
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Direction, Kind
from sessions.reducer import fold
from sessions.secret import Secret
from sessions.session import Phase
from sessions.wire.connect import connect
from sessions.wire.dial import Trust
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import Plan
from sessions.wire.splice import Way
from sessions.wire.tap import Tap
from tests.sessions.tapping import has, of_kind, recorded, tapped, texts
from tests.sessions.wire_servers import KEY, answering, raw_server, socket_server

CREATE = '{"type":"response.create","model":"m","input":"hello"}'
TOKEN = "token-0123456789abcdef"


async def ask(base_url: str, *, turns: int = 1, compression: bool = True) -> Inspector:
    """A conversation of our own client at this base URL; its own view of it."""
    inspector = Inspector(Recording.create(None))
    plan = Plan(derive(base_url), key=Secret(KEY), compression=compression)
    async with converse(connect(plan), inspector, 1, 10) as talk:
        for _ in range(turns):
            turn = await talk.ask(CREATE)
            assert turn is not None
    return inspector


async def to_the_end(client: ClientConnection) -> None:
    """Read until the connection ends; raises ConnectionClosed."""
    while True:
        await client.recv()


@pytest.mark.parametrize("compression", [True, False])
async def test_a_conversation_is_the_same_on_both_sides_of_the_tap(tmp_path: Path, compression: bool) -> None:
    async with FakeServer(Options(compression=compression)) as fake:
        async with tapped(fake.base_url, tmp_path) as tap:
            seen = await ask(tap.tap.base_url, turns=2)
            records = await tap.until(has(Kind.NOTE, "digest"))
    for direction in (Direction.CLIENT, Direction.SERVER):
        assert texts(records, direction) == texts(list(seen.recording), direction) != []
    opened = records[0]
    assert opened.kind is Kind.OPEN
    assert opened.payload.startswith(b"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"HTTP/1.1 101" in opened.payload
    assert opened.meta["url"] == f"ws://127.0.0.1:{fake.port}/v1/responses"
    assert str(opened.meta["client"]).startswith("turnscope/")
    assert opened.meta["tap"] == tap.tap.base_url
    assert (opened.meta["compression"] == "off") is not compression
    assert [one.direction for one in of_kind(records, Kind.CLOSE)] == [Direction.CLIENT, Direction.SERVER]
    assert not of_kind(records, Kind.LOST)
    assert records[-1].meta["agrees"] == 1
    assert not tap.troubles


async def test_its_recording_reads_as_the_session_that_the_client_had(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        seen = await ask(tap.tap.base_url, turns=2)
        await tap.until(has(Kind.NOTE, "digest"))
    reading = Reading.open(tap.path)
    while reading.read_on(1.0):
        pass
    inspector = Inspector(reading)
    inspector.show_on(reading.known, 5.0)
    theirs, ours = inspector.sessions, seen.sessions
    assert [turn.status for turn in theirs.turns] == [turn.status for turn in ours.turns]
    assert [turn.response_id for turn in theirs.turns] == [turn.response_id for turn in ours.turns]
    assert theirs.sessions[1].phase is Phase.CLOSED
    reading.close()


async def test_the_key_and_the_token_are_in_no_byte_of_the_recording(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path, token=Secret(TOKEN)) as tap:
        async with dial_websocket(
            f"ws{tap.tap.base_url.removeprefix('http')}/responses",
            additional_headers={"Authorization": f"Bearer {KEY}"},
        ) as socket_:
            await socket_.send(json.dumps({"type": "response.create", "input": f"is {KEY} secret?"}))
            await socket_.recv()
        records = await tap.until(has(Kind.NOTE, "digest"))
    everything = tap.path.read_bytes()
    assert KEY.encode() not in everything
    assert TOKEN.encode() not in everything
    assert TOKEN in tap.tap.base_url
    assert TOKEN not in tap.tap.shown_url
    assert b"is *** secret?" in texts(records, Direction.CLIENT)[0]
    assert records[0].meta["masked"] == "url,authorization"


async def test_without_the_token_nothing_gets_through(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path, token=Secret(TOKEN)) as tap:
        with pytest.raises(InvalidStatus) as refused:
            await dial_websocket(f"ws://127.0.0.1:{tap.tap.port}/v1/responses").__aenter__()
        assert refused.value.response.status_code == 403
        (record,) = await tap.until(has(Kind.REFUSED))
        assert fake.log == []
    assert record.meta["detail"] == "the tap refused it: its token is not in the path of the base URL"
    assert record.meta["peer"]


async def test_a_page_of_another_origin_is_refused(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        url = f"ws{tap.tap.base_url.removeprefix('http')}/responses"
        with pytest.raises(InvalidStatus) as refused:
            await dial_websocket(url, origin="https://evil.example").__aenter__()  # type: ignore[arg-type]
        assert json.loads(refused.value.response.body)["error"]["code"] == "foreign_origin"
        (record,) = await tap.until(has(Kind.REFUSED))
        assert fake.log == []
    assert record.meta["detail"] == "the tap refused it: foreign Origin https://evil.example"


async def test_several_connections_are_sessions_of_their_own(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(ask(tap.tap.base_url))
        records = await tap.until(lambda found: sum(one.meta.get("note") == "digest" for one in found) == 5)
        assert tap.tap.status()["sessions"] == tap.tap.status()["upgrades"] == 5
    assert {one.session for one in records} == {1, 2, 3, 4, 5}
    assert all(one.meta["agrees"] == 1 for one in records if one.meta.get("note") == "digest")


async def test_tls_to_the_upstream_with_its_own_certificate(tmp_path: Path) -> None:
    async with FakeServer(Options(tls=True)) as fake:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(fake.ca_pem)
        async with tapped(fake.base_url, tmp_path, trust=Trust(str(authority))) as tap:
            await ask(tap.tap.base_url)
            records = await tap.until(has(Kind.NOTE, "digest"))
    assert "TLS" in str(records[0].meta["tls"])
    assert records[0].meta["url"] == f"wss://127.0.0.1:{fake.port}/v1/responses"
    assert records[-1].meta["agrees"] == 1


async def test_a_certificate_that_is_not_trusted_is_told_in_words(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def never(server: ServerConnection) -> None:
        await server.wait_closed()

    async with socket_server(never, context) as port:
        async with tapped(f"https://127.0.0.1:{port}/v1", tmp_path) as tap:
            with pytest.raises(InvalidStatus) as refused:
                await dial_websocket(f"ws://127.0.0.1:{tap.tap.port}/v1/responses").__aenter__()
            (record,) = await tap.until(has(Kind.REFUSED))
    assert refused.value.response.status_code == 502
    assert "certificate is not trusted" in json.loads(refused.value.response.body)["error"]["message"]
    assert record.meta["failure_class"] == "tls"


async def test_an_upstream_that_nobody_serves_is_a_502_with_the_reason(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            with pytest.raises(InvalidStatus) as refused:
                await dial_websocket(f"ws://127.0.0.1:{tap.tap.port}/v1/responses").__aenter__()
            (record,) = await tap.until(has(Kind.REFUSED))
    error = json.loads(refused.value.response.body)["error"]
    assert (refused.value.response.status_code, error["code"]) == (502, "tcp")
    assert "Connection refused" in error["message"]
    assert record.meta["failure_class"] == "tcp"
    assert (record.meta["method"], record.meta["target"]) == ("GET", "/v1/responses")


class Flipping(Way):
    """Changes one bit of whatever the server says."""

    def carry(self, chunk: bytes) -> None:
        self.hand(chunk if self.direction is Direction.CLIENT else chunk[:-1] + bytes((chunk[-1] ^ 1,)))


async def test_a_tap_that_changes_a_byte_tells_on_itself(tmp_path: Path) -> None:
    async def greet(server: ServerConnection) -> None:
        await server.send(b"the truth")
        await server.wait_closed()

    async with socket_server(greet, compression=None) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path, way=Flipping) as tap:
            async with dial_websocket(f"ws://127.0.0.1:{tap.tap.port}/v1/responses") as client:
                assert await client.recv() == b"the truti"
            records = await tap.until(has(Kind.NOTE, "digest"))
    assert texts(records, Direction.SERVER) == [b"the truth"]
    assert records[-1].meta["agrees"] == 0
    assert records[-1].meta["server_read"] != records[-1].meta["server_written"]
    assert tap.troubles
    assert "do not trust this tap" in tap.troubles[0]


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_message_of_20_mib_passes_and_is_written_down_whole(
    tmp_path: Path, compression: str | None
) -> None:
    large = '{"type":"x","text":"' + "a\\né" * (1 << 22) + '"}'

    async def echo(server: ServerConnection) -> None:
        await server.send(await server.recv())

    async with serve(echo, "127.0.0.1", 0, max_size=None, compression=compression) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            url = f"ws://127.0.0.1:{tap.tap.port}/v1/responses"
            async with dial_websocket(url, max_size=None, compression=compression) as client:
                await client.send(large)
                assert await client.recv() == large
            records = await tap.until(has(Kind.NOTE, "digest"))
    for direction in (Direction.CLIENT, Direction.SERVER):
        assert texts(records, direction) == [large.encode()]
    assert records[-1].meta["agrees"] == 1


async def test_stopping_the_tap_writes_the_last_records(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        client = await dial_websocket(
            f"ws{tap.tap.base_url.removeprefix('http')}/responses",
            additional_headers={"Authorization": "Bearer x"},
        ).__aenter__()
        await client.send(CREATE)
        await client.recv()
    with pytest.raises(ConnectionClosedError):
        await to_the_end(client)
    records = recorded(tap.path)
    (lost,) = of_kind(records, Kind.LOST)
    assert lost.meta == {"code": 1006, "detail": "the tap was stopped"}
    assert records[-1].meta["note"] == "digest"
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", tap.tap.port)


async def test_a_client_that_just_goes_is_told_and_is_no_trouble(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        client = await dial_websocket(
            f"ws{tap.tap.base_url.removeprefix('http')}/responses",
            additional_headers={"Authorization": "Bearer x"},
        ).__aenter__()
        client.transport.close()
        records = await tap.until(has(Kind.NOTE, "digest"))
        await client.wait_closed()
    (lost,) = of_kind(records, Kind.LOST)
    assert lost.meta["detail"] == "the client ended TCP without a close frame"
    assert not tap.troubles


async def test_a_refused_upgrade_is_passed_on_as_it_is_and_the_connection_goes_on(tmp_path: Path) -> None:
    refusal = (
        b'HTTP/1.1 426 Upgrade Required\r\nX-Odd:  spelled so\r\nContent-Length: 13\r\n\r\n{"error":"x"}'
    )
    async with raw_server(answering(refusal, stays_open=True)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
            for _ in range(2):
                writer.write(
                    b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
                )
                assert await reader.readexactly(len(refusal)) == refusal
            writer.close()
            records = await tap.until(lambda found: len(of_kind(found, Kind.REFUSED)) == 2)
    first, second = of_kind(records, Kind.REFUSED)
    assert (first.session, second.session) == (1, 2)
    assert first.payload == refusal
    assert (first.meta["status"], first.meta["failure_class"]) == (426, "upgrade_required")


async def test_an_answer_that_is_no_http_reaches_the_client_as_it_is(tmp_path: Path) -> None:
    async with raw_server(answering(b"SSH-2.0-other\r\n")) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
            writer.write(
                b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            )
            assert await reader.read() == b"SSH-2.0-other\r\n"
            writer.close()
            (record,) = await tap.until(has(Kind.REFUSED))
    assert record.meta["failure_class"] == "protocol"
    assert record.payload == b"SSH-2.0-other\r\n"


async def test_requests_that_are_no_upgrades_stand_in_the_same_recording(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
        for _ in range(2):  # on one connection
            writer.write(
                b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert json.loads(await reader.readexactly(length))["object"] == "list"
        writer.close()
        records = await tap.until(lambda found: len(of_kind(found, Kind.RESPONSE)) == 2)
    assert [one.session for one in of_kind(records, Kind.REQUEST)] == [1, 2]
    assert all(b"Bearer ***" in one.payload for one in of_kind(records, Kind.REQUEST))
    assert KEY.encode() not in tap.path.read_bytes()


async def test_a_streamed_post_is_an_exchange_of_its_own_and_a_turn(tmp_path: Path) -> None:
    body = json.dumps({"model": "m", "input": "hello", "stream": True}).encode()
    head = (
        b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n"
        b"session-id: s-1\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    ) % (KEY.encode(), len(body))
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
        writer.write(head + body)
        answer = await reader.read()
        writer.close()
        records = await tap.until(has(Kind.NOTE, "end"))
    request, response = records[:2]
    assert request.payload.endswith(b"\r\n\r\n" + body)
    assert (request.meta["pair"], response.meta["status"]) == ("s-1", 200)
    events = of_kind(records, Kind.SSE)
    assert all(event.payload in answer for event in events)
    assert b"response.completed" in events[-1].payload
    assert KEY.encode() not in tap.path.read_bytes()
    assert fold(records).turns[0].status is Status.COMPLETED


async def test_bytes_that_are_no_request_are_answered_and_harm_nobody(tmp_path: Path) -> None:
    async with FakeServer() as fake, tapped(fake.base_url, tmp_path) as tap:
        reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        await ask(tap.tap.base_url)
        assert not tap.troubles


async def test_a_port_in_use_is_told_with_what_to_do_or_another_one_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        journal = Journal.create(tmp_path / "a.jsonl", "tap")
        plan = Plan(derive("http://127.0.0.1:9/v1", exact=True))
        with pytest.raises(
            UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use; end"
        ):
            async with Tap(plan, journal, port=port):
                pass
        said: list[str] = []
        async with Tap(plan, journal, port=port, is_port_fixed=False, on_trouble=said.append) as tap:
            assert tap.port != port
        assert said == [f"port {port} is in use, so clients find it on port {tap.port} this time"]
        journal.close()


async def test_a_tap_before_itself_is_refused(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    journal = Journal.create(tmp_path / "a.jsonl", "tap")
    with pytest.raises(UsageError, match="is this tap itself"):
        async with Tap(Plan(derive(f"http://localhost:{port}/v1", exact=True)), journal, port=port):
            pass
    journal.close()
