"""`turnscope fake` as a program: one line when ready, a clean end on a signal, help that lists everything."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from sessions.commands.fake import VERB
from sessions.errors import UsageError
from sessions.wire.fake import Options
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.dialects import DIALECTS
from sessions.wire.scenarios.faults import FAULTS
from tests.sessions.fake_client import KEY, MODEL

RUN = "import sys; from sessions.cli import main; sys.exit(main())"


@asynccontextmanager
async def running(*args: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The program with these arguments, once it has said that it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        "fake",
        *args,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            ready = json.loads(await process.stdout.readline())
        yield process, ready
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _ended(
    process: asyncio.subprocess.Process, number: signal.Signals
) -> tuple[int | None, bytes, bytes]:
    process.send_signal(number)
    async with asyncio.timeout(10):
        out, err = await process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_listens_and_stops_cleanly_with_a_socket_open(number: signal.Signals) -> None:
    async with running("--seed", "1", "--fault", "unknown-field") as (process, ready):
        assert ready["event"] == "ready"
        assert ready["base_url"] == f"http://127.0.0.1:{ready['port']}/v1"
        assert ready["faults"] == ["unknown-field"]
        url = ready["base_url"].replace("http", "ws") + "/responses"
        async with connect(url, additional_headers=KEY, proxy=None, max_queue=None) as socket:
            await socket.send(json.dumps({"type": "response.create", "model": MODEL, "input": "Hi"}))
            assert "safety_buffering" in json.loads(await socket.recv())
            assert await _ended(process, number) == (0, b"", b"")
            await socket.wait_closed()
            assert socket.close_code == 1001


async def test_tls_names_the_authority_to_trust_and_removes_it_at_the_end() -> None:
    async with running("--tls") as (process, ready):
        authority = Path(ready["ca"])
        context = ssl.create_default_context(cafile=str(authority))
        url = ready["base_url"].replace("https", "wss") + "/responses"
        async with connect(url, additional_headers=KEY, proxy=None, ssl=context):
            pass
        assert await _ended(process, signal.SIGTERM) == (0, b"", b"")
        assert not await asyncio.to_thread(authority.exists)


async def test_the_key_to_require_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TEST_KEY", "sk-only-this-one")
    async with running("--require-key-env", "FAKE_TEST_KEY") as (_, ready):
        url = ready["base_url"].replace("http", "ws") + "/responses"
        with pytest.raises(InvalidStatus):
            async with connect(url, additional_headers=KEY, proxy=None):
                pass
        right = {"Authorization": "Bearer sk-only-this-one"}
        async with connect(url, additional_headers=right, proxy=None):
            pass
    assert "sk-only" not in repr(Options(require_key="sk-only-this-one"))


def _args(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="turnscope fake")
    VERB.prepare(parser)
    return parser.parse_args(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--host", "0.0.0.0"), "--allow-remote"),
        (("--host", "example.com"), "--allow-remote"),
        (("--cert", "x.pem"), "--key"),
        (("--require-key-env", "TURNSCOPE_NO_SUCH_KEY"), "TURNSCOPE_NO_SUCH_KEY"),
        (("--fault", "silense"), "silence"),
        (("--dialect", "opena"), "openai"),
        (("--scenario", "demi"), "demo"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_listens(given: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        VERB.run(_args(*given))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--port", "65536"), ("--port", "-1"), ("--rate", "-1"), ("--rate", "inf"), ("--max-connections", "0")],
)
def test_a_value_out_of_range_names_its_flag(
    flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _args(f"{flag}={value}")
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert flag in shown
    assert "faults:" not in shown


def test_help_lists_every_dialect_scenario_and_fault() -> None:
    parser = argparse.ArgumentParser(prog="turnscope fake")
    VERB.prepare(parser)
    shown = parser.format_help()
    for table in (DIALECTS, SCENARIOS, FAULTS):
        for name, entry in table.items():
            assert f"  {name} " in shown
            assert entry.line in shown


async def test_a_handshake_delay_is_paid_by_every_new_connection() -> None:
    loop = asyncio.get_running_loop()
    async with running("--no-auth", "--handshake-ms", "80") as (_, ready):
        url = ready["base_url"].replace("http", "ws", 1) + "/responses"
        for _ in range(2):
            began = loop.time()
            async with connect(url):
                assert loop.time() - began >= 0.08
