"""Findings about errors and failures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "turn-failed": Entry(
            _N,
            Who.NOBODY,
            "the server failed the turn",
            "Read code and message; that is between you and the provider.",
        ),
        "error-in-answer": Entry(
            _N,
            Who.NOBODY,
            "an error frame ended a running answer",
            "End it with response.failed, so that clients know which response it was.",
        ),
        "failure-told-twice": Entry(
            _N,
            Who.NOBODY,
            "one failure was told by an error and by response.failed",
            "Send one of them.",
        ),
        "error-untyped": Entry(
            _E,
            Who.PROXY,
            "an error frame has no type",
            'Give it "type": "error": clients ignore it otherwise.',
        ),
        "error-is-text": Entry(
            _E,
            Who.PROXY,
            "the error is a string, not an object",
            "Send an object with type, code, message and param.",
        ),
        "error-without-code": Entry(
            _W,
            Who.PROXY,
            "an error has no code",
            "Give it a code: clients decide by it whether to try again.",
        ),
        "error-without-status": Entry(
            _W,
            Who.PROXY,
            "an error frame has no status",
            "Give it status, the HTTP status that it stands for.",
        ),
        "error-status-renamed": Entry(
            _W,
            Who.PROXY,
            "an error says status_code instead of status",
            "Name it status.",
        ),
        "error-flat": Entry(
            _W,
            Who.PROXY,
            "an error frame is flat, as in an event stream",
            "Over WebSocket code and message stand under error.",
        ),
        "error-of-framework": Entry(
            _E,
            Who.PROXY,
            "an error of the proxy's framework came through (detail)",
            "Turn it into an error frame with type, code and message.",
        ),
        "limit-without-429": Entry(
            _W,
            Who.PROXY,
            "a rate limit is not told as 429",
            "Give it status 429 and the headers of the limit.",
        ),
        "internals-leak": Entry(
            _W,
            Who.PROXY,
            "a message shows internals: a path, an address or a trace",
            "Log such details, do not send them.",
        ),
        "parent-error-masked": Entry(
            _E,
            Who.PROXY,
            "an unknown parent is not told as previous_response_not_found",
            "Pass the code on: clients send the full history only on this one.",
        ),
        "output-missing": Entry(
            _E,
            Who.CLIENT,
            "the server misses the output of a tool call",
            "Send an output for every call of the parent, in the create that continues it.",
        ),
        "turn-refused": Entry(
            _N,
            Who.NOBODY,
            "the server refused a create",
            "Read code and message.",
        ),
        "call-lost": Entry(
            _E,
            Who.PROXY,
            "the server does not know the call that an output answers",
            "The parent was dropped or the turn went to another replica: pass previous_response_id on.",
        ),
        "output-unasked": Entry(
            _W,
            Who.CLIENT,
            "an output answers a call that its parent did not make",
            "Answer the calls of the response that is continued, by their call_id.",
        ),
        "history-doubled": Entry(
            _E,
            Who.PROXY,
            "the server got an item twice",
            "The proxy sends the history and the id of its parent: one of them is enough.",
        ),
        "reasoning-lost": Entry(
            _W,
            Who.CLIENT,
            "a reasoning item is not known to the server",
            "Without storage ask for reasoning.encrypted_content and send it back, or leave such items out.",
        ),
        "failure-code-unlisted": Entry(
            _W,
            Who.PROXY,
            "a failed response has a code that no documentation lists",
            "Clients decide by the code whether to try again: use a documented one, such as server_error or "
            "rate_limit_exceeded.",
        ),
    }
)
