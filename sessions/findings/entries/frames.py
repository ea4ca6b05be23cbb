"""Findings about frames and messages as such."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "not-json": Entry(
            _E,
            Who.PROXY,
            "a text frame is not JSON",
            "Send one JSON object in each text frame and nothing else.",
        ),
        "not-an-object": Entry(
            _E,
            Who.PROXY,
            "a frame holds JSON that is no object",
            "Send one JSON object in each text frame.",
        ),
        "byte-order-mark": Entry(
            _E,
            Who.PROXY,
            "a text frame begins with a byte order mark",
            "Leave the mark out: JSON parsers refuse it, in JavaScript and in Python too.",
        ),
        "event-wrapped": Entry(
            _E,
            Who.PROXY,
            "events stand inside another object, and have no type at the top",
            "Send the event itself, its type at the top: clients see no event and wait for the end in vain.",
        ),
        "type-missing": Entry(
            _W,
            Who.PROXY,
            "a message has no type",
            "Give each event its type at the top: clients skip what has none, or stop at it.",
        ),
        "binary-frame": Entry(
            _E,
            Who.PROXY,
            "events come in binary frames",
            "Send text frames: Codex and the JavaScript SDK refuse or drop binary ones.",
        ),
        "invalid-utf8": Entry(
            _E,
            Who.PROXY,
            "a text frame is not UTF-8",
            "Do not cut text between bytes of a character; clients close with 1007.",
        ),
        "sse-prefix": Entry(
            _E,
            Who.PROXY,
            "frames carry event-stream text (data: …)",
            "Take the lines of the event stream apart and send the JSON only.",
        ),
        "done-marker": Entry(
            _E,
            Who.PROXY,
            "the end marker of an event stream ([DONE]) was relayed",
            "Leave it out: the terminal event is the end.",
        ),
        "big-frame": Entry(
            _W,
            Who.PROXY,
            "a message is larger than 1 MiB",
            "Clients with a default limit of 1 MiB end the connection: leave large values out of "
            "repeated objects.",
        ),
        "heavy-frame": Entry(
            _W,
            Who.PROXY,
            "a message is made of very many values",
            "Send fewer and flatter values: decoding it stops a client for a while.",
        ),
        "fragmented-message": Entry(
            _N,
            Who.NOBODY,
            "messages are split into several frames",
            "Legal; only some relays mishandle it.",
        ),
        "nested-deeply": Entry(
            _W,
            Who.PROXY,
            "a message is nested more deeply than parsers accept",
            "Flatten it: many JSON parsers give up or crash.",
        ),
        "lone-surrogate": Entry(
            _W,
            Who.PROXY,
            "a text holds half of a character",
            "Do not cut deltas inside a surrogate pair; strict clients cannot encode it.",
        ),
        "unknown-type": Entry(
            _W,
            Who.PROXY,
            "an event type that is in no documentation",
            "Harmless for tolerant clients; strict ones stop. Leave vendor events out, or document them.",
        ),
        "app-keepalive": Entry(
            _N,
            Who.NOBODY,
            "keepalives are sent as JSON events",
            "Use WebSocket pings: strict clients reject unknown events.",
        ),
        "client-frame-unreadable": Entry(
            _E,
            Who.CLIENT,
            "the client sent a message that is no JSON object",
            "Send one JSON object with a type in each text frame.",
        ),
        "client-type-unknown": Entry(
            _N,
            Who.NOBODY,
            "the client sent a type that is in no documentation",
            "Servers answer it with an error, or with nothing.",
        ),
    }
)
