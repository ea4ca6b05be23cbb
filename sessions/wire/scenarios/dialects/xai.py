"""xAI: no lanes, 25 minutes, one response id for the whole connection, error frames without a type."""

from __future__ import annotations

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.units import Event


class Xai(Dialect):
    """`wss://api.x.ai/v1/responses`."""

    name = "xai"
    line = "xAI: no lanes, 25 minutes, every response of a connection has the same id, untyped errors"
    lifetime_seconds = 1500.0
    has_lanes = False
    repeats_response_id = True
    steers = False

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """No `type` at the top."""
        error = {"code": wrong.code, "message": wrong.message, "param": wrong.param}
        return {"status": wrong.status, "error": error}
