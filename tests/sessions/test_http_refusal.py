"""Which HTTP answers refuse whoever asks, and which say that a turn was wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.records import Direction, Kind, Meta, Record
from sessions.reducer import fold
from sessions.wire.http_refusal import refusal_over_http
from tests.make import completed, created, record

ASKED = b"POST /v1/responses HTTP/1.1\r\n\r\n"


def answered(status: int, code: str | None = None, said: str = "It is so.") -> list[Record]:
    """A session over HTTP whose only request got this answer."""
    body: dict[str, Any] = {"error": {"message": said, "type": "t", "code": code}}
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\r\n".encode()
    meta: Meta = {"exchange": 1, "method": "POST", "target": "/v1/responses"}
    return [
        record(kind=Kind.OPEN, direction=Direction.LOCAL, meta={"transport": "http"}),
        record(ASKED + b'{"model":"m"}', kind=Kind.REQUEST, direction=Direction.CLIENT, meta=meta),
        record(head + json.dumps(body).encode(), kind=Kind.RESPONSE, meta={"exchange": 1, "status": status}),
        record(kind=Kind.NOTE, direction=Direction.LOCAL, meta={"note": "end", "exchange": 1}),
    ]


def refusal(records: list[Record]) -> ConnectError | None:
    return refusal_over_http(fold(records).sessions[1], records)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "invalid_api_key", FailureClass.UNAUTHORIZED),
        (403, None, FailureClass.FORBIDDEN),
        (404, None, FailureClass.NOT_FOUND),
        (429, "rate_limit_exceeded", FailureClass.THROTTLED),
        (500, None, FailureClass.HTTP_STATUS),
        (503, "x", FailureClass.HTTP_STATUS),
        (302, None, FailureClass.HTTP_STATUS),
    ],
)
def test_a_refusal_has_the_class_that_the_upgrade_would_have_had(
    status: int, code: str | None, expected: FailureClass
) -> None:
    error = refusal(answered(status, code))
    assert error is not None
    assert (error.failure_class, error.status) == (expected, status)
    assert "It is so." in error.body
    assert "upgrade" not in error.cause.lower()
    assert "WebSocket" not in error.cause + error.remedy


def test_a_redirect_says_where_it_points_without_what_is_secret_there() -> None:
    head = b"HTTP/1.1 307 X\r\nLocation: https://other/v1?key=secret12\r\n\r\n"
    opened, ask, _, end = answered(307)
    moved = record(head, kind=Kind.RESPONSE, meta={"exchange": 1, "status": 307})
    error = refusal([opened, ask, moved, end])
    assert error is not None
    assert "it points to https://other/v1?key=***, and redirects are not followed" in error.detail


@pytest.mark.parametrize(("status", "code"), [(400, None), (400, "x"), (404, "model_not_found"), (422, None)])
def test_an_answer_about_the_turn_is_no_refusal(status: int, code: str | None) -> None:
    assert refusal(answered(status, code)) is None


def test_a_server_that_has_answered_before_refuses_a_turn_only() -> None:
    ask, wrong, end = answered(429)[1:]
    good = record(b"HTTP/1.1 200 OK\r\n\r\n", kind=Kind.RESPONSE, meta={"exchange": 1, "status": 200})
    events = [
        record(b"data: " + json.dumps(one).encode(), kind=Kind.SSE) for one in (created("r"), completed("r"))
    ]
    assert refusal([answered(429)[0], ask, good, *events, end, ask, wrong, end]) is None


def test_a_socket_is_none_of_its_business() -> None:
    records = [record(kind=Kind.OPEN, direction=Direction.LOCAL)]
    assert refusal(records) is None
