"""`turnscope doctor` as a script runs it: a process of its own against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sessions.reading import Reading
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.test_doctor_reach import accepted
from tests.sessions.wire_servers import raw_server

KEY = "sk-doctor-key-0123456789"
REACH = "B07"


class Ended(NamedTuple):
    """What a finished command left."""

    code: int
    out: str
    talk: str

    @property
    def report(self) -> dict[str, Any]:
        """stdout as the one object that --json prints."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each check."""
        return {one["id"]: one["outcome"] for one in self.report["checks"]}


async def started(home: Path, *args: str, **variables: str) -> asyncio.subprocess.Process:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.getcwd(), **variables}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sessions.cli",
        "doctor",
        *args,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"OPENAI_API_KEY": KEY, **environ},
    )


async def doctor(home: Path, *args: str, **variables: str) -> Ended:
    process = await started(home, *args, **variables)
    out, talk = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), talk.decode())


async def test_a_clean_server_has_no_defect_and_the_report_no_key(tmp_path: Path) -> None:
    kept = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=1, require_key=KEY)) as server:
        ended = await doctor(tmp_path, server.base_url, "--json", "--record", str(kept))
    assert ended.code == 0
    assert not {"fail", "warn"} & set(ended.outcomes.values())
    report = ended.report
    assert report["schema"] == 1
    assert report["endpoint"] == f"127.0.0.1:{server.port}/v1/responses"
    assert report["totals"]["pass"] > 40
    assert 0 < report["totals"]["tokens"] < 1_000
    assert report["capabilities"]
    assert "single response" in {name for one in report["checks"] for name in one["suite"]}
    assert "no --model given" in ended.talk
    written = kept.read_text()
    assert KEY not in ended.out + ended.talk + written
    assert Reading.whole(kept).known > 50


@pytest.mark.parametrize(
    ("fault", "code", "failure_class"),
    [("401", 4, "unauthorized"), ("404", 3, "not_found"), ("426", 3, "upgrade_required")],
)
async def test_a_failed_handshake_has_its_exit_code_and_skips_the_rest(
    tmp_path: Path, fault: str, code: int, failure_class: str
) -> None:
    async with FakeServer(Options(seed=1, faults=(fault,))) as server:
        ended = await doctor(tmp_path, server.base_url, "--json")
        text = await doctor(tmp_path, server.base_url, "--plain", "--only", REACH)
    assert ended.code == text.code == code
    upgrade = next(one for one in ended.report["checks"] if one["id"] == "B07")
    assert upgrade["failure_class"] == failure_class
    later = [one for one in ended.report["checks"] if one["group"] in "CDEF"]
    assert {one["outcome"] for one in later} == {"skip"}
    assert "most serious" in text.out
    assert "fix: " in text.out
    assert KEY not in ended.out + text.out


async def test_a_defect_of_the_stream_is_exit_1(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1, faults=("sequence-gap",))) as server:
        ended = await doctor(tmp_path, server.base_url, "--only", "D05", "--json")
    assert ended.code == 1
    assert ended.outcomes["D05"] == "fail"


async def test_nobody_there_is_exit_3(tmp_path: Path) -> None:
    ended = await doctor(tmp_path, "http://127.0.0.1:9/v1", "--json")
    assert ended.code == 3
    assert ended.outcomes["B02"] == "fail"


