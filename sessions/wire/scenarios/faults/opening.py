"""Faults of the upgrade: refusals, silence, an answer that is no WebSocket."""

from __future__ import annotations

import json

from sessions.wire.scenarios.faults.fault import Fault, Opening, OpeningFault


def _error(message: str, code: str | None = None, kind: str = "invalid_request_error") -> str:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


_JSON = (("content-type", "application/json"),)

FAULTS: tuple[Fault, ...] = (
    OpeningFault(
        "426",
        "the upgrade is answered 426: this server speaks HTTP only",
        lambda _: Opening(426, _error("Use HTTP."), (*_JSON, ("upgrade", "HTTP/1.1"))),
    ),
    OpeningFault(
        "401",
        "401 with a JSON body, over HTTP, too",
        lambda _: Opening(401, _error("Bad key.", "invalid_api_key"), _JSON, is_for_posts=True),
    ),
    OpeningFault(
        "403", "403 with a JSON body", lambda _: Opening(403, _error("Not for this account."), _JSON)
    ),
    OpeningFault(
        "403-without-model",
        "a bare 403 with an empty body, unless the URL has ?model=",
        lambda _: Opening(403, unless_model=True),
    ),
    OpeningFault("404", "404 with a JSON body", lambda _: Opening(404, _error("No such route."), _JSON)),
    OpeningFault(
        "429",
        "429 with Retry-After, over HTTP, too (argument: seconds, 7)",
        lambda seconds: Opening(
            429,
            _error("Slow down.", "rate_limit_exceeded", "rate_limit_error"),
            (*_JSON, ("retry-after", seconds or "7")),
            is_for_posts=True,
        ),
        needs_number=True,
    ),
    OpeningFault(
        "500",
        "500 with a JSON body, over HTTP, too",
        lambda _: Opening(500, _error("Broken.", None, "server_error"), _JSON, is_for_posts=True),
    ),
    OpeningFault(
        "503",
        "503 with a plain text body",
        lambda _: Opening(503, "busy\n", (("content-type", "text/plain"),)),
    ),
    OpeningFault(
        "http-200",
        "200 with an event stream that stays open, as a server without WebSocket would",
        lambda _: Opening(200, ": hello\n\n", (("content-type", "text/event-stream"),), stays_open=True),
    ),
    OpeningFault("silent-upgrade", "TCP is accepted, the upgrade is never answered", lambda _: Opening()),
    OpeningFault(
        "slow-upgrade",
        "the 101 comes late (argument: seconds, 3)",
        lambda seconds: Opening(wait_seconds=float(seconds or 3), goes_on=True),
        needs_number=True,
    ),
)
