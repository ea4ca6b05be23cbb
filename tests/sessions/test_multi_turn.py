"""Multi-turn by hand against the fake server on a real socket: what was forecast is what happens."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sessions import answers, compose
from sessions.compose import Create, frame
from sessions.context import full_replay
from sessions.continuation import Where, forecast, usable_parents
from sessions.contract import PARENT_NOT_FOUND, Status
from sessions.lint import lint
from sessions.records import Kind, Record
from sessions.reducer import Sessions
from sessions.session import Session, Turn
from sessions.ways import WayKind, ways_on
from tests import make
from tests.sessions.fake_client import MODEL, TERMINAL, Client, connected, serving

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class Table:
    """Everything that crossed the sockets of a test, as records and as state."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.sessions = Sessions()
        self.wires: dict[int, make.Wire] = {}

    def open(self) -> Session:
        number = len(self.wires) + 1
        self.wires[number] = make.Wire(number, at=10.0 * number)
        self.keep(self.wires[number].open())
        return self.sessions.sessions[number]

    def keep(self, record: Record) -> None:
        self.records.append(record)
        self.sessions.apply(record)

    async def send(self, client: Client, session: Session, create: Create) -> Turn:
        """Send a create, wait for its end, and give its turn."""
        text = frame(create)
        assert [problem for problem in lint(text) if problem.severity == "error"] == []
        wire = self.wires[session.number]
        self.keep(wire.sent(text))
        turn = self.sessions.turns[-1]
        await client.send(text)
        for event in await client.until(*TERMINAL):
            self.keep(wire.got(event))
        assert not turn.is_live
        return turn

    def end(self, session: Session) -> None:
        self.keep(self.wires[session.number].record(b"", Kind.LOST, meta={"code": 1006}))

    def read_record(self, number: int) -> Record:
        return self.records[number]


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_forecast_is_what_happens(seed: int) -> None:
    dice = random.Random(seed)
    table = Table()
    seen: set[tuple[Where, bool | None]] = set()
    async with serving() as server:
        for _ in range(3):
            async with connected(server) as client:
                session = table.open()
                for number in range(8):
                    known = [turn.response_id for turn in table.sessions.turns if turn.response_id]
                    parent = dice.choice([None, *known[-5:], "resp_unknown"]) if known else None
                    lane, store = dice.choice([None, "plan"]), dice.random() < 0.3
                    # an answer to a call that nobody made is refused, and evicts the parent on its own lane
                    is_wrong = parent is not None and dice.random() < 0.25
                    wrong = ({"type": "function_call_output", "call_id": "call_none", "output": ""},)
                    create = Create(
                        text=f"Say {number}.", model=MODEL, parent=parent, lane=lane, store=store,
                        answers=wrong if is_wrong else (),
                    )  # fmt: skip
                    outlook = forecast(table.sessions, parent, session, lane, store=store)
                    turn = await table.send(client, session, create)
                    seen.add((outlook.where, outlook.works))
                    failure = turn.failure.code if turn.failure else ""
                    if outlook.works is False:
                        assert failure == PARENT_NOT_FOUND, (outlook, turn.failure)
                    elif outlook.works and not is_wrong:
                        assert turn.status is Status.COMPLETED, (outlook, turn.failure)
                    elif outlook.works:
                        assert failure != PARENT_NOT_FOUND, (outlook, turn.failure)
                table.end(session)
    assert (Where.MEMORY, True) in seen
    assert (Where.LOST, False) in seen


async def test_after_a_lost_socket_a_full_replay_brings_everything_back() -> None:
    table = Table()
    async with serving() as server:
        async with connected(server) as client:
            session = table.open()
            first = compose.keep_reasoning(
                Create(text="Remember the word heron.", model=MODEL, store=False, instructions="Be terse.")
            )
            turn = await table.send(client, session, first)
            base = compose.inherit(table.sessions, turn, table.read_record)
            assert base.instructions == "Be terse."
            turn = await table.send(client, session, base.model_copy(update={"text": "Say something else."}))
            table.end(session)
        async with connected(server) as client:
            session = table.open()
            best, *_ = ways_on(table.sessions, session, None, read_record=table.read_record)
            assert (best.kind, best.works, best.turn) == (WayKind.REPLAY_SAME, True, turn.number)
            replay = full_replay(table.sessions, turn, table.read_record)
            assert replay.is_complete
            assert best.cost.items == len(replay.items)
            create = compose.inherit(table.sessions, turn, table.read_record).model_copy(
                update={"parent": None, "history": replay.items, "text": "What was the word?"}
            )
            answer = await table.send(client, session, create)
            assert answer.response is not None
            assert "heron" in answer.response.text