async def test_a_dry_run_prints_probes_and_a_bound_and_opens_nothing(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        text = await doctor(tmp_path, server.base_url, "--dry-run")
        data = await doctor(tmp_path, server.base_url, "--dry-run", "--json", "--slow", "--intrusive")
        assert server.log == []
    assert text.code == data.code == 0
    assert "at most" in text.out
    assert "nothing was sent" in text.out
    assert "B07  the bare upgrade [free]" in text.out
    assert data.report["at_most"]["tokens"] > 0
    assert data.report["runs"] == 1
    assert {one["cost"] for one in data.report["checks"]} >= {"L", "F", "T", "X"}


async def test_a_budget_of_nothing_runs_what_is_free_and_generates_nothing(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        ended = await doctor(tmp_path, server.base_url, "--budget", "0", "--json")
        begun = [frame for visit in server.log if visit.response_ids for frame in visit.received]
    assert all(b'"generate":false' in frame for frame in begun)  # of a model that does not exist
    assert ended.code == 0
    assert ended.outcomes["C01"] == "pass"
    assert ended.outcomes["D01"] == "skip"


async def test_a_budget_that_runs_out_is_exit_6(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        ended = await doctor(tmp_path, server.base_url, "--budget", "70", "--only", "D01,D12,E01", "--json")
    assert ended.code == 6
    assert ended.report["is_out_of_budget"]
    assert ended.report["totals"]["tokens"] <= 70


async def test_ctrl_c_keeps_what_was_found(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
        await writer.drain()
        first = await reader.read(1 << 16)
        if first[:1] == b"\x81":  # a text message, not the close of the bare upgrade
            asked.set()
            await reader.read(1 << 16)

    async with raw_server(silent) as port:
        process = await started(tmp_path, f"http://127.0.0.1:{port}/v1", "--only", "B20", "--model", "m")
        await asyncio.wait_for(asked.wait(), 30)
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert "pass  B07" in out.decode()
    assert "interrupted" in out.decode()


async def test_the_direct_way_tells_the_hop(tmp_path: Path) -> None:
    async with (
        FakeServer(Options(seed=1, faults=("404",))) as proxy,
        FakeServer(Options(seed=1)) as origin,
    ):
        ended = await doctor(
            tmp_path, proxy.base_url, "--direct", origin.base_url, "--only", "B07,B15", "--json"
        )
        both = await doctor(tmp_path, proxy.base_url, "--direct", proxy.base_url, "--only", "B07", "--json")
    hops = {one["id"]: one["hop"] for one in ended.report["checks"]}
    assert hops["B07"].startswith("between")
    assert ended.outcomes["B15"] == "fail"
    assert ended.report["direct"]["endpoint"].startswith("127.0.0.1")
    assert next(one["hop"] for one in both.report["checks"] if one["id"] == "B07").startswith("in both")


async def test_a_recording_is_judged_without_network(tmp_path: Path, golden: Path) -> None:
    ended = await doctor(tmp_path, "--from", str(golden / "a-plain.jsonl"), "--json")
    assert ended.code == 0
    assert ended.outcomes["D03"] == "pass"
    wrong = await doctor(tmp_path, "--from", str(golden / "a-plain.jsonl"), "http://127.0.0.1:9/v1")
    assert wrong.code == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("https://api.example.com/v1",), "--model"),
        (("http://127.0.0.1:9/v1", "--only", "Z99"), "no check Z99"),
        (("http://127.0.0.1:9/v1", "--json", "--plain"), "not both"),
        (("http://127.0.0.1:9/v1", "--budget", "many"), "tokens"),
        (("http://127.0.0.1:9/v1", "--second-key-env", "NOT_SET"), "NOT_SET"),
    ],
)
async def test_a_wrong_command_line_is_told(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    ended = await doctor(tmp_path, *args)
    assert ended.code == 2
    assert said in ended.talk
    assert ended.out == ""


async def test_without_an_address_nothing_is_resolved_or_sent(tmp_path: Path) -> None:
    bare = await doctor(tmp_path, "--model", "m")
    named = await doctor(tmp_path, "--only", "A02", "--profile", "openai", "--model", "m")
    listed = await doctor(tmp_path, "--dry-run", "--model", "m")
    assert bare.code == 2
    assert "no address is given" in bare.talk
    assert "nothing was resolved or sent" in bare.talk
    assert bare.out == ""
    assert (named.code, listed.code) == (0, 0)


async def test_an_address_of_the_environment_is_examined(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        ended = await doctor(tmp_path, "--only", "B07", "--json", OPENAI_BASE_URL=server.base_url)
    assert ended.outcomes["B07"] == "pass"


async def test_the_report_can_be_fenced_for_an_issue(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1)) as server:
        ended = await doctor(tmp_path, server.base_url, "--markdown", "--only", "B07")
        both = await doctor(tmp_path, server.base_url, "--markdown", "--json")
    lines = ended.out.splitlines()
    assert (lines[0], lines[-1]) == ("```text", "```")
    assert lines[1].startswith("turnscope ")
    assert both.code == 2


async def test_a_check_brings_what_it_looks_at(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1, rate=200)) as server:
        ended = await doctor(tmp_path, server.base_url, "--json", "--deep", "--only", "F01,F13")
    assert ended.outcomes["F01"] == "pass"
    assert ended.outcomes["F13"] == "info", "C01 has shown the refusal that it needs"


async def test_slow_upgrades_are_told_and_what_is_minor_is_left_out(tmp_path: Path) -> None:
    async with FakeServer(Options(seed=1, faults=("slow-upgrade:2.1",))) as server:
        process = await started(tmp_path, server.base_url, "--json")
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"each upgrade takes 2." not in (line := await process.stderr.readline()):
                assert line
            process.send_signal(signal.SIGINT)
            out, _ = await process.communicate()
    assert process.returncode == 130
    report = json.loads(out)
    assert report["is_interrupted"]
    assert "B07" in {one["id"] for one in report["checks"]}


async def test_a_transport_without_sockets_is_refused_with_a_reason(tmp_path: Path) -> None:
    process = await started(tmp_path, "http://127.0.0.1:9/v1", "--transport", "http")
    async with asyncio.timeout(30):
        _, talk = await process.communicate()
    assert process.returncode == 2
    assert b"the doctor examines sockets" in talk
