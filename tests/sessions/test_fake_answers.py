"""What the fake server says: reasoning, refusals, limits, hosted tools, structured output, every scenario."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from sessions.changes import Change, What
from sessions.contract import LISTED
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.answers.demo import STEPS, TOOLS
from sessions.wire.scenarios.answers.hostile import PIECES
from tests.sessions.fake_client import Event, client, code_of, connected, id_of, serving, text_of, types


def items(events: list[Event]) -> list[Event]:
    output = events[-1]["response"]["output"]
    assert isinstance(output, list)
    return output


def only(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["type"] == name]


async def test_reasoning_comes_with_a_summary_and_encrypted_content_when_asked_for() -> None:
    async with client() as one:
        events = await one.turn(
            "Capital of Peru?",
            reasoning={"effort": "high", "summary": "auto"},
            include=["reasoning.encrypted_content"],
        )
    reasoning, message = items(events)
    usage = events[-1]["response"]["usage"]
    added = only(events, "response.output_item.added")[0]["item"]
    assert (reasoning["type"], message["type"]) == ("reasoning", "message")
    assert len(reasoning["summary"]) == 2
    assert reasoning["encrypted_content"] != added["encrypted_content"]
    streamed = "".join(event["delta"] for event in only(events, "response.reasoning_summary_text.delta"))
    assert streamed == "".join(part["text"] for part in reasoning["summary"])
    assert usage["output_tokens_details"]["reasoning_tokens"] > 192
    assert usage["output_tokens"] > usage["output_tokens_details"]["reasoning_tokens"]


async def test_reasoning_without_a_summary_is_an_empty_item() -> None:
    async with client() as one:
        events = await one.turn("Please think: capital of Peru?")
    assert items(events)[0]["summary"] == []
    assert "encrypted_content" not in items(events)[0]
    assert not only(events, "response.reasoning_summary_text.delta")


async def test_a_refusal_completes() -> None:
    async with client() as one:
        events = await one.turn("Please refuse.")
    (part,) = items(events)[0]["content"]
    assert events[-1]["type"] == "response.completed"
    assert part == {"type": "refusal", "refusal": "I can't help with that."}
    assert "".join(event["delta"] for event in only(events, "response.refusal.delta")) == part["refusal"]


async def test_a_limit_cuts_the_answer_and_counts_it() -> None:
    async with client() as one:
        events = await one.turn("long 50", max_output_tokens=10)
    response = events[-1]["response"]
    assert events[-1]["type"] == "response.incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] == 10
    assert items(events)[0]["status"] == "incomplete"
    assert text_of(events) == "".join(event["delta"] for event in only(events, "response.output_text.delta"))


async def test_a_limit_that_reasoning_uses_up_leaves_no_message() -> None:
    async with client() as one:
        events = await one.turn("Think hard", max_output_tokens=16)
    assert events[-1]["type"] == "response.incomplete"
    assert [item["type"] for item in items(events)] == ["reasoning"]
    assert events[-1]["response"]["usage"]["output_tokens"] == 16


async def test_a_limit_that_just_fits_completes() -> None:
    async with client() as one:
        events = await one.turn("Capital of Peru?", max_output_tokens=1)
    assert (events[-1]["type"], text_of(events)) == ("response.completed", "Lima.")


async def test_padding_is_on_deltas_unless_it_is_switched_off() -> None:
    async with client() as one:
        padded = await one.turn("Capital of Peru?")
        plain = await one.turn("Capital of Peru?", stream_options={"include_obfuscation": False})
    assert all(event["obfuscation"] for event in only(padded, "response.output_text.delta"))
    assert not any("obfuscation" in event for event in plain)


async def test_structured_output_follows_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 1}},
        "required": ["city", "people"],
        "additionalProperties": False,
    }
    async with client() as one:
        events = await one.turn(
            "How many people live in Lima?",
            text={"format": {"type": "json_schema", "name": "place", "schema": schema, "strict": True}},
        )
    assert json.loads(text_of(events)) == {"city": "Lima", "people": 3}
    assert events[-1]["response"]["text"]["format"]["name"] == "place"


async def test_the_response_echoes_what_was_asked() -> None:
    async with client() as one:
        events = await one.turn(
            "Hi",
            instructions="Be terse.",
            metadata={"case": "7"},
            temperature=0.2,
            max_output_tokens=99,
            prompt_cache_key="k",
            stream=True,
            client_metadata={"session_id": "s"},
        )
    response = events[-1]["response"]
    assert text_of(events) == "Hello!"
    assert (response["instructions"], response["metadata"]) == ("Be terse.", {"case": "7"})
    assert (response["temperature"], response["max_output_tokens"]) == (0.2, 99)
    assert (response["object"], response["store"], response["prompt_cache_key"]) == ("response", False, "k")
    expected = {"completed_at", "error", "incomplete_details", "parallel_tool_calls", "reasoning", "text"}
    assert expected | {"tool_choice", "tools", "top_p", "truncation", "usage"} <= set(response)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("my name is Ada", "Nice to meet you, Ada."),
        ("What is 6*7?", "That makes 42."),
        ("what is 1/0?", "You said"),
        ("Capital of Atlantis?", "I do not know the capital of Atlantis."),
        ("How many turns is this?", "This is turn 1 of this chain."),
        ("What did I say before?", "Nothing yet"),
    ],
)
async def test_the_small_world(prompt: str, said: str) -> None:
    async with client() as one:
        assert text_of(await one.turn(prompt)).startswith(said)


async def test_input_without_words_is_named() -> None:
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]}
    async with client() as one:
        assert "input_image" in text_of(await one.turn([picture]))


# Hosted tools ------------------------------------------------------------------------------------------

HOSTED = [
    ({"type": "web_search"}, "Search the web", "web_search_call", ["in_progress", "searching", "completed"]),
    (
        {"type": "file_search"},
        "Look in the files",
        "file_search_call",
        ["in_progress", "searching", "completed"],
    ),
    (
        {"type": "code_interpreter", "container": {"type": "auto"}},
        "Calculate a sum in Python",
        "code_interpreter_call",
        ["in_progress", "interpreting", "completed"],
    ),
    (
        {"type": "image_generation", "partial_images": 2},
        "Draw a picture",
        "image_generation_call",
        ["in_progress", "generating", "partial_image", "completed"],
    ),
    (
        {"type": "mcp", "server_label": "tides", "require_approval": "never"},
        "Ask tides",
        "mcp_call",
        ["in_progress", "completed"],
    ),
]


@pytest.mark.parametrize(("tool", "prompt", "call", "states"), HOSTED)
async def test_a_hosted_tool_goes_through_its_states(
    tool: Event, prompt: str, call: str, states: list[str]
) -> None:
    async with client() as one:
        events = await one.turn(prompt, tools=[tool])
    seen = types([event for event in events if event["type"].startswith(f"response.{call}.")])
    assert seen == [f"response.{call}.{state}" for state in states]
    item = next(item for item in items(events) if item["type"] == call)
    assert item["status"] == "completed"
    ids = {event["item_id"] for event in events if event["type"].startswith(f"response.{call}.")}
    assert ids == {item["id"]}


async def test_a_search_is_cited() -> None:
    async with client() as one:
        events = await one.turn("Search the web", tools=[{"type": "web_search"}])
    (added,) = only(events, "response.output_text.annotation.added")
    assert added["annotation"]["type"] == "url_citation"
    assert items(events)[-1]["content"][0]["annotations"] == [added["annotation"]]


async def test_extras_of_hosted_tools_come_only_when_included() -> None:
    asked: dict[str, Any] = {"tools": [{"type": "code_interpreter"}]}
    async with client() as one:
        without = await one.turn("Calculate", **asked)
        included = await one.turn("Calculate", include=["code_interpreter_call.outputs"], **asked)
    assert items(without)[0]["outputs"] is None
    assert items(included)[0]["outputs"] == [{"type": "logs", "logs": "55\n"}]


@pytest.mark.parametrize(("approve", "said"), [(True, "high water"), (False, "leave tides alone")])
async def test_an_mcp_call_waits_for_approval(approve: bool, said: str) -> None:
    tool = {"type": "mcp", "server_label": "tides"}
    async with client() as one:
        first = await one.turn("Ask tides", tools=[tool])
        request = items(first)[-1]
        answer = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": approve}
        second = await one.turn([answer], previous_response_id=id_of(first), tools=[tool])
    assert request["type"] == "mcp_approval_request"
    assert items(first)[0]["type"] == "mcp_list_tools"
    assert said in text_of(second)


@pytest.mark.parametrize(
    ("tool", "prompt", "call", "answer"),
    [
        ({"type": "shell"}, "Run `ls -l`", "shell_call", "shell_call_output"),
        ({"type": "local_shell"}, "Run `ls -l`", "local_shell_call", "local_shell_call_output"),
        ({"type": "apply_patch"}, "Fix that with a patch", "apply_patch_call", "apply_patch_call_output"),
        ({"type": "computer"}, "Click it", "computer_call", "computer_call_output"),
        ({"type": "custom", "name": "poem"}, "A poem please", "custom_tool_call", "custom_tool_call_output"),
        (
            {"type": "tool_search", "execution": "client"},
            "Find a tool",
            "tool_search_call",
            "tool_search_output",
        ),
    ],
)
async def test_a_call_that_the_client_runs_wants_its_output(
    tool: Event, prompt: str, call: str, answer: str
) -> None:
    async with client() as one:
        first = await one.turn(prompt, tools=[tool], store=True)
        item = items(first)[-1]
        assert item["type"] == call
        without = await one.turn("And now?", previous_response_id=id_of(first), store=True)
        assert without[-1]["status"] == 400
        output = {"type": answer, "call_id": item["call_id"], "output": "done it"}
        second = await one.turn([output], previous_response_id=id_of(first))
    assert "done it" in text_of(second)


async def test_a_hosted_shell_runs_by_itself() -> None:
    async with client() as one:
        events = await one.turn(
            "Run `date` and `ls`", tools=[{"type": "shell", "environment": {"type": "container_auto"}}]
        )
    done = only(events, "response.shell_call_command.done")
    assert [event["command"] for event in done] == ["date", "ls"]
    assert not any("item_id" in event for event in done)
    outputs = only(events, "response.shell_call_output_content.delta")
    assert outputs[0]["delta"] == {"stdout": "date: done\n", "stderr": ""}
    assert text_of(events) == "Both commands have run."


async def test_a_context_above_its_threshold_is_compacted() -> None:
    management = [{"type": "compaction", "compact_threshold": 50}]
    async with client() as one:
        small = await one.turn("Hi", context_management=management)
        large = await one.turn("word " * 100, context_management=management)
    assert not only(small, "response.compaction.compacting")
    assert len(only(large, "response.compaction.compacting")) == 1
    assert items(large)[0]["type"] == "compaction"


# Scenarios ---------------------------------------------------------------------------------------------


async def test_every_scenario_can_be_the_servers_own_or_one_prompts() -> None:
    for name in SCENARIOS:
        async with client(scenario=name) as own, client() as other:
            first = types(await own.turn("7"))
            second = types(await other.turn(f"/{name} 7"))
        assert first == second, name


async def test_flood_sends_exactly_as_many_deltas_as_asked_for() -> None:
    async with client() as one:
        events = await one.turn("flood 1234")
    deltas = only(events, "response.output_text.delta")
    assert len(deltas) == 1234
    assert text_of(events) == "".join(event["delta"] for event in deltas)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_hostile_text_arrives_as_it_is() -> None:
    async with client() as one:
        assert text_of(await one.turn("/hostile")) == "".join(PIECES)
        line = await one.turn("/hostile line")
        names = await one.turn("/hostile names")
    assert len(text_of(line)) == 1_000_000
    assert any("\x1b" in item.get("name", "") for item in items(names))


async def test_every_sends_all_types_of_the_union_in_four_responses() -> None:
    async with client() as one:
        await one.create("/every", stream_id="all")
        events = await one.until("response.steer.failed")
    seen = {event["type"] for event in events}
    assert not LISTED - seen
    assert {"keepalive", "codex.rate_limits", "response.metadata", "response.sparkle.added"} <= seen
    created = only(events, "response.created")
    assert len({event["response"]["id"] for event in created}) == 4
    for before, after in pairwise(created):
        assert after["response"]["previous_response_id"] == before["response"]["id"]
    assert all(event["stream_id"] == "all" for event in events)
    endings = [
        event["type"] for event in events if event["type"] in {"response.completed", "response.failed"}
    ]
    assert endings == ["response.completed", "response.failed", "response.completed"]


@pytest.mark.parametrize("prompt", [f"/{name} 7" for name in SCENARIOS])
async def test_the_order_of_events_is_legal(prompt: str) -> None:
    async with serving(keep_frames=True) as server:
        async with connected(server) as one:
            await one.create(prompt)
            await one.until("response.steer.failed" if prompt.startswith("/every") else "response.completed")
        (visit,) = server.log
    state = Sessions()
    moved: list[Change] = []
    for direction, payloads in ((Direction.CLIENT, visit.received), (Direction.SERVER, visit.sent)):
        for payload in payloads:
            moved.extend(state.apply(Record(1, direction, Kind.TEXT, 0, 0.0, payload)))
    assert len(moved) > 10
    assert [change for change in moved if change.what is What.IRREGULAR] == []


async def test_the_demo_tour_works_step_by_step() -> None:
    async with client() as one:
        parent = None
        for step in STEPS:
            tools = list(TOOLS) if step.needs_tools else []
            events = await one.turn(
                step.prompt, previous_response_id=parent, tools=tools, **dict(step.settings)
            )
            assert events[-1]["type"] == "response.completed", step
            pending = [item for item in items(events) if item["type"] == "function_call"]
            assert bool(pending) == step.needs_tools, step
            if pending:
                answers = [
                    {"type": "function_call_output", "call_id": call["call_id"], "output": "fine"}
                    for call in pending
                ]
                events = await one.turn(answers, previous_response_id=id_of(events))
            parent = id_of(events)


# What is wrong with a create ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"model": ...}, "missing_required_parameter", "model"),
        ({"model": 7}, "invalid_type", "model"),
        ({"input": 7}, "invalid_type", "input"),
        ({"input": ["x"]}, "invalid_type", "input[0]"),
        ({"input": [{}]}, "missing_required_parameter", "input[0].type"),
        ({"input": [{"type": []}]}, "invalid_type", "input[0].type"),
        ({"tools": "x"}, "invalid_type", "tools"),
        ({"tools": [1]}, "invalid_type", "tools"),
        ({"generate": "no"}, "invalid_type", "generate"),
        ({"store": 1}, "invalid_type", "store"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"top_logprobs": 21}, "invalid_value", "top_logprobs"),
        ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ({"metadata": []}, "invalid_type", "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "metadata"),
        ({"metadata": {"k" * 65: ""}}, "invalid_value", "metadata"),
        ({"metadata": {"k": "v" * 513}}, "invalid_value", "metadata"),
        ({"metadata": {"k": 1}}, "invalid_type", "metadata.k"),
        ({"previous_response_id": 7}, "invalid_type", "previous_response_id"),
        (
            {"previous_response_id": "r", "conversation": "c"},
            "mutually_exclusive_parameters",
            "previous_response_id",
        ),
    ],
)
async def test_a_wrong_create_names_its_parameter(fields: Event, code: str, param: str) -> None:
    async with client() as one:
        events = await one.turn(**{"input": "Hi", **fields})
        assert (code_of(events), events[-1]["error"]["param"], events[-1]["status"]) == (code, param, 400)
        assert text_of(await one.turn("Ping?")).startswith("Hello")


@pytest.mark.parametrize(
    "frame", ["{", "", "[1]", "null", '"text"', "\x00", '{"a":' * 5000, b"\xff\xfe", b"{}"]
)
async def test_a_frame_that_is_no_event_gets_an_error_and_the_socket_lives(frame: str | bytes) -> None:
    async with client() as one:
        await one.send(frame)
        event = await one.receive()
        assert (event["type"], event["error"]["code"]) == ("error", "invalid_json")
        assert text_of(await one.turn("Ping?")).startswith("Hello")


async def test_an_event_without_type_gets_an_error_and_unknown_ones_are_ignored() -> None:
    async with client() as one:
        await one.send({"input": "Hi"})
        assert (await one.receive())["error"]["param"] == "type"
        await one.send({"type": "session.update"})
        await one.send({"type": "response.processed", "response_id": "resp_x"})
        await one.send({"type": "response.append", "input": []})
        assert types(await one.turn("Hi"))[0] == "response.created"


async def test_a_nested_create_is_understood_too() -> None:
    async with client() as one:
        await one.send({"type": "response.create", "response": {"model": "m", "input": "Capital of Peru?"}})
        assert text_of(await one.until("response.completed")) == "Lima."


async def test_an_append_continues_what_came_last() -> None:
    async with client() as one:
        await one.turn("Remember the word heron.")
        more = [{"role": "user", "content": "What was the word?"}]
        await one.send({"type": "response.append", "input": more})
        assert "heron" in text_of(await one.until("response.completed"))


async def test_tools_that_came_once_as_an_item_can_be_called_for_the_rest_of_the_chain() -> None:
    shell = {"type": "function", "name": "exec_command", "parameters": {"type": "object"}}
    given = {"type": "additional_tools", "role": "developer", "tools": [shell]}
    async with client() as one:
        first = await one.turn([given, {"role": "user", "content": "Hello"}])
        second = await one.turn("Call exec_command please.", previous_response_id=id_of(first))
    assert [item["type"] for item in items(first)] == ["message"]
    assert [item["name"] for item in items(second) if item["type"] == "function_call"] == ["exec_command"]
