"""turnscope holds its conversations through a real LiteLLM proxy, and explains the 403 of an older one."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import ROOT, Facts, start_fake
from tests.peers.library import THERMOMETER
from tests.peers.litellm import MODEL, LiteLLM
from tests.peers.room import Finished, Room

NEWER = pytest.mark.peer("litellm")
OLDER = pytest.mark.peer("litellm-1.83")


@pytest.fixture(scope="module")
def newer(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM 1.106.2, which takes the model from the first frame; two more models fail upstream."""
    yield from _proxy("litellm", home, "403", "abort-mid-stream")


@pytest.fixture(scope="module")
def older(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM 1.83.0, which wants ?model= in the address."""
    yield from _proxy("litellm-1.83", home)


def _proxy(environment: str, home: Path, *faults: str) -> Iterator[tuple[Room, LiteLLM]]:
    with Room() as room:
        upstreams = {MODEL: start_fake(room, "--tls", home=home)}
        for fault in faults:
            upstreams[f"{MODEL}-{fault}"] = start_fake(room, "--tls", f"--fault={fault}", home=home)
        yield room, LiteLLM(room, environment, upstreams, home)


def _library(scene: str, room: Room, proxy: LiteLLM, home: Path) -> Facts:
    done = room.run(
        [sys.executable, "-m", "tests.peers.library", scene, proxy.base_url],
        environ={"HOME": str(home), "OPENAI_API_KEY": proxy.key},
        folder=ROOT,
    )
    assert done.status == 0, done.stderr
    facts: Facts = json.loads(done.stdout)
    return facts


def _send(
    room: Room, proxy: LiteLLM, home: Path, *arguments: str, key_variable: str = "OPENAI_API_KEY"
) -> Finished:
    return room.run(
        [sys.executable, "-m", "sessions.cli", "send", "--model", MODEL, "--no-record", *arguments],
        environ={"HOME": str(home), key_variable: proxy.key, "OPENAI_BASE_URL": proxy.base_url},
        folder=ROOT,
    )


def _upstream_id(response_id: str) -> str:
    """The id that LiteLLM wrapped: base64 of pairs, `response_id` the last."""
    wrapped = b64decode(response_id.removeprefix("resp_")).decode()
    return wrapped.rpartition("response_id:")[2]


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def _assert_chained(turns: Sequence[Any]) -> None:
    parents = [turn["parent"] for turn in turns]
    assert parents == [None, *(turn["responses"][0]["id"] for turn in turns[:-1])]
    assert [turn["parent_turn"] for turn in turns] == [0, *(turn["number"] for turn in turns[:-1])]


@NEWER
def test_a_conversation_goes_through(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """Four chained turns, a function call answered among them, on one socket through the proxy."""
    facts = _library("three_turns", *newer, home)
    turns = facts["turns"]
    assert [turn["status"] for turn in turns] == ["completed"] * 4
    _assert_chained(turns)
    asked, answered, last = (turn["responses"][0] for turn in turns[1:])
    (call,) = (item for item in asked["items"] if item["type"] == "function_call")
    assert call["name"] == "read_thermometer"
    assert call["answered_by"]
    assert "city" in json.loads(call["parts"]["arguments.0"]["text"])
    assert "3 degrees" in answered["text"]
    assert "heron" in last["text"]
    opened = facts["edges"][0]
    assert opened["kind"] == "open"
    assert opened["meta"]["status"] == 101
    assert facts["edges"][-1]["kind"] == "close"


@NEWER
def test_the_proxy_rewrites_response_ids(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """What is kept is what came: LiteLLM's own long ids, and the upstream's where it names the parent.

    So the chain is what was asked for, not what `previous_response_id` echoes.
    """
    facts = _library("three_turns", *newer, home)
    seen: dict[str, list[str]] = {"response.created": [], "response.completed": []}
    echoed: list[str] = []
    for line in _json_lines(facts["lines"]):
        if line["kind"] == "text" and line["dir"] == "server":
            event = json.loads(line["raw"])
            if event["type"] in seen:
                seen[event["type"]].append(event["response"]["id"])
            if event["type"] == "response.completed":
                echoed.append(event["response"]["previous_response_id"])
    assert len(set(seen["response.created"])) == 4
    assert seen["response.created"] == seen["response.completed"]
    hidden = [_upstream_id(response_id) for response_id in seen["response.completed"]]
    assert echoed == [None, *hidden[:-1]]
    _assert_chained(facts["turns"])


@NEWER
def test_no_key_is_kept(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """The proxy's key is in no record, and the record says that something was masked."""
    room, proxy = newer
    facts = _library("three_turns", room, proxy, home)
    assert proxy.key not in json.dumps(facts)
    assert "authorization" in facts["edges"][0]["meta"]["masked"].lower()


@NEWER
def test_send_goes_through(newer: tuple[Room, LiteLLM], home: Path, tmp_path: Path) -> None:
    """`turnscope send` with three prompts and an answered tool, as a script would call it."""
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([THERMOMETER]))
    done = _send(
        *newer,
        home,
        f"--tools={tools}",
        "--answer=read_thermometer=3 degrees",
        "Remember the word heron.",
        "How warm is it in Oslo? Use read_thermometer.",
        "What was the word?",
    )
    assert done.status == 0, done.stderr
    *records, summary = _json_lines(done.stdout)
    assert summary["event"] == "summary"
    assert [turn["status"] for turn in summary["turns"]] == ["completed"] * 4
    assert "3 degrees" in summary["turns"][2]["text"]
    assert "heron" in summary["turns"][3]["text"]
    parents = [turn["previous_response_id"] for turn in summary["turns"]]
    assert parents == [None, *(turn["response_id"] for turn in summary["turns"][:-1])]
    assert records[0]["kind"] == "open"
    assert records[-1]["kind"] in ("close", "lost")


