from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.answers import (
    AnswerError,
    HalfAnswer,
    answer,
    answers_create,
    finish,
    form,
    pending,
    template,
    title,
    unanswered,
)
from sessions.compose import Create, frame
from sessions.contract import ANSWERS
from sessions.items import Item
from sessions.lint import lint
from sessions.reducer import Sessions, fold
from tests import make

CALLS: dict[str, dict[str, Any]] = {
    "function_call": {
        "id": "fc_1",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"city":"Oslo"}',
    },
    "custom_tool_call": {"id": "ctc_1", "call_id": "call_2", "name": "run", "input": "ls"},
    "computer_call": {"id": "cu_1", "call_id": "call_3", "action": {"type": "screenshot"}},
    "shell_call": {
        "id": "sh_1",
        "call_id": "call_4",
        "action": {"commands": ["ls"], "max_output_length": 99},
    },
    "local_shell_call": {"id": "lsh_1", "call_id": "call_5", "action": {"command": ["ls"]}},
    "apply_patch_call": {
        "id": "ap_1",
        "call_id": "call_6",
        "operation": {"type": "delete_file", "path": "a"},
    },
    "tool_search_call": {"id": "ts_1", "call_id": "call_7", "execution": "client", "arguments": {}},
    "mcp_approval_request": {"id": "mcpr_1", "name": "delete", "server_label": "files", "arguments": "{}"},
}


def opened(*bodies: dict[str, Any]) -> tuple[Sessions, make.Wire, dict[str, Item]]:
    """A turn that waits for answers to these calls, each a change of one in the table."""
    wire = make.Wire()
    items = [{"status": "completed", **CALLS[body["type"]], **body} for body in bodies]
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_a")),
            *(wire.got(make.item_done(item, index)) for index, item in enumerate(items)),
            wire.got(make.completed("resp_a")),
        ]
    )
    return sessions, wire, {item.type: item for item in sessions.responses["resp_a"].items}


def call(kind: str, **fields: Any) -> Item:
    return opened({"type": kind, **fields})[2][kind]


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_every_kind_of_call_can_be_answered_and_counts_as_answered(kind: str) -> None:
    sessions, wire, items = opened({"type": kind})
    turn = sessions.turns[0]
    item = items[kind]
    assert pending(sessions, turn) == (item,)
    forms: dict[str, dict[str, str | bool]] = {
        "computer_call": {"image_url": "data:image/png;base64,YQ=="},
        "mcp_approval_request": {"approve": "approve"},
        "tool_search_call": {"tools": "[]"},
        "apply_patch_call": {"status": "completed"},
        "function_call": {"output": "15 degrees"},
        "custom_tool_call": {"output": "a.txt"},
    }
    half = HalfAnswer(call_id=item.answer_id, type=kind, values=forms.get(kind, {}))
    answered = finish(item, half)
    assert answered["type"] == ANSWERS[kind]
    text = frame(answers_create(Create(model="m", parent="resp_a"), [(item, answered)]))
    assert lint(text) == ()
    sessions.apply(wire.sent(text))
    assert pending(sessions, turn) == ()


def test_all_answers_go_into_one_frame_and_a_text_after_them() -> None:
    sessions, _, items = opened(
        {"type": "function_call"}, {"type": "custom_tool_call"}, {"type": "mcp_approval_request"}
    )
    turn = sessions.turns[0]
    first, second, third = pending(sessions, turn)
    made = [(first, answer(first, "15")), (second, answer(second, "a.txt"))]
    assert unanswered(sessions, turn, made) == (third,)
    made.append((third, answer(third, "no")))
    assert unanswered(sessions, turn, made) == ()
    create = answers_create(Create(model="m", parent="resp_a"), made, "And now?")
    body = json.loads(frame(create))["input"]
    assert [item["type"] for item in body] == [
        "function_call_output", "custom_tool_call_output", "mcp_approval_response", "message",
    ]  # fmt: skip
    assert create.answered == ("call_1", "call_2", "mcpr_1")
    assert items["function_call"].answer_id == "call_1"


