"""What the next send will be: parent, lane, options; over hand-made records."""

from __future__ import annotations

import json

import pytest

from sessions.compose import Create
from sessions.inspector import Inspector
from sessions.profile import OPENAI
from sessions.recording import Recording
from tests.make import Wire, call_answer, create
from tui.outgoing import Aim, Outgoing, refuse_lane


def outgoing(
    *, store: bool | None = None, tools: tuple[dict[str, object], ...] = ()
) -> tuple[Outgoing, Inspector]:
    wire = Wire()
    inspector = Inspector(Recording.create(None))
    inspector.feed_all(
        [
            wire.open(),
            *wire.turn("resp_1", "One."),
            *wire.turn("resp_2", "Two.", previous_response_id="resp_1"),
        ]
    )
    return Outgoing(inspector, Create(model="gpt-6-astra", store=store, tools=tools)), inspector


def test_the_parent_is_filled_in_by_itself() -> None:
    out, inspector = outgoing()
    session = inspector.sessions.sessions[1]
    assert out.parent(session) == "resp_2"
    assert json.loads(out.frame("Go on.", session))["previous_response_id"] == "resp_2"


def test_a_running_answer_is_the_parent_of_what_queues_behind_it() -> None:
    out, inspector = outgoing()
    wire = Wire(at=10.0)
    inspector.feed_all(wire.turn("resp_3", "Three.")[:2])
    assert out.parent(inspector.sessions.sessions[1]) == "resp_3"


def test_branching_takes_the_turn_and_after_the_send_the_chain_again() -> None:
    out, inspector = outgoing()
    session = inspector.sessions.sessions[1]
    turn = inspector.sessions.turns[0]
    out.branch_from(turn)
    aims = [out.aim]
    assert out.parent(session) == "resp_1"
    out.sent()
    assert [*aims, out.aim] == [Aim.TURN, Aim.CHAIN]
    assert out.parent(session) == "resp_2"


def test_a_new_chain_names_no_parent() -> None:
    out, inspector = outgoing()
    out.start_anew()
    assert "previous_response_id" not in json.loads(out.frame("Hello.", inspector.sessions.sessions[1]))


def test_a_replay_sends_everything_again_without_a_parent() -> None:
    out, inspector = outgoing()
    out.replay(inspector.sessions.turns[1])
    frame = json.loads(out.frame("And?", inspector.sessions.sessions[1]))
    assert "previous_response_id" not in frame
    assert [item["role"] for item in frame["input"]] == ["user", "assistant", "user", "assistant", "user"]


def test_a_replay_is_not_told_as_a_chain_that_knows_nothing() -> None:
    out, inspector = outgoing()
    session = inspector.sessions.sessions[1]
    out.replay(inspector.sessions.turns[1])
    found = out.forecast(session, 1.0)
    assert found.works is True
    assert "what T2 and the turns before it said goes out again" in found.sentence
    assert "knows nothing" not in found.sentence
    out.start_anew()
    assert "knows nothing" in out.forecast(session, 1.0).sentence


def test_a_replay_warns_of_calls_that_are_left_open() -> None:
    wire = Wire()
    inspector = Inspector(Recording.create(None))
    inspector.feed_all(
        [wire.open(), wire.sent(create()), *wire.got_all(call_answer("resp_1", {"call_1": "{}"}))]
    )
    out = Outgoing(inspector, Create(model="gpt-6-astra"))
    out.replay(inspector.sessions.turns[0])
    found = out.forecast(inspector.sessions.sessions[1], 1.0)
    assert found.warnings == ("1 call waits for an answer: the answers must follow in the same frame.",)
    out.answered = ({"type": "function_call_output", "call_id": "call_1", "output": "4"},)
    assert out.forecast(inspector.sessions.sessions[1], 1.0).warnings == ()


def test_with_store_off_the_reasoning_is_asked_for_from_the_first_turn() -> None:
    out, inspector = outgoing(store=False)
    frame = json.loads(out.frame("Hi.", inspector.sessions.sessions[1]))
    assert frame["store"] is False
    assert frame["include"] == ["reasoning.encrypted_content"]


def test_a_profile_that_never_stores_sends_store_off() -> None:
    _, inspector = outgoing()
    out = Outgoing(inspector, Create(model="m"), OPENAI._replace(stores="never"))
    assert json.loads(out.frame("Hi.", None))["store"] is False


def test_images_go_with_one_send_only_and_options_stay() -> None:
    from sessions.compose import Image

    out, _ = outgoing()
    out.change(images=(Image(url="https://example.com/a.png"),), effort="low")
    out.sent()
    assert out.settings.images == ()
    assert out.settings.effort == "low"


def test_the_chips_name_parent_lane_model_store_and_tools() -> None:
    out, inspector = outgoing(tools=({"type": "function", "name": "f", "parameters": {}},))
    session = inspector.sessions.sessions[1]
    out.choose_lane("plan")
    out.branch_from(inspector.sessions.turns[1])
    words = {chip.name: chip.value for chip in out.chips(session, out.forecast(session, 1.0))}
    assert words["lane"] == "plan"
    assert words["model"] == "gpt-5.4"  # as the branch's own create had it
    assert words["store"] == "on"
    assert words["parent"].startswith("T2")


def test_a_fork_is_called_one_only_when_the_parent_was_continued_already() -> None:
    out, inspector = outgoing()
    session = inspector.sessions.sessions[1]
    out.branch_from(inspector.sessions.turns[0])
    assert "fork" in out.chips(session, out.forecast(session, 1.0))[0].value
    out.branch_from(inspector.sessions.turns[1])
    assert "fork" not in out.chips(session, out.forecast(session, 1.0))[0].value


def test_a_turn_that_was_cut_is_only_perhaps_stored() -> None:
    out, inspector = outgoing()
    wire = Wire(at=10.0)
    turn = wire.turn("resp_3", "Three.", previous_response_id="resp_2")
    inspector.feed_all([*turn[:-1], wire.lost()])
    out.branch_from(inspector.sessions.turns[2])
    session = inspector.sessions.sessions[1]
    chip = out.chips(session, out.forecast(session, 20.0))[0]
    assert chip == ("parent", "T3 (perhaps stored)", "warn")


def test_a_missing_model_stands_out() -> None:
    _, inspector = outgoing()
    out = Outgoing(inspector)
    chips = out.chips(None, out.forecast(None, 0.0))
    assert any(chip.name == "model" and chip.state == "warn" for chip in chips)


@pytest.mark.parametrize(
    ("name", "is_fine"), [("", True), ("plan-1.a_b", True), ("a b", False), ("é", False), ("x" * 257, False)]
)
def test_lane_names(name: str, is_fine: bool) -> None:
    assert (refuse_lane(name) == "") is is_fine
