"""Dialects: other spellings read as what they mean, and named; from a frame to a whole conversation."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import dialects
from sessions.contract import Status
from sessions.dialects import Reading, create_fields, flat_tool, read, unwrap
from sessions.events import Event, decode
from sessions.records import Kind
from sessions.reducer import What, fold
from tests import make
from tests.make import Body, Wire
from tests.playbook import Playbook, change


def reading(body: dict[str, Any]) -> Reading:
    """How a body is read."""
    event = decode(make.payload_of(body))
    assert isinstance(event, Event)
    return read(event)


def test_the_contracts_own_words_are_left_alone() -> None:
    for body in (*make.answer("resp_1"), make.error("x"), make.failed("resp_1"), {"type": "new"}):
        event, spellings = reading(body)
        assert (event.type, event.body, spellings) == (body["type"], body, ())


@pytest.mark.parametrize(
    ("body", "event_type", "spellings"),
    [
        ({"type": "response.done", "response": {"id": "r"}}, "response.completed", ("response.done",)),
        ({"type": "response.done", "response": {"status": "failed"}}, "response.failed", ("response.done",)),
        (
            {"type": "response.done", "response": {"status": "incomplete"}},
            "response.incomplete",
            ("response.done",),
        ),
        ({"type": "response.done", "response": 7}, "response.completed", ("response.done",)),
        (
            {"type": "response.done", "response": {"usage": {"prompt_tokens": 1}}},
            "response.completed",
            ("response.done", "chat usage"),
        ),
        (
            {"type": "response.content_part.delta", "delta": {"content": "x"}},
            "response.output_text.delta",
            ("response.content_part.delta", "object delta"),
        ),
        ({"type": "response.delta", "delta": "x"}, "response.output_text.delta", ("response.delta",)),
        (
            {"type": "response.output_text.delta", "delta": {"text": "x"}},
            "response.output_text.delta",
            ("object delta",),
        ),
        ({"error": {"message": "no"}}, "error", ("untyped error",)),
        ({"data": {"type": "response.created"}}, "response.created", ("wrapped event",)),
        (
            {"event": "x", "data": '{"type":"response.done","response":{}}'},
            "response.completed",
            ("wrapped event", "response.done"),
        ),
        ({"data": {"type": "message"}}, "", ()),
        ({"error": "no"}, "error", ("untyped error", "string error")),
        ({"detail": "Not authenticated"}, "error", ("detail error",)),
        ({"type": "response.error", "error": {"code": "x"}}, "error", ("response.error",)),
        ({"type": "error", "status_code": 429, "error": {}}, "error", ("status_code",)),
    ],
)
def test_other_spellings(body: Body, event_type: str, spellings: tuple[str, ...]) -> None:
    event, met = reading(body)
    assert (event.type, met) == (event_type, spellings)


@pytest.mark.parametrize("piece", [{"content": "x"}, {"text": "x"}, {"value": "x"}])
def test_an_object_delta_gives_its_words(piece: Body) -> None:
    event, _ = reading({"type": "response.output_text.delta", "delta": piece, "extra": 1})
    assert event.body == {"type": "response.output_text.delta", "delta": "x", "extra": 1}


def test_the_shell_output_delta_is_an_object_by_contract() -> None:
    body = {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "x", "stderr": ""}}
    assert reading(body).spellings == ()


@pytest.mark.parametrize(
    ("payload", "event_type", "spelling"),
    [
        (b"[DONE]", "", "[DONE]"),
        (b"data: [DONE]\n\n", "", "[DONE]"),
        (b'data: {"type":"keepalive"}', "keepalive", "data: prefix"),
        (b'event: keepalive\ndata: {"type":\ndata: "keepalive"}\n\n', "keepalive", "data: prefix"),
    ],
)
def test_server_sent_text_inside_a_frame(payload: bytes, event_type: str, spelling: str) -> None:
    found = unwrap(payload)
    assert found is not None
    assert (found[0].type, found[1]) == (event_type, spelling)


@pytest.mark.parametrize("payload", [b"", b"data:", b"data: {", b"event: x", b"hello", b"\xff"])
def test_other_text_is_not_unwrapped(payload: bytes) -> None:
    assert unwrap(payload) is None


def test_a_nested_create_means_what_a_flat_one_does() -> None:
    inner = {"model": "m", "input": "hi", "previous_response_id": "resp_1"}
    fields, spellings = create_fields({"type": "response.create", "response": inner, "stream_id": "plan"})
    assert (fields, spellings) == ({**inner, "stream_id": "plan"}, ("nested create",))
    flat, none = create_fields({"type": "response.create", "response": {}, "model": "m"})
    assert (flat["model"], none) == ("m", ())


CHAT_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def test_chat_tools_are_named_and_made_flat() -> None:
    assert create_fields({"tools": [CHAT_TOOL]})[1] == ("chat tools",)
    assert flat_tool(CHAT_TOOL) == {"type": "function", "name": "f", "parameters": {"type": "object"}}
    assert flat_tool({"type": "web_search"}) == {"type": "web_search"}
    assert not dialects.is_chat_tool("function")


def test_the_page_of_llm_interactive_proxy_from_create_to_done() -> None:
    """Object deltas without item, lane or number; an item done that nobody announced; chat usage."""
    wire = Wire()
    part = "response.content_part.delta"
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    done = {"id": "resp_1", "object": "response", "created": 1_795_000_000, "output": [], "usage": usage}
    play = (
        Playbook()
        >> [wire.open(), wire.sent(make.create("Hello?", tools=[CHAT_TOOL]))]
        >> wire.got({"type": part, "delta": {"content": "Hel"}})
        << change(What.IRREGULAR, "no response.created before it", turn=1)
        << change(What.IRREGULAR, "the item was not announced")
        << change(What.TEXT, turn=1)
        << change(What.DIALECT, "response.content_part.delta")
        << change(What.DIALECT, "object delta")
        >> wire.got({"type": part, "delta": {"content": "lo."}})
        << change(What.TEXT, turn=1)
        >> wire.got({"type": "response.output_item.done", "item": make.message("msg_1", "Hello.")})
        << change(What.ITEM, "done", item="msg_1")
        >> wire.got({"type": "response.done", "response": done})
        << change(What.RESPONSE, "completed", turn=1, response="resp_1")
        << change(What.DIALECT, "response.done")
        << change(What.DIALECT, "chat usage")
    )
    assert play
    (turn,) = play.sessions.turns
    (response,) = turn.responses
    assert (turn.status, response.text, len(response.items)) == (Status.COMPLETED, "Hello.", 1)
    assert response.usage is not None
    assert response.usage.plain()["input_tokens"] == 10
    assert response.usage.output_tokens == 20
    assert "chat tools" in play.sessions.sessions[1].dialects
    assert response.dialects == {"response.content_part.delta", "object delta", "response.done", "chat usage"}
    follow = Playbook(play.sessions) >> wire.sent(make.create("And?", previous_response_id="resp_1"))
    assert follow << change(What.TURN, "sent", turn=2)
    assert play.sessions.turns[1].parent_turn == 1


def test_a_proxy_that_does_not_stream_sends_done_alone() -> None:
    wire = Wire()
    done = {"id": "resp_1", "output": [make.message("msg_1", "All at once.")], "status": "completed"}
    sessions = fold(
        [wire.open(), wire.sent(make.create()), wire.got({"type": "response.done", "response": done})]
    )
    assert [(turn.status, turn.responses[0].text) for turn in sessions.turns] == [
        (Status.COMPLETED, "All at once.")
    ]


def test_done_after_completed_is_a_second_ending() -> None:
    wire = Wire()
    sessions = fold(
        [wire.open(), *wire.turn("resp_1"), wire.got({"type": "response.done", "response": {"id": "resp_1"}})]
    )
    (turn,) = sessions.turns
    assert turn.status is Status.COMPLETED
    assert turn.responses[0].irregular[0][1] == "response.completed after the response had ended"


def test_litellm_nests_the_create() -> None:
    wire = Wire()
    nested = {
        "type": "response.create",
        "response": {"model": "m", "input": "hi", "store": False, "generate": False},
    }
    (turn,) = fold([wire.open(), wire.sent(nested)]).turns
    assert (turn.model, turn.store, turn.is_warmup) == ("m", False, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "Not authenticated"}, "Not authenticated"),
        ({"error": "Model not found"}, "Model not found"),
    ],
)
def test_untyped_errors_end_the_turn_that_waits(body: Body, message: str) -> None:
    wire = Wire()
    (turn,) = fold([wire.open(), wire.sent(make.create()), wire.got(body)]).turns
    assert turn.status is Status.ERRORED
    assert turn.failure is not None
    assert turn.failure.message == message


def test_binary_frames_are_read_as_text_and_named() -> None:
    wire = Wire()
    bodies = make.answer("resp_1", "In bytes")
    sessions = fold(
        [wire.open(), wire.sent(make.create()), *(wire.got(body, Kind.BINARY) for body in bodies)]
    )
    assert sessions.turns[0].responses[0].text == "In bytes"
    assert list(sessions.sessions[1].dialects) == ["binary frame"]
    assert sessions.sessions[1].frames_in == len(bodies)


def test_a_stream_of_server_sent_text_is_a_turn() -> None:
    wire = Wire()
    frames = [b"data: " + make.payload_of(body) + b"\n\n" for body in make.answer("resp_1", "As text")]
    sessions = fold([wire.open(), wire.sent(make.create()), *wire.got_all(frames), wire.got("data: [DONE]")])
    (turn,) = sessions.turns
    assert (turn.status, turn.responses[0].text) == (Status.COMPLETED, "As text")
    assert list(sessions.sessions[1].dialects) == ["data: prefix", "[DONE]"]
    assert sessions.sessions[1].undecodable == 0