def test_raw_text_is_the_output_as_it_is() -> None:
    assert answer(call("function_call"), '{"c": 21}') == {
        "type": "function_call_output", "call_id": "call_1", "output": '{"c": 21}',
    }  # fmt: skip
    assert answer(call("custom_tool_call"), "")["output"] == ""
    assert answer(call("local_shell_call"), "done") == {
        "type": "local_shell_call_output", "id": "call_5", "output": "done",
    }  # fmt: skip


def test_a_whole_item_may_be_written_by_hand() -> None:
    written = {"type": "shell_call_output", "call_id": "call_4", "output": [], "status": "completed"}
    assert answer(call("shell_call"), json.dumps(written)) == written


def test_shell_output_has_streams_and_an_outcome() -> None:
    item = call("shell_call")
    assert answer(item, {"stdout": "a", "stderr": "", "exit_code": 2}) == {
        "type": "shell_call_output",
        "call_id": "call_4",
        "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 2}}],
        "max_output_length": 99,
    }
    assert answer(item, {"stdout": "a", "is_timeout": True})["output"][0]["outcome"] == {"type": "timeout"}
    half = HalfAnswer(call_id="call_4", type="shell_call", values={"stdout": "a", "exit_code": "1"})
    assert finish(item, half)["output"][0]["outcome"] == {"type": "exit", "exit_code": 1}


def test_several_commands_have_fields_and_chunks_of_their_own() -> None:
    item = call("shell_call", action={"commands": ["ls", "pwd"]})
    fields = form(item)
    assert [field.name for field in fields[:2]] == ["1.stdout", "1.stderr"]
    assert "pwd" in fields[-1].title
    half = HalfAnswer(
        call_id="call_4", type="shell_call", values={"1.stdout": "a", "2.stdout": "b", "2.exit_code": "3"}
    )
    output = finish(item, half)["output"]
    assert [one["stdout"] for one in output] == ["a", "b"]
    assert output[1]["outcome"]["exit_code"] == 3


def test_a_local_shell_output_is_json_in_a_text() -> None:
    half = HalfAnswer(call_id="call_5", type="local_shell_call", values={"stdout": "a", "exit_code": "0"})
    made = finish(call("local_shell_call"), half)
    assert json.loads(made["output"])["stdout"] == "a"
    assert json.loads(made["output"])["exit_code"] == 0


def test_a_patch_has_a_status_and_a_log() -> None:
    item = call("apply_patch_call")
    half = HalfAnswer(
        call_id="call_6", type="apply_patch_call", values={"status": "failed", "output": "no such file"}
    )
    assert finish(item, half) == {
        "type": "apply_patch_call_output", "call_id": "call_6", "status": "failed", "output": "no such file",
    }  # fmt: skip
    assert answer(item, "completed") == {
        "type": "apply_patch_call_output", "call_id": "call_6", "status": "completed",
    }  # fmt: skip


def test_an_approval_is_a_decision_with_a_reason() -> None:
    item = call("mcp_approval_request")
    half = HalfAnswer(
        call_id="mcpr_1", type="mcp_approval_request", values={"approve": "deny", "reason": "too risky"}
    )
    assert finish(item, half) == {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": False,
        "reason": "too risky",
    }
    assert answer(item, "approve")["approve"] is True
    with pytest.raises(AnswerError, match="decision is needed"):
        finish(item, HalfAnswer(call_id="mcpr_1", type="mcp_approval_request"))
    with pytest.raises(AnswerError, match="nothing is decided by itself"):
        answer(item, {"reason": "no word of it"})
    with pytest.raises(AnswerError, match="JSON"):
        answer(item, "perhaps")


