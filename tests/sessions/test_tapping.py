"""`turnscope tap` as a program: ready line, words, signals, a client inside, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sessions.cli import main
from sessions.commands.tapping import crossed
from sessions.conversation import converse
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from sessions.secret import Secret
from sessions.wire.connect import connect
from sessions.wire.control import control_path
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from tests.sessions.tapping import of_kind, recorded

CREATE = '{"type":"response.create","model":"m","input":"hello"}'
COMMAND = [sys.executable, "-m", "sessions.cli", "tap"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async with FakeServer() as fake:
        yield fake.base_url


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a program of ours needs, and nothing of whoever runs the tests."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **more,
    }


@contextmanager
def running(
    folder: Path, *arguments: str, **more: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A headless tap of its own, and its ready line."""
    with subprocess.Popen(
        [*COMMAND, "--headless", "--listen", "127.0.0.1:0", "--record", str(folder / "r.jsonl"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder, **more),
    ) as tap:
        assert tap.stdout is not None
        line = tap.stdout.readline()
        try:
            yield tap, json.loads(line)
        finally:
            if tap.poll() is None:
                tap.kill()


def title(pid: int) -> str:
    """What others see of a process; empty where the system does not tell."""
    path = Path(f"/proc/{pid}/cmdline")
    return path.read_text() if path.exists() else ""


async def ask(base_url: str) -> None:
    inspector = Inspector(Recording.create(None))
    async with converse(
        connect(Plan(derive(base_url), key=Secret("sk-dummy-123456"))), inspector, 1, 10
    ) as talk:
        assert await talk.ask(CREATE) is not None


async def test_it_says_where_it_is_and_ends_by_a_word_with_everything_written(
    tmp_path: Path, upstream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.jsonl"
    with running(tmp_path, "--upstream", upstream) as (tap, ready):
        assert ready == {
            "event": "ready",
            "base_url": ready["base_url"],
            "upstream": upstream,
            "recording": str(path),
            "pid": tap.pid,
        }
        assert ready["base_url"].endswith("/v1")
        await ask(ready["base_url"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert main(["tap", "--status", str(path)]) == 0
        assert json.loads(capsys.readouterr().out)["sessions"] == 1
        assert main(["tap", "--stop", str(path)]) == 0
        assert json.loads(capsys.readouterr().out)["event"] == "stopped"
        assert tap.wait(10) == 0
    records = recorded(path)
    assert records[0].kind is Kind.OPEN
    assert records[-1].meta["agrees"] == 1
    assert not control_path(path).exists()
    assert json.loads(path.read_text().splitlines()[0])["pid"] == ready["pid"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_ends_it_and_tells_open_sockets_apart(
    tmp_path: Path, upstream: str, name: str
) -> None:
    with running(tmp_path, "--upstream", upstream) as (tap, ready):
        live = connect(Plan(derive(ready["base_url"]), key=Secret("sk-dummy-123456")))
        await live.opened()
        tap.send_signal(signal.Signals[name])
        kinds = [record.kind async for record in live]
        assert kinds == [Kind.OPEN, Kind.LOST]
        assert tap.wait(10) == 0
    (lost,) = of_kind(recorded(tmp_path / "r.jsonl"), Kind.LOST)
    assert lost.meta["detail"] == "the tap was stopped"


async def test_a_key_that_the_client_sends_is_in_no_file_and_no_title(tmp_path: Path, upstream: str) -> None:
    token = "a-token-of-our-own-42"
    with running(tmp_path, "--upstream", upstream, "--allow-remote", "--token-env", "TOKEN", TOKEN=token) as (
        tap,
        ready,
    ):
        assert f"/{token}/v1" in ready["base_url"]
        await ask(ready["base_url"])
        assert token not in title(tap.pid)
        tap.terminate()
        _, said = tap.communicate(timeout=10)
    everything = (tmp_path / "r.jsonl").read_text()
    for secret in (token, "sk-dummy-123456"):
        assert secret not in everything
        assert secret not in said


def run(folder: Path, *arguments: str, words: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=words,
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(folder),
        check=False,
    )


def test_a_client_inside_keeps_its_streams_and_its_exit_code(tmp_path: Path) -> None:
    program = "import sys; print(sys.stdin.read().upper()); sys.exit(9)"
    done = run(
        tmp_path,
        *("--upstream", "http://127.0.0.1:9/v1", "--listen", "0", "--record", str(tmp_path / "r.jsonl")),
        *("--", sys.executable, "-c", program, "--", "--headless"),
        words="words",
    )
    assert (done.returncode, done.stdout) == (9, "WORDS\n")
    first, *others = done.stderr.splitlines()
    assert first == f"turnscope attach {tmp_path / 'r.jsonl'}"
    assert any("the client's base URL is http://127.0.0.1:" in line for line in others)
    assert any("nothing came through the tap" in line for line in others)


async def test_a_client_inside_finds_the_tap_by_its_environment(tmp_path: Path, upstream: str) -> None:
    token, path = "a-token-of-our-own-42", tmp_path / "r.jsonl"
    client = [sys.executable, "-m", "sessions.cli", "send", "--no-record", "--model", "m", "--text", "hello"]
    tap = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("--upstream", upstream, "--listen", "127.0.0.1:0", "--record", str(path)),
        *("--allow-remote", "--token-env", "TOKEN", "--", *client),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path, TOKEN=token, OPENAI_API_KEY="sk-dummy-123456"),
    )
    answer, said = await asyncio.wait_for(tap.communicate(), 30)
    assert tap.returncode == 0, said
    assert b"keep track of this chain" in answer
    assert b"nothing came" not in said
    ours = [line for line in said.splitlines() if line.startswith(b"turnscope")]
    assert len(ours) == 3
    assert all(token.encode() not in line for line in ours)
    records = recorded(path)
    assert records[0].kind is Kind.OPEN
    assert token not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the server with --upstream"),
        (["--upstream", "ftp://x"], "scheme 'ftp' is not supported"),
        (["--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0"], "add --allow-remote to mean that"),
        (["--upstream", "http://127.0.0.1:9/v1", "--listen", "nowhere"], "write it as HOST:PORT or PORT"),
        (["--upstream", "http://127.0.0.1:9/v1", "--token-env", "NONE"], "must hold at least 16 letters"),
        (
            ["--upstream", "http://127.0.0.1:9/v1", "--", "no-such-program"],
            "there is no program 'no-such-program'",
        ),
        (["--stop", "/nowhere/x.jsonl"], "there is no such recording"),
    ],
)
def test_what_cannot_be_is_told_in_words(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run(tmp_path, "--headless", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_leaves_no_empty_recording_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        path = tmp_path / "r.jsonl"
        done = run(
            tmp_path,
            *("--headless", "--upstream", "http://127.0.0.1:9/v1", "--listen", listen, "--record", str(path)),
        )
    assert done.returncode == 2
    assert f"cannot listen on {listen}: Address already in use" in done.stderr
    assert not path.exists()


def test_without_a_terminal_it_says_how_to_do_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tap", "--upstream", "http://127.0.0.1:9/v1"]) == 2
    assert "`turnscope tap --headless`, or name a client after --" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the server with --upstream"),
        (["--upstream", "foo"], "the base URL foo has no scheme"),
        (["--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0"], "add --allow-remote to mean that"),
    ],
)
def test_without_a_terminal_what_is_wrong_with_its_arguments_is_said_first(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tap", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "terminal" not in told


def limited_to(count: int, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A tap that may write no file larger than this; nor compiled modules, which others would find cut."""
    program = (
        f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({count}, {count})); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder, PYTHONDONTWRITEBYTECODE="1"),
    )


async def test_a_disk_that_is_full_ends_the_tap_loudly(tmp_path: Path, upstream: str) -> None:
    arguments = ("--listen", "127.0.0.1:0", "--upstream", upstream, "--record", str(tmp_path / "r.jsonl"))
    with limited_to(4096, tmp_path, "--headless", *arguments) as tap:
        assert tap.stdout is not None
        base_url = json.loads(tap.stdout.readline())["base_url"]
        live = connect(Plan(derive(base_url), key=Secret("sk-dummy-123456")))
        await live.opened()
        await live.send(CREATE)
        kinds = [record.kind async for record in live]
        assert kinds[-1] is Kind.LOST  # the tap ended the connection
        _, said = tap.communicate(timeout=10)
        assert tap.returncode == 5
    assert "File too large; the tap ends here" in said


def test_what_went_through_is_counted_in_words() -> None:
    assert [crossed(count) for count in (0, 1, 2_000)] == [
        "0 connections and requests",
        "1 connection or request",
        "2,000 connections and requests",
    ]
