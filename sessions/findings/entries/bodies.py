"""Findings about what events say: texts, the final object, usage."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "text-mismatch": Entry(
            _E,
            Who.PROXY,
            "a done value differs from what its deltas said",
            "Relay deltas and done values unchanged.",
        ),
        "final-mismatch": Entry(
            _E,
            Who.PROXY,
            "the final object differs from what was streamed",
            "Relay the final object as the provider made it.",
        ),
        "final-empty": Entry(
            _W,
            Who.PROXY,
            "the final object has no output, though items were streamed",
            "Put the finished items into output, or let clients know that they have to collect them.",
        ),
        "part-unannounced": Entry(
            _E,
            Who.PROXY,
            "a text came for a part that was not announced",
            "Send response.content_part.added before the first delta: the official Python SDK raises an "
            "IndexError without it.",
        ),
        "item-id-missing": Entry(
            _E,
            Who.PROXY,
            "deltas do not name their item",
            "Pass item_id on: clients that put texts together by it lose them.",
        ),
        "output-index-wrong": Entry(
            _E,
            Who.PROXY,
            "items were streamed under another index than their place",
            "Count output_index from 0, as items stand in output: the official SDKs look items up by it.",
        ),
        "sequence-mistyped": Entry(
            _E,
            Who.PROXY,
            "sequence_number is no whole number",
            "Send it as a number, not as text: typed clients refuse the event, others find no lost ones.",
        ),
        "usage-sum-wrong": Entry(
            _W,
            Who.PROXY,
            "total_tokens is not the sum of input and output",
            "Pass usage on as the provider counted it: what adds up the one or the other bills differently.",
        ),
        "usage-missing": Entry(
            _W,
            Who.PROXY,
            "the terminal event has no usage",
            "Pass usage on: cost tracking reads 0.",
        ),
        "usage-renamed": Entry(
            _E,
            Who.PROXY,
            "usage has chat-completions names",
            "Name them input_tokens and output_tokens: clients read 0 otherwise.",
        ),
        "unknown-field": Entry(
            _N,
            Who.NOBODY,
            "events carry fields that are in no documentation",
            "Harmless for tolerant clients.",
        ),
        "status-mismatch": Entry(
            _E,
            Who.PROXY,
            "the name of the terminal event and the status inside it differ",
            "Name the event after the response's status: clients look at one or the other.",
        ),
        "warmup-generated": Entry(
            _E,
            Who.PROXY,
            "a warm-up (generate: false) produced output",
            "The proxy ignores generate: pass it on, or refuse it; the output is billed.",
        ),
        "items-unstreamed": Entry(
            _W,
            Who.PROXY,
            "items stand in the final object only",
            "Send response.output_item.added and .done for each: some clients take items from there only.",
        ),
        "call-doubled": Entry(
            _E,
            Who.PROXY,
            "one call_id stands on two calls",
            "The client runs the tool twice: relay every item once, and keep call ids apart.",
        ),
        "arguments-broken": Entry(
            _W,
            Who.PROVIDER,
            "the arguments of a call are not valid JSON",
            "The model wrote them, or a delta was lost on the way: compare with the direct way.",
        ),
    }
)
