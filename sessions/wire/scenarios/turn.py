"""One response on its way: its id, its counter, its items, what it has cost, how it ends.

Its one rule: an ending is remembered (kept, or its parent forgotten) before the event that tells it leaves,
so that a client's next create finds what it expects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sessions.wire.scenarios.answer import Step
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.memory import History, Kept, said_in
from sessions.wire.scenarios.prompts import LEAST_TOKENS
from sessions.wire.scenarios.request import Create, Item, text_of
from sessions.wire.scenarios.units import Event


def count_tokens(text: str) -> int:
    """About as many tokens as the text would have: four characters each."""
    return (len(text) + 3) // 4


class Turn:
    """The state of one response while it is made."""

    def __init__(
        self,
        create: Create,
        parent: Kept | None,
        ids: Ids,
        *,
        number: int = 1,
        response_id: str | None = None,
        on_end: Callable[[Turn], None] = lambda _: None,
        known_items: int = 0,
    ) -> None:
        self.create = create
        self.parent = parent
        self.ids = ids
        self.number = number  #: of the create on its connection, from 1
        self.id = response_id or ids.new("resp")
        self.created_at = ids.now()
        self.status = "in_progress"
        self.output: list[Item] = []
        self.error: Event | None = None
        self.incomplete: Event | None = None
        self.successor: tuple[Step, ...] | None = None  #: what the unasked response after this one says
        self.told_parent_id = parent.id if parent else None
        self.steers: list[tuple[str, tuple[Item, ...]]] = []  #: accepted (id, input), not applied yet
        self.input_tokens, self.cached_tokens = self._count_input(known_items)
        self.output_tokens = 0
        self.reasoning_tokens = 0
        self._next = 0
        self._on_end = on_end

    # Numbers ------------------------------------------------------------------------------------------

    def sequence(self, count: int = 1) -> int:
        """The next sequence number; reserves `count` of them."""
        first = self._next
        self._next += count
        return first

    def event(self, event_type: str, **fields: Any) -> Event:
        """An event of this response, numbered, on its lane."""
        event: Event = {"type": event_type, "sequence_number": self.sequence()}
        if self.create.lane is not None:
            event["stream_id"] = self.create.lane
        event.update(fields)
        return event

    def tokens_left(self) -> int | None:
        """How much may still be said, None without a limit."""
        limit = self.create.output_limit
        return None if limit is None else max(0, limit - self.output_tokens)

    def spend(self, tokens: int, *, is_reasoning: bool = False) -> None:
        """Count tokens of output, as far as the limit allows."""
        left = self.tokens_left()
        if left is not None:
            tokens = min(tokens, left)
        self.output_tokens += tokens
        if is_reasoning:
            self.reasoning_tokens += tokens

    # Endings ------------------------------------------------------------------------------------------

    def end(self, status: str, *, error: Event | None = None, reason: str | None = None) -> Event:
        """The terminal event; whoever made this turn hears of it first."""
        self.status = status
        self.error = error
        self.incomplete = {"reason": reason} if reason else None
        self._on_end(self)
        return self.event(f"response.{status}", response=self.resource())

    def abandon(self) -> None:
        """End without a terminal event; what it continued is forgotten as after any failure."""
        self.status = "failed"
        self._on_end(self)

    def kept(self) -> Kept:
        """What a continuation needs of this response."""
        return Kept(
            self.id,
            self.create.lane,
            self.parent,
            self.create.input,
            tuple(self.output),
            self.input_tokens + self.output_tokens,
            self.create.store,
            self.create.body,
            self.resource(),
            (self.parent.history if self.parent else History()).plus(
                said_in(self.create.input, tuple(self.output))
            ),
        )

    @property
    def is_over(self) -> bool:
        """Whether its terminal event has been made."""
        return self.status != "in_progress"

    # The response object -------------------------------------------------------------------------------

    def resource(self) -> Event:
        """The response object as it stands, with every key that the API reference lists."""
        body = self.create.body
        reasoning = body.get("reasoning") if isinstance(body.get("reasoning"), dict) else {}
        text = body.get("text") if isinstance(body.get("text"), dict) else {}
        resource: Event = {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": self.ids.now() if self.status == "completed" else None,
            "status": self.status,
            "background": False,
            "error": self.error,
            "incomplete_details": self.incomplete,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": body.get("max_tool_calls"),
            "model": self.create.model,
            "output": list(self.output) if self.is_over else [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": self.told_parent_id,
            "prompt_cache_key": body.get("prompt_cache_key"),
            "reasoning": {"effort": None, "summary": None, **(reasoning or {})},
            "safety_identifier": body.get("safety_identifier"),
            "service_tier": body.get("service_tier", "default"),
            "store": self.create.store,
            "temperature": body.get("temperature", 1.0),
            "text": {"format": {"type": "text"}, "verbosity": "medium", **(text or {})},
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": list(self.create.tools),
            "top_logprobs": body.get("top_logprobs", 0),
            "top_p": body.get("top_p", 1.0),
            "truncation": body.get("truncation", "disabled"),
            "usage": self.usage() if self.is_over else None,
            "user": body.get("user"),
            "metadata": body.get("metadata") or {},
        }
        if body.get("conversation") is not None:
            resource["conversation"] = body["conversation"]
        return resource

    def usage(self) -> Event:
        """Token counts in the API's names."""
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.input_tokens - self.cached_tokens,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": self.input_tokens + self.output_tokens,
        }

    def _count_input(self, known_items: int) -> tuple[int, int]:
        """Tokens of input, and how many of them are cached: the parent's, or those of items read before."""
        counts = [
            count_tokens(text_of(item) or json.dumps(item, default=str)) + 3 for item in self.create.input
        ]
        before = count_tokens(self.create.instructions)
        before += count_tokens(json.dumps(self.create.tools, default=str)) if self.create.tools else 0
        fresh = before + sum(counts)
        if self.parent is not None:
            return self.parent.tokens + fresh, self.parent.tokens
        known = before + sum(counts[:known_items]) if known_items else 0
        return fresh, known if known >= LEAST_TOKENS else 0
