"""What both sides are asked: scripts read from text, and recorded creates made fit for a new side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions import cli
from sessions.compare.asking import Ask, asks_of_side, asks_of_text, names_on, payload_frame
from sessions.compare.side import read_side
from sessions.errors import UsageError
from sessions.records import Record, to_line
from tests.make import Wire, answer, call_answer, create, function_output

SPACED = b'{"type": "response.create",  "model": "m", "input": "Hi", "previous_response_id": "resp_1"}'


def test_a_script_file_holds_a_turn_a_line() -> None:
    asks = asks_of_text('Hello\n\n  {"model":"m","input":"x"}\n', "file")
    assert asks == (Ask("Hello"), Ask("", b'{"model":"m","input":"x"}'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{broken", "line 1: this is no JSON"),
        ('a\n{"type":"x"}', "line 2: a script holds"),
        ("\n", "no turns"),
    ],
)
def test_a_script_file_that_is_none_says_where(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asks_of_text(text, "file")


def test_a_create_leaves_as_it_was_but_for_its_ids() -> None:
    ask = Ask("", SPACED)
    assert payload_frame(ask, {}, None, "") == SPACED.decode()
    assert payload_frame(ask, {"resp_1": "resp_new"}, None, "m") == SPACED.decode().replace(
        "resp_1", "resp_new"
    )


def test_a_model_that_was_named_and_the_newest_parent_are_put_in() -> None:
    body = json.loads(payload_frame(Ask("", SPACED.replace(b"resp_1", b"@last")), {}, "resp_7", "other"))
    assert (body["model"], body["previous_response_id"], body["input"]) == ("other", "resp_7", "Hi")
    with pytest.raises(UsageError, match="@last"):
        payload_frame(Ask("", SPACED.replace(b"resp_1", b"@last")), {}, None, "")


def test_the_body_of_a_post_becomes_a_frame() -> None:
    body = json.loads(payload_frame(Ask("", b'{"model":"m","input":"Hi","stream":true}'), {}, None, ""))
    assert body == {"type": "response.create", "model": "m", "input": "Hi"}


def test_ids_of_the_recording_find_their_counterparts() -> None:
    def told(response_id: str, call_id: str) -> list[Record]:
        wire = Wire()
        records = [wire.open(), wire.sent(create()), *wire.got_all(call_answer(response_id, {call_id: "{}"}))]
        records.append(wire.sent(create([function_output(call_id)], previous_response_id=response_id)))
        return records + wire.got_all(answer("resp_second"))

    recorded, live = (
        read_side("A", told("resp_old", "call_old")),
        read_side("B", told("resp_new", "call_new")),
    )
    second = asks_of_side(recorded)[1]
    assert second.recorded == 2
    body = json.loads(payload_frame(second, names_on(live, recorded, {1: 1}), None, ""))
    assert body["previous_response_id"] == "resp_new"
    assert body["input"][0]["call_id"] == "call_new"


def test_a_recording_with_masked_secrets_is_not_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    wire = Wire()
    records = [
        wire.open(),
        wire.sent(create())._replace(meta={"masked": "mcp"}),
        *wire.got_all(answer("resp_1")),
    ]
    file = tmp_path / "masked.jsonl"
    header = b'{"format":"turnscope","version":1,"created":"2026-11-21","app":"t","source":"send"}\n'
    file.write_bytes(header + b"".join(to_line(one, number) for number, one in enumerate(records)))
    assert cli.main(["compare", str(file), "http://127.0.0.1:1/v1", "--plain", "--no-record"]) == 2
    assert "masked secrets (mcp)" in capsys.readouterr().err
