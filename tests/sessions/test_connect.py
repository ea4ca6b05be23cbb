"""A live session against real servers: its first record, its order, its ends, every refusal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from sessions.contract import FailureClass
from sessions.errors import ConnectError, LocalProtocolError
from sessions.records import Direction, Kind, Record
from sessions.redact import MASK
from sessions.secret import NO_SECRET, Secret
from sessions.source import Live
from sessions.wire.connect import (
    MAX_WAITING_RECORDS,
    Connection,
    Plan,
    connect,
    is_policy_close,
    retry_with_model,
)
from sessions.wire.route import parse_proxy
from tests.conftest import HandClock
from tests.make import WALL
from tests.sessions.wire_servers import (
    KEY,
    answering,
    connect_proxy,
    free_port,
    plan_to,
    raw_server,
    socket_server,
)


async def echo(socket: ServerConnection) -> None:
    """Answer every message with itself; `bye` closes."""
    async for message in socket:
        if message == "bye":
            await socket.close(1001, "going")
            return
        await socket.send(message)


async def read_all(connection: Connection) -> list[Record]:
    """Every record until the end."""
    return [record async for record in connection]


async def refused_by(plan: Plan) -> tuple[ConnectError, Record]:
    """The error and the only record of an opening that must fail."""
    connection = connect(plan)
    with pytest.raises(ConnectError) as caught:
        await connection.opened()
    records = await read_all(connection)
    record, *tried = records
    assert record.kind is Kind.REFUSED
    assert not tried or ("probe" in record.meta and {one.session for one in tried} == {plan.session + 1})
    assert record.direction is Direction.LOCAL
    assert record.meta["failure_class"] == caught.value.failure_class.value
    assert record.meta["route"] == "direct"
    return caught.value, record


def shape(records: Sequence[Record]) -> list[str]:
    """Direction and kind of each, without control frames of the keepalive."""
    return [f"{record.direction} {record.kind}" for record in records]


# A session -----------------------------------------------------------------------------------------------


async def test_a_session_from_open_to_close() -> None:
    async with socket_server(echo) as port:
        connection = connect(plan_to(port, key=Secret(KEY)))
        opened = await connection.opened()
        await connection.send("héllo")
        await connection.send(b"\x00\xff")
        assert connection.is_open
        await connection.send("bye")
        records = await read_all(connection)
    assert shape(records) == [
        "local open",
        "client text",
        "client binary",
        "client text",
        "server text",
        "server binary",
        "server close",
        "client close",
    ]
    assert records[0] is opened
    assert [record.payload for record in records[4:7]] == ["héllo".encode(), b"\x00\xff", b"\x03\xe9going"]
    assert dict(records[6].meta) == {"code": 1001, "reason": "going"}
    assert records[7].payload == b"\x03\xe9going"
    assert [record.elapsed for record in records] == sorted(record.elapsed for record in records)
    with pytest.raises(ConnectError) as caught:
        await connection.send("late")
    assert caught.value.failure_class is FailureClass.CLOSED


async def test_the_open_record_tells_the_handshake_without_the_key() -> None:
    async with socket_server(echo) as port:
        plan = replace(plan_to(port, key=Secret(KEY)), profile="fake", lifetime_seconds=90, session=7)
        async with connect(plan) as connection:
            record = await connection.opened()
    head = record.payload.decode()
    assert head.startswith(f"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n")
    assert f"Authorization: Bearer {MASK}\r\n" in head
    assert "\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n" in head
    assert KEY not in head
    assert record.session == 7
    meta = record.meta
    assert (meta["status"], meta["lifetime"], meta["profile"], meta["route"]) == (101, 90, "fake", "direct")
    assert meta["url"] == f"ws://127.0.0.1:{port}/v1/responses"
    assert meta["address"] == f"127.0.0.1:{port}"
    assert str(meta["compression"]).startswith("permessage-deflate")
    assert meta["masked"] == "authorization"
    assert all(isinstance(meta[name], float) for name in ("tcp_ms", "upgrade_ms"))


async def test_a_session_that_has_a_name_says_it_and_no_other_does() -> None:
    async with socket_server(echo) as port:
        async with connect(replace(plan_to(port), name="alpha")) as connection:
            assert (await connection.opened()).meta["name"] == "alpha"
        async with connect(plan_to(port)) as connection:
            assert "name" not in (await connection.opened()).meta


async def test_both_times_come_from_the_clock(clock: HandClock) -> None:
    async with socket_server(echo) as port:
        connection = connect(plan_to(port), clock=clock)
        await connection.opened()
        clock.move(2.5)
        await connection.send("x")
        await connection.close()
        records = await read_all(connection)
    assert (records[0].wall, records[0].elapsed) == (WALL, 0.0)
    assert (records[1].wall, records[1].elapsed) == (WALL + 2_500_000, 2.5)


@pytest.mark.parametrize("compression", [True, False])
async def test_the_size_on_the_wire_is_known_when_it_differs(compression: bool) -> None:
    async with socket_server(echo) as port:
        connection = connect(replace(plan_to(port), compression=compression))
        await connection.send("a" * 10_000)
        await connection.send("bye")
        records = await read_all(connection)
    texts = [record for record in records if record.kind is Kind.TEXT][:3]
    assert len(texts[2].payload) == 10_000
    if compression:
        assert 0 < int(texts[0].meta["wire"]) < 200
        assert 0 < int(texts[2].meta["wire"]) < 200
    else:
        assert records[0].meta["compression"] == "off"
        assert not any("wire" in record.meta for record in records)


async def test_a_batch_is_everything_since_the_last_look() -> None:
    async def many(socket: ServerConnection) -> None:
        for number in range(500):
            await socket.send(f"delta {number}")

    async with socket_server(many) as port:
        batches = [batch async for batch in connect(plan_to(port)).batches()]
    texts = [record.payload for batch in batches for record in batch if record.kind is Kind.TEXT]
    assert texts == [f"delta {number}".encode() for number in range(500)]
    assert all(batches)
    assert len(batches) < 500


async def test_fragments_are_one_record_and_bad_utf8_is_kept() -> None:
    frames = (
        b"\x01\x03abc"
        + b"\x89\x02hi"
        + b"\x00\x02de"
        + b"\x80\x01f"
        + b"\x81\x02\xff\xfe"
        + b"\x02\x01\x00\x80\x01\x01"
    )

    async def talk(socket: ServerConnection) -> None:
        socket.transport.write(frames)
        await socket.wait_closed()

    async with socket_server(talk, compression=None) as port:
        connection = connect(plan_to(port))
        records = []
        async for record in connection:
            records.append(record)
            if record.kind is Kind.BINARY:
                await connection.close()
    assert shape(records)[1:6] == [
        "server ping",
        "client pong",
        "server text",
        "server text",
        "server binary",
    ]
    assert [record.payload for record in records[1:6]] == [b"hi", b"hi", b"abcdef", b"\xff\xfe", b"\x00\x01"]


async def test_fragments_of_a_compressed_message_add_up_on_the_wire() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send(["x" * 1000, "y" * 1000, "z" * 1000])

    async with socket_server(talk) as port:
        records = await read_all(connect(plan_to(port)))
    message = next(record for record in records if record.kind is Kind.TEXT)
    assert len(message.payload) == 3000
    assert 20 < int(message.meta["wire"]) < 200


async def test_text_with_a_lone_surrogate_cannot_be_sent() -> None:
    async with socket_server(echo) as port, connect(plan_to(port)) as connection:
        with pytest.raises(LocalProtocolError, match="character 3"):
            await connection.send("ab\ud800")


async def test_a_slow_reader_pauses_the_network_and_loses_nothing() -> None:
    count = 32 * MAX_WAITING_RECORDS
    padding = b"x" * 1000
    sent = 0

    async def flood(socket: ServerConnection) -> None:
        nonlocal sent
        for number in range(count):
            await socket.send(b"%d " % number + padding)
            sent += 1

    async with socket_server(flood, compression=None) as port:
        connection = connect(plan_to(port))
        batches = connection.batches()
        first = await anext(batches)
        looked_away = asyncio.Event()
        asyncio.get_running_loop().call_later(0.7, looked_away.set)
        await looked_away.wait()
        assert sent < count
        rest = [batch async for batch in batches]
    received = [one.payload for batch in (first, *rest) for one in batch if one.kind is Kind.BINARY]
    assert [int(payload.partition(b" ")[0]) for payload in received] == list(range(count))


# Ends ----------------------------------------------------------------------------------------------------


async def test_our_close_is_recorded_with_its_answer() -> None:
    async with socket_server(echo) as port:
        connection = connect(plan_to(port))
        await connection.opened()
        await connection.close(1000, "done")
        records = await read_all(connection)
    assert shape(records) == ["local open", "client close", "server close"]
    assert dict(records[1].meta) == {"code": 1000, "reason": "done"}
    await connection.close()


async def test_a_lost_connection_is_the_last_record() -> None:
    async def drop(socket: ServerConnection) -> None:
        socket.transport.write(b"\x01\x03abc")
        await socket.drain()
        socket.transport.close()

    async with socket_server(drop, compression=None) as port:
        records = await read_all(connect(plan_to(port)))
    assert shape(records) == ["local open", "local lost"]
    assert records[1].meta["code"] == 1006
    assert records[1].payload == b"abc"
    assert "unfinished" in str(records[1].meta["detail"])


async def test_a_broken_rule_ends_with_our_close() -> None:
    async def reserved_bits(socket: ServerConnection) -> None:
        socket.transport.write(b"\xf1\x00")
        await socket.wait_closed()

    async with socket_server(reserved_bits, compression=None) as port:
        records = await read_all(connect(plan_to(port)))
    assert shape(records)[:2] == ["local open", "client close"]
    assert records[1].meta["code"] == 1002


async def test_a_close_without_a_code_is_1005() -> None:
    async def bare(socket: ServerConnection) -> None:
        socket.transport.write(b"\x88\x00")
        with suppress(ConnectionClosed):
            await socket.recv()

    async with socket_server(bare, compression=None) as port:
        records = await read_all(connect(plan_to(port)))
    assert shape(records)[:3] == ["local open", "server close", "client close"]
    assert (records[1].meta["code"], records[1].payload) == (1005, b"")
    assert records[2].payload == b""


async def test_policy_close_is_told_from_a_session() -> None:
    async def refuse(socket: ServerConnection) -> None:
        await socket.close(1008, "no")

    async with socket_server(refuse) as port:
        records = await read_all(connect(plan_to(port)))
    assert is_policy_close(records)
    assert not is_policy_close(records[:1])
    late = [records[0], records[1]._replace(elapsed=records[0].elapsed + 1.5)]
    assert not is_policy_close(late)
    message = Record(1, Direction.SERVER, Kind.TEXT, 0, 0.0, b"{}")
    assert not is_policy_close([records[0], message, records[1]])
    other = records[1]._replace(meta={"code": 1000, "reason": ""})
    assert not is_policy_close([records[0], other])


async def test_an_opening_can_be_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        connection = connect(plan_to(port))
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read_all(connection))
            for wait in (0.05, 0.05, 0.06):
                asyncio.get_running_loop().call_later(wait, lambda: group.create_task(connection.close()))
    records = reading.result()
    assert [record.kind for record in records] == [Kind.REFUSED]
    assert records[0].meta["failure_class"] == "closed"
    with pytest.raises(ConnectError, match="given up"):
        await connection.opened()
    unopened = connect(plan_to(1))
    await unopened.close()
    assert [record.kind for record in await read_all(unopened)] == [Kind.REFUSED]


async def test_a_cancelled_opening_is_recorded() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        connection = connect(plan_to(port))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connection.opened()
        records = await read_all(connection)
    assert [record.meta["failure_class"] for record in records] == ["closed"]


async def test_a_header_of_the_handshake_is_refused_before_anything_is_sent() -> None:
    async with raw_server(answering(b"")) as port:
        plan = replace(plan_to(port), headers=(("Upgrade", "x"),))
        error, _ = await refused_by(plan)
    assert "belongs to the handshake" in error.detail


async def test_a_connection_is_a_live_source() -> None:
    async with socket_server(echo) as port:
        live: Live = connect(plan_to(port))
        await live.opened()
        await live.aclose()
        assert [record.kind async for record in live][:1] == [Kind.OPEN]


async def test_whoever_waits_second_sees_the_same_opening() -> None:
    async with socket_server(echo) as port, connect(plan_to(port)) as connection:
        async with asyncio.TaskGroup() as group:
            first, second = (group.create_task(connection.opened()) for _ in range(2))
        assert first.result() is second.result()


# Refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "failure", "status", "said"),
    [
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nkey",
            "unauthorized",
            401,
            "401 Unauthorized",
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not_found", 404, "404"),
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", "upgrade_required", 426, "426"),
        (b"HTTP/1.1 429 Too Many\r\nRetry-After: 30\r\n\r\n", "throttled", 429, "Retry-After: 30"),
        (b"HTTP/1.1 500 Oops\r\n\r\n<html>", "http_status", 500, "500 Oops"),
        (b"HTTP/1.0 400 Bad Request\r\n\r\nold", "http_status", 400, "400"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://u:p@elsewhere.example/v1?key=x\r\n\r\n",
            "http_status",
            302,
            "it points to https://elsewhere.example/v1,",
        ),
        (
            b"HTTP/1.1 307 Temporary\r\nLocation: /v2\r\n\r\n",
            "http_status",
            307,
            "it points to /v2 (only the path differs)",
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol", 101, "not a valid upgrade"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: wrong\r\n\r\n",
            "protocol",
            101,
            "Sec-WebSocket-Accept",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol", 0, "SSH-2.0"),
        (b"", "protocol", 0, "without an answer"),
    ],
)
async def test_every_refusal_has_its_class(answer: bytes, failure: str, status: int, said: str) -> None:
    async with raw_server(answering(answer)) as port:
        error, record = await refused_by(plan_to(port))
    assert (error.failure_class.value, error.status) == (failure, status)
    assert said in error.detail
    assert record.meta.get("status", 0) == status
    assert "upgrade_ms" in record.meta
    if status and status != 302:
        assert record.payload == answer


async def test_an_event_stream_left_open_is_classified() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n"
    async with raw_server(answering(answer, stays_open=True)) as port:
        error, record = await refused_by(plan_to(port))
    assert (error.failure_class, error.status) == (FailureClass.HTTP_STATUS, 200)
    assert "text/event-stream" in error.detail
    assert error.body == "data: {}\n\n"
    assert record.payload == answer
    assert "HTTP only" in str(record.meta["remedy"])


async def test_a_403_without_length_is_classified() -> None:
    async with raw_server(answering(b"HTTP/1.1 403 Forbidden\r\n\r\n", stays_open=True)) as port:
        error, record = await refused_by(plan_to(port))
    assert (error.failure_class, error.status) == (FailureClass.FORBIDDEN, 403)
    assert record.meta["probe"] == "?model=any was refused, too"
    assert "It is not the model" in str(record.meta["remedy"])
    assert error.remedy == record.meta["remedy"]


@pytest.mark.parametrize("has_key", [True, False])
async def test_a_403_without_a_key_says_so_first(has_key: bool) -> None:
    async with raw_server(answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as port:
        error, _ = await refused_by(plan_to(port, key=Secret(KEY) if has_key else NO_SECRET))
    assert error.remedy.startswith("No key of yours was sent") is not has_key


async def test_silence_after_the_upgrade() -> None:
    async with raw_server(answering(b"", stays_open=True)) as port:
        error, _ = await refused_by(plan_to(port, open_timeout_seconds=0.2))
    assert error.failure_class is FailureClass.UPGRADE_SILENT
    assert "0.2 s" in error.detail


async def test_nobody_listens() -> None:
    error, record = await refused_by(plan_to(free_port()))
    assert error.failure_class is FailureClass.TCP
    assert record.payload == b""
    assert "tcp_ms" in record.meta
    assert "remedy" not in record.meta


async def test_what_came_back_is_kept_without_credentials() -> None:
    answer = f"HTTP/1.1 401 No\r\nSet-Cookie: session=abc\r\n\r\nIncorrect API key: {KEY}".encode()
    async with raw_server(answering(answer)) as port:
        error, record = await refused_by(plan_to(port, key=Secret(KEY)))
    assert KEY.encode() not in record.payload
    assert b"session=abc" not in record.payload
    assert KEY not in f"{error}{error.body}{record.meta}"
    assert "Incorrect API key" in error.body


async def test_the_bare_403_of_a_proxy_that_wants_the_model() -> None:
    targets: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split()[1]
        targets.append(target)
        if "model=" not in target:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        from websockets.utils import accept_key

        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        await writer.drain()
        await reader.read(1)  # our close frame

    async with raw_server(talk) as port:
        plan = replace(plan_to(port), model="openai/gpt-6")
        error, record = await refused_by(plan)
        assert record.meta["probe"] == "?model=openai%2Fgpt-6 was accepted"
        targets.clear()
        refused, opened, *rest = await read_all(connect(replace(plan, spare=lambda: 7)))
        assert (refused.session, refused.meta["probe_session"]) == (1, 7)
        assert {one.session for one in (opened, *rest)} == {7}
        assert (opened.kind, opened.meta["probe_of"]) == (Kind.OPEN, 1)
        assert str(opened.meta["url"]).endswith("/v1/responses?model=openai%2Fgpt-6")
        assert "tried on connection 7, by itself and once" in str(opened.meta["said"])
        assert rest[0].kind is Kind.CLOSE
        assert rest[0].direction is Direction.CLIENT
        assert refused.elapsed <= opened.elapsed <= rest[-1].elapsed
        assert "?model=openai%2Fgpt-6" in str(record.meta["remedy"])
        assert error.remedy == record.meta["remedy"]
        assert targets == ["/v1/responses", "/v1/responses?model=openai%2Fgpt-6"]
        retried = retry_with_model(plan)
        assert retry_with_model(retried) is retried
        connection = connect(retried)
        opened = await connection.opened()
        assert opened.meta["url"] == f"ws://127.0.0.1:{port}/v1/responses?model=openai%2Fgpt-6"
        await connection.aclose()


async def test_no_other_status_is_tried_again() -> None:
    targets: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        targets.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(talk) as port:
        await refused_by(plan_to(port))
        await refused_by(plan_to(port, path="/v1?model=x"))
    assert targets == [b"/v1/responses", b"/v1/responses?model=x"]


async def test_a_proxy_s_403_is_not_the_server_s() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nServer: a proxy\r\nContent-Length: 2\r\n\r\nno"
    async with connect_proxy(refusal) as proxy:
        route = parse_proxy(f"http://me:hidden-login@127.0.0.1:{proxy.port}", "--via")
        connection = connect(replace(plan_to(1), route=route))
        records = await read_all(connection)
    assert proxy.targets == ["127.0.0.1:1"]
    assert records[0].meta["failure_class"] == "proxy_connect"
    assert records[0].meta["route"] == f"via http://127.0.0.1:{proxy.port} (--via)"
    assert records[0].payload == refusal
    assert "hidden-login" not in str(records)


async def test_the_library_s_log_never_prints_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with socket_server(echo) as port, connect(plan_to(port, key=Secret(KEY))) as connection:
        await connection.opened()
    assert not [one for one in caplog.records if one.name == "websockets.client"]
