"""Group A: each check finds its defect, and is content with an address as it should be."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.doctor.bench import Bench
from sessions.doctor.local import CHECKS, complaints_about
from sessions.doctor.result import Outcome, Verdict
from sessions.profile import OPENAI
from sessions.secret import Secret
from sessions.wire.dial import Trust
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from sessions.wire.route import route_for

KEY = "sk-test-local-4711"


def bench(
    url: str = "https://api.openai.com/v1", environ: dict[str, str] | None = None, **given: Any
) -> Bench:
    facts = {name: given.pop(name) for name in list(given) if name in ("model", "facts")}
    endpoint = derive(url, exact=given.pop("exact", False))
    route = route_for(endpoint, environ or {}, no_proxy=given.pop("no_proxy", False))
    plan = Plan(endpoint, route, Secret(KEY), profile=given.pop("profile", "openai"), **given)
    return Bench(plan, environ=environ or {}, **{"model": "gpt-6-astra", **facts})


async def verdict(check_id: str, on: Bench) -> Verdict:
    (one,) = (one for one in CHECKS if one.id == check_id)
    found = await one(on)
    assert KEY not in repr(found)
    return found


@pytest.mark.parametrize("one", CHECKS, ids=[one.id for one in CHECKS])
async def test_a_plain_address_has_no_defect(one: Any) -> None:
    found = await one(bench())
    assert found.outcome in (Outcome.PASS, Outcome.INFO)
    assert found.evidence


@pytest.mark.parametrize(
    ("check_id", "url", "outcome", "said"),
    [
        ("A01", "https://forward.example/v1?to=https://api.openai.com", Outcome.WARN, "wss://api.openai.com"),
        ("A02", "https://api.openai.com/v1/v1", Outcome.WARN, "/v1 stands twice"),
        ("A02", "https://api.openai.com", Outcome.WARN, "no /v1"),
        ("A03", "http://api.example.com/v1", Outcome.FAIL, "clear text"),
        ("A03", "http://10.1.2.3/v1", Outcome.WARN, "private"),
        ("A03", "http://127.0.0.1:8/v1", Outcome.PASS, "this machine"),
        ("A04", "https://api.example.com/v1?api_key=abcdefghijkl", Outcome.FAIL, "api_key"),
        ("A04", "https://me:secret@api.example.com/v1", Outcome.FAIL, "userinfo"),
        ("A09", "https://api.x.ai/v1", Outcome.WARN, "xai"),
    ],
)
async def test_an_odd_address_is_told(check_id: str, url: str, outcome: Outcome, said: str) -> None:
    found = await verdict(check_id, bench(url))
    assert found.outcome is outcome
    assert said in found.evidence
    assert "abcdefghijkl" not in found.evidence
    assert bool(found.remedy) is outcome.is_bad


async def test_a_key_among_the_subprotocols_is_told() -> None:
    protocols = ("Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{KEY}")
    found = await verdict("A04", bench(headers=(protocols,)))
    assert found.outcome is Outcome.FAIL
    assert "subprotocol" in found.evidence


@pytest.mark.parametrize(
    ("url", "environ", "no_proxy", "outcome"),
    [
        ("http://127.0.0.1:8/v1", {"HTTP_PROXY": "http://proxy:3128"}, False, Outcome.WARN),
        (
            "http://127.0.0.1:8/v1",
            {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.1"},
            False,
            Outcome.PASS,
        ),
        ("http://api.example.com/v1", {"HTTPS_PROXY": "http://proxy:3128"}, False, Outcome.WARN),
        ("https://api.example.com/v1", {"HTTPS_PROXY": "http://proxy:3128"}, False, Outcome.PASS),
        ("https://api.example.com/v1", {"HTTPS_PROXY": "http://proxy:3128"}, True, Outcome.WARN),
    ],
)
async def test_ways_that_differ_are_told(
    url: str, environ: dict[str, str], no_proxy: bool, outcome: Outcome
) -> None:
    found = await verdict("A05", bench(url, environ, no_proxy=no_proxy))
    assert found.outcome is outcome


async def test_trusting_everybody_is_told() -> None:
    assert (await verdict("A06", bench(trust=Trust(is_insecure=True)))).outcome is Outcome.WARN
    told = await verdict("A06", bench(environ={"SSL_CERT_FILE": "/etc/roots.pem"}))
    assert "SSL_CERT_FILE" in told.evidence


async def test_a_frame_that_is_not_as_it_should_be_is_told() -> None:
    found = await verdict("A07", bench(model=""))
    assert found.outcome is Outcome.INFO
    assert "no model" in found.evidence
    nested = await verdict("A07", bench(facts=OPENAI._replace(create_shape="nested")))
    assert nested.outcome is Outcome.PASS
    assert "nested" in nested.evidence


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ('{"type":"response.create","model":"m","input":"x","stream":true}', "stream"),
        ('{"type":"response.create","model":"m","input":"x","extra_headers":{}}', "extra_headers"),
        ('{"type":"response.create","response":{"model":"m","input":"x"}}', "response"),
        ('{"model":"m","input":"x"}', "type"),
        ("[]", "object"),
        ("{", ""),
    ],
)
def test_what_does_not_belong_on_the_wire_is_named(frame: str, said: str) -> None:
    complaints = complaints_about(frame, "flat")
    assert complaints
    assert said in " ".join(complaints)
