"""A recording as a script: which message answers what, and what a frame waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as holds_for
from hypothesis import strategies as some

from sessions.moves import LOST, Ending, Exchange, Heard, Said
from sessions.reading import Reading
from sessions.records import Direction, Kind, Record
from sessions.script import After, Frame, Leaving, Opening, Script, read
from tests.make import Wire, record

GOLDEN = Path(__file__).parent.parent / "golden"


WORDS = (Kind.TEXT, Kind.BINARY)


def golden(name: str) -> Script:
    """The script of a golden recording."""
    reading = Reading.whole(GOLDEN / f"{name}.jsonl")
    script = read(reading.records(0, reading.known))
    reading.close()
    return script


def frames(script: Script) -> list[Frame]:
    """What its clients sent."""
    return [step for step in script.steps if isinstance(step, Frame)]


def moves(exchange: Exchange) -> str:
    """The moves of an exchange by their initials."""
    return "".join(type(move).__name__[0] for move in exchange.moves)


def client(
    body: Mapping[str, Any] | bytes, at: float, session: int = 1, meta: Mapping[str, str] | None = None
) -> Record:
    """A message of a client."""
    return record(body, direction=Direction.CLIENT, at=at, session=session, meta=meta or {})


CREATE = {"type": "response.create", "model": "m", "input": "hi"}


def started(response_id: str, lane: str | None = None) -> dict[str, object]:
    """A response begins."""
    lane_field = {"stream_id": lane} if lane else {}
    return {
        "type": "response.created",
        **lane_field,
        "response": {"id": response_id, "status": "in_progress"},
    }


def ended(response_id: str, lane: str | None = None, **fields: object) -> dict[str, object]:
    """A response is completed."""
    lane_field = {"stream_id": lane} if lane else {}
    response = {"id": response_id, "status": "completed", **fields}
    return {"type": "response.completed", **lane_field, "response": response}


def opened(session: int = 1, at: float = 0.0) -> Record:
    """An accepted upgrade."""
    return record(b"", kind=Kind.OPEN, direction=Direction.LOCAL, session=session, at=at)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_message_of_a_recording_has_its_place_once(path: Path) -> None:
    reading = Reading.whole(path)
    records = list(reading.records(0, reading.known))
    reading.close()
    script = read(records)
    said = [
        move.record
        for session in script.sessions.values()
        for exchange in (session.prelude, *session.exchanges)
        for move in exchange.moves
        if isinstance(move, Said)
    ]
    server = [n for n, one in enumerate(records) if one.direction is Direction.SERVER and one.kind in WORDS]
    assert sorted(said) == server
    assert [frame.payload for frame in frames(script)] == [
        one.payload for one in records if one.direction is Direction.CLIENT and one.kind is Kind.TEXT
    ]
    assert all(exchange.said == moves(exchange).count("S") for exchange in script.exchanges)


def test_a_call_is_answered_by_a_create_that_waits_for_it() -> None:
    script = golden("b-function-call")
    first, second = frames(script)
    assert first.after == After()
    assert second.after.endings == ((1, 1),)
    assert second.exchange == 2
    assert script.exchanges[1].follows == (1, 7)
    assert [item["type"] for item in script.exchanges[0].items.values()] == ["function_call"]


def test_lanes_wait_for_their_own_turns_only() -> None:
    script = golden("k-lanes")
    waits = [[number for number, _ in frame.after.endings] for frame in frames(script)]
    assert waits == [[], [], [1, 2], []]
    assert [exchange.lane for exchange in script.exchanges] == ["plan", "risk", "critic", "plan"]
    assert script.exchanges[3].follows == (1, len(script.exchanges[0].moves))


def test_a_steer_stands_where_the_server_had_heard_it() -> None:
    script = golden("l1-steer-interrupts")
    (exchange,) = script.exchanges
    assert moves(exchange) == "SSSSSSSSHSSSSSSSSSSSSSSSE"
    assert exchange.response_ids == ["resp_l1", "resp_l2"]
    assert exchange.endings == 2
    _, steer = frames(script)
    assert steer.label == "response.steer"
    assert steer.after.messages == ((1, 8),)
    assert not steer.is_create


def test_a_late_message_is_waited_for_by_the_next_frame() -> None:
    script = golden("l3-steer-waits")
    assert frames(script)[2].after.trailing == ((1, "response.steer.pending"),)
    assert frames(script)[2].after.is_answered


def test_pauses_are_measured_from_what_came_before() -> None:
    script = read(
        [
            opened(),
            client(CREATE, 1.0),
            client(CREATE, 2.0),
            record(started("r1"), at=3.0),
            record(ended("r1"), at=5.0),
            record(started("r2"), at=5.5),
            record(ended("r2"), at=6.0),
        ]
    )
    first, second = script.exchanges
    assert [move.pause_seconds for move in first.moves if isinstance(move, Said)] == [2.0, 2.0]
    assert [move.pause_seconds for move in second.moves if isinstance(move, Said)] == [0.5, 0.5]
    assert second.follows == (1, 2)


def test_a_server_that_closes_ends_the_last_exchange() -> None:
    close = record(b"\x03\xf3gone", kind=Kind.CLOSE, at=9.0, meta={"code": 1011, "reason": "gone"})
    script = read([opened(), client(CREATE, 1.0), record(started("r1"), at=2.0), close])
    assert script.sessions[1].ending == Ending(3, 7.0, 1011, "gone")
    assert script.exchanges[0].is_cut
    assert not [step for step in script.steps if isinstance(step, Leaving)]


def test_a_client_that_leaves_does_so_after_what_it_had_seen() -> None:
    close = record(b"\x03\xe8", kind=Kind.CLOSE, direction=Direction.CLIENT, at=3.0, meta={"code": 1000})
    answer = record(b"\x03\xe8", kind=Kind.CLOSE, at=3.1, meta={"code": 1000})
    script = read([opened(), client(CREATE, 1.0), record(started("r1"), at=2.0), close, answer])
    leaving = script.steps[-1]
    assert isinstance(leaving, Leaving)
    assert leaving.after.messages == ((1, 1),)
    assert script.sessions[1].ending is None


@pytest.mark.parametrize(
    ("detail", "is_client"),
    [("the client ended TCP without a close frame", True), ("connection reset by peer", False)],
)
def test_who_was_lost_is_who_ended(detail: str, is_client: bool) -> None:
    lost = record(
        b"", kind=Kind.LOST, direction=Direction.LOCAL, at=3.0, meta={"code": 1006, "detail": detail}
    )
    script = read([opened(), client(CREATE, 1.0), lost])
    assert isinstance(script.steps[-1], Leaving) is is_client
    assert script.sessions[1].ending == (None if is_client else Ending(2, 2.0, LOST, detail))


def test_what_speaks_of_nobody_belongs_to_where_something_moved_last() -> None:
    limits = {"type": "codex.rate_limits", "plan_type": "pro"}
    script = read(
        [
            opened(),
            record(limits, at=0.5),
            client(CREATE, 1.0),
            record(started("r1"), at=1.5),
            record(b"\xff\x00", kind=Kind.BINARY, at=1.6),
            record(ended("r1"), at=2.0),
            record(limits, at=2.5),
        ]
    )
    assert moves(script.sessions[1].prelude) == "S"
    assert [move.type for move in script.exchanges[0].moves if isinstance(move, Said)] == [
        "response.created",
        "",
        "response.completed",
        "codex.rate_limits",
    ]
    assert script.exchanges[0].trailing == "codex.rate_limits"


def test_several_sockets_are_apart_and_their_steps_in_one_order() -> None:
    other = {**CREATE, "previous_response_id": "resp_of_the_first_socket"}
    script = read(
        [
            opened(1),
            opened(2, 0.1),
            client(CREATE, 1.0, 1),
            record(started("resp_of_the_first_socket"), at=2.0, session=1),
            record(ended("resp_of_the_first_socket"), at=3.0, session=1),
            client(other, 4.0, 2),
            record(ended("r2"), at=5.0, session=2),
        ]
    )
    assert [(type(step), step.session) for step in script.steps] == [
        (Opening, 1), (Opening, 2), (Frame, 1), (Frame, 2)
    ]  # fmt: skip
    assert script.giver("resp_of_the_first_socket") == 1
    assert frames(script)[1].after.endings == ((1, 1),)
    assert script.exchanges[1].parent == "resp_of_the_first_socket"


def test_http_exchanges_are_counted_and_left_out() -> None:
    request = record(b"POST / HTTP/1.1\r\n\r\n{}", kind=Kind.REQUEST, direction=Direction.CLIENT, session=3)
    lost = record(b"", kind=Kind.LOST, direction=Direction.LOCAL, session=3, meta={"detail": "gone"})
    script = read([request, record(b"data: {}", kind=Kind.SSE, session=3), lost, opened(4)])
    assert script.http == {3}
    assert list(script.sessions) == [4]


def test_a_frame_says_what_stands_masked_in_it() -> None:
    script = read([opened(), client(CREATE, 1.0, meta={"masked": "mcp authorization"})])
    assert frames(script)[0].masked == "mcp authorization"


def test_a_frame_that_is_no_create_is_heard_where_it_came() -> None:
    error = {"type": "error", "status": 400, "error": {"code": "invalid_json", "message": "no"}}
    script = read([opened(), client(b"no JSON", 1.0), record(error, at=1.5), client(CREATE, 2.0)])
    prelude = script.sessions[1].prelude
    assert [type(move) for move in prelude.moves] == [Heard, Said]
    assert frames(script)[1].after.is_answered


def test_sealed_content_is_known_by_who_gave_it_and_is_no_id() -> None:
    item = {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAAA+/="}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    script = read([opened(), client(CREATE, 1.0), record(started("r1"), at=2.0), record(done, at=3.0)])
    assert script.giver("gAAAAA+/=") == 1
    assert "gAAAAA+/=" not in script.sessions[1].ids


@holds_for(some.lists(some.sampled_from("abc"), min_size=18, max_size=60))
def test_lanes_come_apart_however_they_are_interleaved(order: list[str]) -> None:
    told: dict[str, list[Record]] = {}
    records = [opened()]
    for at, lane in enumerate(order, start=1):
        if not told.get(lane):
            name = f"{lane}{at}"
            note = {"type": "response.note", "stream_id": lane, "response_id": name}
            told[lane] = [record(body, at=0.0) for body in (started(name, lane), note, ended(name, lane))]
            records.append(client({**CREATE, "stream_id": lane, "input": name}, float(at)))
        else:
            records.append(told[lane].pop(0)._replace(elapsed=float(at)))
    script = read(records)
    for exchange in script.exchanges:
        name = json.loads(exchange.payload)["input"].encode()
        assert all(name in move.payload for move in exchange.moves if isinstance(move, Said))
    assert sum(exchange.said for exchange in script.exchanges) == len(order) - len(script.exchanges)


def test_a_try_that_was_made_by_itself_has_no_part_in_the_script() -> None:
    """Whoever plays it is refused, too, and tries that again by itself."""
    refused, probe = Wire(1), Wire(2)
    records = [
        refused.refused("forbidden", status=403, probe="?model=any was accepted", probe_session=2),
        probe.open(probe_of=1),
        probe.close(by=Direction.CLIENT),
        probe.close(),
    ]
    script = read(records)
    assert list(script.sessions) == [1]
    assert {step.session for step in script.steps} == {1}


def test_what_a_tap_refused_itself_has_no_part_in_the_script() -> None:
    """No server has answered it, so none is to answer it so again."""
    by_tap, by_server = Wire(1), Wire(2)
    records = [
        by_tap.refused("forbidden", "the tap refused it: its token is missing", status=403, by="tap"),
        by_server.refused("forbidden", "403 Forbidden", status=403),
    ]
    assert list(read(records).sessions) == [2]
