"""Group B, the refusal: what a refused upgrade means, by status, body and what else is answered there.

Its one rule: each of these is only tried after the bare upgrade failed, and names one cause. Where it finds a
way that works, the bench goes that way and what comes later is tried after all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sessions.contract import FailureClass
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.result import Verdict, failed, passed, skipped, told
from sessions.doctor.upgrade import error_code_of, has_path
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.records import Record
from sessions.redact import url as redacted_url
from sessions.wire.endpoint import Endpoint
from sessions.wire.plan import retry_with_model

#: where else products have put the route
PATHS = (
    "/v1/responses",
    "/responses",
    "/openai/v1/responses",
    "/v1/responses/ws",
    "/backend-api/codex/responses",
    "/api/v1/responses",
)
_SIBLING = "/turnscope-doctor-no-such-route"
_ROUTING = (400, 403, 404, 405)
_EDGE = re.compile(r"(?im)^(cf-ray|cf-mitigated|x-akamai[\w-]*|x-amz-cf-id|x-sucuri-id|x-iinfo):")
_TITLE = re.compile(r"(?is)<title[^>]*>\s*(.*?)\s*</title>")
_SERVER = re.compile(r"(?im)^server:[ \t]*([^\r\n]+)")
_VIA = re.compile(r"(?im)^via:[ \t]*([^\r\n]+)")
_RECIPES = {
    "nginx": "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
    'Connection "upgrade"; proxy_read_timeout 3600s.',
    "openresty": "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
    'Connection "upgrade"; proxy_read_timeout 3600s.',
    "apache": "Apache: mod_proxy_wstunnel, or ProxyPass … upgrade=websocket; ProxyTimeout 3600.",
    "haproxy": "haproxy: option http-server-close off for this backend; timeout tunnel 1h.",
    "envoy": "Envoy: upgrade_configs: [{upgrade_type: websocket}] on the route; idle timeouts of an hour.",
    "traefik": "Traefik forwards upgrades by itself: look for a middleware that buffers or rewrites.",
}
#: seconds that Codex loses before it takes HTTP, by failure: five more tries, with growing pauses between
_TRIES = 5
_PAUSES_SECONDS = 6.0


@check("B08", "the model in the URL", Cost.FREE, explains="B07", findings=("model-wanted-in-url",))
async def model_in_url(bench: Bench) -> Verdict:
    """The same upgrade with ?model= in its URL."""
    if bench.plan.endpoint.has_model:
        return skipped("the model stands in the URL already")
    if not _status(bench):
        return skipped("the upgrade was not answered by HTTP")
    plan = retry_with_model(bench.plan, bench.model)
    knock = await bench.knock(endpoint=plan.endpoint)
    if not knock.is_open:
        return passed(f"it is not the model: {knock.words}")
    bench.plan = plan
    bench.facts.opened = knock.record
    return failed(
        f"{_status(bench)} without ?model=, 101 with it",
        "The proxy demands the model in the URL; the standard sends it in the first frame. LiteLLM: upgrade "
        "(from 1.89.0); until then add ?model=.",
        Who.PROXY,
        FailureClass.FORBIDDEN.value,
        makes_up_for=("B07",),
    )._replace(findings=model_in_url.findings)


@check("B09", "whether there is a route", Cost.FREE, explains="B07", findings=("no-websocket-route",))
async def route_exists(bench: Bench) -> Verdict:
    """The same upgrade on a path that cannot exist, and a POST of an empty object."""
    status = _status(bench)
    if bench.facts.opened is not None:
        return skipped("there is one: another way opened it")
    if cause := bench.facts.notes.get("cause"):
        return skipped(f"{cause} says why")
    if status not in _ROUTING:
        return skipped(f"{status or 'no answer'} is not a question of routing")
    endpoint = bench.plan.endpoint
    parent = endpoint.target.partition("?")[0].rpartition("/")[0]
    sibling = await bench.knock(endpoint=at(endpoint, parent + _SIBLING))
    post = await _posted(bench)
    said = (
        f"upgrade {status}, on a path that does not exist {sibling.words}, "
        f"POST {post or 'not answered as HTTP'}"
    )
    if sibling.status == status and (post == status == 403 or (not post and status not in (404, 405))):
        return told(f"{said}: all is refused alike, so it says nothing about the route")
    if sibling.status == status and not post:
        return failed(
            said, "There is no Responses route at this path: check the base URL.", Who.CLIENT,
            FailureClass.NOT_FOUND.value,
        )  # fmt: skip
    if sibling.status == status and post not in (404, 405, 501):
        return failed(
            said,
            f"{status} is routing, not your key: there is /responses over HTTP only. Enable the WebSocket "
            "route; a uvicorn without a WebSocket library answers the same (uvicorn[standard]).",
            Who.PROXY,
            FailureClass.NOT_FOUND.value,
        )
    if sibling.status == status:
        return failed(
            said, "There is no Responses route at this path at all: check the base URL.", Who.CLIENT,
            FailureClass.NOT_FOUND.value,
        )  # fmt: skip
    return told(f"{said}: the refusal is this route's own{_code(bench)}")


async def _posted(bench: Bench) -> int:
    """The status that a POST of an empty object gets, 0 where no HTTP is answered."""
    try:
        return (await bench.http("POST", "", b"{}")).status
    except ConnectError:
        return 0


@check("B10", "the route elsewhere", Cost.FREE, explains="B07")
async def path_search(bench: Bench) -> Verdict:
    """The same upgrade on six other paths that products use."""
    status = _status(bench)
    if status not in (403, 404, 405):
        return skipped(f"{status or 'no answer'} does not ask for another path")
    if bench.facts.opened is not None or bench.facts.notes.get("cause"):
        return skipped(f"{bench.facts.notes.get('cause', 'B07')} says why")
    endpoint = bench.plan.endpoint
    own = endpoint.target.partition("?")[0]
    for path in PATHS:
        if path == own:
            continue
        elsewhere = at(endpoint, path)
        knock = await bench.knock(endpoint=elsewhere)
        if not has_path(knock):
            continue
        bench.facts.found_path = path
        if knock.is_open:
            bench.plan = replace(bench.plan, endpoint=elsewhere)
            bench.facts.opened = knock.record
        return failed(
            f"no route at {own}; found at {path}: {knock.words}",
            f"Use --url {redacted_url(elsewhere.url).value}",
            Who.CLIENT,
            FailureClass.NOT_FOUND.value,
            makes_up_for=("B07",) if knock.is_open else (),
        )
    return passed("no other path takes it either")


@check("B11", "refused on purpose", Cost.FREE, explains="B07", findings=("websocket-off",))
async def deliberate_refusal(bench: Bench) -> Verdict:
    """Looks for 426 as the status of the refusal; sends nothing."""
    if _status(bench) != 426:
        return skipped("not a 426")
    return told(
        "426: HTTP only by design; clients fall back at once", "Use HTTP here, or enable WebSocket there."
    )


@check("B13", "a page of the edge", Cost.FREE, explains="B07")
async def edge_challenge(bench: Bench) -> Verdict:
    """Reads the refusal for the headers of a CDN and the title of its page; sends nothing."""
    head, _, body = _answer(bench).partition("\r\n\r\n")
    edge = _EDGE.search(head)
    title = _TITLE.search(body)
    if edge is None or "text/html" not in head.lower():
        return passed("no sign of a CDN's page")
    words = f", {title[1]!r}" if title is not None else ""
    return failed(
        f"{_status(bench)} as HTML with {edge[1].lower()}{words}",
        "Blocked by the CDN before the API: open fewer sockets, slow reconnects down, try another network.",
        Who.NETWORK,
        FailureClass.FORBIDDEN.value,
    )


@check("B14", "upgrades that vanish", Cost.FREE, explains="B07", findings=("upgrade-unanswered",))
async def silent_drop(bench: Bench) -> Verdict:
    """Where the upgrade was never answered: a plain GET on the same connection's way."""
    refused = bench.facts.refused
    if refused is None:
        return skipped("nothing was refused")
    failure = str(refused.meta.get("failure_class"))
    is_cut_off = failure == FailureClass.PROTOCOL and not refused.payload
    if failure != FailureClass.UPGRADE_SILENT and not is_cut_off:
        return skipped("the upgrade was answered")
    try:
        http = f"GET models {(await bench.http('GET', 'models')).status}"
    except ConnectError as error:
        http = f"GET models: {error.detail}"
        if is_cut_off:
            return skipped(f"plain HTTP is not answered either: {error.detail}")
    if is_cut_off:
        return failed(
            f"{refused.meta.get('detail')}; {http}",
            "Plain HTTP is answered, and the connection is dropped as soon as an upgrade comes: look in the "
            "log of the proxy or the server at this time.",
            Who.PROXY,
            FailureClass.PROTOCOL.value,
        )
    return failed(
        f"{refused.meta.get('detail')}; {http}",
        "Everything up to HTTP works, upgrades vanish: a proxy, VPN or firewall swallows them. Use HTTP or "
        "another route.",
        Who.NETWORK,
        FailureClass.UPGRADE_SILENT.value,
    )


