"""`turnscope send` as a script runs it: a process of its own against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sessions import cli
from sessions.reading import Reading
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options

KEY = "sk-script-key-0123456789"
OUT = ("client", "text")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Ended(NamedTuple):
    """What a finished command left."""

    code: int
    out: str
    talk: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


async def send(
    server: FakeServer | None,
    home: Path,
    *args: str,
    stdin: str = "",
    key: str = KEY,
    before: Callable[[], None] | None = None,
    **variables: str,
) -> Ended:
    """Run the verb with an empty home."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.getcwd(), **variables}
    if key:
        environ["OPENAI_API_KEY"] = key
    address = ["--base-url", server.base_url] if server else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sessions.cli",
        "send",
        *address,
        *args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
        preexec_fn=before,
    )
    out, talk = await asyncio.wait_for(process.communicate(stdin.encode(errors="surrogateescape")), 30)
    return Ended(process.returncode or 0, out.decode(), talk.decode())


async def test_three_prompts_are_three_chained_turns(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(server, tmp_path, "--model", "m", "Remember the word plum", "Which word?", "Bye")
    assert ended.code == 0, ended.talk
    *records, summary = ended.lines
    assert [record["n"] for record in records] == list(range(len(records)))
    assert records[0]["kind"] == "open"
    assert summary["event"] == "summary"
    first, second, third = summary["turns"]
    assert first["previous_response_id"] is None
    assert second["previous_response_id"] == first["response_id"]
    assert third["previous_response_id"] == second["response_id"]
    assert "plum" in second["text"]
    assert all(turn["status"] == "completed" and turn["usage"]["output_tokens"] for turn in summary["turns"])
    assert summary["close"]["code"] == 1000


async def test_the_recording_holds_the_same_lines_and_no_key(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options()) as server:
        ended = await send(server, tmp_path, "--model", "m", "--record", str(file), "hi")
    assert ended.code == 0, ended.talk
    kept = file.read_text().splitlines()[1:]
    assert kept == ended.out.splitlines()[:-1]
    assert KEY not in file.read_text() + ended.out + ended.talk
    recording = Reading.whole(file)
    assert not recording.problems
    recording.close()


async def test_text_only_and_one_prompt_repeated(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        ended = await send(server, tmp_path, "--model", "m", "--no-record", "--text", "--turns", "3", "ping")
    assert ended.code == 0, ended.talk
    assert len(ended.out.splitlines()) == 3
    assert ended.talk.count("completed") == 3
    assert not (tmp_path / ".local").exists()


async def test_hostile_text_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        spoken = await send(server, tmp_path, "--model", "m", "--no-record", "--text", "/hostile")
        printed = await send(server, tmp_path, "--model", "m", "--no-record", "/hostile")
    for ended in (spoken, printed):
        for character in ("\x1b", "\x9b", "\x07", "\u202e", "\x7f"):
            assert character not in ended.out + ended.talk


async def test_a_tool_is_answered_only_with_an_answer(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([WEATHER]))
    prompts = ["What is the weather in Oslo? call get_weather", "Thanks"]
    async with FakeServer(Options()) as server:
        common = ("--model", "m", "--no-record", "--tools", str(tools))
        waiting = await send(server, tmp_path, *common, *prompts)
        answered = await send(server, tmp_path, *common, "--answer", 'get_weather={"c": 3}', *prompts)
    assert waiting.code == 1
    assert "get_weather was in the chat-completions form" in waiting.talk
    assert "waits for get_weather" in waiting.talk
    assert len(waiting.lines[-1]["turns"]) == 1
    assert waiting.lines[-1]["turns"][0]["calls"][0]["name"] == "get_weather"
    assert answered.code == 0, answered.talk
    turns = answered.lines[-1]["turns"]
    assert [turn["status"] for turn in turns] == ["completed"] * 3
    assert turns[0]["calls"][0]["answered"] is True


async def test_frames_from_stdin_leave_as_they_were_written(tmp_path: Path) -> None:
    frames = [
        '{"type": "response.create",  "model":"m", "input":"hi"}',
        '{"type":"response.create","model":"m","input":"again","previous_response_id":"@last"}',
        "broken{",
    ]
    async with FakeServer(Options()) as server:
        ended = await send(server, tmp_path, "--no-record", "-", stdin="\n".join(frames) + "\n")
    *records, summary = ended.lines
    sent = [record["raw"] for record in records if record["dir"] == "client" and record["kind"] == "text"]
    assert sent[0] == frames[0]
    assert summary["turns"][0]["response_id"] in sent[1]
    assert sent[2] == frames[2]
    assert ended.code == 1
    assert [turn["status"] for turn in summary["turns"]] == ["completed", "completed"]


@pytest.mark.parametrize(
    ("faults", "code", "failure"),
    [
        (["401"], 4, "unauthorized"),
        (["403"], 4, "forbidden"),
        (["404"], 3, "not_found"),
        (["426"], 3, "upgrade_required"),
        (["429"], 3, "throttled"),
        (["500"], 3, "http_status"),
    ],
)
async def test_a_refused_opening_has_a_class_a_remedy_and_a_code(
    tmp_path: Path, faults: list[str], code: int, failure: str
) -> None:
    async with FakeServer(Options(faults=faults)) as server:
        ended = await send(server, tmp_path, "--model", "m", "--no-record", "hi")
    assert ended.code == code
    error = next(line for line in ended.lines if line.get("event") == "error")
    assert error["failure_class"] == failure
    assert error["remedy"]
    assert "try:" in ended.talk


async def test_the_proxy_that_wants_the_model_in_the_url(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["403-without-model"])) as server:
        refused = await send(server, tmp_path, "--model", "m", "--no-record", "hi")
        through = await send(server, tmp_path, "--model", "m", "--no-record", "--query", "model=m", "hi")
    assert refused.code == 4
    error = next(line for line in refused.lines if line.get("event") == "error")
    assert "?model=m" in error["remedy"]
    assert "accepts" in error["remedy"]
    assert through.code == 0, through.talk


async def test_silence_and_age_run_out(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["silence"])) as server:
        silent = await send(server, tmp_path, "--model", "m", "--no-record", "--silence", "0.3", "hi")
    assert silent.code == 6
    assert "nothing came for 0.3 s" in silent.talk
    async with FakeServer(Options(age_limit=0.5, rate=20)) as server:
        aged = await send(server, tmp_path, "--model", "m", "--no-record", "long 9", "never sent")
    assert aged.code == 6
    assert aged.lines[-1]["turns"][0]["status"] == "cut"
    assert "1 more turn was not sent" in aged.talk


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("close-1012-mid-stream", "the connection was closed by the server: 1012 "),
        ("close-1000-mid-stream", "the connection was closed by the server: 1000 "),
        ("abort-mid-stream", "the connection was lost: 1006 "),
    ],
)
async def test_a_turn_that_is_cut_says_how_the_connection_ended(
    tmp_path: Path, fault: str, said: str
) -> None:
    async with FakeServer(Options(faults=[fault])) as server:
        ended = await send(server, tmp_path, "--model", "m", "--no-record", "--text", "Tell me something.")
    assert ended.code == 1
    assert "turn 1 cut" in ended.talk
    assert said in ended.talk
    assert ended.out.endswith("\n")


