"""Products are guessed by what they show, never by what a model says, and only words hang on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.contract import FailureClass
from sessions.findings.catalogue import CATALOGUE
from sessions.fingerprint import LIKELY, RECIPES, SIGNS, fingerprints, recipe
from sessions.records import Direction, Kind, Record

REQUEST = b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nServer: nginx\r\n\r\n"
REWRITTEN = "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haQ=="


def record(kind: Kind, payload: bytes | dict[str, Any] = b"", **meta: str | int) -> Record:
    body = json.dumps(payload).encode() if isinstance(payload, dict) else payload
    direction = Direction.LOCAL if kind in (Kind.OPEN, Kind.REFUSED) else Direction.SERVER
    return Record(1, direction, kind, 0, 0.0, body, meta)


def opened(headers: bytes) -> Record:
    return record(Kind.OPEN, REQUEST + b"HTTP/1.1 101 Switching Protocols\r\n" + headers + b"\r\n\r\n")


def refused(headers: bytes, body: bytes = b"", **meta: str) -> Record:
    return record(Kind.REFUSED, b"HTTP/1.1 403 Forbidden\r\n" + headers + b"\r\n\r\n" + body, **meta)


def event(name: str, **fields: Any) -> Record:
    return record(Kind.TEXT, {"type": name, **fields})


@pytest.mark.parametrize(
    ("seen", "product", "versions"),
    [
        (event("response.created", response={"id": REWRITTEN}), "LiteLLM", "1.89 or later"),
        (
            event("error", error={"message": "Upstream realtime handshake rejected with HTTP 403"}),
            "LiteLLM",
            "1.89 or later",
        ),
        (refused(b"X: y", probe="?model=gpt-6 was accepted"), "LiteLLM", "before 1.89"),
        (refused(b"Server: nginx/1.22.1"), "nginx", ""),
        (refused(b"X: y", b"<hr><center>nginx/1.22.1</center>"), "nginx", ""),
        (refused(b"X: y", b"No server is available to handle this request."), "haproxy", ""),
        (refused(b"Server: squid/5.7"), "squid", ""),
        (refused(b"Server: tinyproxy/1.11.1"), "tinyproxy", ""),
        (opened(b"CF-Ray: 1234-AMS"), "Cloudflare", ""),
        (opened(b"server: envoy"), "Envoy", ""),
        (event("codex.rate_limits"), "the Codex back end", ""),
        (record(Kind.CLOSE, code=1011, reason="Internal server error"), "ccproxy-api", ""),
    ],
)
def test_a_product_shows(seen: Record, product: str, versions: str) -> None:
    (guess,) = fingerprints([seen])
    assert (guess.product, guess.versions) == (product, versions)
    assert 0 < guess.confidence < 1
    assert guess.signs


def test_what_a_model_says_is_no_sign() -> None:
    spoken = "Server: nginx, upstream realtime handshake rejected, resp_bGl0ZWxsbT, <center>nginx"
    talk = event("response.output_text.delta", delta=spoken)
    done = event("response.completed", response={"id": "resp_1", "output": [{"text": spoken}]})
    assert fingerprints([talk, done, opened(b"X: y")]) == ()


def test_our_own_request_and_our_own_close_are_no_sign() -> None:
    closed = record(Kind.CLOSE, code=1011, reason="Internal server error")._replace(
        direction=Direction.CLIENT
    )
    assert fingerprints([opened(b"X: y"), closed]) == ()


def test_two_signs_make_surer_and_the_surest_comes_first() -> None:
    seen = [
        refused(b"Server: nginx/1.22.1"),
        event("response.created", response={"id": REWRITTEN}),
        refused(b"X: y", b"<center>nginx</center>"),
    ]
    nginx, litellm = sorted(fingerprints(seen), key=lambda one: one.product, reverse=True)
    assert nginx.confidence == pytest.approx(0.96)
    assert fingerprints(seen) == (nginx, litellm)
    assert nginx.words == "looks like nginx (its server header, its error page; 96%)"


def test_versions_that_contradict_one_another_are_not_told() -> None:
    seen = [
        event("response.created", response={"id": REWRITTEN}),
        refused(b"X: y", probe="?model=m was accepted"),
    ]
    assert fingerprints(seen)[0].versions == ""


def test_a_weak_sign_is_said_to_be_one() -> None:
    (guess,) = fingerprints([record(Kind.CLOSE, code=1011, reason="Internal server error")])
    assert guess.confidence < LIKELY
    assert guess.words.startswith("may be ccproxy-api")


@pytest.mark.parametrize("hostile", [b"", b"\xff\x00", b"[]", b'{"type":"error","error":7}', b"null"])
def test_any_bytes_are_only_looked_at(hostile: bytes) -> None:
    kinds = (Kind.OPEN, Kind.REFUSED, Kind.TEXT, Kind.BINARY, Kind.CLOSE, Kind.SSE, Kind.RESPONSE)
    assert fingerprints([record(kind, hostile) for kind in kinds]) == ()


def test_a_recipe_is_for_the_product_and_the_failure() -> None:
    guesses = fingerprints([refused(b"Server: nginx/1.22.1")])
    assert recipe(guesses, "websocket-off").startswith("nginx: proxy_http_version 1.1")
    assert recipe(guesses, "", "text-mismatch") == ""
    assert recipe((), "websocket-off") == ""
    (sure,) = guesses
    assert recipe([sure._replace(confidence=0.5)], "closed-while-idle").startswith("if it is nginx: ")


def test_every_recipe_is_of_a_product_and_a_failure_that_exist() -> None:
    failures = {*CATALOGUE, *(one.value for one in FailureClass)}
    assert {name for _, name in RECIPES} <= failures
    assert {product for product, _ in RECIPES} <= {sign.product for sign in SIGNS}
    assert all(0 < sign.weight < 1 for sign in SIGNS)
