"""Group B, the upgrade: bare, with other headers, beside plain HTTP, and what it costs.

Its one rule: the bare upgrade is judged as it is; what another header makes of it is told beside it, and the
way that was found so is taken by all that comes later.
"""

from __future__ import annotations

import json
from dataclasses import replace

from sessions.contract import FailureClass
from sessions.doctor.bench import SLOW_SECONDS, Bench, Knock
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import findings_of
from sessions.doctor.result import Verdict, failed, passed, skipped, told, verdict_of, warned
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.records import Record
from sessions.secret import NO_SECRET

BETA = ("OpenAI-Beta", "responses_websockets=2026-02-06")
#: subprotocols that some gateways want
SUBPROTOCOLS = ("openai-beta.responses.v1", "realtime")


@check(
    "B07",
    "the bare upgrade",
    Cost.FREE,
    needs=("B02", "B03", "B06"),
    findings=(
        "key-refused",
        "upgrade-forbidden",
        "upgrade-forbidden-at-times",
        "connection-churn",
        "no-websocket-route",
        "throttled",
        "server-failing",
        "answered-as-http",
        "upgrade-unanswered",
        "not-http",
    ),
)
async def bare_upgrade(bench: Bench) -> Verdict:
    """One upgrade with the key and the headers that were given, closed at once."""
    knock = await bench.knock()
    if knock.error is not None:
        bench.facts.refused = knock.record
        found = findings_of(bench, (knock.record.session,))
        # what never answered, or said 101, is not known to speak something else
        is_http = not knock.record.payload or knock.status == 101
        names = tuple(one.id for one in found if not (is_http and one.id == "not-http"))
        return verdict_of(knock.error)._replace(findings=names)
    bench.facts.opened = knock.record
    return passed(f"101 in {float(knock.record.meta.get('upgrade_ms', 0)):.0f} ms")