async def test_the_try_with_a_model_in_the_url_is_told_and_recorded(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(faults=["403-without-model"])) as server:
        ended = await send(server, tmp_path, "--model", "m", "--record", str(file), "hi")
    assert ended.code == 4
    assert "?model=m was tried on connection 2, by itself and once; it was accepted and closed" in ended.talk
    refused, opened, *rest = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert (refused["conn"], refused["kind"]) == (1, "refused")
    assert (opened["conn"], opened["kind"], opened["meta"]["probe_of"]) == (2, "open", 1)
    assert {line["conn"] for line in rest} == {2}


async def test_a_frame_that_began_no_turn_tells_the_servers_error(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        ended = await send(server, tmp_path, "--no-record", "--text", "-", stdin="not json\n")
    assert ended.code == 1
    assert "a frame began no turn, and the server answered with an error: invalid" in ended.talk


async def test_a_notice_begins_on_a_line_of_its_own(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["no-terminal"])) as server:
        ended = await send(
            server, tmp_path, "--model", "m", "--no-record", "--text", "--silence", "0.3", "hi"
        )
    assert ended.code == 6
    assert ended.out.strip()
    assert ended.out.endswith("\n")


async def test_an_accepted_socket_that_is_closed_by_policy_was_refused(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["1008-after-101"])) as server:
        ended = await send(server, tmp_path, "--model", "m", "--no-record", "hi", "again")
    assert ended.code == 4
    error = next(line for line in ended.lines if line.get("event") == "error")
    assert error["failure_class"] == "policy_close"
    assert ended.lines[-1]["close"]["code"] == 1008


