"""A workflow of tool calls, timed: each call answered at once by its output, the last turn in words.

Its one rule: both transports carry the same creates. The clock runs from before the connection is dialled to
the end of the last answer, so that what a transport saves or costs on the way is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from types import MappingProxyType
from typing import Any

from sessions.answers import answer, answers_create, pending
from sessions.compare.run import going_on, policy_close
from sessions.compare.table import Timed
from sessions.compose import Create, frame
from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation, converse
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from sessions.session import Turn
from sessions.wire.connect import is_policy_close
from sessions.wire.http_refusal import refusal_over_http
from sessions.wire.plan import Plan, Transport
from sessions.wire.transport import live

TOOL: Mapping[str, Any] = MappingProxyType(
    {
        "type": "function",
        "name": "next_step",
        "description": "Do the next step and say how it went.",
        "parameters": {
            "type": "object",
            "properties": {"step": {"type": "integer"}},
            "required": ["step"],
            "additionalProperties": False,
        },
        "strict": True,
    }
)
OUTPUT = '{"done":true}'
_FORCED = {"type": "function", "name": "next_step"}
_ENDED = frozenset({Status.COMPLETED, Status.INCOMPLETE})


async def run_workflow(
    plan: Plan,
    transport: Transport,
    tool_calls: int,
    create: Create,
    *,
    silence_seconds: float,
    is_fresh: bool = False,
) -> Timed:
    """Run one workflow once; `create` gives model, store and limits.

    `is_fresh` asks for the end of the connection after each HTTP answer. Raises ConnectError when the way
    is not open at all, Silence when nothing comes for too long.
    """
    headers = (*plan.headers, ("Connection", "close")) if is_fresh and transport == "http" else plan.headers
    own = replace(plan, transport=transport, headers=headers)
    recording = Recording.create(None)
    inspector = Inspector(recording, plan.secrets)
    try:
        began = perf_counter()
        async with converse(live(own), inspector, own.session, silence_seconds) as talk:
            opened = perf_counter()
            problem = await _take_steps(talk, inspector, tool_calls, create)
            ended = perf_counter()
            if problem and is_policy_close(recording):
                raise policy_close()
            if problem and (refused := refusal_over_http(talk.session, recording)) is not None:
                raise refused
        turns = inspector.sessions.turns
        return Timed(
            transport,
            tool_calls,
            sum(len(turn.response.calls) for turn in turns if turn.response is not None),
            len(turns),
            _connections(recording),
            (opened - began) * 1000,
            (ended - began) * 1000,
            problem,
        )
    except ConnectError as error:
        if error.failure_class is FailureClass.CLOSED and is_policy_close(recording):
            raise policy_close() from None
        raise
    finally:
        recording.close()


async def _take_steps(talk: Conversation, inspector: Inspector, tool_calls: int, create: Create) -> str:
    """Send every turn of it; what kept it from being a measurement, "" when nothing did."""
    turn: Turn | None = None
    for step in range(tool_calls + 1):
        is_last = step == tool_calls
        update: dict[str, Any] = {
            "text": "Say that it is done, in one word." if is_last else f"Do step {step + 1}."
        }
        if tool_calls:
            update |= {"tools": (dict(TOOL),), "tool_choice": "none" if is_last else _FORCED}
        asked = going_on(create, talk, inspector, turn)
        if turn is not None:
            calls = pending(inspector.sessions, turn)
            asked = answers_create(asked, [(call, answer(call, OUTPUT)) for call in calls])
        asked = asked.model_copy(update=update)
        turn = await talk.ask(frame(asked))
        if turn is None or turn.status not in _ENDED:
            said = f"{turn.failure.code} {turn.failure.message}".strip() if turn and turn.failure else ""
            status = turn.status.value if turn is not None else "nothing came"
            return f"turn {step + 1} ended {status}" + (f": {said}" if said else "")
        if not is_last and not pending(inspector.sessions, turn):
            return f"turn {step + 1} did not call the tool"
    return ""


def _connections(recording: Recording) -> int:
    """How many connections were dialled: by upgrades, and by requests that found none to use again."""
    return sum("tcp_ms" in one.meta for one in recording if one.kind in (Kind.OPEN, Kind.RESPONSE))
