"""What the doctor and `check` say of LiteLLM in managed mode: a WebSocket before it, POST behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.compared import compared
from tests.peers.conftest import start_fake
from tests.peers.hops import bad, examined, found_in, turnscope
from tests.peers.litellm import MODEL, LiteLLM
from tests.peers.room import Finished, Room

pytestmark = pytest.mark.peer("litellm")
REFUSED = f"{MODEL}-401"
CREATE = {"type": "response.create", "model": MODEL, "input": "Say hello."}
WARM_UP = {**CREATE, "generate": False}


@pytest.fixture(scope="module")
def managed(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM before a provider that has no WebSocket for it; one more model is refused upstream."""
    with Room() as room:
        upstreams = {
            MODEL: start_fake(room, home=home),
            REFUSED: start_fake(room, "--fault=401", home=home),
        }
        yield room, LiteLLM(room, "litellm", upstreams, home, provider="hosted_vllm")


def _sent(
    managed: tuple[Room, LiteLLM], folder: Path, *frames: dict[str, Any]
) -> tuple[Finished, dict[str, Any], list[dict[str, Any]]]:
    """How `send` of these frames ended, what `check` finds, and the texts that crossed."""
    room, proxy = managed
    recording = folder / "run.jsonl"
    arguments = ("--base-url", proxy.base_url, "--silence", "10", "--record", recording, "-")
    lines = "".join(json.dumps(frame) + "\n" for frame in frames)
    done = turnscope(room, folder, "send", *arguments, key=proxy.key, stdin=lines)
    found = found_in(room, folder, recording)
    records = [json.loads(line) for line in recording.read_text("utf-8").splitlines()]
    return done, found, [{**json.loads(one["raw"]), "dir": one["dir"]} for one in records if _is_text(one)]


def _is_text(record: dict[str, Any]) -> bool:
    return record.get("kind") == "text"


def test_a_chain_holds(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """LiteLLM writes the history out for its upstream; before it, only the ids give it away."""
    room, proxy = managed
    report = examined(room, tmp_path, proxy.base_url, "--only", "D02,D03,D05,E01,E10", key=proxy.key)
    assert bad(report) == {}
    assert {report["checks"][one]["outcome"] for one in ("D02", "D03", "D05", "E01", "E10")} == {"pass"}
    assert report["capabilities"]["product"].startswith("looks like LiteLLM 1.89 or later")


def test_a_warm_up_never_reaches_the_upstream(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """Its answer is made on the spot, of two events without numbers; that is a warm-up, and no finding."""
    done, found, texts = _sent(managed, tmp_path, WARM_UP, CREATE)
    assert done.status == 0, done.stderr
    first, second = (number for number, text in enumerate(texts) if text["dir"] == "client")
    answer = texts[first + 1 : second]
    assert [text["type"] for text in answer] == ["response.created", "response.completed"]
    assert all("sequence_number" not in text for text in answer)
    assert all(text["response"]["id"].startswith("resp_warmup_") for text in answer)
    assert texts[-1]["type"] == "response.completed"
    assert found == {}


def test_an_unknown_kind_of_message_is_never_answered(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """After a create it is passed over in silence; the next create is answered as ever."""
    done, found, texts = _sent(managed, tmp_path, CREATE, {"type": "doctor.noop"}, CREATE)
    assert done.status == 0, done.stderr
    odd = next(number for number, text in enumerate(texts) if text["type"] == "doctor.noop")
    assert [(text["dir"], text["type"]) for text in texts[odd + 1 : odd + 3]] == [
        ("client", "response.create"),
        ("server", "response.created"),
    ]
    assert texts[-1]["type"] == "response.completed"
    assert {one: finding["severity"] for one, finding in found.items()} == {"client-type-unknown": "note"}


def test_an_upstream_refusal_loses_status_and_code(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """A 401 with a code becomes a server error whose message alone holds what the upstream said."""
    done, found, texts = _sent(managed, tmp_path, {**CREATE, "model": REFUSED})
    assert done.status == 1, done.stderr
    error = texts[-1]["error"]
    assert set(error) == {"type", "message"}
    assert error["type"] == "server_error"
    assert "invalid_api_key" in error["message"]
    assert {one: finding["severity"] for one, finding in found.items()} == {
        "error-without-status": "warning",
        "error-without-code": "warning",
        "turn-refused": "note",
    }


def test_a_comparison_tells_what_an_error_loses(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """Code and status, by which clients decide, are gone; ids, null keys and tokens are harmless."""
    room, proxy = managed
    direct = start_fake(room, home=tmp_path)
    script = tmp_path / "script.txt"
    lost = {**CREATE, "previous_response_id": "resp_nobody"}
    script.write_text(f"{json.dumps(lost)}\n")
    ways = (direct.base_url, proxy.base_url, "--model", MODEL)
    refused = compared(room, tmp_path, *ways, "--script", script, key=proxy.key)
    assert refused.status == 1
    assert {what for _, what in refused.breaking} == {"error", "keys", "finding"}
    assert refused.titles("error") == [
        "error code: A previous_response_not_found, B none",
        "status of the error: A 400, B none",
    ]
    well = compared(room, tmp_path, *ways, key=proxy.key)
    assert (well.status, well.breaking) == (0, [])
    assert {what for _, what in well.harmless} == {"headers", "keys", "ids", "usage"}


def test_the_doctor_blames_its_errors(managed: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """A lost parent is told without its code, and a first message that it cannot take ends the connection.

    The ids of a turn tell the product, and so whose errors they are.
    """
    room, proxy = managed
    report = examined(room, tmp_path, proxy.base_url, "--only", "C01,C02,C04,C06,D01", key=proxy.key)
    assert bad(report) == {"C01": "fail", "C02": "warn", "C04": "warn"}
    checks = report["checks"]
    assert checks["C01"]["findings"] == ["parent-error-masked"]
    assert checks["C02"]["findings"] == ["error-without-status", "error-without-code"]
    assert "LiteLLM" in checks["C02"]["remedy"]
    assert all("1008" in checks[one]["evidence"] for one in ("C04", "C06"))
