"""`turnscope compare` as a script runs it: two servers on loopback, one over two transports, recordings."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sessions import cli
from sessions.commands.compare import Compare
from sessions.compare.alignment import compare as comparing
from sessions.compare.difference import WHAT, Difference, Weight
from sessions.compare.side import Side
from sessions.compare.table import Timed, rows
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options

KEY = "sk-compare-key-0123456789"
TURNS = ("Hello", "What is the capital of Peru?")


class Ended(NamedTuple):
    """What a finished command left."""

    code: int
    out: str
    talk: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def differences(self) -> list[tuple[int, str, str]]:
        """Turn, word and weight of each difference."""
        return [
            (one["turn"], one["what"], one["weight"]) for one in self.lines if one["event"] == "difference"
        ]


def kept(home: Path) -> list[Path]:
    """The recordings below a home."""
    return sorted(home.rglob("*.jsonl"))


async def compare(home: Path, *args: str, key: str = KEY) -> Ended:
    """Run the verb with an empty home."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.getcwd(),
        "OPENAI_API_KEY": key,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sessions.cli", "compare", *args,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environ,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, talk = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), talk.decode())


async def two(home: Path, *args: str, prompts: tuple[str, ...] = TURNS, **of_b: Any) -> Ended:
    """A clean server against one with these options."""
    async with FakeServer(Options()) as a, FakeServer(Options(**of_b)) as b:
        return await compare(home, a.base_url, b.base_url, *prompts, "--json", *args)


async def test_two_clean_servers_do_not_differ(tmp_path: Path) -> None:
    ended = await two(tmp_path)
    assert ended.code == 0, ended.talk
    (summary,) = ended.lines
    assert (summary["turns"], summary["same_turns"]) == (2, 2)
    assert (summary["breaking"], summary["harmless"]) == (0, 0)
    assert sorted(summary["recordings"]) == sorted(str(path) for path in kept(tmp_path))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("no-created", (1, "events", "breaking")),
        ("no-sequence", (1, "keys", "harmless")),
        ("usage-missing", (1, "usage", "breaking")),
        ("sequence-gap", (1, "finding", "breaking")),
        ("failed", (1, "status", "breaking")),
        ("abort-mid-stream@2", (2, "status", "breaking")),
        ("close-1011-mid-stream", (0, "ending", "breaking")),
    ],
)
async def test_a_fault_of_one_side_is_told(
    tmp_path: Path, fault: str, expected: tuple[int, str, str]
) -> None:
    ended = await two(tmp_path, faults=(fault,))
    assert expected in ended.differences, ended.out
    is_breaking = any(weight == "breaking" for _, _, weight in ended.differences)
    assert ended.code == (1 if is_breaking else 0)


async def test_what_a_gateway_spells_otherwise_is_breaking(tmp_path: Path) -> None:
    ended = await two(tmp_path, dialect="llm-interactive-proxy")
    assert ended.code == 1
    titles = [one["title"] for one in ended.lines if one["event"] == "difference"]
    assert "A has response.completed where B has response.done" in titles
    assert all(one["meaning"] for one in ended.lines if one["event"] == "difference")


@pytest.mark.parametrize(("fault", "code", "name"), [("401", 4, "unauthorized"), ("404", 3, "not_found")])
async def test_a_side_that_refuses_ends_as_the_table_says(
    tmp_path: Path, fault: str, code: int, name: str
) -> None:
    ended = await two(tmp_path, faults=(fault,))
    assert ended.code == code
    refused = ended.lines[0]
    assert (refused["event"], refused["side"], refused["failure_class"]) == ("error", "B", name)
    assert (0, "opening", "breaking") in ended.differences
    assert (2, "unsent", "breaking") in ended.differences


async def test_a_key_that_is_refused_over_both_transports_ends_with_4(tmp_path: Path) -> None:
    async with FakeServer(Options(require_key="sk-another")) as server:
        ended = await compare(tmp_path, server.base_url, *TURNS, "--transports", "--json")
    assert ended.code == 4
    refused = [one for one in ended.lines if one["event"] == "error"]
    assert [(one["side"], one["status"]) for one in refused] == [("A", 401), ("B", 401)]