async def test_a_server_that_never_says_anything_has_a_class(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["silence"])) as server:
        ended = await send(server, tmp_path, "--model", "m", "--no-record", "--silence", "0.3", "hi")
    assert ended.code == 6
    assert [line["failure_class"] for line in ended.lines if line.get("event") == "error"] == ["app_silent"]


async def test_output_and_input_are_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    frame = '{"type":"response.create","model":"m","input":"gr\u00fc\u00df"}'
    async with FakeServer(Options()) as server:
        ended = await send(
            server, tmp_path, "--no-record", "-", stdin=frame + "\n", PYTHONIOENCODING="ascii:strict"
        )
    assert ended.code == 0, ended.talk
    assert next(line["raw"] for line in ended.lines if line.get("dir") == "client") == frame


async def test_a_line_of_stdin_that_is_not_utf_8_is_told_by_its_number(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        ended = await send(server, tmp_path, "--no-record", "-", stdin="\n\udcff{}\n")
    assert ended.code == 2
    assert "line 2 of stdin is not UTF-8" in ended.talk


async def test_an_interrupt_does_not_wait_for_stdin(tmp_path: Path) -> None:
    async with FakeServer(Options()) as server:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "sessions.cli",
                "send",
                "--base-url",
                server.base_url,
                "--no-record",
                "-",
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.getcwd()},
        )
        assert process.stdout is not None
        assert process.stdin is not None
        async with asyncio.timeout(20):
            assert b'"kind":"open"' in await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            told = await process.stdout.read()
            assert await process.wait() == 130
        assert json.loads(told.splitlines()[-1])["event"] == "summary"
        process.stdin.close()


async def test_a_profile_that_never_stores_is_told_so_in_the_frame(tmp_path: Path) -> None:
    async with FakeServer(Options(dialect="codex")) as server:
        common = ("--profile", "codex", "--model", "m", "--no-record")
        usual = await send(server, tmp_path, *common, "hi")
        forced = await send(server, tmp_path, *common, "--store", "hi")
    lines = usual.lines + forced.lines
    sent = [json.loads(line["raw"]) for line in lines if (line.get("dir"), line.get("kind")) == OUT]
    assert [frame["store"] for frame in sent] == [False, True]
    assert (usual.code, forced.code) == (0, 1)


async def test_a_key_that_no_header_can_carry_is_told_without_the_key(tmp_path: Path) -> None:
    for key in (f"{KEY}\nx", f"{KEY}\u00e9"):
        async with FakeServer(Options()) as server:
            ended = await send(server, tmp_path, "--model", "m", "--no-record", "hi", key=key)
        assert ended.code == 2
        assert "OPENAI_API_KEY" in ended.talk
        assert "Traceback" not in ended.talk
        assert KEY not in ended.out + ended.talk


async def test_a_recording_that_finds_no_room_ends_the_run(tmp_path: Path) -> None:
    file = tmp_path / "short.jsonl"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    uncompiled = {"PYTHONDONTWRITEBYTECODE": "1"}  # or others find compiled modules cut
    async with FakeServer(Options()) as server:
        ended = await send(
            server, tmp_path, "--model", "m", "--record", str(file), "hello", before=little_room, **uncompiled
        )
    assert ended.code == 5
    assert "failed: File too large" in ended.talk
    assert "recorded " not in ended.talk
    recording = Reading.whole(file)
    assert len(recording) > 3
    recording.close()


async def test_a_model_is_asked_for_before_anything_is_opened(tmp_path: Path) -> None:
    ended = await send(None, tmp_path, "--base-url", "http://nobody.invalid/v1", "hi")
    assert ended.code == 2
    assert "--model" in ended.talk
    assert ended.out == ""
    assert not (tmp_path / ".local").exists()