@check("B12", "the key on both ways", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",))
async def auth_parity(bench: Bench) -> Verdict:
    """GET models with the same key; and once without it, where the upgrade refuses what this accepts."""
    try:
        answer = await bench.http("GET", "models")
    except ConnectError as error:
        return told(f"GET models is not answered: {error.detail}")
    bench.facts.http_status = answer.status
    refused = _refused(bench)
    upgrade_status = int(refused.meta.get("status", 0)) if refused is not None else 101
    said = f"GET models {answer.status}, upgrade {upgrade_status or 'unanswered'}"
    if answer.status != 200 or upgrade_status not in (401, 403):
        return passed(said) if (answer.status, upgrade_status) == (200, 101) else told(said)
    if cause := bench.facts.notes.get("cause"):
        return told(f"{said}; {cause} says why")
    bare = await bench.http("GET", "models", key=NO_SECRET, headers=bench.headers_without_login())
    if bare.status == 200:
        return told(f"{said}; the list of models is open to anybody, so it says nothing about the key")
    return failed(
        said,
        "The key is fine over HTTP; the WebSocket route checks it otherwise, or a rule refuses it there.",
        Who.PROXY,
        str(refused.meta.get("failure_class", "")) if refused is not None else "",
    )


@check("B16", "the beta header", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",), is_minor=True)
async def beta_header(bench: Bench) -> Verdict:
    """One more upgrade: with the dated beta header, or without it where it was given."""
    plan = bench.plan
    others = tuple((name, value) for name, value in plan.headers if name.lower() != BETA[0].lower())
    has_it = len(others) < len(plan.headers)
    refused = _refused(bench)
    if _is_silent(refused):
        return skipped("follows from B07: an upgrade is not answered at all")
    toggled = await _knock_twice(bench, others if has_it else (*others, BETA))
    first = "101" if refused is None else str(refused.meta.get("detail", "refused"))
    said = (
        f"{'with' if has_it else 'without'} it {first}, {'without' if has_it else 'with'} it {toggled.words}"
    )
    if bench.rules.sends_beta and not has_it and toggled.is_open:
        bench.plan = replace(plan, headers=(*others, BETA))
    if toggled.is_open == (refused is None):
        return passed(said)
    needs = toggled.is_open != has_it
    if toggled.is_open:
        bench.plan = replace(plan, headers=others if has_it else (*others, BETA))
        bench.facts.opened = toggled.record
    verdict = warned(
        said,
        f"This server {'needs' if needs else 'breaks with'} {BETA[0]}: {BETA[1]}; the provider's SDKs do not "
        "send it.",
    )
    return verdict._replace(makes_up_for=("B07",) if toggled.is_open else ())


@check("B17", "subprotocols", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",), is_minor=True)
async def subprotocol(bench: Bench) -> Verdict:
    """One more upgrade that offers a subprotocol which some gateways want."""
    if any(name.lower() == "sec-websocket-protocol" for name, _ in bench.plan.headers):
        return skipped("a subprotocol is offered by --header already")
    refused = _refused(bench)
    if _is_silent(refused):
        return skipped("follows from B07: an upgrade is not answered at all")
    if refused is not None and "subprotocol" in str(refused.meta.get("detail")):
        return failed(
            str(refused.meta["detail"]),
            "Select a subprotocol only when the client offers it; clients end such a connection.",
            Who.PROXY,
            FailureClass.PROTOCOL.value,
        )
    for name in SUBPROTOCOLS:
        headers = (*bench.plan.headers, ("Sec-WebSocket-Protocol", name))
        knock = await _knock_twice(bench, headers)
        if refused is None:
            if knock.is_open:
                return passed("none is needed, and offering one does no harm")
            return warned(
                f"offering {name}: {knock.words}", "Ignore subprotocols that are not known; do not refuse."
            )
        if knock.is_open:
            bench.plan = replace(bench.plan, headers=headers)
            bench.facts.opened = knock.record
            return failed(
                f"refused without a subprotocol, accepted with {name}",
                f"Offer the subprotocol {name}; the standard needs none.",
                makes_up_for=("B07",),
            )
    return passed("subprotocols change nothing")


@check("B21", "what the upgrade costs", Cost.FREE, needs=("B07",), findings=("upgrade-slow",))
async def handshake_cost(bench: Bench) -> Verdict:
    """Reads the times of the bare upgrade, stage by stage."""
    opened = bench.facts.opened
    if opened is None:
        return skipped("there was no upgrade to time")
    stages_ms = {
        name.removesuffix("_ms"): float(opened.meta[name])
        for name in ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms")
        if name in opened.meta
    }
    said = ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages_ms.items())
    if sum(stages_ms.values()) <= SLOW_SECONDS * 1000:
        return told(said)
    slowest = max(stages_ms, key=lambda name: stages_ms[name])
    who = Who.PROXY if slowest in ("upgrade", "connect") else Who.NETWORK
    return warned(said, f"More than {SLOW_SECONDS:g} s, most of it {slowest}: look there first.", who)


async def _knock_twice(bench: Bench, headers: tuple[tuple[str, str], ...]) -> Knock:
    """One upgrade with these headers; once more where it fails, unlike the bare one: that may be chance.

    Raises ConnectError when the server throttles.
    """
    knock = await bench.knock(headers=headers)
    if knock.error is not None and _refused(bench) is None:
        if knock.error.failure_class is FailureClass.THROTTLED:
            raise knock.error
        bare = await bench.knock()
        if bare.error is not None:
            raise bare.error
        knock = await bench.knock(headers=headers)
    return knock


def _is_silent(refused: Record | None) -> bool:
    return refused is not None and refused.meta.get("failure_class") == FailureClass.UPGRADE_SILENT


def _refused(bench: Bench) -> Record | None:
    """The refusal of the bare upgrade; None when it was accepted, or a way was found since."""
    return bench.facts.refused if bench.facts.opened is None else None


def has_path(knock: Knock) -> bool:
    """Whether an upgrade found a route, be it that it was refused there."""
    return knock.is_open or knock.status in (401, 429)


def error_code_of(body: str) -> str:
    """The code or type in a JSON body of a refusal, "" when it has none."""
    try:
        error = json.loads(body).get("error", {})
        return str(error.get("code") or error.get("type") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""
