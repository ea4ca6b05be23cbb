"""The official server, and what every other dialect differs from.

Its one rule: a dialect has no state of its own; it says how a server behaves, and respells what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from sessions.contract import LIFETIME_SECONDS
from sessions.wire.scenarios import problem, request
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.memory import Kept
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import Create
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event, Unit


class AfterError(Enum):
    """What an error frame does to the connection."""

    USABLE = "usable"
    DEAD = "dead"  #: nothing is answered any more, and TCP ends soon
    CLOSED = "closed"


class Dialect:
    """How a server behaves; this one as the official documents say."""

    name = "openai"
    line = "the official server: lanes, wrapped errors, the socket stays usable after one (the default)"
    lifetime_seconds: float = LIFETIME_SECONDS
    has_lanes = True
    rejects_second_create = False  #: else queued
    after_error = AfterError.USABLE
    answers_unknown_types = False  #: else ignored
    max_message_bytes = 64 << 20
    busy_close_code: int | None = None  #: one connection too many is accepted and closed with it; None: a 503
    unauthorized_status = 401
    age_close: tuple[int, str] = (1001, "connection age limit")
    says_age_limit = True
    repeats_response_id = False
    steers = True
    accepts_chat_tools = False

    def parameters(self, frame: Mapping[str, Any]) -> dict[str, Any] | Problem:
        """The parameters of a create, wherever this server looks for them."""
        return request.flat(frame)

    def model(self, url_model: str | None) -> str | None:
        """The model that beats the body's, None when there is none."""
        return None

    def check(self, create: Create, parent: Kept | None) -> Problem | None:
        """What else this server does not accept."""
        return None if self.accepts_chat_tools else request.flat_tools(create.tools)

    def parent_id(self, told: str) -> str:
        """The id that we know, from the one that the client was told."""
        return told

    def greeting(self) -> Iterator[Event]:
        """Events that come before the first response of a create, outside of it."""
        yield from ()

    def respell(self, units: Iterator[Unit], turn: Turn) -> Iterator[Unit]:
        """The units of a response in this server's words."""
        return units

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """The error frame of a problem."""
        return wrapped_error(wrong, lane)

    def age_problem(self) -> Problem:
        """The problem of a connection that is too old; its minutes are this dialect's."""
        return problem.age_limit(round(self.lifetime_seconds / 60))


def wrapped_error(wrong: Problem, lane: str | None) -> Event:
    """The official error frame of WebSocket mode."""
    error: dict[str, Any] = {
        "type": wrong.type,
        "code": wrong.code,
        "message": wrong.message,
        "param": wrong.param,
    }
    frame: Event = {"type": "error", "status": wrong.status}
    if lane is not None:
        frame["stream_id"] = lane
    frame["error"] = error
    return frame