@check("B15", "headers that a reverse proxy forwards", Cost.FREE, explains="B07")
async def reverse_proxy(bench: Bench) -> Verdict:
    """Reads who answered; with --direct, the same upgrade past the proxy."""
    head = _answer(bench).partition("\r\n\r\n")[0]
    server = _SERVER.search(head) or _VIA.search(head)
    name = server[1].strip() if server is not None else ""
    recipe = next((said for product, said in _RECIPES.items() if product in name.lower()), "")
    status = _status(bench)
    if bench.direct is not None:
        knock = await bench.knock(endpoint=bench.direct.endpoint, route=bench.direct.route)
        if knock.is_open:
            return failed(
                f"{status or 'no answer'} through {name or 'the proxy'}, 101 directly",
                recipe or "Forward Upgrade and Connection over HTTP/1.1; a read timeout of an hour or more.",
                Who.PROXY,
                FailureClass.HTTP_STATUS.value,
            )
        return passed(f"refused directly, too: {knock.words}")
    if recipe:
        return told(f"{name} answered; --direct URL would tell whether it is the cause", recipe)
    return passed(f"{name} answered" if name else "nothing names a reverse proxy")


@check("B22", "what the fallback costs", Cost.FREE, explains="B07")
async def fallback_penalty(bench: Bench) -> Verdict:
    """Reckons from the refusal how long a Codex client waits before it takes HTTP; sends nothing."""
    refused = bench.facts.refused
    if refused is None:
        return skipped("nothing was refused")
    if _status(bench) == 426:
        return told("a Codex client falls back at once")
    once = sum(float(value) for name, value in refused.meta.items() if name.endswith("_ms")) / 1000
    lost = once * (_TRIES + 1) + _PAUSES_SECONDS
    return told(
        f"a Codex client loses about {lost:.0f} s a prompt here before it takes HTTP",
        "Answer 426, or set supports_websockets to false.",
    )


def at(endpoint: Endpoint, target: str) -> Endpoint:
    """The same endpoint with another request target."""
    end = len(endpoint.target)
    return replace(
        endpoint, url=endpoint.url[:-end] + target, http_url=endpoint.http_url[:-end] + target, target=target
    )


def _refusal(bench: Bench) -> Record:
    assert bench.facts.refused is not None, "explains B07"
    return bench.facts.refused


def _status(bench: Bench) -> int:
    return int(_refusal(bench).meta.get("status", 0))


def _answer(bench: Bench) -> str:
    return _refusal(bench).payload.decode("latin-1")


def _code(bench: Bench) -> str:
    code = error_code_of(_answer(bench).partition("\r\n\r\n")[2])
    return f" ({code})" if code else ""


CHECKS = (
    model_in_url,
    edge_challenge,
    path_search,
    route_exists,
    deliberate_refusal,
    silent_drop,
    reverse_proxy,
    fallback_penalty,
)
