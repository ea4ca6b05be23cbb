"""The choice of the way that a plan names; a socket's users do not load HTTP."""

from __future__ import annotations

from dataclasses import replace

from sessions.wire.connect import Connection
from sessions.wire.either import EitherWay
from sessions.wire.http_stream import HttpStream
from sessions.wire.plan import Plan
from sessions.wire.transport import live
from tests.sessions.wire_servers import plan_to
from tests.test_architecture import loaded_by


def test_a_plan_names_its_way() -> None:
    plan: Plan = plan_to(1)
    assert isinstance(live(plan), Connection)
    assert isinstance(live(replace(plan, transport="http")), HttpStream)
    assert isinstance(live(replace(plan, transport="auto")), EitherWay)


def test_no_client_is_loaded_before_a_way_is_chosen() -> None:
    loaded = loaded_by("import sessions.wire.transport")
    assert not {"httpx", "websockets"} & loaded
