"""The upgrade's request, and how heads and refusals are read and masked."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.contract import FailureClass
from sessions.errors import SettingsError
from sessions.secret import Secret
from sessions.wire.answer import NotHttp, parse_head
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from sessions.wire.upgrade import masked_head, masked_refusal, refusal, request_for

PLAN = Plan(derive("https://user:p%40ss@host/v1?target=http://b"), key=Secret("sk-1"))


def headers_of(plan: Plan) -> list[tuple[str, str]]:
    """The headers of the request, in order."""
    _, request = request_for(plan)
    assert request.endswith(b"\r\n\r\n")
    lines = request.decode().split("\r\n")[1:-2]
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def test_the_target_is_sent_byte_for_byte() -> None:
    _, request = request_for(PLAN)
    assert request.startswith(b"GET /v1/responses?target=http://b HTTP/1.1\r\nHost: host\r\n")
    zone = Plan(derive("http://[fe80::1%25eth0]:8080/v1"))
    assert ("Host", "[fe80::1]:8080") in headers_of(zone)


def test_one_authorization_only() -> None:
    def authorization(plan: Plan) -> list[str]:
        return [value for name, value in headers_of(plan) if name == "Authorization"]

    assert authorization(PLAN) == ["Bearer sk-1"]
    assert authorization(replace(PLAN, key=Secret())) == ["Basic dXNlcjpwQHNz"]
    assert authorization(replace(PLAN, headers=(("authorization", "Bearer own"),))) == []
    assert ("authorization", "Bearer own") in headers_of(
        replace(PLAN, headers=(("authorization", "Bearer own"),))
    )
    assert authorization(Plan(derive("https://host/v1"))) == []


def test_compression_is_offered_unless_not_wanted() -> None:
    assert dict(headers_of(PLAN))["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
    assert "Sec-WebSocket-Extensions" not in dict(headers_of(replace(PLAN, compression=False)))


def test_a_subprotocol_that_was_asked_for_may_be_chosen() -> None:
    protocol, request = request_for(replace(PLAN, headers=(("Sec-WebSocket-Protocol", "a.v1, b"),)))
    assert b"Sec-WebSocket-Protocol: a.v1, b\r\n" in request
    assert protocol.available_subprotocols == ["a.v1", "b"]


@pytest.mark.parametrize("name", ["Upgrade", "sec-websocket-key", "Connection"])
def test_the_handshake_s_own_headers_cannot_be_set(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        request_for(replace(PLAN, headers=((name, "x"),)))


@pytest.mark.parametrize(
    ("head", "body", "failure", "remedy"),
    [
        (b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", b"", FailureClass.HTTP_STATUS, "HTTP only"),
        (b"HTTP/1.1 501 No\r\n\r\n", b"", FailureClass.HTTP_STATUS, "HTTP only"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://b/\r\n\r\n", b"", FailureClass.HTTP_STATUS, "trust it"),
        (b"HTTP/1.1 500 Broken\r\n\r\n", b"", FailureClass.HTTP_STATUS, "is failing or busy"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", b"", FailureClass.HTTP_STATUS, "try again later"),
        (b"HTTP/1.1 403 No\r\nCF-Ray: 1\r\n\r\n", b"<html>", FailureClass.FORBIDDEN, "at the edge"),
        (b"HTTP/1.1 403 No\r\n\r\n", b"", FailureClass.FORBIDDEN, "bare 403"),
        (b"HTTP/1.1 404 No\r\nServer: uvicorn\r\n\r\n", b"", FailureClass.NOT_FOUND, "uvicorn[standard]"),
    ],
)
def test_a_refusal_has_a_remedy_of_its_own(head: bytes, body: bytes, failure: str, remedy: str) -> None:
    error = refusal(parse_head(head)._replace(body=body))
    assert error.failure_class == failure
    assert remedy in error.remedy
    assert error.received == head + body


@pytest.mark.parametrize(
    ("place", "told"),
    [("http://[bad", "cannot be read"), ("//u:p@other/x?key=1", "://other/x,"), ("", "302 x")],
)
def test_a_redirect_is_told_without_login_and_query(place: str, told: str) -> None:
    detail = refusal(parse_head(f"HTTP/1.1 302 x\r\nLocation: {place}\r\n\r\n".encode())).detail
    assert told in detail
    assert "key=1" not in detail


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (
            "http://127.0.0.1:8080/v1/responses/",
            "/v1/responses/ (only the slash at the end of the path differs)",
        ),
        ("/v2/responses", "/v2/responses (only the path differs)"),
        ("https://127.0.0.1:8080/v1/responses", "it points to https://127.0.0.1:8080/v1/responses,"),
        ("http://other:8080/v1/responses", "it points to http://other:8080/v1/responses,"),
    ],
)
def test_what_differs_in_the_address_of_a_redirect_is_told(place: str, told: str) -> None:
    answer = parse_head(f"HTTP/1.1 301 x\r\nLocation: {place}\r\n\r\n".encode())
    error = refusal(answer, derive("http://127.0.0.1:8080/v1"))
    assert told in error.detail
    assert ("another path than /v1/responses" in error.remedy) == ("differs" in told)


HEADS = st.binary(max_size=80).map(lambda tail: b"HTTP/1.1 403 No\r\n" + tail + b"\r\n\r\n")


@given(HEADS | st.binary(max_size=80), st.binary(max_size=80))
def test_any_answer_is_a_refusal_and_can_be_masked(head: bytes, body: bytes) -> None:
    clean, _ = masked_refusal(head + body, ("secret-key",))
    assert masked_refusal(clean, ("secret-key",))[0] == clean
    with suppress(NotHttp):
        error = refusal(parse_head(head)._replace(body=body))
        assert error.status == 403 or head[:5] == b"HTTP/"
        assert error.received == head + body


def test_a_head_is_masked_and_otherwise_kept() -> None:
    head = (
        b"GET /v1/responses?api_key=abcdef&x=1 HTTP/1.1\r\nHost:  host\r\nAuthorization: Bearer sk-1\r\n"
        b"X-Latin: \xe9\r\nodd line\r\n\r\n"
    )
    clean, masked = masked_head(head, ("sk-1",))
    assert clean == (
        b"GET /v1/responses?api_key=*** HTTP/1.1\r\nHost:  host\r\nAuthorization: Bearer ***\r\n"
        b"X-Latin: \xe9\r\nodd line\r\n\r\n"
    ) or clean == head.replace(b"abcdef", b"***").replace(b"Bearer sk-1", b"Bearer ***")
    assert "authorization" in masked
    assert masked_head(clean, ("sk-1",))[0] == clean


def test_a_refused_body_is_masked_and_otherwise_kept() -> None:
    body = json.dumps({"error": "key sk-secret-one is wrong"}).encode()
    clean, masked = masked_refusal(b"HTTP/1.1 401 No\r\n\r\n" + body, ("sk-secret-one",))
    assert b"sk-secret-one" not in clean
    assert masked == ("body",)
    binary = b"HTTP/1.1 401 No\r\n\r\n\xff\x00sk-secret-one\xfe"
    clean, _ = masked_refusal(binary, ("sk-secret-one",))
    assert clean == b"HTTP/1.1 401 No\r\n\r\n\xff\x00***\xfe"
    assert masked_refusal(b"no http at all", ()) == (b"no http at all", ())
