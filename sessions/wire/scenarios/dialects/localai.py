"""LocalAI: one response at a time, errors that never have a status, its own rule about `store`."""

from __future__ import annotations

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.memory import Kept
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import Create
from sessions.wire.scenarios.units import Event

#: the problem of a second create; its type is not the official one and it has no code
BUSY = Problem(409, None, "Another response is in progress on this connection.", None, "invalid_request")


class LocalAi(Dialect):
    """mudler/LocalAI's own endpoint."""

    name = "localai"
    line = "LocalAI: a second create in flight is refused, errors without status, 10 MiB messages"
    has_lanes = False
    rejects_second_create = True
    answers_unknown_types = True
    max_message_bytes = 10 << 20
    steers = False

    def check(self, create: Create, parent: Kept | None) -> Problem | None:
        """Stored history cannot stand on history that was not stored."""
        if create.store and parent is not None and not parent.is_stored:
            message = "store true cannot continue a response that was made with store false."
            return Problem(400, "invalid_store_transition", message, "store")
        return super().check(create, parent)

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """Wrapped; a code only where there is one."""
        error: Event = {"type": wrong.type, "message": wrong.message}
        if wrong.code is not None:
            error["code"] = wrong.code
        if wrong.param is not None:
            error["param"] = wrong.param
        return {"type": "error", "error": error}