async def test_nobody_there(tmp_path: Path) -> None:
    ended = await send(None, tmp_path, "--base-url", "http://127.0.0.1:1/v1", "--model", "m", "hi")
    assert ended.code == 3
    assert ended.lines[-2]["failure_class"] == "tcp"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "send what?"),
        (["--txt", "hi"], "did you mean --text?"),
        (["--turns", "2", "a", "b"], "--turns repeats a single prompt"),
        (["--answer", "nothing", "--model", "m", "hi"], "NAME=OUTPUT"),
        (["--tools", "none.json", "--model", "m", "hi"], "none.json"),
        (["--turns", "three", "hi"], "'three' is not a whole number from 1"),
        (["--silence", "-1", "hi"], "'-1' is not a number from 0"),
        (["--silence", "nan", "hi"], "'nan' is not a number from 0"),
        (["-", "hi"], "leave the other prompts out"),
        (["--turns", "2", "--lane", "a", "-"], "leave out --turns, --lane"),
        (["--base-url", " ", "hi"], "the address is empty"),
    ],
)
async def test_a_wrong_command_line(tmp_path: Path, args: list[str], says: str) -> None:
    ended = await send(None, tmp_path, "--base-url", "http://127.0.0.1:1/v1", *args)
    assert ended.code == 2
    assert says in ended.talk
    assert ended.out == ""


# Over HTTP ---------------------------------------------------------------------------------------------


async def test_over_http_three_prompts_are_three_chained_posts(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    http = ("--transport", "http", "--model", "m", "--record", str(file))
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(server, tmp_path, *http, "Remember the word plum", "Which word?", "Bye")
        requests = [one for visit in server.log for one in visit.requests]
    assert ended.code == 0, ended.talk
    assert requests == [("POST", "/v1/responses", 200)] * 3
    first, second, third = ended.lines[-1]["turns"]
    assert second["previous_response_id"] == first["response_id"]
    assert third["previous_response_id"] == second["response_id"]
    assert "plum" in second["text"]
    assert ended.lines[-1]["close"] is None
    assert KEY not in file.read_text() + ended.out + ended.talk
    recording = Reading.whole(file)
    assert not recording.problems
    recording.close()


async def test_over_http_without_a_store_the_history_goes_along_and_that_is_said(tmp_path: Path) -> None:
    http = ("--transport", "http", "--model", "m", "--no-record", "--no-store")
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(server, tmp_path, *http, "Remember the word plum", "Which word?", "And now?")
    assert ended.code == 0, ended.talk
    asked = [
        json.loads(one["raw"].partition("\r\n\r\n")[2]) for one in ended.lines if one.get("kind") == "request"
    ]
    assert [len(one["input"]) if isinstance(one["input"], list) else 1 for one in asked] == [1, 3, 5]
    assert not any("previous_response_id" in one for one in asked)
    assert all(one["include"] == ["reasoning.encrypted_content"] for one in asked)
    assert "plum" in ended.lines[-1]["turns"][1]["text"]
    assert ended.talk.count("HTTP remembers nothing") == 1


@pytest.mark.parametrize("store", ["--store", "--no-store"])
async def test_over_http_a_tool_call_is_answered_in_the_next_request(tmp_path: Path, store: str) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([WEATHER]))
    told = ("--answer", "get_weather=It is 21 degrees.", "--tools", str(tools), store)
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(
            server, tmp_path, "--transport", "http", "--model", "m", "--no-record", *told, "Weather in Oslo?"
        )
    assert ended.code == 0, ended.talk
    asked, answered = ended.lines[-1]["turns"]
    assert asked["calls"][0]["name"] == "get_weather"
    assert asked["calls"][0]["answered"] is True
    assert (answered["previous_response_id"] is None) is (store == "--no-store")
    assert "21" in answered["text"]


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        ("401", 4, "unauthorized"),
        ("429", 3, "throttled"),
        ("500", 3, "http_status"),
        ("failed", 1, None),
        ("error-then-failed", 1, None),
        ("abort-mid-stream", 1, None),
        ("429@2", 1, None),
    ],
)
async def test_over_http_what_goes_wrong_has_the_codes_of_a_socket(
    tmp_path: Path, fault: str, code: int, word: str | None
) -> None:
    async with FakeServer(Options(seed=3, faults=[fault])) as server:
        ended = await send(
            server,
            tmp_path,
            "--transport",
            "http",
            "--model",
            "m",
            "--no-record",
            "Remember the word plum",
            "two",
        )
    assert ended.code == code, ended.talk
    told = [line for line in ended.lines if line.get("event") == "error"]
    assert [line["failure_class"] for line in told] == ([word] if word else [])
    if word:
        assert told[0]["status"] == int(fault)
        assert told[0]["body"]


