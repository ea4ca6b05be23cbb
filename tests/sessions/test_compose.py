from __future__ import annotations

import json
from contextlib import suppress

import pytest

from sessions.compose import (
    Create,
    describe,
    differences,
    fields,
    frame,
    from_frame,
    inherit,
    keep_reasoning,
    over_http,
    steer,
    to_text,
    warm_up,
)
from sessions.context import user_message
from sessions.errors import LocalProtocolError
from sessions.lint import lint
from sessions.records import Direction
from sessions.reducer import fold
from tests import make

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def test_a_frame_is_compact_and_nothing_is_escaped_that_need_not_be() -> None:
    text = frame(Create(text='Grüße "an" \U0001f600', model="m", store=False))
    assert text == '{"type":"response.create","model":"m","store":false,"input":"Grüße \\"an\\" \U0001f600"}'
    assert lint(text) == ()


def test_a_frame_can_be_spread_over_lines() -> None:
    text = frame(Create(text="Hi", model="m"), indent=2)
    assert text.splitlines()[1] == '  "type": "response.create",'
    assert from_frame(text) == from_frame(frame(Create(text="Hi", model="m")))


def test_a_lone_surrogate_is_escaped_so_that_it_can_be_sent() -> None:
    text = frame(Create(text="a\ud800b", model="m"))
    assert text.encode()
    assert json.loads(text)["input"] == "a\ud800b"


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="cannot be written as JSON"):
        to_text({"temperature": float("nan")})


@pytest.mark.parametrize("lane", ["", "with space", "x" * 257])
def test_a_lane_that_breaks_the_contract_is_refused(lane: str) -> None:
    with pytest.raises(LocalProtocolError, match="lane name"):
        frame(Create(text="Hi", lane=lane))


def test_a_parent_and_a_conversation_exclude_each_other() -> None:
    with pytest.raises(LocalProtocolError, match="exclude"):
        frame(Create(parent="resp_a", extra={"conversation": "conv_1"}))


def test_the_nested_shape_keeps_type_and_lane_outside() -> None:
    create = Create(text="Hi", model="m", lane="plan")
    body = json.loads(frame(create, "nested"))
    assert body == {
        "type": "response.create", "stream_id": "plan", "response": {"model": "m", "input": "Hi"},
    }  # fmt: skip
    again = from_frame(frame(create, "nested"))
    assert again is not None
    assert frame(again) == frame(create)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '"response.create"', '{"type":"response.steer"}', "[" * 100_000,
     '{"type":"response.create","response":{"model":"m"},"input":"both"}'],
)  # fmt: skip
def test_what_is_no_create_is_none(text: str) -> None:
    assert from_frame(text) is None


def test_a_sent_frame_comes_back_the_same() -> None:
    text = (
        '{"type":"response.create","model":"m","previous_response_id":"resp_a","store":false,"input":[{"type":'
        '"function_call_output","call_id":"call_1","output":"3"}],"tools":[],"stream":true,"client_metadata":{"a":"b"}}'
    )
    create = from_frame(text)
    assert create is not None
    assert create.parent == "resp_a"
    assert json.loads(frame(create)) == json.loads(text)


@pytest.mark.parametrize("depth", [150, 500, 900, 960, 980, 985, 990, 995, 5_000])
def test_deep_nesting_is_read_or_refused(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    text = f'{{"type":"response.create","model":"m","input":[{{"role":"user","content":{deep}}}]}}'
    assert describe(text).endswith("bytes")
    written = ""
    if (create := from_frame(text)) is not None:
        with suppress(LocalProtocolError):  # what can just be read may be too deep to be written
            written = frame(create)
    assert written in ("", text)
    assert written or depth > 900


def test_a_steer_has_exactly_three_keys() -> None:
    assert json.loads(steer("resp_a", "Shorter.")) == {
        "type": "response.steer", "previous_response_id": "resp_a", "input": "Shorter.",
    }  # fmt: skip
    with pytest.raises(LocalProtocolError, match="lane"):
        steer("resp_a", "Shorter.", lane="plan")
    with pytest.raises(LocalProtocolError, match="id"):
        steer("", "Shorter.")
    with pytest.raises(LocalProtocolError, match="text"):
        steer("resp_a", "  ")


def test_a_warm_up_keeps_settings_and_history_but_no_prompt() -> None:
    create = Create(
        text="Hi", model="m", instructions="Be terse.", history=(user_message("Before"),), tools=(TOOL,)
    )
    body = json.loads(frame(warm_up(create)))
    assert body["generate"] is False
    assert body["input"] == [user_message("Before")]
    assert (body["instructions"], body["tools"]) == ("Be terse.", [TOOL])
    assert json.loads(frame(warm_up(Create(model="m", history=None))))["input"] == []


def test_encrypted_reasoning_is_asked_for_where_nothing_is_stored() -> None:
    assert keep_reasoning(Create()).include == ()
    asked = keep_reasoning(Create(store=False, include=("message.output_text.logprobs",)))
    assert asked.include == ("message.output_text.logprobs", "reasoning.encrypted_content")
    assert keep_reasoning(asked) == asked


def test_a_continuation_inherits_what_the_server_does_not() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *wire.turn(
            "resp_a", store=False, stream_id="plan", instructions="Be terse.", tools=[TOOL],
            reasoning={"effort": "low"}, stream=True, temperature=0.5, metadata={"a": "b"},
        ),
    ]  # fmt: skip
    sessions = fold(records)
    create = inherit(sessions, sessions.turns[0], records.__getitem__)
    assert create == Create(
        parent="resp_a", lane="plan", model="gpt-5.4", store=False, instructions="Be terse.", tools=(TOOL,),
        effort="low", metadata={"a": "b"}, extra={"temperature": 0.5},
    )  # fmt: skip


