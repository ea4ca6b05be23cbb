"""A server whose error frames are flat, as in an event stream over HTTP."""

from __future__ import annotations

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.units import Event


class FlatError(Dialect):
    """The official server, but for the shape of an error."""

    name = "flat-error"
    line = "as openai, but error frames are flat and have no status"

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """Code, message and param at the top."""
        frame: Event = {"type": "error", "code": wrong.code, "message": wrong.message, "param": wrong.param}
        if lane is not None:
            frame["stream_id"] = lane
        return frame
