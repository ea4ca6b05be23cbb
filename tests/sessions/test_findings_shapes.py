"""What events are made of: marks before them, what wraps them, and what they lack."""

from __future__ import annotations

import json
from collections.abc import Callable

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