def test_a_forced_tool_choice_is_not_inherited() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_a", tools=[TOOL], tool_choice="required")]
    sessions = fold(records)
    assert inherit(sessions, sessions.turns[0], records.__getitem__).tool_choice is None


def test_a_steered_successor_inherits_from_the_create_above_it() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create("Plan.", instructions="Be terse.")),
        wire.got(make.created("resp_a")),
        wire.sent(make.steer("resp_a")),
        wire.got({"type": "response.steer.accepted", "steer": {"id": "s", "previous_response_id": "resp_a"}}),
        wire.got(make.incomplete("resp_a", "steered")),
        *wire.got_all(make.answer("resp_b", parent="resp_a")),
    ]
    sessions = fold(records)
    create = inherit(sessions, sessions.turns[1], records.__getitem__)
    assert (create.parent, create.instructions, create.text) == ("resp_b", "Be terse.", "")


def test_a_response_nobody_asked_for_still_gives_a_create() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.got_all(make.answer("resp_a"))]
    sessions = fold(records)
    assert inherit(sessions, sessions.turns[0], records.__getitem__).parent == "resp_a"


def test_what_is_not_said_again_is_named() -> None:
    before = Create(model="m", instructions="Be terse.", tools=(TOOL,), effort="low")
    assert differences(before, before) == ()
    told = differences(Create(model="n", store=False), before, "T3")
    assert [sentence.split(":")[0] for sentence in told] == [
        "The instructions of T3 are left out",
        "The tools of T3 are left out",
        "The effort differs from that of T3",
        "The model is n; T3 used m.",
        "This turn is not stored, unlike T3.",
    ]


def test_a_frame_in_one_line() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_a", tools=[TOOL]), wire.close(by=Direction.SERVER)]
    sessions = fold(records)
    create = Create(text="Hi", model="m", parent="resp_a", lane="plan", store=False, tools=(TOOL,))
    size = len(frame(create).encode())
    assert (
        describe(create, sessions, records.__getitem__)
        == f"response.create, parent T1, lane plan, m, 1 user item, store off, tools as T1, {size} bytes"
    )
    assert (
        describe(frame(create))
        == f"response.create, parent resp_a, lane plan, m, 1 user item, store off, 1 tool, {size} bytes"
    )
    assert describe(Create(generate=False)).startswith("warm-up, new chain, no input, store on")
    output = {"type": "function_call_output", "call_id": "c", "output": "1"}
    many = Create(text="Hi", answers=(output, output), history=(user_message("a"), {"type": "reasoning"}))
    assert "2 user items + 2 answers + 1 other item" in describe(many)


def test_other_frames_in_one_line() -> None:
    assert describe(steer("resp_a", "Shorter.")).startswith("response.steer, ")
    assert describe("{") == "not JSON, 1 byte"
    assert describe("[]") == "JSON without a type, 2 bytes"


def test_over_http_a_parent_that_was_not_stored_becomes_its_history() -> None:
    wire = make.Wire()
    records = [
        wire.begun(),
        *wire.exchange(1, "resp_a", store=False, input="Remember it."),
        *wire.exchange(2, "resp_b", store=True),
    ]
    sessions = fold(records)
    session = sessions.sessions[1]
    asked = Create(model="m", text="And now?", parent="resp_a", store=False)
    sent = over_http(asked, sessions, session, records.__getitem__)
    assert sent.parent is None
    roles = [item.get("role") for item in fields(sent)["input"]]
    assert roles == ["user", "assistant", "user"]
    assert sent.include == ("reasoning.encrypted_content",)
    kept = asked.model_copy(update={"parent": "resp_b", "store": None})
    assert over_http(kept, sessions, session, records.__getitem__) == kept
    assert over_http(asked, sessions, None, records.__getitem__) == asked
    socket = make.Wire(2)
    opened = fold([socket.open()])
    assert over_http(asked, opened, opened.sessions[2], records.__getitem__) == asked
