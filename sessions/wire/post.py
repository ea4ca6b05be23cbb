"""The POST that a frame for a socket becomes: its head, its body, and what had to be taken out.

Its one rule: what a person asked for stays as it is, except what exists on a socket only; `stream` is on,
because an answer is shown while it comes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sessions.compose import to_text
from sessions.dialects import create_fields
from sessions.errors import LocalProtocolError
from sessions.version import version
from sessions.wire.plan import Plan
from sessions.wire.upgrade import authorization_for

#: keys that exist on a socket only; HTTP answers them with 400
SOCKET_KEYS = ("type", "stream_id", "generate")


class Asked(NamedTuple):
    """One message of a person as HTTP takes it."""

    body: bytes
    lane: str | None
    removed: tuple[str, ...]  #: keys that HTTP does not know, `type` apart


def asked_over_http(payload: str | bytes) -> Asked:
    """What a frame for a socket is over HTTP: flat, `stream` on, without what a socket alone knows.

    What is no JSON object is sent as it is, because somebody asked for it. Raises LocalProtocolError for a
    frame that is no create.
    """
    raw = payload.encode(errors="surrogatepass") if isinstance(payload, str) else payload
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError):
        return Asked(raw, None, ())
    if not isinstance(frame, dict):
        return Asked(raw, None, ())
    kind = frame.get("type", "response.create")
    if kind != "response.create":
        raise LocalProtocolError(
            f"only a socket can carry {kind!r}: over HTTP there are creates and nothing else"
        )
    fields = dict(create_fields(frame)[0])
    lane = fields.get("stream_id", frame.get("stream_id"))
    removed = tuple(key for key in SOCKET_KEYS if key != "type" and (key in fields or key in frame))
    body = {key: value for key, value in fields.items() if key not in SOCKET_KEYS}
    text_out = to_text({**body, "stream": True})
    return Asked(text_out.encode(), lane if isinstance(lane, str) else None, removed)


def removal_sentence(fields: Sequence[str]) -> str:
    """What leaving these fields out means, in words."""
    meanings = {
        "stream_id": "the lane is kept on this side only",
        "generate": "without generate: false the model answers, which a warm-up would not",
    }
    named = " and ".join(fields)
    return f"{named} left out, HTTP refuses it: {'; '.join(meanings[field] for field in fields)}."


def head_for(plan: Plan, length: int) -> bytes:
    """The head of a POST as this plan sends it; the person's own headers win."""
    headers: dict[str, tuple[str, str]] = {}

    def put(name: str, value: str) -> None:
        headers[name.lower()] = (name, value)

    put("Host", plan.endpoint.authority)
    put("User-Agent", f"turnscope/{version()}")
    put("Accept", "text/event-stream")
    put("Accept-Encoding", "identity")
    if authorization := authorization_for(plan):
        put("Authorization", authorization)
    for name, value in plan.headers:
        if not is_for_sockets(name, value):
            put(name, value)
    put("Content-Type", "application/json")
    put("Content-Length", str(length))
    lines = [
        f"POST {plan.endpoint.target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.values()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def is_for_sockets(name: str, value: str) -> bool:
    """Whether a header means something in an upgrade only."""
    key = name.lower()
    is_beta = key == "openai-beta" and value.startswith("responses_websockets")
    return is_beta or key.startswith("sec-websocket-") or key == "transfer-encoding"
