"""What a frame for a socket is over HTTP, and the head that it leaves under."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sessions.errors import LocalProtocolError
from sessions.secret import Secret
from sessions.wire.post import asked_over_http, head_for, removal_sentence
from tests.sessions.wire_servers import KEY, plan_to


def test_what_a_frame_is_over_http() -> None:
    nested = asked_over_http(
        '{"type":"response.create","stream_id":"a","response":{"model":"m","input":"x"}}'
    )
    assert json.loads(nested.body) == {"model": "m", "input": "x", "stream": True}
    assert (nested.lane, nested.removed) == ("a", ("stream_id",))
    assert asked_over_http(b"<not json>").body == b"<not json>"
    assert asked_over_http("[1]").body == b"[1]"
    assert json.loads(asked_over_http('{"model":"m","stream":false}').body)["stream"] is True
    with pytest.raises(LocalProtocolError, match=r"only a socket can carry 'response\.steer'"):
        asked_over_http('{"type":"response.steer","input":"x"}')
    assert "warm-up" in removal_sentence(["generate"])


def test_the_head_is_the_plan_s_and_the_person_s_headers_win() -> None:
    plan = replace(
        plan_to(8080, key=Secret(KEY)),
        headers=(
            ("user-agent", "mine"),
            ("OpenAI-Beta", "responses_websockets=2026-02-06"),
            ("Sec-WebSocket-Protocol", "x"),
            ("Content-Length", "7"),
            ("X-Tenant", "t"),
        ),
    )
    head = head_for(plan, 12).decode()
    assert head.startswith("POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nuser-agent: mine\r\n")
    assert f"Authorization: Bearer {KEY}\r\n" in head
    assert "X-Tenant: t\r\n" in head
    assert "\r\nContent-Length: 12\r\n" in head
    assert head.endswith("\r\n\r\n")
    assert head.count("Content-Length") == 1
    assert "WebSocket" not in head
    assert "websockets" not in head
