"""Snapshots: plain data, all of it, and nothing that refers back."""

from __future__ import annotations

import json

import pytest

from sessions.reducer import fold
from tests import transcripts
from tests.make import Wire


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_a_snapshot_is_plain_data_and_stays_as_it_was(name: str) -> None:
    records = transcripts.TRANSCRIPTS[name]()
    sessions = fold(records[:-1])
    before = sessions.snapshot()
    text = json.dumps(before, sort_keys=True)
    assert json.loads(text)["records"] == len(records) - 1
    sessions.apply(records[-1])
    assert json.dumps(before, sort_keys=True) == text
    assert json.dumps(sessions.snapshot(), sort_keys=True) != text


def test_a_snapshot_has_the_turn_with_its_response_and_texts() -> None:
    snapshot = fold(transcripts.reasoning()).snapshot()
    (turn,) = snapshot["turns"]
    (response,) = turn["responses"]
    assert (turn["status"], turn["store"], response["text"]) == ("completed", False, "Take the ferry.")
    assert response["items"][0]["parts"]["summary_text.0"]["text"] == "Weighing both routes"
    assert response["usage"]["reasoning_tokens"] == 32
    (session,) = snapshot["sessions"]
    assert (session["phase"], session["close"], session["turns"]) == ("closed", [1000, "", "server"], [1])
    assert session["lanes"] == [{"id": None, "waiting": [], "open": None, "head": "resp_c1"}]


def test_a_snapshot_says_who_spoke_and_over_what() -> None:
    wire = Wire()
    records = [wire.asked({"model": "m"}, client="codex", pair="s-1"), wire.answered()]
    (session,) = fold(records).snapshot()["sessions"]
    assert session["who"] == ["", "codex", "", "s-1", ""]
    assert session["http"] == ["POST", "/v1/responses", "text/event-stream"]
    assert session["wire"] == [len(records[1].payload), len(records[0].payload)]
    (socket,) = fold([Wire().open()]).snapshot()["sessions"]
    assert socket["http"] is None
