"""An HTTP answer that refuses whoever asks, as the failure that the upgrade of a socket would have been.

Its one rule: only what says nothing about the turn is a refusal: key, permission, route, throttle, a failing
server. An answer that names what is wrong with the create is a turn that failed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessions.bodies import parts, text_of
from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.facts import head_headers
from sessions.records import Kind, Record
from sessions.redact import url
from sessions.session import Session
from sessions.wire.upgrade import failure_class_for

_BODY_BYTES = 8_192
_ALWAYS = frozenset({401, 403, 407, 426, 429})
_WITHOUT_CODE = frozenset({404, 405})  # with one it is about a model, a parent, an item
_WORDS = {
    FailureClass.FORBIDDEN: (
        "The server refused the request before any turn.",
        "Read the body: this key or account may not use this path or model.",
    ),
    FailureClass.NOT_FOUND: (
        "There is no Responses route at this path.",
        "Check that the base URL ends in /v1.",
    ),
    FailureClass.THROTTLED: (
        "The server asks to slow down.",
        "Wait as long as Retry-After says.",
    ),
    FailureClass.HTTP_STATUS: (
        "The server answered the request with an error of its own.",
        "Read status and body: the server, or a proxy before it, is failing or wants another address.",
    ),
}


def refusal_over_http(session: Session, records: Iterable[Record]) -> ConnectError | None:
    """Why a session over HTTP got no answer at all; None when it got one, or a turn was at fault.

    `records` are those of its recording: the newest answer among them holds the words.
    """
    turn = session.turns[-1] if session.turns else None
    if not session.is_http or turn is None or turn.failure is None or turn.create < 0:
        return None
    if any(one.responses for one in session.turns):
        return None
    status = session.status
    if not (
        status in _ALWAYS
        or 300 <= status < 400
        or status >= 500
        or (status in _WITHOUT_CODE and not turn.failure.code)
    ):
        return None
    answers = [one for one in records if one.kind is Kind.RESPONSE and one.session == session.number]
    body = text_of(answers[-1])[:_BODY_BYTES].decode(errors="replace") if answers else ""
    found = failure_class_for(status)
    cause, remedy = _WORDS.get(found, ("", ""))
    said = f"POST answered {status}: {turn.failure.message}"
    if 300 <= status < 400 and answers:
        place = head_headers(parts(answers[-1]).head).get("location", "")
        to = f"points to {url(place).value}" if place else "points nowhere"
        said = f"POST answered {status}: it {to}, and redirects are not followed"
    error = ConnectError(found, said, status=status, body=body, remedy=remedy)
    error.cause = cause or error.cause
    return error
