"""Heads on raw bytes: read within bounds, rewritten in two places only; a tap's rules of targets."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.head import (
    MAX_HEAD_BYTES,
    RequestHead,
    ResponseHead,
    Unreadable,
    is_foreign_host,
    is_foreign_origin,
    read_head,
    rewritten,
    upstream_target,
    with_query,
    without_token,
)

CODEX = (
    b"GET /v1/responses HTTP/1.1\r\n"
    b"host: 127.0.0.1:8788\r\n"
    b"connection: keep-alive, Upgrade\r\n"
    b"upgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\n"
    b"authorization:Bearer sk-1\r\n"
    b'x-codex-turn-metadata:  {"a": "b: c"}  \r\n'
    b"session-id: 019a\r\n"
    b"sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n"
    b"\r\n"
)


def request(raw: bytes) -> RequestHead:
    """The request head of these bytes."""
    head = read_head(raw)
    assert isinstance(head, RequestHead), head
    return head


def response(raw: bytes) -> ResponseHead:
    """The response head of these bytes."""
    head = read_head(raw)
    assert isinstance(head, ResponseHead), head
    return head


# Reading ---------------------------------------------------------------------------------------------------


def test_a_request_keeps_its_spelling_and_its_order() -> None:
    head = request(CODEX + b"\x81\x00")
    assert head.raw == CODEX
    assert (head.method, head.target, head.version) == ("GET", "/v1/responses", "1.1")
    assert [field.name for field in head.fields][:3] == ["host", "connection", "upgrade"]
    assert head.header("X-Codex-Turn-Metadata") == '{"a": "b: c"}'
    assert head.header("Session-Id") == "019a"
    assert head.header("not-there") == ""
    assert all(head.raw[field.start : field.stop].decode() == field.value for field in head.fields)
    assert head.is_upgrade
    assert not head.has_body
    assert head.origin == ""


@pytest.mark.parametrize("size", range(len(CODEX)))
def test_a_head_is_there_with_its_last_byte_and_not_before(size: int) -> None:
    assert read_head(CODEX[:size]) is None
    assert read_head(bytearray(CODEX)) == request(CODEX)


def test_a_response_and_its_body_s_length() -> None:
    head = response(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 7\r\nA : b\r\nodd\r\n\r\nno body")
    assert (head.status, head.reason, head.version) == (426, "Upgrade Required", "1.1")
    assert head.raw.endswith(b"odd\r\n\r\n")
    assert (head.content_length, head.is_chunked, head.is_last, head.is_interim) == (7, False, False, False)
    assert head.header("a") == "b"
    assert response(b"HTTP/1.1 100\r\n\r\n").is_interim
    assert not response(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_interim


def test_a_folded_header_of_a_response_is_one_value() -> None:
    head = response(b"HTTP/1.1 200 OK\r\nA: one\r\n  two\r\n\tthree\r\nB: c\r\n\r\n")
    assert head.header("A") == "one two three"
    assert head.header("B") == "c"


def test_bare_line_feeds_and_empty_lines_before_a_head_are_kept() -> None:
    raw = b"\r\nGET / HTTP/1.1\nHost: a\nB:  c \n\n"
    head = request(raw)
    assert head.raw == raw
    assert [(field.name, field.value) for field in head.fields] == [("Host", "a"), ("B", "c")]
    assert rewritten(head, "/x", "b:1") == b"\r\nGET /x HTTP/1.1\nHost: b:1\nB:  c \n\n"
    assert response(b"HTTP/1.0 200 OK\nA: b\n\nbody").raw == b"HTTP/1.0 200 OK\nA: b\n\n"


@pytest.mark.parametrize(
    ("head", "length", "is_chunked", "is_last"),
    [
        (b"", None, False, False),
        (b"Content-Length: 12\r\n", 12, False, False),
        (b"Content-Length: 12\r\nContent-Length: 12\r\n", 12, False, False),
        (b"Transfer-Encoding: gzip, Chunked\r\nConnection: x, Close\r\n", None, True, True),
    ],
)
def test_what_a_head_says_of_its_body_and_of_its_connection(
    head: bytes, length: int | None, is_chunked: bool, is_last: bool
) -> None:
    found = request(b"POST / HTTP/1.1\r\n" + head + b"\r\n")
    assert (found.content_length, found.is_chunked, found.is_last) == (length, is_chunked, is_last)
    assert found.has_body is bool(length or is_chunked)


def test_an_old_version_ends_its_connection_unless_it_says_otherwise() -> None:
    assert request(b"GET / HTTP/1.0\r\n\r\n").is_last
    assert not request(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").is_last


@pytest.mark.parametrize(
    ("raw", "status", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, "more than one Host"),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400, "continued on a second line"),
        (b"GET / HTTP/1.1\r\n c: d\r\n\r\n", 400, "continued on a second line"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "'Host ' is no name"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "has no colon"),
        (b"GET / HTTP/1.1\r\n: a\r\n\r\n", 400, "'' is no name"),
        (b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400, "the value of A"),
        (b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 400, "the value of A"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "not one number"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "not one number"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "does not end in chunked"),
        (b"GET / HTTP/2.0\r\n\r\n", 505, "HTTP/2.0"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400, "starts with 'GET'"),
        (b"GET  / HTTP/1.1\r\n\r\n", 400, "not HTTP/1.1"),
        (b"HTTP/1.1 abc\r\n\r\n", 502, "no status line"),
        # known before an end is there
        (b"\x16\x03\x01\x02", 400, "this is TLS"),
        (b"\x00", 400, "not HTTP/1.1"),
        (b"hello there\n", 400, "not HTTP/1.1"),
        (b"<html>", 400, "not HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES, 431, "longer than 65536 bytes"),
        (b"A" * (MAX_HEAD_BYTES + 1), 431, "longer than 65536 bytes"),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, status: int, said: str) -> None:
    found = read_head(raw)
    assert isinstance(found, Unreadable)
    assert found.status == status
    assert said in found.said


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"G", b"HT", b"HTTP/1.1 101", b"GET /v1", b"\r\nPOST / HTTP/1.1\r\n"]
)
def test_what_may_become_a_head_is_waited_for(raw: bytes) -> None:
    assert read_head(raw) is None


def test_a_head_of_exactly_the_bound_is_read() -> None:
    raw = b"GET / HTTP/1.1\r\nA: "
    raw += b"a" * (MAX_HEAD_BYTES - len(raw) - 4) + b"\r\n\r\n"
    assert len(request(raw + b"more").raw) == MAX_HEAD_BYTES
    assert isinstance(read_head(raw.replace(b"A: ", b"A: a") + b"more"), Unreadable)


def test_a_head_full_of_spaces_takes_no_time() -> None:
    """A backtracking pattern would need two thousand million steps here."""
    spaces = b"A: b" + b" " * 60_000 + b"c"
    assert request(b"GET / HTTP/1.1\r\n" + spaces + b"\r\n\r\n").header("A").endswith("c")
    assert response(b"HTTP/1.1 200 OK\r\n" + spaces + b"\r\n\r\n").header("A").endswith("c")


@given(st.binary(max_size=200) | st.lists(st.sampled_from(
    [b"GET / HTTP/1.1", b"HTTP/1.1 200 OK", b"Host: a", b"A:b", b"\r\n", b"\n", b" ", b"\r", b"\x00", b":"]
)).map(b"".join))  # fmt: skip
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    head = read_head(raw)
    assert head is None or isinstance(head, Unreadable | RequestHead | ResponseHead)
    if isinstance(head, RequestHead):
        assert raw.startswith(head.raw)
        host = head.header("Host")
        assert rewritten(head, head.target, host) == head.raw


_token = st.text("abcXYZ019-_", min_size=1, max_size=12)
_value = st.text("abc XYZ:;,=\"'\x80\xff", max_size=20).map(str.strip)


@given(st.lists(st.tuples(_token.filter(lambda name: not name.startswith("-")), _value), max_size=8))
def test_headers_are_those_that_h11_reads(pairs: list[tuple[str, str]]) -> None:
    lines = "".join(f"x-{name}: {value}\r\n" for name, value in pairs)
    raw = f"GET /v1?a=b HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode("latin-1")
    theirs = h11.Connection(h11.SERVER)
    theirs.receive_data(raw)
    event = theirs.next_event()
    assert isinstance(event, h11.Request)
    ours = request(raw)
    assert [(name.encode("latin-1"), value.encode("latin-1")) for name, value, _, _ in ours.fields] == [
        (name, value) for name, value in event.headers.raw_items()
    ]
    assert ours.target.encode("latin-1") == event.target


# Rewriting -------------------------------------------------------------------------------------------------


def test_only_target_and_host_are_rewritten() -> None:
    changed = rewritten(request(CODEX), "/v1/responses?target=http://b", "api.openai.com")
    assert changed == CODEX.replace(b"/v1/responses ", b"/v1/responses?target=http://b ").replace(
        b"127.0.0.1:8788", b"api.openai.com"
    )


def test_spaces_around_host_stay_and_a_head_without_host_gets_none() -> None:
    raw = b"GET /a HTTP/1.1\r\nA: 1\r\nhOsT:\t x:1 \t\r\nB: x:1\r\n\r\n"
    assert rewritten(request(raw), "/b", "y") == b"GET /b HTTP/1.1\r\nA: 1\r\nhOsT:\t y \t\r\nB: x:1\r\n\r\n"
    empty = b"GET /a HTTP/1.1\r\nHost:\r\n\r\n"
    assert rewritten(request(empty), "/a", "y") == b"GET /a HTTP/1.1\r\nHost:y\r\n\r\n"
    old = b"GET /a HTTP/1.0\r\n\r\n"
    assert rewritten(request(old), "/a", "y") == old


@given(st.text("/abc%?=&\xe9", max_size=20), st.text("abc.:0123[]", min_size=1, max_size=20))
def test_what_is_rewritten_twice_is_what_it_was(target: str, host: str) -> None:
    head = request(CODEX)
    changed = request(rewritten(head, f"/{target}", host))
    assert (changed.target, changed.header("Host")) == (f"/{target}", host)
    assert rewritten(changed, head.target, head.header("Host")) == CODEX


# Where a tap sends a request -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "token", "query", "expected"),
    [
        ("/v1/responses", "", "", "/v1/responses"),
        ("/v1/responses?model=a%2Fb&x", "", "", "/v1/responses?model=a%2Fb&x"),
        ("/T0k/v1/responses", "T0k", "", "/v1/responses"),
        ("/T0k", "T0k", "", "/"),
        ("/T0k?a=1", "T0k", "b=2", "/?a=1&b=2"),
        ("/T0k/T0k/v1", "T0k", "", "/T0k/v1"),
        ("/T0kx/v1", "T0k", "", None),
        ("/t0k/v1", "T0k", "", None),
        ("/v1/responses", "T0k", "", None),
        ("/", "T0k", "", None),
        ("/\xe9\xe9\xe9", "T0k", "", None),
        ("/forward/responses", "", "target=http://b/v1", "/forward/responses?target=http://b/v1"),
        ("/forward?target=http%3A%2F%2Fc", "", "target=http://b", "/forward?target=http%3A%2F%2Fc"),
        ("/forward?a=1", "", "a=2&b=3", "/forward?a=1&b=3"),
        ("/forward?a=1&", "", "b=3", "/forward?a=1&b=3"),
        ("/forward?", "", "b=3", "/forward?b=3"),
        ("http://127.0.0.1:8788/v1/responses?a", "", "", "/v1/responses?a"),
        ("http://127.0.0.1:8788", "", "", "/"),
        ("HTTP://h?a=1", "", "", "/?a=1"),
        ("http://h/T0k/v1", "T0k", "", "/v1"),
        ("/v1/a?to=http://b/c", "", "", "/v1/a?to=http://b/c"),
        ("*", "", "b=3", "*"),
    ],
)
def test_the_target_for_the_upstream(target: str, token: str, query: str, expected: str | None) -> None:
    assert upstream_target(target, token=token, query=query) == expected


@given(st.text("/abc%?=&", max_size=20), st.text("abcXYZ-_", min_size=1, max_size=30))
def test_a_token_is_cut_off_and_nothing_else(rest: str, token: str) -> None:
    assert without_token(f"/{token}/{rest}", token) == f"/{rest}"
    assert without_token(f"/{token}x/{rest}", token) is None
    assert with_query(f"/{rest}", "") == f"/{rest}"


def test_a_request_knows_its_path_and_its_origin() -> None:
    head = request(b"GET http://h:1/a?b HTTP/1.1\r\nOrigin: https://a\r\norigin: https://b\r\n\r\n")
    assert head.path == "/a?b"
    assert head.origin == "https://a, https://b"
    assert request(b"OPTIONS * HTTP/1.1\r\n\r\n").path == "*"


@pytest.mark.parametrize(
    ("origin", "listen", "is_foreign"),
    [
        ("", "127.0.0.1:8788", False),
        ("http://127.0.0.1:8788", "127.0.0.1:8788", False),
        ("http://localhost:8788", "127.0.0.1:8788", False),
        ("http://[::1]:8788", "127.0.0.1:8788", False),
        ("http://127.0.0.1:3000", "127.0.0.1:8788", True),
        ("http://127.0.0.1", "127.0.0.1:8788", True),
        ("http://localhost.evil.example:8788", "127.0.0.1:8788", True),
        ("https://evil.example", "127.0.0.1:8788", True),
        ("https://evil.example:8788", "127.0.0.1:8788", True),
        ("null", "127.0.0.1:8788", True),
        ("file://127.0.0.1:8788", "127.0.0.1:8788", True),
        ("http://127.0.0.1:8788, http://127.0.0.1:8788", "127.0.0.1:8788", True),
        ("http://[", "127.0.0.1:8788", True),
        ("http://192.168.1.5:8788", "0.0.0.0:8788", False),
        ("http://localhost:8788", "0.0.0.0:8788", False),
        ("http://evil.example:8788", "0.0.0.0:8788", True),
        ("http://192.168.1.5:8788", "192.168.1.5:8788", False),
        ("http://127.0.0.1:8788", "192.168.1.5:8788", True),
        ("http://[fe80::1]:8788", "[::]:8788", False),
    ],
)
def test_pages_of_others_are_foreign(origin: str, listen: str, is_foreign: bool) -> None:
    assert is_foreign_origin(origin, listen) is is_foreign


@pytest.mark.parametrize(
    ("host", "is_foreign"),
    [
        ("", False),
        ("127.0.0.1:8377", False),
        ("[::1]:8377", False),
        ("192.168.1.9:8377", False),
        ("localhost", False),
        ("tap:8377", False),
        ("host.docker.internal:8377", False),
        ("API.example.com", False),  # the upstream's own
        ("evil.example:8377", True),
        ("127.0.0.1.evil.example:8377", True),
        ("localhost.evil.example", True),
        ("evil.example:port", True),
    ],
)
def test_a_host_that_a_page_could_stand_at_is_foreign(host: str, is_foreign: bool) -> None:
    assert is_foreign_host(host, "127.0.0.1:8377", "api.example.com") is is_foreign


def test_only_a_get_without_a_body_asks_for_a_socket() -> None:
    asked = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    heads = [
        f"{line}\r\n\r\n" for line in (f"GET / HTTP/1.1\r\n{asked[:-2]}", f"POST / HTTP/1.1\r\n{asked[:-2]}")
    ]
    heads.append(f"GET / HTTP/1.1\r\n{asked}Content-Length: 3\r\n\r\n")
    read = [read_head(head.encode()) for head in heads]
    assert [isinstance(one, RequestHead) and one.is_upgrade for one in read] == [True, False, False]
