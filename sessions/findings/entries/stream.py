"""Findings about the stream of a response: order, numbers, lanes, flow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "sequence-missing": Entry(
            _W,
            Who.PROXY,
            "events have no sequence_number",
            "Pass sequence_number on: clients find lost events by it.",
        ),
        "sequence-gap": Entry(
            _E,
            Who.PROXY,
            "sequence_number jumps: events are missing or out of order",
            "Relay every event, in order, once.",
        ),
        "sequence-regress": Entry(
            _E,
            Who.PROXY,
            "sequence_number does not rise inside one response",
            "Events were replayed or mixed: never replay a turn under the same response.",
        ),
        "sequence-late": Entry(
            _N,
            Who.PROXY,
            "what was missing came later: events are out of order",
            "Relay events in the order in which they came: none was lost.",
        ),
        "event-doubled": Entry(
            _E,
            Who.PROXY,
            "an event came twice",
            "Relay every event once.",
        ),
        "created-missing": Entry(
            _E,
            Who.PROXY,
            "a response began without response.created",
            "Send response.created first: clients learn the id from it.",
        ),
        "created-doubled": Entry(
            _E,
            Who.PROXY,
            "response.created came twice",
            "Send it once for each response.",
        ),
        "unasked-response": Entry(
            _E,
            Who.PROXY,
            "a response came that nobody asked for",
            "Stale events of an earlier turn, or of another client: drain before a new turn.",
        ),
        "stale-event": Entry(
            _E,
            Who.PROXY,
            "an event belongs to no response",
            "It is left over from an earlier turn: drain before a new turn.",
        ),
        "terminal-doubled": Entry(
            _E,
            Who.PROXY,
            "a response ended twice",
            "Send one terminal event and nothing after it.",
        ),
        "terminal-renamed": Entry(
            _E,
            Who.PROXY,
            "the terminal event has another name (response.done)",
            "Name it response.completed, response.incomplete or response.failed: standard clients wait "
            "for ever.",
        ),
        "event-after-end": Entry(
            _E,
            Who.PROXY,
            "an event came after the response had ended",
            "It is read as part of the next turn: send nothing after the end.",
        ),
        "illegal-move": Entry(
            _W,
            Who.PROXY,
            "a response moved in a way the contract does not know",
            "Keep the order of the lifecycle events.",
        ),
        "delta-renamed": Entry(
            _E,
            Who.PROXY,
            "text deltas have another name or form",
            "Send response.output_text.delta with a string: standard clients show nothing otherwise.",
        ),
        "item-unannounced": Entry(
            _E,
            Who.PROXY,
            "an event speaks of an item that this response never announced",
            "Send response.output_item.added before it.",
        ),
        "item-doubled": Entry(
            _E,
            Who.PROXY,
            "an item was announced or finished twice",
            "Send added and done once for each item.",
        ),
        "item-unfinished": Entry(
            _W,
            Who.PROXY,
            "an item was announced and never finished",
            "Send response.output_item.done for each item.",
        ),
        "id-changed": Entry(
            _E,
            Who.PROXY,
            "an id changed on the way",
            "Keep response and item ids the same in every event, or map all of them.",
        ),
        "burst": Entry(
            _W,
            Who.PROXY,
            "deltas are held back and come in one burst",
            "Switch buffering off: nobody sees the answer being written.",
        ),
        "delta-flood": Entry(
            _N,
            Who.NOBODY,
            "an answer came in very many tiny deltas",
            "Join deltas for clients that draw each of them.",
        ),
        "long-silence": Entry(
            _W,
            Who.NOBODY,
            "nothing came for a long time in the middle of an answer",
            "Clients with an application watchdog (300 s) give up: raise it, or send progress.",
        ),
        "lane-not-echoed": Entry(
            _E,
            Who.PROXY,
            "events or errors do not name the lane that was asked",
            "Echo stream_id on every event, or refuse it.",
        ),
        "lanes-interleaved": Entry(
            _E,
            Who.PROXY,
            "two responses ran into each other without lanes",
            "Queue or refuse a second create while one runs.",
        ),
        "deltas-missing": Entry(
            _W,
            Who.PROXY,
            "a long text came without any delta",
            "Pass deltas on: nobody sees the answer being written.",
        ),
        "answer-replayed": Entry(
            _E,
            Who.PROXY,
            "a create was answered a second time after its answer had begun",
            "Repeat a turn only as long as nothing of it was shown: the text appears twice, and both are "
            "billed.",
        ),
    }
)
