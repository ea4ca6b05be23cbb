"""`turnscope bridge` as a program: ready line, signals, its recording, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from sessions.cli import main
from sessions.records import Kind
from sessions.wire.fake import FakeServer
from tests.sessions.bridges import ask
from tests.sessions.tapping import of_kind, recorded
from tests.sessions.test_tapping import environment, title

COMMAND = [sys.executable, "-m", "sessions.cli", "bridge"]
TOKEN = "a-token-for-this-test-0123"


@contextmanager
def running(
    folder: Path, *arguments: str, **more: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A bridge of its own, and its ready line."""
    with subprocess.Popen(
        [*COMMAND, "--listen", "127.0.0.1:0", "--record", str(folder / "r.jsonl"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder, **more),
    ) as bridge:
        assert bridge.stdout is not None
        line = bridge.stdout.readline()
        try:
            yield bridge, json.loads(line)
        finally:
            if bridge.poll() is None:
                bridge.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal_and_leaves_a_whole_recording(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with FakeServer() as fake:
        with running(tmp_path, "--upstream", fake.base_url) as (bridge, ready):
            assert ready["event"] == "ready"
            assert ready["upstream"] == f"{fake.base_url}/responses"
            assert ready["pid"] == bridge.pid
            assert "token" not in ready
            url = ready["base_url"].replace("http", "ws") + "/responses"
            headers = {"Authorization": "Bearer sk-of-a-client-0001"}
            async with connect(url, additional_headers=headers, proxy=None) as client:
                assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"
                bridge.send_signal(number)
                await client.wait_closed()
                assert client.close_code == 1001
            assert bridge.wait(10) == 0
            assert bridge.stdout is not None
            assert bridge.stdout.read() == ""
            assert bridge.stderr is not None
            assert "1 socket in" in bridge.stderr.read()
    text = (tmp_path / "r.jsonl").read_text()
    assert "sk-of-a-client" not in text
    assert json.loads(text.splitlines()[0])["source"] == "bridge"
    records = recorded(tmp_path / "r.jsonl")
    kinds = {one.kind for one in records}
    assert kinds >= {Kind.OPEN, Kind.TEXT, Kind.REQUEST, Kind.RESPONSE, Kind.SSE, Kind.CLOSE}
    assert not of_kind(records, Kind.LOST)
    assert main(["check", str(tmp_path / "r.jsonl")]) == 0


async def test_a_token_is_wanted_and_stays_out_of_everything(tmp_path: Path) -> None:
    async with FakeServer() as fake:
        arguments = ("--upstream", fake.base_url, "--token-env", "BRIDGE_TOKEN", "--path", "/ws")
        more = {"BRIDGE_TOKEN": TOKEN, "OPENAI_API_KEY": "sk-of-the-owner-0001"}
        with running(tmp_path, *arguments, **more) as (bridge, ready):
            assert "token" not in ready
            assert TOKEN not in title(bridge.pid)
            url = ready["base_url"].replace("http", "ws")
            assert url.endswith("/ws")
            with pytest.raises(Exception, match="401"):
                await connect(url, proxy=None)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with connect(url, additional_headers=headers, proxy=None) as client:
                assert (await ask(client, input="Hi"))[-1]["type"] == "response.completed"
            bridge.terminate()
            assert bridge.wait(10) == 0
        text = (tmp_path / "r.jsonl").read_text()
        assert TOKEN not in text
        assert "sk-of-the-owner" not in text
        assert dict(fake.log[-1].headers)["authorization"] == "Bearer ***"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--upstream"),
        (["--upstream", "localhost:4000"], "http"),
        (["--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0"], "--allow-remote"),
        (["--upstream", "http://127.0.0.1:9/v1", "--token-env", "NOT_SET"], "NOT_SET"),
        (["--upstream", "http://127.0.0.1:9/v1", "--path", "v1"], "/v1/responses"),
        (["--upstream", "http://127.0.0.1:9/v1", "--max-connections", "0"], "whole number"),
        (["--upstream", "http://127.0.0.1:9/v1", "--age-limit", "0"], "seconds"),
    ],
)
def test_what_cannot_be_is_told(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("OPENAI_BASE_URL", "NOT_SET"):
        monkeypatch.delenv(name, raising=False)
    assert main(["bridge", "--record", str(tmp_path / "r.jsonl"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r.jsonl").exists()
