"""The Codex back end: rate limits as events, `store` false only, and a dead socket after any error."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.wire.scenarios.dialects.openai import AfterError, Dialect
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.memory import Kept
from sessions.wire.scenarios.problem import Problem, wrong_value
from sessions.wire.scenarios.request import Create
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event, Unit


class Codex(Dialect):
    """`wss://chatgpt.com/backend-api/codex/responses`, as openai/codex meets it."""

    name = "codex"
    line = "the Codex back end: rate limit events, store false only, nothing is answered after an error"
    has_lanes = False
    after_error = AfterError.DEAD
    max_message_bytes = 16_777_216 - 1
    steers = False

    def check(self, create: Create, parent: Kept | None) -> Problem | None:
        """Nothing is stored here, and whoever asks for it is told."""
        if create.store:
            return wrong_value("store", "it must be false")
        return super().check(create, parent)

    def greeting(self) -> Iterator[Event]:
        """How much of the plan is used up."""
        limits = {
            "primary": {"used_percent": 12.5, "window_minutes": 300, "reset_at": 1_790_003_600},
            "secondary": {"used_percent": 40.0, "window_minutes": 10080, "reset_at": 1_790_400_000},
        }
        credits = {"has_credits": True, "unlimited": False, "balance": "10.00"}
        yield {"type": "codex.rate_limits", "plan_type": "pro", "rate_limits": limits, "credits": credits}

    def respell(self, units: Iterator[Unit], turn: Turn) -> Iterator[Unit]:
        """The official events, with the server's own metadata after the first."""
        for unit in units:
            yield unit
            if isinstance(unit, dict) and unit.get("type") == "response.created":
                headers = {"openai-model": turn.create.model, "x-codex-turn-state": f"state-{turn.number}"}
                yield {
                    "type": "response.metadata",
                    "response_id": turn.id,
                    "headers": headers,
                    "metadata": {},
                }

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """`status_code` instead of `status`, headers at the top."""
        error = {"type": wrong.type, "code": wrong.code, "message": wrong.message, "param": wrong.param}
        headers = {"x-codex-primary-used-percent": "12.5", "x-request-id": ids.new("req")}
        return {"type": "error", "status_code": wrong.status, "error": error, "headers": headers}
