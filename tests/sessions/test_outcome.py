"""The summary that scripts read: contract names, milliseconds, and what counts as a finding."""

from __future__ import annotations

from sessions.outcome import has_findings, is_out_of_age, summary, turn_outcome
from sessions.records import Direction, Kind
from sessions.reducer import Sessions, fold
from tests.make import Wire
from tests.verdict import judged


def spoken(**response: object) -> Sessions:
    wire = Wire(step=0.5)
    return fold(
        [
            wire.open(),
            wire.record({"type": "response.create", "model": "m", "input": "hi"}, direction=Direction.CLIENT),
            wire.record({"type": "response.created", "response": {"id": "resp_1"}}),
            wire.record(
                {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "delta": "Lima"}
            ),
            wire.record({"type": "response.completed", "response": {"id": "resp_1", **response}}),
        ]
    )


def test_a_turn_in_the_contracts_names() -> None:
    sessions = spoken(usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
    turn = turn_outcome(sessions.turns[0])
    assert turn["response_id"] == "resp_1"
    assert turn["previous_response_id"] is None
    assert turn["status"] == "completed"
    assert turn["text"] == "Lima"
    assert turn["usage"]["input_tokens"] == 3
    assert turn["usage"]["output_tokens"] == 4
    assert (turn["ttft_ms"], turn["duration_ms"]) == (1000.0, 1500.0)
    assert not has_findings(sessions)


def test_unknown_values_are_null_and_never_invented() -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.record({"type": "response.create"}, direction=Direction.CLIENT)])
    turn = turn_outcome(sessions.turns[0])
    assert (turn["response_id"], turn["usage"], turn["ttft_ms"], turn["duration_ms"]) == (
        None,
        None,
        None,
        None,
    )
    assert has_findings(sessions)


def test_the_end_of_the_socket_is_part_of_it() -> None:
    wire = Wire()
    records = [
        wire.open(),
        wire.record(
            {"type": "error", "status": 400, "error": {"code": "websocket_connection_limit_reached"}}
        ),
        wire.record(b"\x03\xe9", kind=Kind.CLOSE, meta={"code": 1001, "reason": "age"}),
    ]
    sessions = fold(records)
    plain = summary(sessions, sessions.sessions[1], "file.jsonl")
    assert plain["close"] == {
        "code": 1001,
        "reason": "age",
        "by": "server",
        "meaning": "going away: the server stops, or an idle or age limit passed",
    }
    assert plain["recording"] == "file.jsonl"
    assert is_out_of_age(sessions)
    assert summary(Sessions(), None)["close"] is None
    assert plain["findings"] == {"error": 0, "warning": 0, "note": 0}
    found = judged(records)
    assert [one.id for one in found] == ["age-limit"]
    assert summary(sessions, None, None, found)["findings"] == {"error": 0, "warning": 0, "note": 1}