async def test_over_http_nobody_there_is_code_3_and_nothing_was_sent(tmp_path: Path) -> None:
    ended = await send(
        None, tmp_path, "--base-url", "http://127.0.0.1:9/v1", "--transport", "http", "--model", "m", "x"
    )
    assert ended.code == 3, ended.talk
    assert [line["failure_class"] for line in ended.lines if line.get("event") == "error"] == ["tcp"]
    assert ended.lines[-1]["turns"] == []


async def test_over_http_silence_is_code_6(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["silence"])) as server:
        ended = await send(
            server, tmp_path, "--transport", "http", "--model", "m", "--no-record", "--silence", "0.3", "x"
        )
    assert ended.code == 6, ended.talk
    ends = [one["meta"].get("note", one["kind"]) for one in ended.lines if one.get("dir") == "local"]
    assert ends == ["open", "lost", "end"]
    (told,) = [line for line in ended.lines if line.get("event") == "error"]
    assert (told["failure_class"], told["cause"]) == (
        "app_silent",
        "The request was sent, and nothing has come back.",
    )


async def test_over_http_frames_from_stdin_lose_what_a_socket_alone_knows(tmp_path: Path) -> None:
    frames = '{"type":"response.create","stream_id":"a","model":"m","input":"Capital of Peru?"}\n'
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(server, tmp_path, "--transport", "http", "--no-record", "-", stdin=frames)
    assert ended.code == 0, ended.talk
    assert ended.lines[-1]["turns"][0]["text"] == "Lima."
    assert "stream_id left out, HTTP refuses it" in ended.talk


@pytest.mark.parametrize("fault", ["426", "403", "404", "silent-upgrade", "1008-after-101"])
async def test_auto_falls_back_to_http_and_says_why_and_what_it_cost(tmp_path: Path, fault: str) -> None:
    auto = ("--transport", "auto", "--open-timeout", "0.5", "--model", "m", "--no-record")
    async with FakeServer(Options(seed=3, faults=[fault])) as server:
        ended = await send(server, tmp_path, *auto, "Remember the word plum", "Which word?")
    assert ended.code == 0, ended.talk
    assert "plum" in ended.lines[-1]["turns"][1]["text"]
    assert ended.talk.count("WebSocket was not to be had (") == 1
    assert " ms." in ended.talk


async def test_auto_with_a_bad_key_is_refused_as_a_socket_is(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=["401"])) as server:
        ended = await send(server, tmp_path, "--transport", "auto", "--model", "m", "--no-record", "x")
        assert [one[0] for visit in server.log for one in visit.requests] == ["GET"]
    assert ended.code == 4, ended.talk


async def test_auto_stays_on_a_socket_that_opens(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=3)) as server:
        ended = await send(
            server, tmp_path, "--transport", "auto", "--model", "m", "--no-record", "Capital of Peru?"
        )
    assert ended.code == 0, ended.talk
    assert ended.lines[-1]["close"]["code"] == 1000


@pytest.mark.parametrize(("name", "said"), [("-", "not to stdout"), ("", "leave --record out")])
@pytest.mark.parametrize(
    "verb",
    [
        ("send", "--base-url", "http://127.0.0.1:9/v1", "hi"),
        ("tap", "--headless", "--upstream", "http://127.0.0.1:9/v1"),
        ("bridge", "--upstream", "http://127.0.0.1:9/v1"),
        ("doctor", "http://127.0.0.1:9/v1"),
    ],
)
def test_a_recording_goes_to_a_file_that_has_a_name(
    verb: tuple[str, ...], name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*verb, "--record", name]) == 2
    assert said in capsys.readouterr().err
