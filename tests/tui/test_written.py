"""A frame that was written as JSON is told by what stands in it; over hand-made records."""

from __future__ import annotations

import json

from sessions.compose import Create
from sessions.inspector import Inspector
from sessions.recording import Recording
from tests.make import Wire, call_answer, create
from tui.outgoing import Outgoing
from tui.written import Written, written


def read(frame: object) -> tuple[Written | None, Inspector]:
    wire = Wire()
    inspector = Inspector(Recording.create(None))
    inspector.feed_all(
        [
            wire.open(),
            *wire.turn("resp_1", "One."),
            *wire.turn("resp_2", "Two.", previous_response_id="resp_1"),
        ]
    )
    text = frame if isinstance(frame, str) else json.dumps(frame)
    return written(text, Outgoing(inspector, Create(model="aimed", lane=None)), inspector), inspector


def test_parent_lane_model_and_store_are_the_frames_own() -> None:
    frame = {
        "type": "response.create",
        "model": "written",
        "input": "Hi",
        "store": False,
        "previous_response_id": "resp_1",
        "stream_id": "plan",
    }
    found, inspector = read(frame)
    assert found is not None
    session = inspector.sessions.sessions[1]
    chips = {chip.name: chip.value for chip in found.chips(session, found.forecast(session, 1.0))}
    assert chips == {"parent": "T1 fork (stored)", "lane": "plan", "model": "written", "store": "off"}
    assert found.title(session) == "message to lane plan, after T1"


def test_a_parent_that_nobody_has_seen_is_named_as_it_stands() -> None:
    found, inspector = read({"type": "response.create", "model": "m", "previous_response_id": "resp_far"})
    assert found is not None
    session = inspector.sessions.sessions[1]
    assert found.title(session) == "message, after resp_far"
    assert found.chips(session, found.forecast(session, 1.0))[0].value == "resp_far (unknown)"
    assert found.parent_turn(session) is None


def test_no_parent_is_a_new_chain_whatever_was_aimed_at() -> None:
    found, inspector = read({"type": "response.create", "model": "m", "input": "Hi"})
    assert found is not None
    assert found.title(inspector.sessions.sessions[1]) == "message, new chain"


def test_what_is_no_create_is_nothing_to_foretell() -> None:
    assert read('{"type": "response.create", ')[0] is None
    assert read({"type": "response.steer"})[0] is None
    assert read("[]")[0] is None


def test_calls_that_the_frame_answers_are_not_left_open() -> None:
    def frame(*answers: str) -> dict[str, object]:
        outputs = [{"type": "function_call_output", "call_id": call, "output": "1"} for call in answers]
        return {"type": "response.create", "model": "m", "previous_response_id": "resp_3", "input": outputs}

    for answers, works in (((), False), (("call_1",), True)):
        found, inspector = read(frame(*answers))
        assert found is not None
        wire = Wire(at=10.0)
        inspector.feed_all([wire.sent(create()), *wire.got_all(call_answer("resp_3", {"call_1": "{}"}))])
        session = inspector.sessions.sessions[1]
        assert found.forecast(session, 20.0).works is works
        assert (found.open_calls(session) is None) is works
