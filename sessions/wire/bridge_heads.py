"""The request heads that the bridge sends upstream: of its own POSTs, and of requests that it lets through.

Its one rule: what a client said about itself goes on; what concerned only its own connection stays, and a
login that was meant for the bridge never leaves it.
"""

from __future__ import annotations

from sessions.wire.head import RequestHead
from sessions.wire.plan import Plan
from sessions.wire.upgrade import authorization_for

#: headers of an upgrade that say nothing to an HTTP upstream, or that the bridge sets itself
_NOT_FORWARDED = frozenset(
    "host connection upgrade origin cookie content-type content-length transfer-encoding te trailer expect "
    "keep-alive accept accept-encoding authorization proxy-authorization proxy-connection".split()
)
_SOCKET_BETAS = ("responses_websockets", "responses-websocket")


def post_head(client: RequestHead, plan: Plan, length: int, *, is_login_ours: bool) -> bytes:
    """The head of a POST with a body of this length, on behalf of a client whose upgrade this was."""
    lines = [
        f"POST {plan.endpoint.target} HTTP/1.1",
        f"Host: {plan.endpoint.authority}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        "Accept: text/event-stream",
        "Accept-Encoding: identity",
    ]
    set_here = _NOT_FORWARDED | _names(plan)
    for field in client.fields:
        name, value = field.name.lower(), field.value
        if name == "openai-beta":
            betas = [one.strip() for one in value.split(",")]
            value = ", ".join(one for one in betas if not one.startswith(_SOCKET_BETAS))
        if value and name not in set_here and not name.startswith("sec-websocket-"):
            lines.append(f"{field.name}: {value}")
    return _head(lines, client, plan, is_login_ours=is_login_ours)


def passed_head(client: RequestHead, plan: Plan, target: str, *, is_login_ours: bool) -> bytes:
    """A client's own head for another target, with the Host and the login that are meant for the upstream."""
    lines = [f"{client.method} {target} HTTP/1.1", f"Host: {plan.endpoint.authority}"]
    set_here = {"host", "authorization"} | _names(plan)
    lines += [f"{one.name}: {one.value}" for one in client.fields if one.name.lower() not in set_here]
    return _head(lines, client, plan, is_login_ours=is_login_ours)


def _head(lines: list[str], client: RequestHead, plan: Plan, *, is_login_ours: bool) -> bytes:
    theirs = "" if is_login_ours else client.header("authorization")
    if "authorization" not in _names(plan) and (login := theirs or authorization_for(plan)):
        lines.append(f"Authorization: {login}")
    lines += [f"{name}: {value}" for name, value in plan.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _names(plan: Plan) -> frozenset[str]:
    return frozenset(name.lower() for name, _ in plan.headers)
