"""Vercel AI Gateway: no lanes, 13 minutes, 4 MiB frames, and the end of the socket after any error."""

from __future__ import annotations

from sessions.wire.scenarios.dialects.openai import AfterError, Dialect


class Vercel(Dialect):
    """`wss://ai-gateway.vercel.sh/v1/responses`."""

    name = "vercel"
    line = "Vercel AI Gateway: no lanes, 13 minutes, 4 MiB messages, closed after an error"
    lifetime_seconds = 780.0
    has_lanes = False
    after_error = AfterError.CLOSED
    max_message_bytes = 4 << 20
    age_close = (1001, "max duration")
    steers = False
