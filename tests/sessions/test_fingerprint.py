"""Products are guessed by what they show, never by what a model says, and only words hang on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.bodies import event_of
from sessions.contract import FailureClass
from sessions.findings.catalogue import CATALOGUE
from sessions.fingerprint import LIKELY, RECIPES, SIGNS, Place, Suspects, fingerprints, recipe
from sessions.records import Direction, Kind, Record

REQUEST = b"GET /v1/responses HTTP/1.1\r\nHost: x\r\nServer: nginx\r\n\r\n"
#: PRODUCT-STATUS.http: what nginx 1.22.1, haproxy 2.6.12, tinyproxy 1.11.1, squid 5.7 and mitmproxy 11.0.2
#: sent to a client that they refused, but for squid's style sheet and the name of the host
REFUSALS = sorted((Path(__file__).parent / "refusals").glob("*.http"))
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
        (refused(b"Server: squid/5.7"), "squid", ""),
        (refused(b"Server: tinyproxy/1.11.1"), "tinyproxy", ""),
        (opened(b"CF-Ray: 1234-AMS"), "Cloudflare", ""),
        (opened(b"server: envoy"), "Envoy", ""),
        (event("codex.rate_limits"), "the Codex back end", ""),
        (record(Kind.CLOSE, code=1011, reason="Internal server error"), "ccproxy-api", ""),
        (event("response.created", response={"id": "resp_ws_0a1b2c"}), "ccproxy-api", ""),
    ],
)
def test_a_product_shows(seen: Record, product: str, versions: str) -> None:
    (guess,) = fingerprints([seen])
    assert (guess.product, guess.versions) == (product, versions)
    assert 0 < guess.confidence < 1
    assert guess.signs


@pytest.mark.parametrize("path", REFUSALS, ids=lambda path: path.stem)
def test_a_real_refusal_is_known(path: Path) -> None:
    """Recorded as the answer to an upgrade or to CONNECT, or only looked at: the same product, and surely."""
    raw = path.read_bytes()
    suspects = Suspects()
    suspects.look_at_answer(raw)
    for guesses in (fingerprints([record(Kind.REFUSED, raw)]), suspects.fingerprints):
        (guess,) = guesses
        assert guess.product == path.stem.partition("-")[0]
        assert guess.words.startswith(f"looks like {guess.product} (its ")


@pytest.mark.parametrize("path", REFUSALS, ids=lambda path: path.stem)
def test_a_real_page_is_known_where_another_hop_took_the_headers(path: Path) -> None:
    """All but two pages of mitmproxy's, which say nothing of it."""
    page = path.read_bytes().partition(b"\r\n\r\n")[2]
    products = [guess.product for guess in fingerprints([refused(b"X: y", page)])]
    is_plain = path.stem in ("mitmproxy-407", "mitmproxy-502")
    assert products == ([] if is_plain else [path.stem.partition("-")[0]])


@pytest.mark.parametrize(
    "words",
    [
        b'{"error":{"message":"No server is available to handle this request."}}',
        b"<html><body><h1>503 Service Unavailable</h1>\nWe are down for maintenance.\n</body></html>",
        b"<title>ERROR: The requested URL could not be retrieved</title>",
        b"Cannot connect to 127.0.0.1:9",
    ],
)
def test_words_that_anybody_may_say_are_no_sign(words: bytes) -> None:
    assert fingerprints([refused(b"X: y", words)]) == ()


def test_who_has_signed_a_certificate_is_a_sign() -> None:
    for issuer, product in (("mitmproxy", ["mitmproxy"]), ("Friends of mitmproxy CA", []), ("", [])):
        suspects = Suspects()
        suspects.look_at(Place.ISSUER, issuer)
        assert [guess.product for guess in suspects.fingerprints] == product


def test_an_event_that_was_read_already_is_not_read_again() -> None:
    created = event("response.created", response={"id": REWRITTEN})
    suspects = Suspects()
    suspects.look(created._replace(payload=b"{"), event_of(created))
    assert [guess.product for guess in suspects.fingerprints] == ["LiteLLM"]


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


def test_what_a_tap_refused_itself_shows_nothing_of_a_product() -> None:
    assert fingerprints([refused(b"Server: nginx/1.22.1", by="tap")]) == ()
