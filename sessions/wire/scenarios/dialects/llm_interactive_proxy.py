"""llm-interactive-proxy as its page describes it: other delta and terminal events, chat-style usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.wire.scenarios.dialects.openai import Dialect, wrapped_error
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event, Unit, singly

_CODES = {"unknown_event_type": "unsupported_event_type"}


class LlmInteractiveProxy(Dialect):
    """A proxy that speaks of content parts where the official server speaks of text."""

    name = "llm-interactive-proxy"
    line = "response.content_part.delta with an object, response.done, prompt_tokens, chat-style tools"
    has_lanes = False
    answers_unknown_types = True
    accepts_chat_tools = True
    steers = False
    busy_close_code = 1013

    def respell(self, units: Iterator[Unit], turn: Turn) -> Iterator[Unit]:
        """Text deltas as objects, `response.done` as the end, usage under the chat API's names."""
        for unit in singly(units):
            if not isinstance(unit, dict):
                yield unit
                continue
            event = dict(unit)
            match event["type"]:
                case "response.output_text.delta":
                    event["type"] = "response.content_part.delta"
                    event["delta"] = {"content": event["delta"]}
                    event.pop("obfuscation", None)
                case "response.completed":
                    event["type"] = "response.done"
            if isinstance(event.get("response"), dict):
                event["response"] = _chat_style(event["response"])
            yield event

    def error(self, wrong: Problem, lane: str | None, ids: Ids) -> Event:
        """Wrapped, with a request id at the top."""
        code = _CODES.get(wrong.code or "", wrong.code)
        return {**wrapped_error(wrong._replace(code=code), lane), "request_id": ids.new("req")}


def _chat_style(response: dict[str, Any]) -> dict[str, Any]:
    respelled = {("created" if key == "created_at" else key): value for key, value in response.items()}
    usage = response.get("usage")
    if isinstance(usage, dict):
        respelled["usage"] = {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
        }
    return respelled