async def test_one_server_over_two_transports_does_not_differ(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        ended = await compare(tmp_path, server.base_url, *TURNS, "--transports", "--plain")
    assert ended.code == 0, ended.out
    report = ended.out.splitlines()
    assert "over WebSocket, 2 turns" in report[0]
    assert "over HTTP, 2 turns" in report[1]
    assert report[-1] == "no difference in 2 turns"


async def test_over_http_the_history_is_sent_again_where_nothing_is_stored(tmp_path: Path) -> None:
    prompts = ("Remember the word plum", "Which word?")
    async with FakeServer(Options()) as server:
        ended = await compare(tmp_path, server.base_url, *prompts, "--transports", "--no-store", "--json")
    assert ended.code == 0, ended.out
    assert not [one for one in ended.differences if one[1] in ("status", "text")]


async def test_tools_and_lanes_are_paired_over_both_transports_also_where_nothing_is_stored(
    tmp_path: Path,
) -> None:
    tools = tmp_path / "tools.json"
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools.write_text(json.dumps([{"type": "function", "name": "get_weather", "parameters": city}]))
    script = tmp_path / "script.txt"
    script.write_text('{"type":"response.create","model":"m","input":"one","stream_id":"a"}\nHello\n')
    calls = ("--tools", str(tools), "--answer", 'get_weather={"sky":"😀"}', "Weather in Oslo?", *TURNS)
    async with FakeServer(Options()) as server:
        ended = await compare(tmp_path, server.base_url, "--transports", "--no-store", "--json", *calls)
        lanes = await compare(tmp_path, server.base_url, "--transports", "--json", "--script", str(script))
    assert ended.code == 0, ended.out
    assert ended.lines[-1]["turns"] == 4
    assert [one for one in ended.differences if one[1] not in ("usage", "timing")] == []
    assert lanes.lines[-1]["turns"] == 2
    assert [one for one in lanes.differences if one[1] != "timing"] == []


async def test_a_recording_is_a_side_and_its_creates_are_the_script(tmp_path: Path) -> None:
    async with FakeServer(Options()) as a, FakeServer(Options(faults=("usage-missing@2",))) as b:
        made = await compare(
            tmp_path, a.base_url, a.base_url, "Remember the word plum", "Which word?", "--json"
        )
        recording = made.lines[-1]["recordings"][0]
        again = await compare(tmp_path, recording, b.base_url, "--json")
    assert again.code == 1, again.talk
    assert next(one for one in again.differences if one[2] == "breaking")[:2] == (2, "usage")
    assert again.lines[-1]["turns"] == 2  # the parent's id was found anew, or the second would have failed
    both = await compare(tmp_path, recording, again.lines[-1]["recordings"][1], "--json")
    assert [one[:2] for one in both.differences if one[2] == "breaking"] == [
        one[:2] for one in again.differences if one[2] == "breaking"
    ]


@pytest.mark.parametrize("store", ["--store", "--no-store"])
async def test_creates_of_a_socket_are_asked_over_http_also_where_nothing_was_stored(
    store: str, tmp_path: Path
) -> None:
    prompts = ("Remember the word plum", "Which word?")
    async with FakeServer(Options()) as a, FakeServer(Options()) as b:
        await compare(tmp_path, a.base_url, b.base_url, *prompts, store, "--json")
        socket = next(path for path in kept(tmp_path) if "compare-a" in path.name)
        ended = await compare(tmp_path, str(socket), b.base_url, "--transport-b", "http", "--json")
    assert ended.code == 0, ended.out
    assert [one for one in ended.differences if one[1] in ("status", "text", "error")] == []
    assert ended.lines[-1]["turns"] == 2


async def test_a_script_holds_prompts_and_creates_with_the_newest_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    create = {"type": "response.create", "model": "gpt-6-astra", "input": "Which word?",
              "previous_response_id": "@last"}  # fmt: skip
    script.write_text(f"Remember the word plum\n\n{json.dumps(create)}\n")
    ended = await two(tmp_path, "--script", str(script), prompts=())
    assert ended.code == 0, ended.talk
    assert not any(b"@last" in path.read_bytes() for path in kept(tmp_path))
    assert ended.lines[-1]["same_turns"] == 2


async def test_calls_are_answered_as_was_said(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools.write_text(
        json.dumps(
            [{"type": "function", "name": "get_weather", "description": "The weather.", "parameters": schema}]
        )
    )
    ended = await two(
        tmp_path, "--tools", str(tools), "--answer", "get_weather=15 degrees", prompts=("Weather in Oslo?",)
    )
    assert ended.code == 0, ended.out
    assert ended.lines[-1]["turns"] == 2


async def test_the_key_stands_nowhere(tmp_path: Path) -> None:
    ended = await two(tmp_path, faults=("401",))
    assert KEY not in ended.out + ended.talk
    assert kept(tmp_path)
    assert not any(KEY.encode() in path.read_bytes() for path in kept(tmp_path))


async def test_nothing_is_kept_when_that_was_said(tmp_path: Path) -> None:
    ended = await two(tmp_path, "--no-record")
    assert ended.lines[-1]["recordings"] == [None, None]
    assert not kept(tmp_path)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["http://127.0.0.1:1/v1"], "compare with what?"),
        (["nothing", "http://127.0.0.1:1/v1"], "neither a recording nor an address"),
        (
            ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "--base-url", "http://127.0.0.1:1"],
            "--base-url",
        ),
        (["nothing.jsonl", "--transports"], "--transports needs an address"),
        (["http://a.invalid/v1", "http://b.invalid/v1", "hi"], "name a model"),
        (["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "hi", "--script", "x"], "give one of them"),
        (
            ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "--script", "/no/such"],
            "cannot read the script",
        ),
        (["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "--rounds", "2"], "belong to --tool-calls"),
        (["http://127.0.0.1:1/v1", "--tool-calls", "0"], "compare --transports URL"),
        (["http://127.0.0.1:1/v1", "--transports", "--tool-calls", "x"], "such as 0,5,20"),
    ],
)
def test_a_slip_is_told_before_anything_is_opened(
    args: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert cli.main(["compare", *args, "--plain"]) == 2
    assert said in capsys.readouterr().err


def test_the_help_names_every_word_and_key_of_the_lines() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    Compare().prepare(parser)
    told = set(re.findall(r"[a-z_]+", parser.format_help()))
    assert set(WHAT) <= told
    nothing = comparing(Side("A"), Side("B"))
    (pair,) = rows([Timed("ws", 5, 5, 6, 1, 10.0, 900.0)])
    keys = {*Difference(0, "ids", Weight.HARMLESS, 1, 2, "", "").plain(), *nothing.summary(), *pair.plain()}
    assert keys <= told
