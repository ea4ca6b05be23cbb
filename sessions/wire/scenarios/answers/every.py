"""Every event type of the official union once, and the unlisted ones that were seen, in a legal order.

Its one rule: one create, four responses. Three of them nobody asked for: steering brings them about.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessions.wire.scenarios.answer import (
    Ask,
    CustomCall,
    Failure,
    FunctionCall,
    Hosted,
    Loose,
    Reasoning,
    Refusal,
    Scenario,
    Step,
    Successor,
    Text,
)
from sessions.wire.scenarios.answers import hosted


def _accepted(number: int) -> Loose:
    return Loose({"type": "response.steer.accepted", "steer": {"id": f"steer_{number:02}"}})


def _hosted(ask: Ask) -> Iterable[Step]:
    local = {"type": "shell"}
    container = {"type": "shell", "environment": {"type": "container_auto"}}
    fresh = ask._replace(create=ask.create._replace(input=()))
    for use, tool in (
        (hosted.web_search, {}),
        (hosted.file_search, {}),
        (hosted.code_interpreter, {}),
        (hosted.image_generation, {}),
        (hosted.mcp, {"server_label": "tides", "require_approval": "never"}),
        (hosted.shell, container),
    ):
        yield from use(fresh, tool)
    yield from hosted.mcp(fresh._replace(text="fail"), {"server_label": "lost"})
    call = {"type": "mcp_call", "server_label": "tides", "name": "tide", "arguments": "{}"}
    yield Hosted(
        "mcp",
        {**call, "status": "in_progress"},
        ({"type": "response.mcp_call.in_progress"}, {"type": "response.mcp_call.failed"}),
        {
            **call,
            "status": "failed",
            "output": None,
            "error": {"type": "mcp_protocol_error", "code": -32602, "message": "no such day"},
        },
    )
    yield from hosted.shell(fresh, local)
    yield from hosted.apply_patch(fresh, {})
    compaction = {"type": "compaction", "encrypted_content": "gAAAAAfake"}
    yield Hosted("cmp", compaction, ({"type": "response.compaction.compacting"},), compaction)


def answer(ask: Ask) -> Iterable[Step]:
    """Four responses: steered, completed, failed, completed and waiting for a tool."""
    fourth: tuple[Step, ...] = (
        _accepted(4),
        FunctionCall("every_tool", '{"after":"all"}'),
        Successor(
            (),
            after=(
                {
                    "type": "response.steer.pending",
                    "steer": {"id": "steer_04"},
                    "reason": "waiting_for_required_input",
                    "required_input": [{"type": "function_call_output", "name": "every_tool"}],
                },
                {
                    "type": "response.steer.failed",
                    "steer": {"id": "steer_04", "input": "Later."},
                    "error": {
                        "type": "invalid_request_error",
                        "code": "successor_creation_failed",
                        "message": "The next response could not begin.",
                    },
                },
            ),
        ),
    )
    third: tuple[Step, ...] = (
        _accepted(3),
        Successor(fourth, failure=Failure("server_error", "Try again later.", says_error_first=True)),
    )
    second: tuple[Step, ...] = (_accepted(2), Text("The second one, unasked."), Successor(third))
    return (
        Loose({"type": "response.queued"}),
        Loose({"type": "response.in_progress"}),
        Loose({"type": "codex.rate_limits", "plan_type": "pro", "rate_limits": _LIMITS, "credits": None}),
        Loose({"type": "response.metadata", "headers": {"openai-model": "gpt-6-astra"}, "metadata": {}}),
        Loose({"type": "keepalive"}),
        Loose({"type": "responsesapi.websocket_timing", "timing": {"queue_ms": 3}}),
        Loose({"type": "response.sparkle.added", "note": "a type that nobody has announced"}),
        Reasoning(("Looking at every type",), "and saying so aloud", 8),
        *_hosted(ask),
        Refusal("I can't help with that."),
        FunctionCall("every_tool", '{"each":"once"}'),
        CustomCall("every_text", "free text"),
        Loose({"type": "response.audio.delta", "delta": "AAAA"}),
        Loose({"type": "response.audio.transcript.delta", "delta": "spoken"}),
        Loose({"type": "response.audio.done"}),
        Loose({"type": "response.audio.transcript.done"}),
        Text("Every type once.", _annotations()),
        _accepted(1),
        Successor(second, reason="steered"),
    )


def _annotations() -> tuple[dict[str, object], ...]:
    # the two kinds that hosted tools do not show
    return (
        {
            "type": "container_file_citation",
            "container_id": "cntr_fake",
            "file_id": "f",
            "filename": "tides.csv",
            "start_index": 0,
            "end_index": 5,
        },
        {"type": "file_path", "file_id": "file-tides", "index": 0},
    )


_LIMITS = {
    "primary": {"used_percent": 12.5, "window_minutes": 300, "reset_at": 1_790_003_600},
    "secondary": {"used_percent": 40.0, "window_minutes": 10080, "reset_at": 1_790_400_000},
}
SCENARIO = Scenario("every", "all 62 event types and the unlisted ones, in a legal order", answer)
