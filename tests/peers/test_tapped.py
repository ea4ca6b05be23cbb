"""The comparison finds what a tap must not do, and forgives what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.passage import Spoken
from tests.peers.tapped import Seen, assert_same_bytes, sockets

UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
SOCKET = Spoken(UPGRADE + b"\x81\x82frames", SWITCHED + b"\x81\x02answers", "client")
POST = Spoken(
    b"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: a\r\nContent-Length: 2\r\n\r\n{}"
    b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\n\r\n"
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
    "client",
)
CUT = Spoken(
    b"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n",
    "client",
)


def seen(before: list[Spoken], behind: list[Spoken]) -> Seen:
    return Seen([], before, behind, Path())


def test_target_and_host_may_differ() -> None:
    rewritten = UPGRADE.replace(b"/v1/", b"/codex/v1/").replace(b"127.0.0.1:1", b"api.example")
    behind = [POST, SOCKET._replace(client=rewritten + b"\x81\x82frames")]
    assert_same_bytes(seen([SOCKET, POST], behind))
    assert sockets(behind) == 1


def test_an_exchange_may_be_framed_anew() -> None:
    framed = POST._replace(
        client=POST.client.replace(
            b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
    )
    assert_same_bytes(seen([POST], [framed]))


@pytest.mark.parametrize(
    "behind",
    [
        SOCKET._replace(client=SOCKET.client.replace(b"frames", b"fremes")),
        SOCKET._replace(client=SOCKET.client[:-1]),
        SOCKET._replace(server=SOCKET.server + b"\0"),
        SOCKET._replace(server=SOCKET.server.replace(b"Upgrade", b"upgrade")),
        SOCKET._replace(client=SOCKET.client.replace(b"Upgrade: ", b"Upgrade:  ")),
        SOCKET._replace(client=SOCKET.client.replace(b"a2V5", b"YTJW")),
        POST,
    ],
)
def test_any_other_byte_of_a_socket_is_found(behind: Spoken) -> None:
    with pytest.raises(AssertionError):
        assert_same_bytes(seen([SOCKET], [behind]))


@pytest.mark.parametrize(
    ("said", "otherwise"),
    [
        (b"{}", b"[]"),
        (b"User-Agent: a", b"User-Agent: b"),
        (b"User-Agent: a\r\n", b"User-Agent: a\r\nAccept: */*\r\n"),
        (b"/v1/models", b"/v1/model"),
    ],
)
def test_another_request_is_found(said: bytes, otherwise: bytes) -> None:
    with pytest.raises(AssertionError):
        assert_same_bytes(seen([POST], [POST._replace(client=POST.client.replace(said, otherwise))]))


@pytest.mark.parametrize(("said", "otherwise"), [(b"data", b"dada"), (b"404", b"403"), (b"none", b"nine")])
def test_another_answer_is_found(said: bytes, otherwise: bytes) -> None:
    with pytest.raises(AssertionError):
        assert_same_bytes(seen([POST], [POST._replace(server=POST.server.replace(said, otherwise))]))


@pytest.mark.parametrize("more", [b"", b"0\r\n\r\n", b"4\r\nmore\r\n", b"4\r\nmore\r\n0\r\n\r\n"])
def test_a_client_may_leave_before_the_end_of_its_answer(more: bytes) -> None:
    assert_same_bytes(seen([CUT], [CUT._replace(server=CUT.server + more)]))


def test_a_cut_answer_is_matched_beside_a_whole_one_to_the_same_request() -> None:
    bare = CUT._replace(server=CUT.server.partition(b"4\r\n")[0])
    whole = CUT._replace(server=CUT.server + b"0\r\n\r\n")
    assert_same_bytes(seen([whole, bare], [whole, whole]))
    assert_same_bytes(seen([bare, whole], [bare, whole]))
    with pytest.raises(AssertionError):
        assert_same_bytes(
            seen([bare, whole], [whole, bare._replace(client=bare.client.replace(b"{}", b"[]"))])
        )
    with pytest.raises(AssertionError):
        assert_same_bytes(seen([whole], [whole, whole]))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (CUT._replace(first="server"), CUT),
        (CUT, CUT._replace(server=CUT.server.replace(b"data", b"dada"))),
        (CUT, CUT._replace(server=CUT.server.replace(b"200", b"201"))),
        (CUT, CUT._replace(client=CUT.client.replace(b"{}", b"[]"))),
        (CUT._replace(server=CUT.server + b"0\r\n\r\n"), CUT),
    ],
)
def test_an_answer_that_a_tap_cuts_or_changes_is_found(here: Spoken, there: Spoken) -> None:
    with pytest.raises(AssertionError):
        assert_same_bytes(seen([here], [there]))
