"""Group E, what is posted: a chain over plain HTTP, compaction, and a new chain from what was compacted.

Its one rule: what an endpoint lacks beside its socket is told, and is no defect of the socket.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from sessions import facts
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import NEXT_TURN_TOKENS, SHORT_TURN_TOKENS, asked
from sessions.doctor.recall import RECALL
from sessions.doctor.result import Verdict, failed, passed, skipped, told, warned
from sessions.errors import ConnectError


@check(
    "E12", "a chain over HTTP", Cost.TURNS, needs=("E04",), turns=1, tokens=NEXT_TURN_TOKENS, is_minor=True
)
async def over_http(bench: Bench) -> Verdict:
    """One POST that continues the stored answer of E04."""
    if not bench.is_deep:
        return skipped("only with --deep: it costs one more turn")
    parent = bench.facts.notes.get("stored")
    if not parent:
        return skipped("E04 has stored nothing that can be continued")
    body = json.loads(bench.frame(RECALL, parent=parent, shape="flat"))
    del body["type"]
    try:
        answer = await bench.http("POST", "", json.dumps(body))
    except ConnectError as error:
        return told(f"a POST is not answered: {error.detail}", "Here chains work on the WebSocket only.")
    if answer.status == 200:
        _spend(bench, answer.body)
        return told("chains work over HTTP too")
    return told(
        f"HTTP answers {answer.status}: {answer.body[:120]}", "Here chains work on the WebSocket only."
    )


@check("E13", "compaction", Cost.FREE, needs=("B07",))
async def compaction(bench: Bench) -> Verdict:
    """One POST to responses/compact with an empty object."""
    try:
        answer = await bench.http("POST", "responses/compact", "{}")
    except ConnectError as error:
        return told(f"a POST is not answered: {error.detail}")
    has_it = answer.status in (400, 422)
    bench.capabilities["compact"] = "yes" if has_it else "no"
    return told(f"HTTP {answer.status}: {'it is there' if has_it else 'not here'}")


@check("E14", "a new chain from what was compacted", Cost.TURNS, needs=("D01",), after=("E13",), turns=2,
       tokens=SHORT_TURN_TOKENS + NEXT_TURN_TOKENS)  # fmt: skip
async def from_compacted(bench: Bench) -> Verdict:
    """One POST to responses/compact with a word in it, and a turn on what comes back, without a parent."""
    if not bench.is_deep:
        return skipped("only with --deep: it costs one more turn")
    if bench.capabilities.get("compact") != "yes":
        return skipped("E13 has found no compaction here")
    word = f"heron{secrets.randbelow(9000) + 1000}"
    told_word = _message("user", f"Remember the code word: {word}. Say only: ok")
    asked_for = {"model": bench.model, "input": [told_word, _message("assistant", "ok")]}
    answer = await bench.http("POST", "responses/compact", json.dumps(asked_for))
    _spend(bench, answer.body)
    items = _items_of(answer.body)
    if answer.status != 200 or not items:
        return warned(
            f"HTTP {answer.status} without items: {answer.body[:120]}",
            "Answer with the items that a new chain begins with, in output.",
        )
    create = json.loads(bench.frame("", shape="flat"))
    create["input"] = [*items, _message("user", RECALL)]
    async with bench.open() as bout:
        one = await asked(bench, bout, json.dumps(create), "compacted")
    if not one.is_well:
        return failed(
            f"a create on {len(items)} compacted items was refused: {one.words}",
            "Take the items of a compaction as input, untouched and without previous_response_id.",
        )
    if word not in one.text:
        return told(f"it is continued, but it should say {word}, and says {one.text[:80]!r}")
    return passed(f"{len(items)} items; it said {word}")


def _message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _items_of(body: str) -> list[Any]:
    """The items in the answer to a compaction; none when it is something else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = value.get("output") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _spend(bench: Bench, body: str) -> None:
    try:
        value = json.loads(body)
    except ValueError:
        return
    usage = facts.usage(value.get("usage")) if isinstance(value, dict) else None
    if usage is not None:
        bench.spend((usage.input_tokens or 0) + (usage.output_tokens or 0))
