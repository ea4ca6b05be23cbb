"""The doctor's fresh sockets: what is waited for, and a socket that ends before its use."""

from __future__ import annotations

import pytest

from sessions.doctor.bout import Unsteady
from sessions.errors import ConnectError
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at


async def test_a_bout_waits_for_what_it_is_told_and_no_longer_than_its_socket() -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server)
        async with bench.open() as bout:
            assert await bout.say("[]")
            turn = await bout.ask(bench.frame())
            events = await bout.events_until(
                lambda event: getattr(event, "type", "") == turn.response_id, 0.01
            )
            assert len(events) == len(bout.events)
            assert not await bout.until(lambda: False, 0.01)
            await bout.close()
            assert bout.is_over
            assert not await bout.until(lambda: False, 60.0)
            with pytest.raises(ConnectError):
                await bout.send("{}")
        assert {one.session for one in bout.findings} <= {bout.session.number}
        knock = await bench.knock()
        assert (knock.is_open, knock.status, knock.words) == (True, 101, "101")
        assert (await bench.http("GET", "models")).status == 200
        assert (await bench.http("GET", "/v1/models")).status == 200
        assert KEY not in repr(bench)


async def test_a_socket_that_ends_before_its_use_is_unsteady() -> None:
    async with FakeServer(Options(seed=1, faults=("1008-after-101",))) as server:
        bench = bench_at(server)
        async with bench.open() as bout:
            assert await bout.until(lambda: bout.is_over, 5.0)
            with pytest.raises(Unsteady, match="before anything was sent") as raised:
                await bout.send(bench.frame())
    assert raised.value.turn is None
