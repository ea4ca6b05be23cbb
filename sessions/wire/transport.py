"""Which way a plan speaks: a WebSocket, HTTP, or a WebSocket with HTTP to fall back on.

Its one rule: whoever speaks holds a `Live` and does not ask which it is. What a way needs is loaded when
it is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.wire.plan import Plan

if TYPE_CHECKING:
    from sessions.source import Clock, Live


def live(plan: Plan, *, clock: Clock | None = None) -> Live:
    """A session by this plan, about to be opened by whoever first waits for it or reads its records."""
    if plan.transport == "http":
        from sessions.wire.http_stream import HttpStream

        return HttpStream(plan, clock)
    if plan.transport == "auto":
        from sessions.wire.either import EitherWay

        return EitherWay(plan, clock)
    from sessions.wire.connect import connect

    return connect(plan, clock=clock)
