"""Workflows timed over two transports: the table, bars, and the network that a fake server stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.compare.table import Row, Timed, bars, rows, table, time_words
from sessions.compare.workflow import run_workflow
from sessions.compose import Create
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan, Transport
from sessions.wire.scenarios.options import Options
from tests.sessions.test_compare import compare, kept


def timed(transport: str, calls: int, total_ms: float, *, problem: str = "", connections: int = 1) -> Timed:
    """One measurement."""
    return Timed(transport, calls, calls, calls + 1, connections, 10.0, total_ms, problem)


async def once(server: FakeServer, transport: Transport, calls: int, *, is_fresh: bool = False) -> Timed:
    """One workflow on a server."""
    return await run_workflow(
        Plan(derive(server.base_url)),
        transport,
        calls,
        Create(model="m"),
        silence_seconds=10,
        is_fresh=is_fresh,
    )


def test_rows_are_medians_and_the_gain_is_a_share_of_https_time() -> None:
    measured = [timed("http", 5, time) for time in (2000, 2500, 9000)]
    measured += [timed("ws", 5, time) for time in (1900, 2000, 2100)]
    (row,) = rows(measured)
    assert (row.tool_calls, row.rounds, row.http_ms, row.websocket_ms) == (5, 3, 2500, 2000)
    assert row.gain == pytest.approx(0.2)
    assert row.plain()["gain"] == 0.2
    assert row.plain()["turns"] == 6


def test_what_is_no_measurement_is_left_out() -> None:
    (row,) = rows([timed("http", 0, 200), timed("ws", 0, 1, problem="turn 1 ended failed")])
    assert (row.rounds, row.websocket_ms, row.gain) == (0, None, None)
    assert "-" in list(table([row]))[1]


def test_the_table_and_its_bars() -> None:
    found = [
        Row(0, (3, 3), 180.0, 200.0, 20.0, (1, 1)),
        Row(20, (3, 3), 6000.0, 10000.0, 20.0, (1, 21)),
    ]
    head, simple, twenty = table(found)
    assert head.split() == ["workflow", "HTTP", "+", "SSE", "WebSocket", "gain", "connections"]
    assert simple.split() == ["simple", "query", "200", "ms", "180", "ms", "10", "%", "1", "and", "1"]
    assert twenty.split() == ["20", "tool", "calls", "10.0", "s", "6.0", "s", "40", "%", "21", "and", "1"]
    drawn = list(bars(found, 77))
    assert [line.count("█") for line in drawn] == [1, 1, 40, 24]


def test_times_in_words() -> None:
    assert [time_words(one) for one in (None, 180.4, 2500)] == ["-", "180 ms", "2.5 s"]


async def test_a_workflow_makes_its_calls_over_both_transports() -> None:
    async with FakeServer(Options(auth="none")) as server:
        for transport in ("ws", "http"):
            one = await once(server, transport, 3)
            assert (one.transport, one.made, one.turns, one.problem) == (transport, 3, 4, "")
            assert one.connections == 1


@pytest.mark.parametrize("transport", ["ws", "http"])
async def test_a_workflow_goes_on_where_nothing_is_stored(transport: Transport) -> None:
    create = Create(model="m", store=False)
    async with FakeServer(Options(auth="none")) as server:
        one = await run_workflow(Plan(derive(server.base_url)), transport, 2, create, silence_seconds=10)
    assert (one.made, one.turns, one.problem) == (2, 3, "")


async def test_a_fresh_connection_for_each_request_costs_its_handshake() -> None:
    async with FakeServer(Options(auth="none", handshake_ms=60)) as server:
        http = await once(server, "http", 3, is_fresh=True)
        ws = await once(server, "ws", 3)
    assert (http.connections, ws.connections) == (4, 1)
    assert http.total_ms >= 4 * 60
    assert 60 <= ws.opening_ms <= ws.total_ms


async def test_think_time_counts_for_every_turn() -> None:
    async with FakeServer(Options(auth="none", think_ms=30)) as server:
        for transport in ("ws", "http"):
            assert (await once(server, transport, 2)).total_ms >= 3 * 30


async def test_a_turn_that_fails_is_no_measurement() -> None:
    async with FakeServer(Options(auth="none", faults=("failed@2",))) as server:
        one = await once(server, "ws", 3)
    assert one.problem.startswith("turn 2 ended failed")


async def test_the_verb_prints_a_row_a_workflow(tmp_path: Path) -> None:
    async with FakeServer(Options(handshake_ms=20, think_ms=5)) as server:
        ended = await compare(
            tmp_path, server.base_url, "--transports", "--tool-calls", "0,2", "--rounds", "2",
            "--fresh-connections", "--json",
        )  # fmt: skip
        plain = await compare(tmp_path, server.base_url, "--transports", "--tool-calls", "0", "--rounds", "1")
    assert ended.code == 0, ended.talk
    simple, two, summary = ended.lines
    assert (simple["tool_calls"], two["tool_calls"], two["turns"], two["rounds"]) == (0, 2, 3, 2)
    assert two["connections"] == {"ws": 1, "http": 3}
    assert two["http_ms"] >= 60
    assert summary["problems"] == []
    assert "16 turns in 2 rounds" in ended.talk
    assert plain.code == 0, plain.talk
    assert "simple query" in plain.out
    assert "█" in plain.out
    assert not kept(tmp_path)


async def test_a_transport_that_is_not_there_leaves_the_times_of_the_other(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=("426",))) as server:
        asked = (server.base_url, "--transports", "--tool-calls", "0,1", "--rounds", "2")
        ended = await compare(tmp_path, *asked, "--json")
        plain = await compare(tmp_path, *asked)
    assert (ended.code, plain.code) == (3, 3)
    *workflows, refused, summary = ended.lines
    assert [(one["http_ms"] > 0, one["websocket_ms"], one["rounds"]) for one in workflows] == [
        (True, None, 0),
        (True, None, 0),
    ]
    assert workflows[0]["rounds_over"] == {"ws": 0, "http": 2}
    assert (refused["side"], refused["failure_class"]) == ("ws", "upgrade_required")
    assert (summary["event"], summary["missing"]) == ("summary", ["ws"])
    assert plain.out.count("█ ") == 2
    assert "WebSocket is not to be had here: upgrade_required" in plain.out
    assert "The times of HTTP + SSE stand alone." in plain.out
    assert plain.talk.count("WebSocket: ") == 1  # it is not tried again in the next round


@pytest.mark.parametrize(("fault", "code"), [("500", 3), ("401", 4)])
async def test_where_neither_transport_is_there_a_sentence_takes_the_tables_place(
    tmp_path: Path, fault: str, code: int
) -> None:
    async with FakeServer(Options(faults=(fault,))) as server:
        ended = await compare(tmp_path, server.base_url, "--transports", "--tool-calls", "0")
    assert ended.code == code
    assert "workflow" not in ended.out
    assert [line.partition(" is not")[0] for line in ended.out.splitlines() if "not to be had" in line] == [
        "HTTP + SSE",
        "WebSocket",
    ]


async def test_a_socket_that_is_closed_by_policy_is_a_refusal_here_too(tmp_path: Path) -> None:
    async with FakeServer(Options(faults=("1008-after-101",))) as server:
        ended = await compare(
            tmp_path, server.base_url, "--transports", "--tool-calls", "0", "--rounds", "1", "--json"
        )
    assert ended.code == 4
    assert [one["failure_class"] for one in ended.lines if one["event"] == "error"] == ["policy_close"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_bar_and_its_time_fit_the_terminal(width: int) -> None:
    found = rows([timed("http", 200, 62_000.0), timed("ws", 200, 24_000.0), timed("http", 0, 1.0)])
    drawn = list(bars(found, width))
    longest = max(map(len, drawn))
    assert width - 10 <= longest <= width or longest == 28 + 80 + len(" 62.0 s")
