"""A server that reads a create's parameters only from its `response` object, as the Realtime API does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.problem import Problem, missing


class Nested(Dialect):
    """The official server, but for the shape of a create."""

    name = "nested"
    line = "as openai, but a create's parameters must stand under “response”"

    def parameters(self, frame: Mapping[str, Any]) -> dict[str, Any] | Problem:
        """What stands under `response`; a flat create is refused."""
        nested = frame.get("response")
        return dict(nested) if isinstance(nested, dict) else missing("response")
