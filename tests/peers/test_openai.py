"""openai-python holds its conversations with the fake server: both connect() faces, and plain HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.contract import LISTED
from tests.peers.conftest import Facts, Fake, run_driver, start_fake
from tests.peers.room import Room

pytestmark = pytest.mark.peer("openai")

Play = Callable[..., Facts]


@pytest.fixture
def play(room: Room, fake: Fake, home: Path) -> Play:
    """Play a scene of a driver against the fake server."""

    def scene(script: str, name: str) -> Facts:
        return run_driver(room, "openai", script, name, fake.base_url, home=home)

    return scene


def _assert_sound(facts: Facts) -> None:
    """What holds for every conversation: types fit, numbers count, deltas add up to the final text."""
    assert facts["strange"] == []
    assert facts["unlisted"] == []
    for turn in facts["turns"]:
        assert turn["numbers"] == list(range(len(turn["numbers"]))), turn["types"]
        assert turn["final_id"] == turn["id"]
        assert turn["text"] + turn["refusal"] == turn["final_text"]
        calls = {call["id"]: call["arguments"] for call in turn["calls"]}
        assert turn["arguments"] == calls
        usage = turn["usage"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def _assert_chained(turns: list[Any]) -> None:
    parents = [turn["previous_response_id"] for turn in turns]
    assert parents == [None, *(turn["id"] for turn in turns[:-1])]


def test_three_turns_remember_each_other(play: Play) -> None:
    """The third turn knows what only the first was told; cached tokens grow along the chain."""
    facts = play("openai_sync.py", "three_turns")
    _assert_sound(facts)
    turns = facts["turns"]
    _assert_chained(turns)
    assert [turn["status"] for turn in turns] == ["completed"] * 3
    assert "heron" in turns[2]["text"]
    cached = [turn["usage"]["input_tokens_details"]["cached_tokens"] for turn in turns]
    assert cached[0] == 0 < cached[1] < cached[2]


def test_a_tool_call_is_answered(play: Play) -> None:
    """The call's arguments fit its schema, and the turn after uses what was answered."""
    facts = play("openai_sync.py", "tool_call")
    _assert_sound(facts)
    asked, answered = facts["turns"]
    assert [call["name"] for call in asked["calls"]] == ["read_thermometer"]
    assert '"city"' in asked["calls"][0]["arguments"]
    assert "3 degrees" in answered["text"]
    _assert_chained([asked, answered])


def test_an_unanswered_call_costs_the_chain(play: Play) -> None:
    """A continuation without the outputs is refused, and evicts the parent on its lane."""
    facts = play("openai_sync.py", "unanswered_call")
    _assert_sound(facts)
    assert len(facts["turns"]) == 1
    unanswered, evicted = facts["errors"]
    assert unanswered["status"] == 400
    assert unanswered["error"]["param"] == "input"
    assert evicted["error"]["code"] == "previous_response_not_found"


def test_a_warm_up_generates_nothing(play: Play) -> None:
    """generate false ends at once without output; the next create may be empty."""
    facts = play("openai_sync.py", "warm_up")
    _assert_sound(facts)
    warmed, turn = facts["turns"]
    assert warmed["status"] == "completed"
    assert warmed["items"] == []
    assert warmed["usage"]["output_tokens"] == 0
    assert turn["previous_response_id"] == warmed["id"]
    assert turn["text"]


def test_a_lost_parent_is_an_event(play: Play) -> None:
    """previous_response_not_found comes as a wrapped error; the same socket starts a new chain."""
    facts = play("openai_sync.py", "lost_parent")
    _assert_sound(facts)
    (error,) = facts["errors"]
    assert error["status"] == 400
    assert error["error"]["code"] == "previous_response_not_found"
    assert error["error"]["param"] == "previous_response_id"
    (turn,) = facts["turns"]
    assert turn["status"] == "completed"


