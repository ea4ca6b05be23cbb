"""What a way on costs: items and bytes that go out again, tokens that the model reads again.

Counted where records were read, estimated from usage and texts where not; an estimate always says so.
"""

from __future__ import annotations

from typing import NamedTuple

from sessions.reducer import Sessions
from sessions.session import Turn

BYTES_PER_TOKEN = 4  # a rule of thumb for English; only for estimates


class Cost(NamedTuple):
    """What a way sends again and what the model reads again."""

    items: int = 0
    size: int = 0  #: bytes
    input_tokens: int | None = None  #: estimated; cached ones included
    is_estimate: bool = False  #: items and size were not counted but estimated

    @property
    def words(self) -> str:
        """The cost in one short line."""
        about = "about " if self.is_estimate else ""
        sent = (
            f"{about}{self.items} {'item' if self.items == 1 else 'items'}, {about}{_bytes(self.size)}"
            if self.items
            else "nothing sent again"
        )
        if self.input_tokens is None:
            return f"{sent}, tokens unknown"
        return f"{sent}, about {self.input_tokens:,} input tokens" if self.input_tokens else sent


def context_tokens(goal: Turn | None) -> int | None:
    """Tokens of the whole context up to this turn's answer, by its usage; None when no usage came."""
    response = goal.response if goal is not None else None
    usage = response.usage if response is not None else None
    if usage is None:
        return None
    if usage.total_tokens is not None:
        return usage.total_tokens
    return (usage.input_tokens or 0) + (usage.output_tokens or 0) or None


def estimate(sessions: Sessions, goal: Turn) -> Cost:
    """What a full replay up to this turn would cost, without reading a record."""
    items = 0
    size = 0
    for turn in sessions.chain(goal):
        items += max(1, len(turn.answers)) if turn.create >= 0 else 1
        for response in turn.responses[-1:]:
            items += len(response.items)
            size += sum(len(part.text) for item in response.items for part in item.parts.values())
    tokens = context_tokens(goal)
    return Cost(items, max(size, (tokens or 0) * BYTES_PER_TOKEN), tokens, True)


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