@NEWER
@pytest.mark.parametrize("store", ["--store", "--no-store"])
def test_send_goes_through_over_http(
    newer: tuple[Room, LiteLLM], home: Path, tmp_path: Path, store: str
) -> None:
    """The same over HTTP: chained by id where answers are stored, with the whole history where not."""
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([THERMOMETER]))
    done = _send(
        *newer,
        home,
        "--transport=http",
        store,
        f"--tools={tools}",
        "--answer=read_thermometer=3 degrees",
        "Remember the word heron.",
        "How warm is it in Oslo? Use read_thermometer.",
        "What was the word?",
    )
    assert done.status == 0, done.stderr
    *records, summary = _json_lines(done.stdout)
    assert [turn["status"] for turn in summary["turns"]] == ["completed"] * 4
    assert "3 degrees" in summary["turns"][2]["text"]
    assert "heron" in summary["turns"][3]["text"]
    parents = [turn["previous_response_id"] for turn in summary["turns"]]
    is_stored = store == "--store"
    assert parents == [None, *(turn["response_id"] if is_stored else None for turn in summary["turns"][:-1])]
    assert sum(record["kind"] == "request" for record in records) == 4


@NEWER
def test_a_refusing_upstream_is_told(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """LiteLLM says 101 first and then passes a 403 on as an error without status and a close with 1008.

    `send` closes too when a turn has failed; on a busy machine its close frame leaves first.
    """
    done = _send(*newer, home, f"--model={MODEL}-403", "Say hello.", "And again.")
    assert done.status == 1, done.stderr
    *_, summary = _json_lines(done.stdout)
    (turn,) = summary["turns"]
    assert turn["status"] == "errored"
    assert turn["error"]["status"] is None
    assert "HTTP 403" in turn["error"]["message"]
    close = summary["close"]
    assert (close["code"], close["by"]) in ((1008, "server"), (1000, "client"))
    assert ("policy" in close["meaning"]) == (close["code"] == 1008)
    assert "1 more turn was not sent" in done.stderr


@NEWER
def test_a_vanished_upstream_is_a_silence(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """LiteLLM keeps quiet when its upstream is gone: what came is kept, and the silence ends the run."""
    done = _send(*newer, home, "--silence=3", f"--model={MODEL}-abort-mid-stream", "Say hello.")
    assert done.status == 6, done.stderr
    *records, summary = _json_lines(done.stdout)
    (turn,) = summary["turns"]
    assert turn["status"] == "cut"
    assert turn["text"]
    assert sum('"response.output_text.delta"' in record.get("raw", "") for record in records) == 3
    assert "nothing came for 3 s" in done.stderr


@NEWER
def test_a_missing_key_is_told(newer: tuple[Room, LiteLLM], home: Path) -> None:
    """LiteLLM answers a missing key with a bare 403, too: the remedy begins with that."""
    done = _send(*newer, home, "Say hello.", key_variable="NOT_LOOKED_AT")
    assert done.status == 4, done.stderr
    (error,) = (line for line in _json_lines(done.stdout) if line.get("event") == "error")
    assert error["status"] == 403
    assert error["remedy"].startswith("No key of yours was sent")


@OLDER
def test_the_profile_knows_the_parameter(older: tuple[Room, LiteLLM], home: Path) -> None:
    """With --profile litellm the older proxy is spoken to as it wants, without a refusal first."""
    arguments = ("--profile=litellm", "Remember the word heron.", "What was the word?")
    done = _send(*older, home, *arguments, key_variable="LITELLM_API_KEY")
    assert done.status == 0, done.stderr
    opened, *_, summary = _json_lines(done.stdout)
    assert opened["meta"]["url"].endswith(f"/v1/responses?model={MODEL}")
    assert "heron" in summary["turns"][1]["text"]


@OLDER
def test_the_bare_403_is_explained_and_passed(older: tuple[Room, LiteLLM], home: Path) -> None:
    """The refusal says that ?model= was tried and accepted; with it, the conversation goes through."""
    facts = _library("refused_then_retried", *older, home)
    assert facts["refusal"]["failure_class"] == "forbidden"
    assert facts["refusal"]["status"] == 403
    refused, tried, *_ = facts["refused"]["edges"]
    assert (tried["kind"], tried["meta"]["probe_of"]) == ("open", 1)
    assert refused["kind"] == "refused"
    assert refused["meta"]["status"] == 403
    assert refused["meta"]["probe"] == f"?model={MODEL} was accepted"
    assert "?model=" in refused["meta"]["remedy"]
    retried = facts["retried"]
    assert f"?model={MODEL}" in retried["edges"][0]["meta"]["url"]
    assert [turn["status"] for turn in retried["turns"]] == ["completed"] * 2
    assert "heron" in retried["turns"][1]["responses"][0]["text"]


@OLDER
def test_send_explains_the_bare_403(older: tuple[Room, LiteLLM], home: Path) -> None:
    """Exit 4, one machine-readable line with the remedy; and the remedy works when followed."""
    done = _send(*older, home, "Say hello.")
    assert done.status == 4, done.stderr
    (error,) = (line for line in _json_lines(done.stdout) if line.get("event") == "error")
    assert error["failure_class"] == "forbidden"
    assert error["status"] == 403
    assert "?model=" in error["remedy"]
    assert "?model=" in done.stderr
    followed = _send(*older, home, "--query", f"model={MODEL}", "--text", "Say hello.")
    assert followed.status == 0, followed.stderr
    assert followed.stdout.strip()


@OLDER
def test_auto_gets_through_the_403_over_http(older: tuple[Room, LiteLLM], home: Path) -> None:
    """Where Codex tries five times and loses seconds, one try, what it cost in words, and then HTTP."""
    done = _send(*older, home, "--transport=auto", "Remember the word heron.", "What was the word?")
    assert done.status == 0, done.stderr
    *records, summary = _json_lines(done.stdout)
    assert [turn["status"] for turn in summary["turns"]] == ["completed"] * 2
    assert "heron" in summary["turns"][1]["text"]
    refused, opened = [record for record in records if record["conn"] == 1][:2]
    assert (refused["kind"], refused["meta"]["failure_class"]) == ("refused", "forbidden")
    assert (opened["kind"], opened["meta"]["transport"]) == ("open", "http")
    assert "WebSocket was not to be had (forbidden" in done.stderr
