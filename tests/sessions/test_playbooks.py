"""The conversations of the protocol, (a) to (l), against the reducer: what each record changes.

The golden recordings say the same in a file; the first test keeps them equal to their makers.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions.contract import Status
from sessions.reading import Reading
from sessions.records import from_line
from sessions.reducer import Sessions, What, fold
from sessions.safe import is_safe
from sessions.session import Phase
from tests import make, transcripts
from tests.make import Wire
from tests.playbook import Playbook, change

#: what a transcript does against the contract on purpose; every other one must be regular
IRREGULAR = {"j-warmup": ["no response.created before it"]}


def irregular(sessions: Sessions) -> list[str]:
    """Every irregular move of every response, in words."""
    return [words for turn in sessions.turns for one in turn.responses for _, words in one.irregular]


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_golden_recordings_are_what_their_makers_make(name: str, golden: Path) -> None:
    header, *lines = (golden / f"{name}.jsonl").read_bytes().splitlines()
    assert json.loads(header)["format"] == "turnscope"
    assert [from_line(line) for line in lines] == transcripts.TRANSCRIPTS[name]()


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_golden_recordings_can_be_opened(name: str, golden: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"  # opening one may append to it
    copy.write_bytes((golden / f"{name}.jsonl").read_bytes())
    recording = Reading.whole(copy)
    try:
        assert list(recording) == transcripts.TRANSCRIPTS[name]()
        assert recording.problems == []
    finally:
        recording.close()


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_golden_recordings_print_without_acting_on_a_terminal(name: str, golden: Path) -> None:
    assert is_safe((golden / f"{name}.jsonl").read_text())


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_every_transcript_ends_with_nothing_open(name: str) -> None:
    records = transcripts.TRANSCRIPTS[name]()
    sessions = fold(records)
    assert sessions.records == len(records) == len(sessions.type_column) == len(sessions.turn_column)
    assert all(turn.status.is_over and turn.ended >= 0 for turn in sessions.turns)
    assert all(
        one.phase is Phase.CLOSED and not one.live and not one.waiting for one in sessions.sessions.values()
    )
    assert irregular(sessions) == IRREGULAR.get(name, [])


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_every_record_changes_something(name: str) -> None:
    sessions = Sessions()
    for record in transcripts.TRANSCRIPTS[name]():
        for change_ in (changes := sessions.apply(record)):
            assert (change_.record, change_.session) == (sessions.records - 1, record.session)
        assert changes or sessions.type_at(sessions.records - 1) == "[DONE]"


def test_plain_turn() -> None:  # (a)
    wire = Wire()
    message = "msg_1"
    play = (
        Playbook()
        >> wire.open()
        << change(What.SESSION, "opened")
        >> wire.sent(make.create("Which city?"))
        << change(What.TURN, "sent", turn=1)
        >> wire.got(make.created("resp_1"))
        << change(What.RESPONSE, "in_progress", turn=1, response="resp_1")
        >> wire.got(make.lifecycle("in_progress", "resp_1"))
        << change(What.RESPONSE, "in_progress", response="resp_1")
        >> wire.got(make.item_added(make.message(message, status="in_progress")))
        << change(What.ITEM, "added", response="resp_1", item=message)
        >> wire.got(make.part_added(message))
        << change(What.ITEM, "part", item=message)
        >> wire.got({**make.text_delta(message, "Oslo"), "obfuscation": "zz"})
        << change(What.TEXT, turn=1, response="resp_1", item=message)
        >> wire.got(make.text_delta(message, "."))
        << change(What.TEXT, item=message)
        >> wire.got(make.text_done(message, "Oslo."))
        << change(What.ITEM, "text done", item=message)
        >> wire.got(make.part_done(message, "Oslo."))
        << change(What.ITEM, "part", item=message)
        >> wire.got(make.item_done(make.message(message, "Oslo.")))
        << change(What.ITEM, "done", item=message)
        >> wire.got(make.completed("resp_1", [make.message(message, "Oslo.")]))
        << change(What.RESPONSE, "completed", turn=1, response="resp_1")
        >> wire.close()
        << change(What.SESSION, "closed", turn=0)
    )
    assert play
    (turn,) = play.sessions.turns
    response = turn.responses[0]
    assert (turn.status, response.text, response.deltas) == (Status.COMPLETED, "Oslo.", 2)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (20, 8)
    assert turn.time_to_first_token == pytest.approx(0.05)
    assert play.sessions.sessions[1].lanes[None].head is response


def test_function_call_is_pending_until_a_create_answers_it() -> None:  # (b)
    records = transcripts.function_call()
    at = next(n for n, one in enumerate(records) if b"function_call_output" in one.payload)
    play = Playbook() >> records[:at]
    assert play
    (call,) = play.sessions.turns[0].responses[0].pending_calls
    assert (call.id, call.call_id, call.name) == ("fc_call_1", "call_1", "get_weather")
    assert call.text("arguments") == '{"city": "Turku"}'
    assert play.sessions.turns[0].status is Status.COMPLETED  # the turn is over, the task is not
    assert (
        play
        >> records[at]
        << change(What.TURN, "sent", turn=2)
        << change(What.ANSWER, "call_1", turn=2, item="fc_call_1")
        >> records[at + 1 :]
    )
    second = play.sessions.turns[1]
    assert (call.is_pending, call.answered, call.answered_by) == (False, at, "client")
    assert (second.parent, second.parent_turn, second.answers) == ("resp_b1", 1, ("call_1",))
    assert [turn.number for turn in play.sessions.chain(second)] == [1, 2]


def test_reasoning_keeps_the_finished_item_for_replay() -> None:  # (c)
    sessions = fold(transcripts.reasoning())
    response = sessions.turns[0].responses[0]
    reasoning, message = response.items
    assert (reasoning.type, reasoning.text("summary_text")) == ("reasoning", "Weighing both routes")
    assert reasoning.body["encrypted_content"] == "complete"
    assert sessions.type_at(reasoning.done) == "response.output_item.done"
    assert (message.output_index, response.text) == (1, "Take the ferry.")
    assert response.usage is not None
    assert response.usage.reasoning_tokens == 32
    assert response.first_token < response.first_text  # the summary came first


def test_parallel_calls_are_kept_apart_while_they_interleave() -> None:  # (d)
    sessions = fold(transcripts.parallel_calls())
    one, two = sessions.turns[0].responses[0].items
    assert (one.text("arguments"), two.text("arguments")) == ('{"city": "Oulu"}', '{"city": "Rauma"}')
    assert sessions.turns[1].answers == ("call_2", "call_1")
    assert not list(sessions.sessions[1].pending_calls())


def test_hosted_tools() -> None:  # (e)
    sessions = fold(transcripts.hosted_tools())
    items = {item.type: item for item in sessions.turns[0].responses[0].items}
    assert items["code_interpreter_call"].text("code") == "print(6 * 7)"
    assert items["image_generation_call"].images == 2
    assert items["mcp_call"].text("arguments") == '{"at":1}'
    assert (items["mcp_call"].progress, items["mcp_list_tools"].progress) == ("failed", "completed")
    assert items["shell_call"].text("command") == "ls -l"
    assert items["shell_call_output"].text("output") == "total 0\n"
    assert (items["shell_call"].answered_by, items["shell_call"].is_pending) == ("server", False)
    assert items["compaction"].progress == "compacting"
    (part,) = items["message"].texts("output_text")
    assert part.annotations[0]["url"] == "https://example.org/tide"
    assert items["web_search_call"].body["action"] == {"type": "search", "query": "tide"}
    assert items["mcp_approval_request"].answered_by == "client"
    assert sessions.turns[1].answers == ("mcpr_1",)


def test_approval_is_pending_until_it_is_answered() -> None:  # (e)
    records = transcripts.hosted_tools()
    at = next(n for n, one in enumerate(records) if b"mcp_approval_response" in one.payload)
    pending = [item.answer_id for _, item in fold(records[:at]).sessions[1].pending_calls()]
    assert pending == ["mcpr_1"]


def test_refusal_completes() -> None:  # (f)
    turn = fold(transcripts.refusal()).turns[0]
    (item,) = turn.responses[0].items
    assert turn.status is Status.COMPLETED
    assert item.text("refusal") == "That is not something I will do."
    assert turn.responses[0].text == ""


def test_length_stop_is_incomplete_with_its_reason_and_usage() -> None:  # (g)
    turn = fold(transcripts.length_stop()).turns[0]
    response = turn.responses[0]
    assert (turn.status, response.incomplete_reason) == (Status.INCOMPLETE, "max_output_tokens")
    assert response.items[0].status == "incomplete"
    assert response.usage is not None
    assert not response.irregular


def test_late_failure_belongs_to_the_response_that_erred() -> None:  # (h)
    wire = Wire()
    play = (
        Playbook()
        >> [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))]
        >> wire.got(make.error("server_is_overloaded", status=503))
        << change(What.RESPONSE, "errored", turn=1, response="resp_1")
        << change(What.ERROR, "server_is_overloaded", turn=1, response="resp_1")
        >> wire.sent(make.create("Again."))
        << change(What.TURN, "sent", turn=2)
        >> wire.got(make.failed("resp_1"))
        << change(What.RESPONSE, "late failed", turn=1, response="resp_1")
        >> wire.got(make.created("resp_2"))
        << change(What.RESPONSE, "in_progress", turn=2, response="resp_2")
    )
    assert play
    first, second = play.sessions.turns
    assert (first.status, second.status) == (Status.FAILED, Status.IN_PROGRESS)
    assert first.failure is not None
    assert first.failure.code == "server_is_overloaded"
    assert not first.responses[0].irregular


@pytest.mark.parametrize(
    ("shape", "code", "kind", "status", "headers"),
    [
        ("wrapped", "previous_response_not_found", "invalid_request_error", 400, {}),
        ("wrapped with headers", "rate_limit_exceeded", "rate_limit_error", 429, {"retry-after": "9"}),
        ("status_code", "", "usage_limit_reached", 429, {"x-codex-primary-used-percent": "100.0"}),
        ("flat", "server_error", "", 0, {}),
    ],
)
def test_error_shapes(shape: str, code: str, kind: str, status: int, headers: dict[str, str]) -> None:  # (i)
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(transcripts.ERROR_SHAPES[shape])])
    (turn,) = sessions.turns
    assert turn.status is Status.ERRORED
    assert turn.failure is not None
    assert (turn.failure.code, turn.failure.type, turn.failure.status) == (code, kind, status)
    assert turn.failure.headers == headers
    assert turn.failure.message
    assert sessions.sessions[1].limits == headers
    assert sessions.sessions[1].errors == 1


def test_warmup_is_a_parent_and_may_be_answered_by_completed_only() -> None:  # (j)
    sessions = fold(transcripts.warmup())
    warm, after, bare = sessions.turns
    assert [turn.is_warmup for turn in sessions.turns] == [True, False, True]
    assert (after.parent_turn, after.responses[0].previous_response_id) == (warm.number, "resp_j1")
    assert (bare.status, bare.response_id) == (Status.COMPLETED, "resp_j3")
    assert warm.responses[0].usage is not None
    assert warm.responses[0].usage.output_tokens == 0
    assert sessions.sessions[1].lanes[None].head is bare.response


def test_lanes_and_a_fork() -> None:  # (k)
    sessions = fold(transcripts.lanes())
    plan, risk, critic, again = sessions.turns
    assert [turn.lane for turn in sessions.turns] == ["plan", "risk", "critic", "plan"]
    assert plan.responses[0].text == "First the roof, then the walls."
    assert risk.responses[0].text == "Rain."
    assert (critic.parent_turn, again.parent_turn) == (plan.number, plan.number)
    assert sessions.children(plan) == (critic, again)
    lanes = sessions.sessions[1].lanes
    assert [(name, lane.head.id) for name, lane in lanes.items() if lane.head] == [
        ("plan", "resp_k4"),
        ("risk", "resp_k2"),
        ("critic", "resp_k3"),
    ]
    assert sessions.sessions[1].named_lanes == 3


def test_steer_interrupts_and_the_successor_comes_unasked() -> None:  # (l)
    sessions = fold(transcripts.steer_interrupts())
    first, second = sessions.turns
    assert (first.status, first.responses[0].incomplete_reason) == (Status.INCOMPLETE, "steered")
    assert [(steer.state, steer.id, steer.text) for steer in first.steers] == [
        ("applied", "steer_1", "Only one day.")
    ]
    assert (second.is_steered, second.create, second.parent_turn) == (True, -1, 1)
    assert (second.is_forced, second.responses[0].text) == (False, "One day only.")
    assert first.responses[0].text == "Day one is for "  # the done value was shorter than its deltas


def test_steer_after_the_end_still_brings_a_successor() -> None:  # (l)
    first, second = fold(transcripts.steer_after_the_end()).turns
    assert (first.status, first.steers[0].state) == (Status.COMPLETED, "applied")
    assert (second.is_steered, second.parent, second.parent_turn) == (True, "resp_l3", 1)


def test_steer_waits_for_a_tool_and_the_create_is_an_ordinary_turn() -> None:  # (l)
    records = transcripts.steer_waits()
    at = next(
        n
        for n, one in enumerate(records)
        if b"function_call_output" in one.payload and one.direction == "client"
    )
    waiting = fold(records[:at]).turns[0].steers[0]
    assert (waiting.state, waiting.reason) == ("pending", "waiting_for_required_input")
    first, second = fold(records).turns
    assert (first.steers[0].state, second.is_steered, second.create) == ("applied", False, at)


def test_steer_fails_and_nothing_follows() -> None:  # (l)
    sessions = fold(transcripts.steer_fails())
    (turn,) = sessions.turns
    (steer,) = turn.steers
    assert (steer.state, steer.reason, steer.text) == ("failed", "response_not_active", "Shorter.")


def test_hostile_frames_leave_the_turn_as_it_was() -> None:
    records = transcripts.hostile()
    sessions = fold(records)
    session = sessions.sessions[1]
    (turn,) = sessions.turns
    assert turn.responses[0].text == "Still \x1b[31mhere\x1b[0m."
    assert not turn.responses[0].irregular
    assert session.undecodable == 6  # not JSON, not UTF-8, too deep, no object, empty, binary
    assert set(session.unknown_types) == {"", "surrogate", "escape", "bidi", "markup", "joiner", "numbers"}
    assert set(session.dialects) == {"data: prefix", "[DONE]", "binary frame"}
    assert session.frames_in == sum(
        1 for one in records if one.direction == "server" and one.kind in ("text", "binary")
    )


def test_a_late_failure_is_not_charged_to_the_turn_that_runs() -> None:  # (h)
    wire = Wire()
    play = (
        Playbook()
        >> [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))]
        >> [
            wire.got(make.error("overloaded", status=503)),
            wire.sent(make.create()),
            wire.got(make.created("resp_2")),
        ]
        >> wire.got(make.failed("resp_1"))
        << change(What.RESPONSE, "late failed", turn=1, response="resp_1")
        >> wire.got(make.completed("resp_2"))
        << change(What.RESPONSE, "completed", turn=2, response="resp_2")
    )
    assert play


def test_a_playbook_says_what_differs_and_where() -> None:
    wire = Wire()
    play = Playbook() >> wire.open() << change(What.SESSION, "closed") >> wire.lost()
    with pytest.raises(AssertionError, match="step 1: local open") as raised:
        assert play
    assert "- session detail='closed'" in str(raised.value)
    assert "+ session detail='opened'" in str(raised.value)
    with pytest.raises(AssertionError, match=r"step 2: local lost(?s:.*)\+ session"):
        assert play


def test_a_playbook_that_nobody_asserted_is_told() -> None:
    play = Playbook() >> Wire().open()
    with pytest.raises(AssertionError, match="never asserted; its steps: 1"):
        play.__del__()
    with pytest.raises(AssertionError):
        assert play
