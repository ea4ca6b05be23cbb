"""Findings about chains: parents, settings, creates."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "output-of-no-call": Entry(
            _W,
            Who.PROXY,
            "an output was accepted for a call that nobody had made",
            "Refuse it as the provider does: a client with a wrong chain goes on and never learns of it.",
        ),
        "id-repeated": Entry(
            _W,
            Who.PROVIDER,
            "several responses have the same id",
            "A chain cannot be addressed by such an id: give each response its own.",
        ),
        "parent-lost": Entry(
            _W,
            Who.CLIENT,
            "the parent is not known to the server",
            "Send the full history without previous_response_id; an unstored response lives in its "
            "connection only.",
        ),
        "stored-parent-lost": Entry(
            _W,
            Who.PROXY,
            "a response that was stored is not known on another socket",
            "State is per replica, or was lost: share the store, or route a conversation to one replica.",
        ),
        "parent-of-other-socket": Entry(
            _W,
            Who.CLIENT,
            "the parent was made on another socket and not stored",
            "Send the full history after a reconnect, or store: true.",
        ),
        "parent-not-echoed": Entry(
            _E,
            Who.PROXY,
            "the response names another parent than the create",
            "The chain may be lost: pass previous_response_id on.",
        ),
        "no-eviction": Entry(
            _W,
            Who.PROXY,
            "a parent still worked after a continuation of it had failed",
            "The guide says that a failed continuation evicts its parent; clients cannot rely on it here.",
        ),
        "context-lost": Entry(
            _E,
            Who.PROXY,
            "an answer was made without the context of its parent",
            "The proxy drops previous_response_id, or another replica answers: nothing tells the client. "
            "Pass the id on, and keep a chain on one upstream.",
        ),
        "create-nested": Entry(
            _W,
            Who.CLIENT,
            "a create nests its parameters under response",
            "Send them flat.",
        ),
        "chat-tools": Entry(
            _W,
            Who.CLIENT,
            "tools are in the chat-completions form",
            "Send function tools flat: name beside type.",
        ),
        "settings-changed": Entry(
            _W,
            Who.PROXY,
            "the server echoes other settings than were sent",
            "Pass settings on unchanged, or refuse them.",
        ),
        "background-field": Entry(
            _N,
            Who.CLIENT,
            "a create carries background",
            "An HTTP field: leave it out over WebSocket.",
        ),
        "id-missing": Entry(
            _E,
            Who.PROXY,
            "response.created has no id",
            "Pass the id on: nothing can continue a response without one.",
        ),
        "unstored-parent-used": Entry(
            _W,
            Who.PROXY,
            "a parent that was not stored was continued on another connection",
            "Either it is kept beyond its connection, which store: false rules out, or its context was lost.",
        ),
        "create-repeated": Entry(
            _W,
            Who.CLIENT,
            "a create was sent again after its answer had begun",
            "It runs and is billed twice: send again only what surely did not run, and say so to the user.",
        ),
        "context-doubled": Entry(
            _W,
            Who.PROXY,
            "a turn was billed for far more input than its chain and its create hold",
            "The proxy sends the history beside previous_response_id, or more than once: one is enough.",
        ),
        "cache-missed": Entry(
            _W,
            Who.PROVIDER,
            "a continuation was billed without the cache of its parent",
            "Keep a chain on one upstream and pass prompt_cache_key on; the same settings within minutes "
            "should hit the cache.",
        ),
        "head-of-line": Entry(
            _N,
            Who.CLIENT,
            "a create waited long behind another one on its lane",
            "Send what need not wait on a lane of its own (stream_id).",
        ),
    }
)