def test_a_steered_response_has_an_unasked_successor(room: Room, home: Path) -> None:
    """Accepted, then incomplete because it was steered, then a created that nobody sent a create for."""
    slow = start_fake(room, "--rate=200", home=home)  # so that there is time to steer
    facts = run_driver(room, "openai", "openai_sync.py", "steer", slow.base_url, home=home)
    slow.stop()
    _assert_sound(facts)
    assert [event["type"] for event in facts["others"]] == ["response.steer.accepted"]
    steered, successor = facts["turns"]
    assert steered["status"] == "incomplete"
    assert steered["incomplete_details"] == {"reason": "steered"}
    assert successor["previous_response_id"] == steered["id"]
    assert successor["status"] == "completed"


def test_two_lanes_at_once_and_a_fork(play: Play) -> None:
    """Lanes keep their conversations apart, and a third forks from one of them."""
    facts = play("openai_sync.py", "lanes")
    _assert_sound(facts)
    lanes = {turn["lane"] for turn in facts["turns"]}
    assert lanes == {"plan", "risk", "critic"}
    told = {turn["lane"]: turn["text"] for turn in facts["turns"]}
    assert "planword" in told["critic"]
    assert "riskword" in told["risk"]


def test_every_type_fits_the_library(play: Play) -> None:
    """The scenario that emits every type of event: each fits the library's own model of it.

    Those that the library does not list were seen on the wire of other servers, or are ours.
    """
    facts = play("openai_sync.py", "every")
    assert facts["strange"] == []
    assert "codex.rate_limits" in facts["unlisted"]
    types = {kind for turn in facts["turns"] for kind in turn["types"]}
    types |= {event["type"] for event in [*facts["others"], *facts["errors"]]}
    assert types == {*LISTED, *facts["unlisted"]}


def test_the_library_knows_every_listed_type(play: Play) -> None:
    """The contract lists no type of the official union that the library does not have."""
    facts = play("openai_typed.py", "types")
    assert set(facts["types"]) >= LISTED


def test_an_async_conversation_with_a_tool(play: Play) -> None:
    """Four chained turns of the asynchronous client, a function call among them."""
    facts = play("openai_async.py", "tool_conversation")
    _assert_sound(facts)
    turns = facts["turns"]
    _assert_chained(turns)
    assert "3 degrees" in turns[2]["text"]
    assert "heron" in turns[3]["text"]


def test_async_lanes(play: Play) -> None:
    """Two lanes, two turns each, on one socket."""
    facts = play("openai_async.py", "lanes")
    _assert_sound(facts)
    assert sorted(turn["lane"] for turn in facts["turns"]) == ["plan", "plan", "risk", "risk"]
    for turn in facts["turns"][2:]:
        assert f"{turn['lane']}ling" in turn["text"]


def test_models_are_listed(play: Play) -> None:
    """GET /models and GET /models/ID."""
    facts = play("openai_http.py", "models")
    assert "gpt-6-astra" in facts["models"]
    assert facts["one"] == facts["models"][0]


def test_post_answers_json(play: Play) -> None:
    """POST without stream chains too, and what is stored can be fetched."""
    facts = play("openai_http.py", "post_json")
    assert facts["previous_response_id"] == facts["first_id"]
    assert "heron" in facts["text"]
    assert facts["fetched_text"] == facts["text"]
    assert facts["ending"]["status"] == "completed"


def test_post_streams(play: Play) -> None:
    """POST with stream: the library's accumulator arrives at what the deltas add up to."""
    facts = play("openai_http.py", "stream")
    (turn,) = facts["turns"]
    assert facts["accumulated"] == turn["text"] == turn["final_text"]
    assert turn["text"]


def test_a_compacted_conversation_goes_on(play: Play) -> None:
    """POST /responses/compact gives items, and they carry what was said."""
    facts = play("openai_http.py", "compact")
    assert "compaction" in facts["items"]
    assert "heron" in facts["text"]


def test_http_refuses_an_unknown_parent(play: Play) -> None:
    """The same mistake over HTTP is status 400 with the same code."""
    facts = play("openai_http.py", "refused")
    assert facts == {
        "status": 400,
        "code": "previous_response_not_found",
        "param": "previous_response_id",
    }
