"""What the doctor and `check` say of ccproxy-api in bypass mode, where it answers wrongly by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.peers.ccproxy import start_ccproxy
from tests.peers.hops import MODEL, bad, examined, found_in, turnscope
from tests.peers.room import Finished, Room

pytestmark = pytest.mark.peer("ccproxy")
HELLO = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}]
AS_TEXT = {"type": "response.create", "model": MODEL, "input": "Say hello."}
AS_LIST = {**AS_TEXT, "input": HELLO}
EMPTY_WARM_UP = {**AS_TEXT, "input": [], "generate": False}


class Sent(NamedTuple):
    """What came of frames that were sent."""

    done: Finished
    found: dict[str, Any]  #: what `check` finds, by id
    answers: list[dict[str, Any]]  #: the server's texts


@pytest.fixture(scope="module")
def ccproxy(home: Path) -> Iterator[tuple[Room, str]]:
    """One for all tests here, because it takes long to start."""
    with Room() as room:
        yield room, start_ccproxy(room, home)


def _sent(ccproxy: tuple[Room, str], folder: Path, *frames: dict[str, Any]) -> Sent:
    room, base_url = ccproxy
    recording = folder / "run.jsonl"
    lines = "".join(json.dumps(frame) + "\n" for frame in frames)
    arguments = ("--base-url", base_url, "--silence", "10", "--record", recording, "-")
    done = turnscope(room, folder, "send", *arguments, stdin=lines)
    records = [json.loads(line) for line in recording.read_text("utf-8").splitlines()]
    answers = [
        json.loads(one["raw"]) for one in records if one.get("kind") == "text" and one["dir"] == "server"
    ]
    return Sent(done, found_in(room, folder, recording), answers)


def test_input_as_text_ends_the_connection(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """The standard takes a string; here it is an exception, and 1011 in place of an answer."""
    sent = _sent(ccproxy, tmp_path, AS_TEXT)
    assert sent.done.status == 1, sent.done.stderr
    assert sent.answers == []
    assert set(sent.found) == {"server-error-close"}
    assert sent.found["server-error-close"]["severity"] == "error"
    assert sent.found["server-error-close"]["who"] == "proxy"


def test_input_as_a_list_is_answered(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """The same words in a list: a turn without a fault, and a second one on the same socket."""
    sent = _sent(ccproxy, tmp_path, AS_LIST, AS_LIST)
    assert sent.done.status == 0, sent.done.stderr
    ends = [answer for answer in sent.answers if answer["type"] == "response.completed"]
    assert len(ends) == 2
    assert all(end["response"]["id"].startswith("resp_ws_") for end in ends)
    assert sent.found == {}


def test_an_empty_warm_up_is_answered_by_its_end_alone(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """It has no response.created and no usage; the create with a string after it is cut."""
    sent = _sent(ccproxy, tmp_path, EMPTY_WARM_UP, AS_TEXT)
    assert sent.done.status == 1, sent.done.stderr
    assert [answer["type"] for answer in sent.answers] == ["response.completed"]
    assert "usage" not in sent.answers[0]["response"]
    assert set(sent.found) == {"created-missing", "usage-missing", "server-error-close"}
    assert {sent.found[one]["who"] for one in sent.found} == {"proxy"}


def test_the_doctor_reads_the_same_in_a_recording(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """What its own messages do not reach, somebody else's have: the order of events, and the end."""
    sent = _sent(ccproxy, tmp_path, EMPTY_WARM_UP, AS_LIST, AS_TEXT)
    assert set(sent.found) == {"created-missing", "usage-missing", "server-error-close"}
    done = turnscope(ccproxy[0], tmp_path, "doctor", "--from", tmp_path / "run.jsonl", "--json")
    checks = {one["id"]: one for one in json.loads(done.stdout)["checks"]}
    assert (checks["D02"]["outcome"], checks["D02"]["findings"]) == ("fail", ["created-missing"])
    assert (checks["D11"]["outcome"], checks["D11"]["findings"]) == ("warn", ["usage-missing"])
    assert (checks["D01"]["outcome"], checks["D01"]["findings"]) == ("fail", ["server-error-close"])


def test_a_warm_up_with_words_is_generated(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """Only an empty input is taken for a warm-up; `generate: false` alone changes nothing."""
    sent = _sent(ccproxy, tmp_path, {**AS_LIST, "generate": False})
    assert sent.done.status == 0, sent.done.stderr
    assert set(sent.found) == {"warmup-generated"}
    assert sent.found["warmup-generated"]["severity"] == "error"


def test_the_doctor_finds_both_defects(ccproxy: tuple[Room, str], tmp_path: Path) -> None:
    """Its string ends the connection, so that it goes on with lists; and then a warm-up has no beginning."""
    recording = tmp_path / "run.jsonl"
    arguments = ("--only", "C01,C04,C06,D02,E01,E10", "--record", recording)
    report = examined(ccproxy[0], tmp_path, ccproxy[1], *arguments)
    assert bad(report) == {"C01": "fail", "C04": "fail", "C06": "fail", "D01": "fail", "D02": "fail"}
    checks = report["checks"]
    assert checks["D01"]["findings"] == ["server-error-close"]
    assert "1011" in checks["D01"]["evidence"]
    assert "the same input as a list of items is answered" in checks["D01"]["evidence"]
    assert checks["D02"]["findings"] == ["created-missing"]
    assert checks["C04"]["findings"] == ["frame-kills-socket"]
    assert "1011" in checks["C01"]["evidence"]
    assert "1008" in checks["C06"]["evidence"]
    assert checks["E01"]["outcome"] == "pass"
    assert report["capabilities"]["product"].startswith(
        "looks like ccproxy-api (how it closes, its response ids"
    )
    assert set(found_in(ccproxy[0], tmp_path, recording)) >= {"server-error-close", "created-missing"}