def test_safety_checks_have_to_be_acknowledged() -> None:
    check = {"id": "sc_1", "code": "malicious", "message": "Looks odd"}
    item = call("computer_call", pending_safety_checks=[check])
    assert "Looks odd" in form(item)[-1].description
    with pytest.raises(AnswerError, match="acknowledged"):
        answer(item, {"image_url": "https://e.example/a.png"})
    made = answer(item, {"image_url": "https://e.example/a.png", "acknowledge": True})
    assert made["acknowledged_safety_checks"] == [check]
    assert made["output"] == {"type": "computer_screenshot", "image_url": "https://e.example/a.png"}
    with pytest.raises(AnswerError, match="screenshot is needed"):
        answer(item, {"acknowledge": True})


def test_the_form_follows_the_schema_of_the_output_where_the_tool_has_one() -> None:
    tool = {
        "type": "function", "name": "get_weather",
        "output_schema": {"type": "object", "properties": {"c": {"type": "integer"}}, "required": ["c"]},
    }  # fmt: skip
    item = call("function_call")
    assert [field.name for field in form(item)] == ["output"]
    assert [(field.name, field.kind) for field in form(item, [tool])] == [("c", "integer")]
    half = HalfAnswer(call_id="call_1", type="function_call", values={"c": "21"})
    assert finish(item, half, [tool])["output"] == '{"c": 21}'
    with pytest.raises(AnswerError) as caught:
        finish(item, half.model_copy(update={"values": {"c": "warm"}}), [tool])
    assert [problem.name for problem in caught.value.problems] == ["c"]
    raw = half.model_copy(update={"is_raw": True, "raw": "warm"})
    assert finish(item, raw, [tool])["output"] == "warm"


def test_an_output_that_is_a_list_stays_a_list() -> None:
    tool = {"type": "function", "name": "get_weather", "output_schema": {"type": "array"}}
    half = HalfAnswer(call_id="call_1", type="function_call", values={"": "[1, 2]"})
    assert finish(call("function_call"), half, [tool])["output"] == "[1, 2]"


def test_an_empty_output_has_to_be_meant() -> None:
    item = call("function_call")
    half = HalfAnswer(call_id="call_1", type="function_call", values={"output": ""})
    assert finish(item, half)["output"] == ""
    with pytest.raises(AnswerError):
        finish(call("computer_call"), HalfAnswer(call_id="call_3", type="computer_call"))


def test_what_no_client_answers_is_refused() -> None:
    with pytest.raises(AnswerError, match="not answered by clients"):
        answer(Item("ws_1", 0, "web_search_call"), "x")


def test_a_half_answer_goes_to_json_and_back() -> None:
    half = HalfAnswer(call_id="call_1", type="function_call", raw="15", values={"a": "b", "c": True})
    assert HalfAnswer.model_validate_json(half.model_dump_json()) == half


def test_the_title_of_a_call() -> None:
    assert title(call("function_call")) == "get_weather call_1"
    assert title(call("mcp_approval_request")) == "approve delete on files mcpr_1"
    assert title(call("shell_call")) == "shell call_4"


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_the_raw_text_may_begin_with_a_template_that_is_an_answer(kind: str) -> None:
    item = call(kind)
    written = template(item)
    made = answer(item, written)
    assert made["type"] == ANSWERS[kind]
    if kind in ("function_call", "custom_tool_call", "local_shell_call"):
        assert written == ""
    else:
        assert json.loads(written) == made
        assert written.count("\n") > 2


def test_a_template_has_a_chunk_for_each_command_and_follows_the_output_schema() -> None:
    shell = json.loads(template(call("shell_call", action={"commands": ["ls", "pwd"]})))
    assert len(shell["output"]) == 2
    schema = {"type": "object", "properties": {"c": {"type": "integer"}}, "required": ["c"]}
    tool = {"type": "function", "name": "get_weather", "output_schema": schema}
    assert json.loads(template(call("function_call"), [tool])) == {"c": 0}
    check = {"id": "sc_1", "code": "malicious"}
    computer = json.loads(template(call("computer_call", pending_safety_checks=[check])))
    assert computer["acknowledged_safety_checks"] == [check]
