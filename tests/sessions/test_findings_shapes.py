"""What events are made of: marks before them, what wraps them, and what they lack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sessions.finding import Finding, Severity
from tests import make
from tests.make import Body, Wire
from tests.verdict import ids, judged


def judged_answer(
    bodies: list[Body], as_sent: Callable[[Body], Body | bytes] = lambda body: body
) -> list[Finding]:
    """The findings of one create that is answered by these bodies, each sent so."""
    wire = Wire()
    return judged([wire.open(), wire.sent(make.create()), *wire.got_all([as_sent(body) for body in bodies])])


def only(findings: list[Finding], severity: Severity) -> list[str]:
    """The ids of the findings of this severity."""
    return [one.id for one in findings if one.severity is severity]


def test_a_byte_order_mark_is_an_error_and_the_event_is_read() -> None:
    (finding,) = judged_answer(make.answer("resp_1"), lambda body: b"\xef\xbb\xbf" + make.payload_of(body))
    assert (finding.id, finding.severity) == ("byte-order-mark", Severity.ERROR)
    assert "EF BB BF" in finding.evidence


def test_a_mark_before_what_is_no_json_is_told_alone() -> None:
    assert ids(judged_answer([], lambda body: body)) == set()
    wire = Wire()
    assert ids(judged([wire.open(), wire.got(b"\xef\xbb\xbfhello")])) == {"byte-order-mark"}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda body: {"event": body["type"], "data": body},
        lambda body: {"data": body},
        lambda body: {"event": body["type"], "data": json.dumps(body)},
    ],
)
def test_events_inside_another_object_are_read_and_told(wrapped: Callable[[Body], Body]) -> None:
    (finding,) = judged_answer(make.answer("resp_1"), wrapped)
    assert (finding.id, finding.severity) == ("event-wrapped", Severity.ERROR)
    assert "response.created" in finding.evidence
    assert "data" in finding.evidence


@pytest.mark.parametrize("body", [{}, {"type": None}, {"data": {"type": "message"}}, {"note": "{no json"}])
def test_a_message_without_a_type_is_a_warning(body: Body) -> None:
    (finding,) = judged_answer([*make.answer("resp_1"), body])
    assert (finding.id, finding.severity) == ("type-missing", Severity.WARNING)
    assert "armless" not in finding.remedy


def without(*kinds: str) -> list[Body]:
    """An answer that lacks the events of these types, numbered."""
    return make.numbered([one for one in make.answer("resp_1") if one["type"] not in kinds])


def test_a_text_of_a_part_that_nobody_announced_is_an_error() -> None:
    (finding,) = judged_answer(without("response.content_part.added", "response.content_part.done"))
    assert (finding.id, finding.severity) == ("part-unannounced", Severity.ERROR)


def test_a_part_may_stand_in_the_announced_item_already() -> None:
    bodies = without("response.content_part.added")
    added = next(one for one in bodies if one["type"] == "response.output_item.added")
    added["item"] = {**added["item"], "content": [{"type": "output_text", "text": "", "annotations": []}]}
    assert judged_answer(bodies) == []


def test_a_delta_without_its_item_is_an_error_that_names_the_other_spelling() -> None:
    def renamed(body: Body) -> Body:
        return {("itemId" if key == "item_id" else key): value for key, value in body.items()}

    found = judged_answer(make.answer("resp_1"), renamed)
    assert only(found, Severity.ERROR) == ["item-id-missing"]
    assert "itemId" in next(one for one in found if one.id == "item-id-missing").evidence
    plain = judged_answer(
        make.answer("resp_1"), lambda body: {key: body[key] for key in body if key != "item_id"}
    )
    assert [one.id for one in plain] == ["item-id-missing"]


def test_an_index_that_is_not_the_place_is_an_error() -> None:
    def moved(body: Body) -> Body:
        return {**body, "output_index": 1} if "output_index" in body else body

    (finding,) = judged_answer(make.answer("resp_1"), moved)
    assert (finding.id, finding.severity) == ("output-index-wrong", Severity.ERROR)
    assert "output_index 1" in finding.evidence


def test_an_index_is_not_held_against_a_final_object_of_other_items() -> None:
    bodies = make.call_answer("resp_1", {"call_1": "{}", "call_2": "{}"})
    bodies[-1]["response"]["output"] = bodies[-1]["response"]["output"][1:]
    assert ids(judged_answer(bodies)) == {"final-mismatch"}


@pytest.mark.parametrize("value", ["5", 5.5, True, [5]])
def test_a_number_of_another_type_is_not_called_missing(value: object) -> None:
    found = judged_answer(
        make.answer("resp_1"), lambda body: {**body, "sequence_number": value} if body else body
    )
    assert [one.id for one in found] == ["sequence-mistyped"]
    assert json.dumps(value) in found[0].evidence


def test_a_total_that_is_not_the_sum_is_a_warning() -> None:
    bodies = make.answer("resp_1")
    usage = {**make.usage(5, 2), "total_tokens": 900}
    bodies[-1] = {**bodies[-1], "response": {**bodies[-1]["response"], "usage": usage}}
    (finding,) = judged_answer(bodies)
    assert (finding.id, finding.severity) == ("usage-sum-wrong", Severity.WARNING)
    assert "900" in finding.evidence


def answering(call: str, *, input: object = "Hi", parent: str = "resp_1", **fields: Any) -> list[Finding]:
    """A turn that makes call_1, and one that goes on from `parent` with an output of this call."""
    wire = Wire()
    return judged(
        [
            wire.open(),
            wire.sent(make.create(input, **fields)),
            *wire.got_all(make.call_answer("resp_1", {"call_1": "{}"})),
            wire.sent(make.create([make.function_output(call)], previous_response_id=parent)),
            *wire.got_all(make.answer("resp_2", parent=parent)),
        ]
    )


def test_an_accepted_output_of_a_call_that_nobody_made_is_a_warning() -> None:
    (finding,) = answering("call_9")
    assert (finding.id, finding.severity) == ("output-of-no-call", Severity.WARNING)
    assert "call_9" in finding.evidence


def test_an_output_is_not_held_against_a_chain_that_cannot_be_looked_at() -> None:
    brought = make.function_call("fc_9", "call_9", "get_weather", "{}")
    assert answering("call_1") == []
    assert answering("call_9", input=[brought, make.function_output("call_9")]) == []
    assert answering("call_9", input=[{"type": "item_reference", "id": "fc_9"}]) == []
    assert answering("call_9", conversation="conv_1") == []
    assert "output-of-no-call" not in ids(answering("call_9", parent="resp_elsewhere"))
