"""Both directions: every fault of the fake server yields exactly its findings, a clean server yields none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from sessions.finding import Severity
from sessions.findings.catalogue import CATALOGUE
from sessions.profiles import known_deviations
from sessions.records import Direction, Kind
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.dialects import DIALECTS
from sessions.wire.scenarios.faults import FAULTS
from tests.verdict import Script, Speaker, ids, judged, recorded, stretched, two_turns


async def on_a_lane(speaker: Speaker) -> None:
    """Two turns on a named lane."""
    first = await speaker.ask("Hi", stream_id="plan")
    await speaker.ask("And now?", first, stream_id="plan")


async def failing_continuation(speaker: Speaker) -> None:
    """A turn, a continuation that is refused, and the same parent again."""
    first = await speaker.ask("Hi")
    await speaker.ask([{"type": "function_call_output", "call_id": "call_no", "output": ""}], first)
    await speaker.ask("Still there?", first)


async def unknown_parent(speaker: Speaker) -> None:
    """A create that continues what nobody has made."""
    await speaker.ask("Hi", previous_response_id="resp_nobody")


async def two_pings(speaker: Speaker) -> None:
    """A turn, and then nothing until a ping of ours is overdue."""
    await speaker.ask("Hi")
    await asyncio.sleep(0.15)  # the ping timer is what is waited for


class Case(NamedTuple):
    """How a fault is met, and what it must yield."""

    expected: set[str]
    script: Script = two_turns
    argument: str = ""
    options: Mapping[str, object] = MappingProxyType({})
    plan: Mapping[str, object] = MappingProxyType({})
    silence_seconds: float = 5.0


#: a turn of some length, so that what has a rhythm can be seen
_SLOW: dict[str, object] = {"rate": 40.0}
CASES = {
    "426": Case({"websocket-off"}),
    "401": Case({"key-refused"}),
    "403": Case({"upgrade-forbidden"}),
    "403-without-model": Case({"model-wanted-in-url"}),
    "404": Case({"no-websocket-route"}),
    "429": Case({"throttled"}),
    "500": Case({"server-failing"}),
    "503": Case({"server-unavailable"}),
    "http-200": Case({"answered-as-http"}, plan={"open_timeout_seconds": 0.5}),
    "silent-upgrade": Case({"upgrade-unanswered"}, plan={"open_timeout_seconds": 0.3}),
    "slow-upgrade": Case({"upgrade-slow"}, argument="2.1"),
    "1008-after-101": Case({"closed-by-policy"}),
    "close-1000-mid-stream": Case({"closed-normally-in-answer"}),
    "close-1001-mid-stream": Case({"server-went-away"}),
    "close-1011-mid-stream": Case({"server-error-close"}),
    "close-1012-mid-stream": Case({"restart-close"}),
    "close-1013-mid-stream": Case({"busy-close"}),
    "close-4001-mid-stream": Case({"private-close"}),
    "close-mid-stream": Case({"private-close"}, argument="4402"),
    "abort-mid-stream": Case({"cut-in-answer"}),
    "1009": Case({"too-big-close"}),
    "silence": Case({"app-silent"}, silence_seconds=0.1),
    "half-open": Case({"no-pong"}, two_pings, plan={"ping_seconds": 0.05}),
    "keepalive": Case({"app-keepalive"}, argument="0.05", options=_SLOW),
    "failed": Case({"turn-failed"}),
    "error-then-failed": Case({"error-in-answer", "turn-failed", "failure-told-twice"}),
    "error-mid-stream": Case({"error-in-answer"}),
    "unknown-event": Case({"unknown-type"}),
    "unknown-field": Case({"unknown-field"}),
    "no-sequence": Case({"sequence-missing"}),
    "sequence-gap": Case({"sequence-gap"}),
    "sequence-regress": Case({"sequence-regress"}),
    "no-created": Case({"created-missing"}),
    "no-terminal": Case({"terminal-missing"}, silence_seconds=1.6),
    "double-terminal": Case({"terminal-doubled"}),
    "after-end": Case({"event-after-end"}),
    "delta-mismatch": Case({"text-mismatch"}),
    "ids-change": Case({"id-changed", "parent-lost"}),  # the changed id is one that nobody can continue
    "usage-missing": Case({"usage-missing"}),
    "no-lane-echo": Case({"lane-not-echoed"}, on_a_lane),
    "burst": Case({"burst"}),
    "million-deltas": Case({"delta-flood"}, argument="100001"),
    "non-json": Case({"not-json"}),
    "json-not-object": Case({"not-an-object"}),
    "binary": Case({"binary-frame"}),
    "invalid-utf8": Case({"invalid-utf8"}),
    "sse-prefix": Case({"sse-prefix"}),
    "done-marker": Case({"done-marker"}),
    "big-frame": Case({"big-frame"}, argument="2"),
    "big-frame-objects": Case({"big-frame", "heavy-frame"}, argument="2"),
    "fragmented": Case({"fragmented-message"}),
    "deep-nesting": Case({"nested-deeply"}),
    "lone-surrogates": Case({"lone-surrogate", "text-mismatch"}),  # its done text has no such half
    "no-eviction": Case({"turn-refused", "output-unasked", "no-eviction"}, failing_continuation),
    "not-found-masked": Case({"turn-refused", "parent-error-masked"}, unknown_parent),
    "wrong-parent": Case({"context-lost"}),
}


def test_every_fault_has_a_case() -> None:
    assert set(CASES) == set(FAULTS)
    assert set.union(*(case.expected for case in CASES.values())) <= set(CATALOGUE)


@pytest.mark.parametrize("fault", CASES)
async def test_a_fault_yields_its_findings_and_no_other(fault: str) -> None:
    case = CASES[fault]
    name = f"{fault}:{case.argument}" if case.argument else fault
    records = await recorded(
        case.script, faults=(name,), plan=case.plan, silence_seconds=case.silence_seconds, **case.options
    )
    if fault == "silence":  # nobody wants to wait for it
        create = next(n for n, one in enumerate(records) if one.kind is Kind.TEXT)
        records = stretched(records, create, 20.0)
    findings = judged(records)
    assert ids(findings) == case.expected
    for finding in findings:
        assert finding.title
        assert finding.evidence
        assert finding.remedy.endswith(".")
        assert finding.records
        assert max(finding.records) < len(records)


@pytest.mark.parametrize("fault", ["half-open", "no-lane-echo", "no-eviction", "not-found-masked"])
async def test_what_a_script_provokes_is_no_finding_without_the_fault(fault: str) -> None:
    case = CASES[fault]
    records = await recorded(case.script, plan=case.plan)
    assert not [one for one in judged(records) if one.severity is Severity.ERROR]
    expected = {
        "failing_continuation": {"turn-refused", "output-unasked", "parent-lost"},
        "unknown_parent": {"parent-lost"},
    }
    assert ids(judged(records)) == expected.get(case.script.__name__, set())


# A clean server --------------------------------------------------------------------------------------------


async def chain(speaker: Speaker) -> None:
    """Three chained turns, a call and its output, a warm-up and what goes on from it, a turn by itself."""
    first = await speaker.ask("Remember the word heron.")
    second = await speaker.ask("What is 1+1?", first)
    await speaker.ask("What was the word?", second)
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    called = await speaker.ask("weather in Lima please", tools=[tool])
    assert called is not None
    assert called.response is not None
    outputs = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "15 degrees"}
        for call in called.response.calls
    ]
    await speaker.ask([*outputs, {"role": "user", "content": "and?"}], called, tools=[tool])
    warm = await speaker.ask("Warm up, please.", generate=False)
    await speaker.ask("Go.", warm)


async def scenario(speaker: Speaker) -> None:
    """One prompt after another, chained."""
    turn = None
    for prompt in ("one", "two", "three"):
        turn = await speaker.ask(prompt, turn)


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in ("hostile", "every")])
async def test_a_clean_server_yields_none_in_every_scenario(name: str) -> None:
    assert judged(await recorded(scenario, scenario=name)) == []


async def test_the_scenario_of_every_event_yields_what_it_shows_on_purpose() -> None:
    found = judged(await recorded(scenario, scenario="every"))
    assert ids(found) == {
        "app-keepalive",
        "unknown-type",
        "error-in-answer",
        "turn-failed",
        "failure-told-twice",
    }


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "nested"])
async def test_a_dialect_yields_notes_at_most_under_its_own_profile(name: str) -> None:
    records = await recorded(chain, dialect=name, plan={"profile": name})
    assert len([one for one in records if one.direction is Direction.CLIENT and one.kind is Kind.TEXT]) == 7
    found = judged(records, known_deviations())
    assert [one for one in found if one.severity is not Severity.NOTE] == []
    if name in ("openai", "codex", "vercel", "litellm", "localai", "flat-error"):
        assert found == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llm-interactive-proxy", {"delta-renamed", "terminal-renamed", "usage-renamed"}),
        ("xai", {"id-repeated"}),
        ("litellm", set()),
        ("vercel", set()),
    ],
)
async def test_without_a_profile_the_same_deviations_are_held_against_it(
    name: str, expected: set[str]
) -> None:
    records = await recorded(chain, dialect=name, plan={"profile": name})
    assert ids(one for one in judged(records) if one.severity is not Severity.NOTE) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai", {"parent-lost"}),
        ("codex", {"error-status-renamed", "parent-lost"}),
        ("xai", {"error-untyped", "parent-lost"}),
        ("litellm", {"error-without-status", "error-without-code", "turn-refused", "parent-error-masked"}),
        ("localai", {"error-without-status", "parent-lost"}),
        ("flat-error", {"error-flat", "parent-lost"}),
        ("nested", {"turn-refused"}),
    ],
)
async def test_the_error_of_a_dialect_is_judged_by_its_shape(name: str, expected: set[str]) -> None:
    assert ids(judged(await recorded(unknown_parent, dialect=name))) == expected


async def test_lanes_side_by_side_yield_none() -> None:
    async def lanes(speaker: Speaker) -> None:
        def create(lane: str | None, text: str) -> str:
            named = {"stream_id": lane} if lane else {}
            return json.dumps(
                {"type": "response.create", "model": "m", "input": text, "store": False, **named}
            )

        turns = [await speaker.talk.send(create(lane, "long 3")) for lane in (None, "a", "b", "a", None)]
        for turn in turns:
            assert turn is not None
            await speaker.talk.finish(turn)

    assert judged(await recorded(lanes, rate=400.0)) == []
