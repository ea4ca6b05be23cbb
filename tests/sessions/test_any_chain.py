"""Whatever crossed the wire, the words about it come: forecasts, ways on, replays, answers never raise."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import pytest

from sessions import answers
from sessions.compose import describe, frame, inherit
from sessions.context import full_replay
from sessions.continuation import forecast, next_parent, usable_parents
from sessions.contract import ANSWERS
from sessions.errors import LocalProtocolError
from sessions.profile import ProfileFacts
from sessions.records import Direction, Record
from sessions.reducer import Sessions, fold
from sessions.survivors import survivors, what_stopping_costs
from sessions.ways import trouble, ways_on
from tests import make

PROFILES = (
    ProfileFacts(),
    ProfileFacts("codex", lanes=False, stores="never", socket_after_error="dead"),
    ProfileFacts(
        "odd", lanes=False, failure_ends_chain=True, is_model_fixed=True, in_flight="reject", stores="always"
    ),
)
IDS = ("resp_a", "resp_b", "resp_c", "", None, 3)
LANES = (None, "plan", "")
CALLS = (*sorted(ANSWERS), "message", "reasoning", "odd", None, ["list"])
CREATE_KEYS = (
    "model input tools instructions store previous_response_id stream_id generate reasoning text metadata "
    "include conversation response tool_choice max_output_tokens".split()
)
ITEM_KEYS = (
    "call_id name content action pending_safety_checks encrypted_content summary execution namespace".split()
)
EVENTS = (
    "response.created response.in_progress response.completed response.incomplete response.failed "
    "response.done error response.output_item.added response.output_item.done response.output_text.delta "
    "response.steer.accepted".split()
)


def junk(dice: Random, depth: int = 0) -> Any:
    """Any JSON, with words that mean something now and then."""
    match dice.randrange(7):
        case 0:
            return dice.choice([None, True, False, 0, 1, -1, 2**70, 1.5])
        case 1 | 2 | 3:
            return dice.choice(["", "x", "resp_a", "message", "function_call", "completed", "call_1", "***"])
        case 4 if depth < 3:
            return [junk(dice, depth + 1) for _ in range(dice.randrange(3))]
        case _:
            names = ["id", "type", "text", "arguments", "output", "items", "commands", *ITEM_KEYS]
            return {} if depth > 2 else {dice.choice(names): junk(dice, depth + 1) for _ in range(3)}


def item(dice: Random) -> dict[str, Any]:
    found: dict[str, Any] = {"id": dice.choice(["i1", "i2", None, 3]), "type": dice.choice(CALLS)}
    found |= {key: junk(dice) for key in ITEM_KEYS if dice.random() < 0.4}
    return found | ({"call_id": dice.choice(["call_1", "call_2"])} if dice.random() < 0.5 else {})


def event(dice: Random) -> dict[str, Any]:
    body: dict[str, Any] = {"type": dice.choice(EVENTS), "output_index": dice.choice([0, 1, "x", None])}
    body["item"] = item(dice) if dice.random() < 0.9 else junk(dice)
    body["response"] = {
        "id": dice.choice(IDS), "store": dice.choice([True, False, None, 1]), "usage": junk(dice),
        "output": [item(dice)], "previous_response_id": dice.choice(IDS),
    }  # fmt: skip
    body["error"] = {"code": dice.choice(["previous_response_not_found", None, 3]), "message": junk(dice)}
    body["steer"] = {"id": "s", "previous_response_id": dice.choice(IDS)}
    return body | ({"stream_id": dice.choice(["plan", "", 3, None])} if dice.random() < 0.3 else {})


def create(dice: Random) -> dict[str, Any]:
    body = {key: junk(dice) for key in CREATE_KEYS if dice.random() < 0.35}
    told = {"previous_response_id": dice.choice(IDS)} if dice.random() < 0.5 else {}
    return {"type": "response.create", **body, **told}


def records_of(dice: Random) -> list[Record]:
    """One or two sockets of anything."""
    records: list[Record] = []
    for number in range(1, dice.choice([2, 3])):
        wire = make.Wire(number, at=100.0 * number)
        records.append(wire.open(lifetime=dice.choice([0, 1, 3600])))
        for _ in range(dice.randrange(12)):
            kind = dice.random()
            if kind < 0.35:
                records.append(wire.sent(create(dice)))
            elif kind < 0.4:
                records.append(wire.sent(make.steer(dice.choice(["resp_a", "resp_b"]))))
            else:
                records.append(wire.got(event(dice)))
        if dice.random() < 0.4:
            records.append(dice.choice([wire.lost(), wire.close(by=dice.choice(list(Direction)))]))
    return records


def look_at_everything(sessions: Sessions, records: list[Record], dice: Random) -> None:
    for profile in PROFILES:
        for session in (None, *sessions.sessions.values()):
            for lane in LANES:
                for parent in ("resp_a", "resp_b", None, next_parent(sessions, session, lane)):
                    outlook = forecast(
                        sessions, parent, session, lane, profile=profile, store=dice.random() < 0.5,
                        now=dice.choice([None, 0.0, 1e9]), answers=dice.choice([None, (), ("call_1",)]),
                        model=dice.choice(["", "m"]),
                    )  # fmt: skip
                    assert outlook.sentence.endswith(".")
                for _, outlook in usable_parents(sessions, session, lane, profile=profile):
                    assert outlook.works is not False
                trouble(sessions, session, lane, now=3.0, profile=profile)
                for way in ways_on(
                    sessions, session, lane, read_record=records.__getitem__, now=5.0, profile=profile
                ):
                    assert way.title
                    assert way.reason.endswith(".")
                    assert way.cost.words
            if session is not None:
                survivors(sessions, session, profile=profile)
                assert what_stopping_costs(sessions, session=session)


@pytest.mark.parametrize("seed", range(60))
def test_anything_can_be_forecast_and_gone_on_from(seed: int) -> None:
    dice = Random(seed)
    records = records_of(dice)
    look_at_everything(fold(records), records, dice)


@pytest.mark.parametrize("seed", range(60))
def test_anything_can_be_replayed_inherited_and_answered(seed: int) -> None:
    records = records_of(Random(seed))
    sessions = fold(records)
    for turn in sessions.turns:
        replay = full_replay(sessions, turn, records.__getitem__)
        assert replay.size >= 2
        inherited = inherit(sessions, turn, records.__getitem__)
        assert inherited.text == ""
        assert describe(inherited, sessions, records.__getitem__).endswith("bytes")
        with suppress(LocalProtocolError):  # a lane may be no lane name
            frame(inherited)
        for call in answers.pending(sessions, turn):
            fields = answers.form(call, inherited.tools)
            assert fields
            assert answers.title(call)
            made = answers.answer(call, answers.template(call, inherited.tools))
            assert made["type"] == ANSWERS[call.type]
