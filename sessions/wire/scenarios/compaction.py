"""Compaction by the server: a context above its threshold is sealed before the answer.

Its one rule: the chain goes on as before; only an item and an event tell that it happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sessions.wire.scenarios.answer import Hosted, Step
from sessions.wire.scenarios.turn import Turn


def compacted(turn: Turn, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with a compaction first when `context_management` asks for one at this size."""
    if _is_due(turn):
        sealed = {"type": "compaction", "encrypted_content": turn.ids.sealed(f"compaction of {turn.id}")}
        yield Hosted("cmp", {"type": "compaction"}, ({"type": "response.compaction.compacting"},), sealed)
    yield from steps


def _is_due(turn: Turn) -> bool:
    wanted = turn.create.body.get("context_management")
    if not isinstance(wanted, list):
        return False
    for entry in wanted:
        if isinstance(entry, dict) and entry.get("type") == "compaction":
            threshold = entry.get("compact_threshold")
            return isinstance(threshold, int) and turn.input_tokens >= threshold
    return False
