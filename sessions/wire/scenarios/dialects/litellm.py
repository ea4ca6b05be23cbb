"""LiteLLM: response ids re-encoded, `?model=` above the body's, errors without status and code."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator

from sessions.wire.scenarios.dialects.openai import Dialect
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event, Unit

_WRAPPER = "litellm:custom_llm_provider:openai;model_id:fake;response_id:"


class LiteLlm(Dialect):
    """A LiteLLM proxy of 1.89 or later."""

    name = "litellm"
    line = "LiteLLM: response ids re-encoded, ?model= wins, errors without status and code, 1000 at its age"
    age_close = (1000, "")
    says_age_limit = False
    unauthorized_status = 403

    def model(self, url_model: str | None) -> str | None:
        """The one in the URL."""
        return url_model

    def parent_id(self, told: str) -> str:
        """Decoded again; any other id as it is."""
        try:
            text = b64decode(told.removeprefix("resp_"), validate=True).decode()
        except ValueError:
            return told
        return text.removeprefix(_WRAPPER) if text.startswith(_WRAPPER) else told

    def respell(self, units: Iterator[Unit], turn: Turn) -> Iterator[Unit]:
        """The official events with re-encoded response ids."""
        for unit in units:
            if isinstance(unit, dict) and isinstance(unit.get("response"), dict):
                response = dict(unit["response"])
                for key in ("id", "previous_response_id"):
                    if isinstance(response.get(key), str):
                        response[key] = _encoded(response[key])
                unit = {**unit, "response": response}
            yield unit

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """Type and message, and nothing to match on but 429's status."""
        frame: Event = {"type": "error", "error": {"type": wrong.type, "message": wrong.message}}
        if wrong.status == 429:
            frame["status"] = 429
        if lane is not None:
            frame["stream_id"] = lane
        return frame


def _encoded(response_id: str) -> str:
    return "resp_" + b64encode((_WRAPPER + response_id).encode()).decode()
