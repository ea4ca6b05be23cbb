"""turnscope's own library in a room: a connection and an inspector, reported as one JSON object.

    python -m tests.peers.library SCENE BASE_URL

It stands beside the foreign drivers because a room is another network than the test's: what talks to a proxy
in there must be a program of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from sessions.conversation import Conversation, converse
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Direction, Kind
from sessions.secret import Secret
from sessions.session import Turn
from sessions.snapshot import turn_snapshot
from sessions.wire.connect import Plan, connect, retry_with_model
from sessions.wire.endpoint import derive

Facts: TypeAlias = dict[str, Any]

MODEL = "gpt-6-astra"
THERMOMETER = {
    "type": "function",
    "name": "read_thermometer",
    "description": "The temperature in a city, in degrees Celsius",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


async def three_turns(plan: Plan) -> Facts:
    """A code word, a function call that is answered, and the word asked for: one chain on one socket."""
    inspector = Inspector(Recording.create(None), plan.secrets)
    async with converse(connect(plan), inspector, plan.session, 30) as talk:
        first = await _ask(talk, "Remember the word heron.")
        asked = await _ask(talk, "How warm is it in Oslo? Use read_thermometer.", first, tools=[THERMOMETER])
        answers = [
            {"type": "function_call_output", "call_id": item.call_id, "output": "3 degrees"}
            for response in asked.responses
            for item in response.pending_calls
        ]
        third = await _ask(talk, answers, asked, tools=[THERMOMETER])
        await _ask(talk, "What was the word?", third)
    return _facts(inspector)


async def refused_then_retried(plan: Plan) -> Facts:
    """The opening as it is asked for, and, when it is refused, once more with ?model= in the address."""
    inspector = Inspector(Recording.create(None), plan.secrets)
    refusal: Facts = {}
    try:
        async with converse(connect(plan), inspector, plan.session, 30):
            pass
    except ConnectError as error:
        refusal = {
            "failure_class": error.failure_class.value,
            "status": error.status,
            "cause": error.cause,
            "remedy": error.remedy,
        }
    again = retry_with_model(plan)
    retried = Inspector(Recording.create(None), again.secrets)
    async with converse(connect(again), retried, again.session, 30) as talk:
        first = await _ask(talk, "Remember the word heron.")
        await _ask(talk, "What was the word?", first)
    return {"refusal": refusal, "refused": _facts(inspector), "retried": _facts(retried)}


async def _ask(talk: Conversation, content: object, parent: Turn | None = None, **more: object) -> Turn:
    frame = {"type": "response.create", "model": MODEL, "store": False, "input": content, **more}
    if parent is not None:
        frame["previous_response_id"] = parent.response_id
    turn = await talk.ask(json.dumps(frame))
    assert turn is not None
    return turn


def _facts(inspector: Inspector) -> Facts:
    records = [inspector.recording.record(number) for number in range(len(inspector.recording))]
    edges = (Kind.OPEN, Kind.REFUSED, Kind.CLOSE, Kind.LOST)
    told = {
        "turns": [turn_snapshot(turn) for turn in inspector.sessions.turns],
        "edges": [
            {"kind": record.kind.value, "direction": record.direction.value, "meta": dict(record.meta)}
            for record in records
            if record.kind in edges
        ],
        "opening": records[0].payload.decode("latin-1"),
        "messages": sum(
            record.direction is Direction.SERVER and record.kind is Kind.TEXT for record in records
        ),
        "lines": b"".join(inspector.recording.line(number) for number in range(len(records))).decode(),
    }
    inspector.recording.close()
    return told


SCENES: Mapping[str, Callable[[Plan], Awaitable[Facts]]] = {
    "three_turns": three_turns,
    "refused_then_retried": refused_then_retried,
}


def main() -> None:
    """Play the scene of the command line and report it."""
    scene, base_url = sys.argv[1:3]
    plan = Plan(endpoint=derive(base_url), key=Secret(os.environ["OPENAI_API_KEY"]), model=MODEL)

    async def play() -> Facts:
        return await SCENES[scene](plan)

    sys.stdout.write(json.dumps(asyncio.run(play())) + "\n")


if __name__ == "__main__":
    main()
