"""The tables of the contract: complete, consistent with one another, and read-only."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import contract
from sessions.contract import (
    CLOSE_CODES,
    CONTENT,
    DELTAS,
    DONES,
    FAILURES,
    FAMILIES,
    LIFECYCLE,
    LISTED,
    MEANING,
    MOVES,
    OVER,
    TERMINAL,
    FailureClass,
    Family,
    Status,
    close_meaning,
    family,
)


def under(stem: str, *names: str) -> set[str]:
    """Types of one stem; the stem "" stands for the response itself."""
    return {f"response.{stem}.{name}" if stem else f"response.{name}" for name in names}


#: the official union, spelled out once more and by hand
OFFICIAL = {
    "error",
    *under("", "created", "queued", "in_progress", "completed", "incomplete", "failed"),
    *under("output_item", "added", "done"),
    *under("content_part", "added", "done"),
    *under("output_text", "delta", "done", "annotation.added"),
    *under("refusal", "delta", "done"),
    *under("reasoning_text", "delta", "done"),
    *under("reasoning_summary_part", "added", "done"),
    *under("reasoning_summary_text", "delta", "done"),
    *under("function_call_arguments", "delta", "done"),
    *under("custom_tool_call_input", "delta", "done"),
    *under("web_search_call", "in_progress", "searching", "completed"),
    *under("file_search_call", "in_progress", "searching", "completed"),
    *under("code_interpreter_call", "in_progress", "interpreting", "completed"),
    *under("code_interpreter_call_code", "delta", "done"),
    *under("image_generation_call", "in_progress", "generating", "partial_image", "completed"),
    *under("mcp_list_tools", "in_progress", "completed", "failed"),
    *under("mcp_call", "in_progress", "completed", "failed"),
    *under("mcp_call_arguments", "delta", "done"),
    *under("shell_call_command", "added", "delta", "done"),
    *under("shell_call_output_content", "delta", "done"),
    *under("compaction", "compacting"),
    *under("audio", "delta", "done", "transcript.delta", "transcript.done"),
    *under("steer", "accepted", "pending", "failed"),
}


def test_all_62_official_types_are_listed_and_no_other() -> None:
    assert len(OFFICIAL) == 62
    assert LISTED == OFFICIAL


@pytest.mark.parametrize("event_type", sorted(LISTED))
def test_each_official_type_has_a_family_that_the_server_sends(event_type: str) -> None:
    assert family(event_type) not in (Family.UNKNOWN, Family.CLIENT, Family.VENDOR)


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("keepalive", Family.VENDOR),
        ("response.metadata", Family.VENDOR),
        ("codex.response.metadata", Family.VENDOR),
        ("responsesapi.websocket_timing", Family.VENDOR),
        ("session.created", Family.VENDOR),
        ("codex.rate_limits", Family.LIMITS),
        ("response.inject.created", Family.INJECT),
        ("response.inject.failed", Family.INJECT),
        ("response.apply_patch_call_operation_diff.delta", Family.DELTA),
        ("response.apply_patch_call_operation_diff.done", Family.DONE),
        ("response.create", Family.CLIENT),
        ("response.processed", Family.CLIENT),
        ("of.next.month", Family.UNKNOWN),
        ("", Family.UNKNOWN),
    ],
)
def test_types_beyond_the_official_union(event_type: str, expected: Family) -> None:
    assert family(event_type) is expected
    assert event_type not in LISTED


def test_every_delta_has_a_done_with_the_same_slot() -> None:
    for name, fragment in DELTAS.items():
        stem = name.rsplit(".", 1)[0]
        done = DONES[f"{stem}.done"]
        assert (done.slot, done.index_field) == (fragment.slot, fragment.index_field)
    assert {name.rsplit(".", 1)[0] for name in DELTAS} == {name.rsplit(".", 1)[0] for name in DONES}
    assert all(family(name) is Family.DELTA for name in DELTAS)
    assert all(family(name) is Family.DONE for name in DONES)


def test_moves_lead_where_their_events_mean() -> None:
    for (status, trigger), after in MOVES.items():
        assert MEANING[trigger] is after
        assert not status.is_over or (status, trigger) == (Status.ERRORED, "response.failed")
    assert {trigger for _, trigger in MOVES} == set(MEANING) == LIFECYCLE | TERMINAL | {"error", CONTENT}


def test_every_status_can_be_reached_and_left_or_is_an_ending() -> None:
    reached = set(MOVES.values()) | {Status.SENT}
    assert reached | {Status.CUT, Status.CANCELLED} == set(Status)
    assert {status for status in Status if status.is_over} == OVER
    assert {status for status, _ in MOVES} >= set(Status) - OVER


def test_every_failure_class_has_a_cause_and_a_remedy() -> None:
    assert set(FAILURES) == set(FailureClass)
    assert all(cause.endswith(".") and remedy.endswith(".") for cause, remedy in FAILURES.values())


@pytest.mark.parametrize("code", [*CLOSE_CODES, 0, 999, 2999, 3000, 3999, 4000, 4999, 5000, -1, 70_000])
def test_every_close_code_has_a_meaning(code: int) -> None:
    assert close_meaning(code)


def test_private_and_registered_codes_are_told_apart() -> None:
    assert "library" in close_meaning(3005)
    assert "private" in close_meaning(4001)
    assert "not a code" in close_meaning(5000)


@pytest.mark.parametrize(
    "name", ["DELTAS", "DONES", "FAMILIES", "MOVES", "MEANING", "ANSWERS", "CLOSE_CODES", "FAILURES"]
)
def test_tables_cannot_be_written(name: str) -> None:
    table: Any = getattr(contract, name)
    with pytest.raises(TypeError):
        table["new"] = 1
    assert table
    assert FAMILIES
