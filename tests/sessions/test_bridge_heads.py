"""The heads that go upstream: who asks, in whose name, and what stays behind."""

from __future__ import annotations

from sessions.secret import Secret
from sessions.wire.bridge_heads import passed_head, post_head
from sessions.wire.endpoint import derive
from sessions.wire.head import RequestHead, read_head
from sessions.wire.plan import Plan

UPGRADE = (
    b"GET /v1/responses?model=m HTTP/1.1\r\n"
    b"Host: 127.0.0.1:8378\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Authorization: Bearer sk-of-the-client\r\n"
    b"Cookie: a=b\r\n"
    b"OpenAI-Beta: responses_websockets=2026-02-06, other=v1\r\n"
    b"OpenAI-Organization: org-1\r\n"
    b"User-Agent: someone/1\r\n"
    b"\r\n"
)
UPSTREAM = derive("http://10.0.0.1:4000/v1")


def head(raw: bytes) -> RequestHead:
    found = read_head(raw)
    assert isinstance(found, RequestHead)
    return found


def posted(plan: Plan, *, is_login_ours: bool = False, raw: bytes = UPGRADE) -> RequestHead:
    return head(post_head(head(raw), plan, 12, is_login_ours=is_login_ours))


def test_what_the_client_says_of_itself_goes_on_and_its_connection_stays() -> None:
    sent = posted(Plan(UPSTREAM))
    assert (sent.method, sent.target, sent.header("host")) == ("POST", "/v1/responses", "10.0.0.1:4000")
    assert sent.content_length == 12
    assert sent.header("openai-organization") == "org-1"
    assert sent.header("user-agent") == "someone/1"
    assert sent.header("openai-beta") == "other=v1"
    assert sent.every("authorization") == ("Bearer sk-of-the-client",)
    names = {field.name.lower() for field in sent.fields}
    assert not names & {"upgrade", "connection", "cookie", "sec-websocket-key", "origin"}


def test_a_beta_of_sockets_alone_is_not_sent() -> None:
    raw = UPGRADE.replace(b", other=v1", b"")
    assert "openai-beta" not in {field.name.lower() for field in posted(Plan(UPSTREAM), raw=raw).fields}


def test_the_login_of_the_bridge_never_goes_upstream() -> None:
    plan = Plan(UPSTREAM, key=Secret("sk-of-the-owner"))
    assert posted(plan, is_login_ours=True).every("authorization") == ("Bearer sk-of-the-owner",)
    assert posted(Plan(UPSTREAM), is_login_ours=True).every("authorization") == ()


def test_a_client_without_a_key_uses_the_owners() -> None:
    raw = UPGRADE.replace(b"Authorization: Bearer sk-of-the-client\r\n", b"")
    plan = Plan(UPSTREAM, key=Secret("sk-of-the-owner"))
    assert posted(plan, raw=raw).every("authorization") == ("Bearer sk-of-the-owner",)


def test_headers_of_the_settings_come_once() -> None:
    plan = Plan(UPSTREAM, headers=(("Authorization", "Custom x"), ("openai-organization", "org-2")))
    sent = posted(plan)
    assert sent.every("authorization") == ("Custom x",)
    assert sent.every("openai-organization") == ("org-2",)


def test_a_request_that_is_let_through_keeps_its_own_headers() -> None:
    raw = (
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\nCookie: a=b\r\nAuthorization: Bearer k\r\n\r\n"
    )
    sent = head(passed_head(head(raw), Plan(UPSTREAM), "/other/models?a=1", is_login_ours=False))
    assert (sent.method, sent.target, sent.every("host")) == ("GET", "/other/models?a=1", ("10.0.0.1:4000",))
    assert (sent.header("accept"), sent.header("cookie")) == ("a/b", "a=b")
    assert sent.every("authorization") == ("Bearer k",)
