"""The report: the worst first, nothing secret, nothing that acts on a terminal, exit codes by the table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.doctor.battery import Battery
from sessions.doctor.report import Examination, as_json, examination, exit_of, fenced, plain, with_direct
from sessions.doctor.result import Outcome, Result
from sessions.records import Direction, Kind, Record
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, chosen

SECRET = "sk-live-9f8e7d6c5b4a"


def result(check_id: str, outcome: Outcome = Outcome.PASS, **fields: Any) -> Result:
    given = {"evidence": "as seen", "remedy": "mend it" if outcome.is_bad else "", **fields}
    return Result(check_id, "a-name", "a title", check_id[0], outcome, **given)


def found(*results: Result, **fields: Any) -> Examination:
    return Examination("host/v1/responses", "openai", "openai", results, **fields)


def test_each_check_has_a_line_and_the_worst_come_with_their_remedy() -> None:
    text = plain(
        found(
            result("D03", Outcome.WARN, who="proxy"),
            result("B07", suite=("single response",)),
            result("C01", Outcome.FAIL, who="proxy", findings=("parent-lost",)),
            result("B08", Outcome.SKIP, evidence="only tried when B07 fails"),
            capabilities={"lanes": "full"},
        )
    )
    lines = text.splitlines()
    assert lines.index("B  reachability and handshake") < lines.index("C  first frame and errors")
    assert "  pass  B07  a title (suite: single response): as seen" in lines
    assert "  B08: only tried when B07 fails" in lines
    assert text.index("1. C01") < text.index("2. D03")
    assert "fix: mend it" in text
    assert "parent-lost" in text
    assert "capabilities: lanes full" in text
    assert "1 pass, 1 warn, 1 fail, 1 skip" in text


def test_no_secret_and_no_control_character_leaves() -> None:
    hostile = found(
        result("B07", Outcome.FAIL, evidence=f"Bearer {SECRET}\x1b[2J", remedy=f"use {SECRET}"),
        capabilities={"end": f"\x1b]52;c;{SECRET}\x07"},
        secrets=(SECRET,),
    )
    for text in (plain(hostile), json.dumps(as_json(hostile), ensure_ascii=False)):
        assert SECRET not in text
        assert "\x1b" not in text


def test_the_object_has_a_schema_and_every_field_of_a_check() -> None:
    report = as_json(found(result("B07", ms=1.26, tokens=3), tokens=3, seconds=1.5))
    assert report["schema"] == 1
    (check,) = report["checks"]
    assert {"id", "outcome", "failure_class", "who", "evidence", "remedy", "ms", "tokens"} <= set(check)
    assert report["totals"]["tokens"] == 3
    assert json.loads(json.dumps(report)) == report


def test_an_outbound_proxy_that_fails_on_both_ways_is_not_the_providers() -> None:
    broken = found(result("B06", Outcome.FAIL))
    (one,) = with_direct(broken, broken).results
    assert one.hop == "on both ways: the outbound proxy's"


def test_a_defect_is_placed_by_the_direct_way() -> None:
    through = found(result("D03", Outcome.FAIL), result("D04", Outcome.FAIL), result("D05"), result("D06"))
    directly = found(result("D03", Outcome.FAIL), result("D04"), result("D05", Outcome.WARN), result("D06"))
    hops = [one.hop for one in with_direct(through, directly).results]
    assert hops[0] == "in both: the provider's"
    assert hops[1].startswith("between")
    assert hops[2].startswith("the proxy mends it")
    assert hops[3] == ""
    assert as_json(with_direct(through, directly))["direct"]["endpoint"] == directly.endpoint


@pytest.mark.parametrize(
    ("results", "fields", "code"),
    [
        ((result("B07"),), {}, 0),
        ((result("D06", Outcome.WARN),), {}, 0),
        ((result("B07", Outcome.FAIL, failure_class="not_found"),), {}, 3),
        ((result("B02", Outcome.FAIL, failure_class="tcp"),), {}, 3),
        ((result("B07", Outcome.FAIL, failure_class="unauthorized"),), {}, 4),
        ((result("B08", Outcome.FAIL), result("B07", Outcome.FAIL, failure_class="forbidden")), {}, 4),
        ((result("B07", Outcome.FAIL, failure_class="forbidden"), result("D03", Outcome.FAIL)), {}, 1),
        ((result("G01", Outcome.FAIL),), {}, 1),
        ((result("B07"),), {"is_out_of_budget": True}, 6),
        ((result("D03", Outcome.FAIL),), {"is_out_of_budget": True}, 1),
        ((result("B07"),), {"is_interrupted": True}, 130),
    ],
)
def test_exit_codes(results: tuple[Result, ...], fields: dict[str, Any], code: int) -> None:
    assert exit_of(found(*results, **fields)) == code


async def test_a_remedy_speaks_of_the_product_that_seems_to_answer() -> None:
    """The guess adds words to what is bad, also once the recording is closed, and changes no outcome."""
    async with FakeServer(Options(seed=1, dialect="litellm", faults=("403",))) as server:
        battery = Battery(bench_at(server), chosen("B01", "B02", "B03", "B06", "B07"))
        outcomes = {one.id: one.outcome async for one in battery.run()}
        battery.bench.suspects.look(
            Record(
                1, Direction.LOCAL, Kind.REFUSED, 0, 0.0, b"HTTP/1.1 403 No\r\nX-LiteLLM-Version: 1\r\n\r\n"
            )
        )
        battery.bench.inspector.recording.close()
    told = examination(battery)
    assert {one.id: one.outcome for one in told.results} == outcomes
    (refused,) = (one for one in told.results if one.outcome is Outcome.FAIL)
    assert "LiteLLM: Upgrade LiteLLM to 1.89.0" in refused.remedy
    assert told.capabilities["product"].startswith("looks like LiteLLM")


def test_a_defect_of_both_ways_is_not_the_proxys_to_mend() -> None:
    broken = found(result("D05", Outcome.FAIL, who="proxy"))
    (one,) = with_direct(broken, broken).results
    assert (one.who, one.hop) == ("provider", "in both: the provider's")
    (one,) = with_direct(broken, found(result("D05"))).results
    assert one.who == "proxy"


def test_a_fence_is_longer_than_any_run_of_its_own_sign() -> None:
    text = fenced(found(result("B07", evidence="a ```` b")))
    assert text.startswith("`````text\n")
    assert text.endswith("\n`````\n")