async def test_a_typo_under_store_false_is_survived_on_the_same_socket() -> None:
    table = Table()
    async with serving() as server, connected(server) as client:
        session = table.open()
        first = await table.send(
            client, session, Create(text="Remember the word heron.", model=MODEL, store=False)
        )
        typo = {"type": "function_call_output", "call_id": "call_none", "output": ""}
        base = compose.inherit(table.sessions, first, table.read_record)
        failed = await table.send(client, session, base.model_copy(update={"answers": (typo,)}))
        assert failed.status is Status.ERRORED
        best, *_ = ways_on(table.sessions, session, None, read_record=table.read_record)
        assert best.kind is WayKind.REPLAY_SAME
        replay = full_replay(table.sessions, first, table.read_record)
        create = base.model_copy(
            update={"parent": None, "history": replay.items, "text": "What was the word?"}
        )
        again = await table.send(client, session, create)
        assert again.response is not None
        assert "heron" in again.response.text


async def test_calls_are_answered_by_hand_in_one_frame() -> None:
    table = Table()
    async with serving() as server, connected(server) as client:
        session = table.open()
        asked = Create(
            text="What is the weather in Oslo and in Lima?", model=MODEL, store=False, tools=(WEATHER,),
            tool_choice="required",
        )  # fmt: skip
        turn = await table.send(client, session, asked)
        calls = answers.pending(table.sessions, turn)
        assert calls
        parent = turn.response_id
        none = forecast(table.sessions, parent, session, None, store=False, answers=())
        assert none.works is False
        base = compose.inherit(table.sessions, turn, table.read_record)
        made = [(call, answers.answer(call, json.dumps({"celsius": 3}))) for call in calls]
        create = answers.answers_create(base, made)
        whole = forecast(table.sessions, parent, session, None, store=False, answers=create.answered)
        assert (whole.where, whole.works) == (Where.MEMORY, True)
        after = await table.send(client, session, create)
        assert after.status is Status.COMPLETED
        assert answers.pending(table.sessions, turn) == ()


async def test_leaving_an_answer_out_is_refused_as_forecast() -> None:
    table = Table()
    async with serving() as server, connected(server) as client:
        session = table.open()
        asked = Create(
            text="Weather in Oslo?", model=MODEL, store=False, tools=(WEATHER,), tool_choice="required"
        )
        turn = await table.send(client, session, asked)
        base = compose.inherit(table.sessions, turn, table.read_record)
        create = base.model_copy(update={"text": "Never mind."})
        outlook = forecast(
            table.sessions, turn.response_id, session, None, store=False, answers=create.answered
        )
        assert outlook.works is False
        refused = await table.send(client, session, create)
        assert refused.failure is not None
        assert refused.failure.status == 400
        assert forecast(table.sessions, turn.response_id, session, None, store=False).where is Where.EVICTED


async def test_a_warm_up_can_be_continued() -> None:
    table = Table()
    async with serving() as server, connected(server) as client:
        session = table.open()
        settings = Create(text="Hi", model=MODEL, store=False, instructions="Be terse.")
        warm = await table.send(client, session, compose.warm_up(settings))
        assert warm.is_warmup
        assert forecast(table.sessions, warm.response_id, session, None, store=False).works is True
        turn = await table.send(client, session, settings.model_copy(update={"parent": warm.response_id}))
        assert turn.status is Status.COMPLETED
        assert [one.number for one, _ in usable_parents(table.sessions, session, None)] == [turn.number]


async def test_every_frame_that_a_create_makes_is_taken() -> None:
    table = Table()
    creates: list[dict[str, Any]] = [
        {"effort": "low", "summary": "auto", "verbosity": "low"},
        {
            "text_format": "json_schema",
            "schema_name": "answer",
            "json_schema": {"type": "object", "properties": {}},
        },
        {"metadata": {"a": "b"}, "max_output_tokens": 64, "include": ("reasoning.encrypted_content",)},
        {
            "images": (compose.Image.of_bytes(b"png", "image/png"),),
            "files": (compose.File(file_id="file_1"),),
        },
        {"lane": "plan", "extra": {"temperature": 0, "parallel_tool_calls": True}},
    ]
    async with serving() as server, connected(server) as client:
        session = table.open()
        for fields in creates:
            turn = await table.send(client, session, Create(text="Hi", model=MODEL, store=False, **fields))
            assert turn.failure is None, fields
