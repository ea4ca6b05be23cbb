"""Parents, memory, eviction, warm-ups, tool outputs, lanes and steering of the fake server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from sessions.wire.scenarios.memory import History, Said
from tests.sessions.fake_client import (
    Client,
    Event,
    client,
    code_of,
    connected,
    id_of,
    serving,
    text_of,
    types,
)

TEMP = {
    "type": "function",
    "name": "temp",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
TIME = {**TEMP, "name": "time_of_day"}


def output(call: Mapping[str, Any], text: str) -> Event:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": text}


def calls(events: list[Event]) -> list[Event]:
    return [item for item in events[-1]["response"]["output"] if item["type"] == "function_call"]


# Memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [True, False])
async def test_a_continuation_knows_what_was_said(store: bool) -> None:
    async with client() as one:
        first = await one.turn("Remember the word heron.", store=store)
        second = await one.turn("What was the word?", store=store, previous_response_id=id_of(first))
        third = await one.turn("What is 2+2?", store=store, previous_response_id=id_of(second))
        fourth = await one.turn("Now multiply that by 3", store=store, previous_response_id=id_of(third))
    assert "heron" in text_of(second)
    assert text_of(fourth) == "That makes 12."
    assert second[-1]["response"]["previous_response_id"] == id_of(first)
    usages = [events[-1]["response"]["usage"] for events in (first, second, third, fourth)]
    cached = [usage["input_tokens_details"]["cached_tokens"] for usage in usages]
    assert cached[0] == 0
    assert cached == sorted(set(cached))
    for before, after in zip(usages, cached[1:], strict=False):
        assert after == before["total_tokens"]


async def test_a_new_chain_knows_nothing_of_the_old_one() -> None:
    async with client() as one:
        await one.turn("Remember the word heron.")
        assert "heron" not in text_of(await one.turn("What was the word?"))


async def test_a_reconnect_forgets_what_was_not_stored_and_only_that() -> None:
    async with serving() as server:
        async with connected(server) as one:
            kept = await one.turn("Remember the word heron.", store=True)
            lost = await one.turn("Remember the word egret.", store=False)
        async with connected(server) as two:
            assert code_of(await two.turn("Which word?", previous_response_id=id_of(lost))) == (
                "previous_response_not_found"
            )
            again = await two.turn("What was the word?", previous_response_id=id_of(kept))
    assert "heron" in text_of(again)


async def test_only_the_latest_response_of_a_lane_is_remembered_without_store() -> None:
    async with client() as one:
        first = await one.turn("One")
        second = await one.turn("Two", previous_response_id=id_of(first))
        assert (
            code_of(await one.turn("Fork", previous_response_id=id_of(first)))
            == "previous_response_not_found"
        )
        assert (await one.turn("Three", previous_response_id=id_of(second)))[-1][
            "type"
        ] == "response.completed"


async def test_any_stored_response_can_be_forked() -> None:
    async with client() as one:
        first = await one.turn("Remember the word heron.", store=True)
        await one.turn("Two", previous_response_id=id_of(first), store=True)
        fork = await one.turn("What was the word?", previous_response_id=id_of(first), store=True)
    assert "heron" in text_of(fork)


async def test_an_unknown_parent_is_the_documented_error_and_the_socket_lives() -> None:
    async with client() as one:
        events = await one.turn("Hi", previous_response_id="resp_nobody", stream_id="main")
        assert events == [
            {
                "type": "error",
                "status": 400,
                "stream_id": "main",
                "error": {
                    "type": "invalid_request_error",
                    "code": "previous_response_not_found",
                    "message": "Previous response with id 'resp_nobody' not found.",
                    "param": "previous_response_id",
                },
            }
        ]
        assert text_of(await one.turn("Ping?")).startswith("Hello")


async def test_a_failed_continuation_evicts_its_parent_on_the_same_lane() -> None:
    async with client() as one:
        first = await one.turn("One")
        wrong = await one.turn("Two", previous_response_id=id_of(first), max_output_tokens=-1)
        assert wrong[-1]["error"]["param"] == "max_output_tokens"
        retry = await one.turn("Two", previous_response_id=id_of(first))
    assert code_of(retry) == "previous_response_not_found"


async def test_a_failed_fork_from_another_lane_keeps_the_parent() -> None:
    async with client() as one:
        await one.create("One", stream_id="a")
        first = await one.until("response.completed")
        await one.turn("Two", stream_id="b", previous_response_id=id_of(first), top_logprobs=99)
        again = await one.turn("Two", stream_id="a", previous_response_id=id_of(first))
    assert again[-1]["type"] == "response.completed"


async def test_a_stored_parent_survives_the_eviction() -> None:
    async with client() as one:
        first = await one.turn("One", store=True)
        await one.turn("Two", previous_response_id=id_of(first), top_logprobs=99)
        assert (await one.turn("Two", previous_response_id=id_of(first)))[-1]["type"] == "response.completed"


async def test_a_full_replay_needs_no_parent() -> None:
    async with client() as one:
        first = await one.turn("Remember the word heron.")
        replay = [
            {"role": "user", "content": "Remember the word heron."},
            *first[-1]["response"]["output"],
            {"role": "user", "content": "What was the word?"},
        ]
        events = await one.turn(replay)
    assert "heron" in text_of(events)
    assert events[-1]["response"]["previous_response_id"] is None


# Warm-up -----------------------------------------------------------------------------------------------


async def test_a_warm_up_says_nothing_and_can_be_continued_even_with_no_input() -> None:
    async with client() as one:
        warm = await one.turn([], generate=False, instructions="Be terse.", tools=[])
        next_turn = await one.turn([], previous_response_id=id_of(warm))
        last = await one.turn("Hi", previous_response_id=id_of(next_turn))
    assert types(warm) == ["response.created", "response.completed"]
    assert warm[-1]["response"]["output"] == []
    assert warm[-1]["response"]["status"] == "completed"
    assert warm[-1]["response"]["usage"]["output_tokens"] == 0
    assert warm[-1]["response"]["usage"]["input_tokens"] > 0
    assert next_turn[-1]["type"] == last[-1]["type"] == "response.completed"


# Tools -------------------------------------------------------------------------------------------------


async def test_a_tool_is_called_with_arguments_of_its_schema_and_answered() -> None:
    async with client() as one:
        first = await one.turn("Temp in Oslo?", tools=[TEMP])
        (call,) = calls(first)
        second = await one.turn([output(call, '{"c":3}')], previous_response_id=id_of(first), tools=[TEMP])
    deltas = [event["delta"] for event in first if event["type"] == "response.function_call_arguments.delta"]
    assert json.loads(call["arguments"]) == {"city": "Oslo"}
    assert "".join(deltas) == call["arguments"]
    assert len(deltas) > 2
    assert call["id"].startswith("fc_")
    assert call["call_id"].startswith("call_")
    assert first[-1]["response"]["status"] == "completed"
    assert text_of(second) == "With the results in hand: temp says c 3."


async def test_what_stands_before_the_prompt_calls_no_tool() -> None:
    surroundings = {"role": "user", "content": "<environment><temp>/tmp</temp>, the word to remember: heron"}
    async with client() as one:
        events = await one.turn([surroundings, {"role": "user", "content": "Say hi"}], tools=[TEMP])
    assert calls(events) == []
    assert "Say hi" in text_of(events)


async def test_two_tools_are_called_at_once_and_answered_in_any_order() -> None:
    async with client() as one:
        first = await one.turn("Call both for Lima.", tools=[TEMP, TIME])
        two = calls(first)
        answers = [output(call, call["name"]) for call in reversed(two)]
        second = await one.turn(answers, previous_response_id=id_of(first), tools=[TEMP, TIME])
    assert [call["name"] for call in two] == ["temp", "time_of_day"]
    assert [event["output_index"] for event in first if event["type"] == "response.output_item.added"] == [
        0,
        1,
    ]
    assert text_of(second) == "With the results in hand: time_of_day says time_of_day; temp says temp."


async def test_one_missing_output_is_a_400_and_costs_the_parent() -> None:
    async with client() as one:
        first = await one.turn("Call both tools", tools=[TEMP, TIME])
        one_only = [output(calls(first)[0], "3")]
        wrong = await one.turn(one_only, previous_response_id=id_of(first))
        retry = await one.turn(
            [output(call, "3") for call in calls(first)], previous_response_id=id_of(first)
        )
    assert (wrong[-1]["status"], wrong[-1]["error"]["param"]) == (400, "input")
    assert calls(first)[1]["call_id"] in wrong[-1]["error"]["message"]
    assert code_of(retry) == "previous_response_not_found"


async def test_an_output_without_its_call_is_a_400() -> None:
    async with client() as one:
        wrong = await one.turn([{"type": "function_call_output", "call_id": "call_no", "output": "x"}])
    assert "call_no" in wrong[-1]["error"]["message"]


async def test_tool_choice_is_obeyed() -> None:
    async with client() as one:
        none = await one.turn("temp please", tools=[TEMP], tool_choice="none")
        forced = await one.turn(
            "Hi", tools=[TEMP, TIME], tool_choice={"type": "function", "name": "time_of_day"}
        )
        required = await one.turn("Hi", tools=[TEMP], tool_choice="required")
        single = await one.turn("call both tools", tools=[TEMP, TIME], parallel_tool_calls=False)
    assert calls(none) == []
    assert [call["name"] for call in calls(forced)] == ["time_of_day"]
    assert [call["name"] for call in calls(required)] == ["temp"]
    assert len(calls(single)) == 1


async def test_a_call_that_is_forced_is_made_beside_an_output_too() -> None:
    forced = {"type": "function", "name": "time_of_day"}
    async with client() as one:
        first = (await one.turn("Step 1.", tools=[TIME], tool_choice=forced))[-1]["response"]
        answered = {
            "type": "function_call_output",
            "call_id": first["output"][-1]["call_id"],
            "output": "noon",
        }
        asked = {"type": "message", "role": "user", "content": "Step 2."}
        on = {"tools": [TIME], "previous_response_id": first["id"]}
        second = (await one.turn([answered, asked], tool_choice=forced, **on))[-1]["response"]
    assert [item["type"] for item in second["output"]] == ["function_call"]


async def test_a_tool_in_the_chat_form_is_refused_by_the_official_server() -> None:
    async with client() as one:
        wrong = await one.turn("Hi", tools=[{"type": "function", "function": {"name": "read_file"}}])
    assert (code_of(wrong), wrong[-1]["error"]["param"]) == ("missing_required_parameter", "tools[0].name")


# Lanes -------------------------------------------------------------------------------------------------


async def test_lanes_run_side_by_side_and_each_event_names_its_own() -> None:
    async with client(rate=200) as one:
        await one.create("long 5", stream_id="plan")
        await one.create("long 5", stream_id="risk")
        events = await one.until("response.completed", lane="plan")
        events += await one.until("response.completed", lane="risk") if "risk" not in _ended(events) else []
    lanes = [event["stream_id"] for event in events]
    assert set(lanes) == {"plan", "risk"}
    switches = sum(before != after for before, after in pairwise(lanes))
    assert switches > 10
    for lane in ("plan", "risk"):
        numbers = [event["sequence_number"] for event in events if event["stream_id"] == lane]
        assert numbers == list(range(len(numbers)))


def _ended(events: list[Event]) -> set[str]:
    return {event["stream_id"] for event in events if event["type"] == "response.completed"}


async def test_one_lane_is_first_in_first_out() -> None:
    async with client() as one:
        for number in range(5):
            await one.create(f"What is {number}+0?")
        answers = [text_of(await one.until("response.completed")) for _ in range(5)]
    assert answers == [f"That makes {number}." for number in range(5)]


async def test_a_queued_create_may_name_a_parent_that_is_still_running() -> None:
    async with client(seed=9) as one:
        first = await one.turn("Remember the word heron.")
        await one.create("What is 1+1?", previous_response_id=id_of(first))
        events = await one.until("response.created")
        await one.create("What was the word?", previous_response_id=events[0]["response"]["id"])
        await one.until("response.completed")
        last = await one.until("response.completed", "error")
    assert "heron" in text_of(last)


async def test_sixteen_responses_run_and_the_seventeenth_waits() -> None:
    async with client(rate=30) as one:
        for number in range(17):
            await one.create("long 3", stream_id=f"lane{number}")
        events = await one.until("response.completed")
        started = {event["stream_id"] for event in events if event["type"] == "response.created"}
        assert started == {f"lane{number}" for number in range(16)}
        more = await one.until("response.created")
    assert more[-1]["stream_id"] == "lane16"


async def test_the_thirty_third_lane_is_refused_by_name_and_the_others_go_on() -> None:
    async with client() as one:
        for number in range(32):
            await one.turn("Hi", stream_id=f"lane{number}")
        wrong = await one.turn("Hi", stream_id="one-too-many")
        again = await one.turn("Hi", stream_id="lane0")
        default = await one.turn("Hi")
    assert (code_of(wrong), wrong[-1]["stream_id"]) == ("websocket_stream_limit_reached", "one-too-many")
    assert again[-1]["type"] == default[-1]["type"] == "response.completed"
    assert "stream_id" not in default[-1]


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, 7, "ü"])
async def test_a_lane_with_a_wrong_name_is_told_without_one(name: object) -> None:
    async with client() as one:
        wrong = await one.turn("Hi", stream_id=name)
        assert code_of(wrong) == "invalid_stream_id"
        assert "stream_id" not in wrong[-1]
        assert (await one.turn("Hi", stream_id="x" * 256))[-1]["type"] == "response.completed"


async def test_a_fork_from_another_lane_binds_its_parent() -> None:
    async with client() as one:
        await one.create("Remember the word heron.", stream_id="plan")
        first = await one.until("response.completed")
        await one.create("What was the word?", stream_id="critic", previous_response_id=id_of(first))
        fork = await one.until("response.completed")
        onward = await one.turn("What was the word?", stream_id="plan", previous_response_id=id_of(first))
    assert "heron" in text_of(fork)
    assert "heron" in text_of(onward)


# Steering ----------------------------------------------------------------------------------------------


async def _steer(
    one: Client, target: str, text: Any = "Now tell me the capital of Peru", **more: Any
) -> None:
    await one.send({"type": "response.steer", "previous_response_id": target, "input": text, **more})


async def test_steering_interrupts_and_a_successor_comes_unasked() -> None:
    async with client(rate=300) as one:
        await one.create("long 50", stream_id="s")
        first = await one.until("response.output_text.delta")
        target = first[0]["response"]["id"]
        await _steer(one, target)
        events = await one.until("response.incomplete")
        successor = await one.until("response.completed")
    accepted = next(event for event in events if event["type"] == "response.steer.accepted")
    assert accepted["steer"]["previous_response_id"] == target
    assert accepted["steer"]["id"].startswith("steer_")
    assert accepted["stream_id"] == "s"
    assert events[-1]["response"]["incomplete_details"] == {"reason": "steered"}
    assert successor[0]["type"] == "response.created"
    assert successor[0]["sequence_number"] == 0
    assert successor[0]["response"]["previous_response_id"] == target
    assert text_of(successor) == "Lima."


async def test_steering_may_come_too_late_to_interrupt_and_is_applied_all_the_same() -> None:
    async with client(rate=60) as one:
        await one.create("What is my name?")
        first = await one.until("response.output_text.delta")
        await _steer(one, first[0]["response"]["id"])
        events = await one.until("response.completed", "response.incomplete")
        assert events[-1]["type"] == "response.completed"
        successor = await one.until("response.completed")
    assert text_of(successor) == "Lima."


async def test_steering_waits_for_tool_outputs_and_is_prepended() -> None:
    async with client(rate=60) as one:
        await one.create("Temp in Oslo?", tools=[TEMP])
        first = await one.until("response.function_call_arguments.delta")
        await _steer(one, first[0]["response"]["id"], "What is 20+1?")
        events = await one.until("response.completed")
        (pending,) = await one.until("response.steer.pending")
        (call,) = calls(events)
        last = await one.turn([output(call, "3 C")], previous_response_id=id_of(events))
    stub = {"type": "function_call_output", "call_id": call["call_id"], "name": "temp"}
    assert (pending["reason"], pending["required_input"]) == ("waiting_for_required_input", [stub])
    assert "temp says 3 C" in text_of(last)
    assert "That makes 21." in text_of(last)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"previous_response_id": "resp_no", "input": "x"}, "response_not_found"),
        ({"previous_response_id": None, "input": "x"}, "response_not_found"),
        ({"previous_response_id": "resp_no", "input": ""}, "invalid_input"),
        ({"previous_response_id": "resp_no", "input": []}, "invalid_input"),
        ({"previous_response_id": "resp_no", "input": "x", "stream_id": "a"}, "invalid_input"),
        ({"previous_response_id": "resp_no", "input": [{"type": "reasoning"}]}, "invalid_input"),
        ({"previous_response_id": "resp_no", "input": [{"role": "system", "content": "x"}]}, "invalid_input"),
    ],
)
async def test_a_steer_that_cannot_be_gives_its_input_back(frame: Event, code: str) -> None:
    async with client() as one:
        await one.send({"type": "response.steer", **frame})
        event = await one.receive()
    assert (event["type"], event["error"]["code"]) == ("response.steer.failed", code)
    assert event["steer"] == {key: frame[key] for key in ("previous_response_id", "input")}


async def test_a_steer_after_the_end_says_so() -> None:
    async with client() as one:
        events = await one.turn("Hi")
        await _steer(one, id_of(events))
        assert (await one.receive())["error"]["code"] == "response_already_completed"


@pytest.mark.parametrize(
    "settings",
    [{"model": "gpt-5.6"}, {"conversation": "conv_1"}, {"context_management": [{"type": "compaction"}]}],
)
async def test_some_responses_take_no_steering(settings: Event) -> None:
    async with client(rate=100) as one:
        await one.create("long 20", **settings)
        first = await one.until("response.output_text.delta")
        await _steer(one, first[0]["response"]["id"])
        events = await one.until("response.steer.failed")
    assert events[-1]["error"]["code"] == "steering_not_supported"


async def test_an_inject_finds_nobody_waiting() -> None:
    async with client() as one:
        await one.send({"type": "response.inject", "response_id": "resp_no", "input": []})
        event = await one.receive()
    assert (event["type"], event["error"]["code"]) == ("response.inject.failed", "response_not_found")


def test_a_fork_does_not_change_the_history_of_the_chain_it_left() -> None:
    first = History().plus(Said("one", ""))
    trunk = first.plus(Said("two", ""))
    fork = first.plus(Said("other", ""))
    assert [said.user for said in trunk.turns()] == ["one", "two"]
    assert [said.user for said in fork.turns()] == ["one", "other"]
    assert [said.user for said in trunk.plus(Said("three", "")).turns()] == ["one", "two", "three"]
    assert [said.user for said in first.turns()] == ["one"]
