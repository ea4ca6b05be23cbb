"""What a session adds up to: every row, and what is odd with the record where it stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tui.counts import Scan, counts
from tui.tally import tally


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


def told(inspector: Inspector, now: float = 10.0) -> list[tuple[str, str]]:
    session = inspector.sessions.sessions[1]
    scan = Scan(inspector)
    scan.step()
    meta = inspector.recording.record(0).meta
    rows = counts(inspector.sessions, session, tally(session), scan, now, meta)
    return [(row.label, row.words) for row in rows]


def test_turns_bytes_tokens_and_times(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1"), wire.sent(make.create())])
    rows = dict(told(inspector))
    assert rows["turns"] == "2   ok 1   not ok 0   live 0   queued 1"
    assert rows["tokens"] == "in 20   cached 0 (0%)   out 8   reasoning 0"
    assert rows["opening"] == "TCP 2ms   upgrade 12ms"
    assert rows["ttft"].startswith("p50 50ms")
    assert rows["age"] == "10s of 1h00m"
    assert "(default)   idle   1 queued   head T1" in [words for _, words in told(inspector)]
    assert rows["limits"] == "the server has told none"
    assert rows["odd"] == "nothing against the contract"


def test_the_longest_silence_names_the_record_that_ended_it(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed(wire.open())
    wire.wait(2.39)
    inspector.feed_all(wire.turn("resp_1"))
    assert dict(told(inspector))["silence"] == "longest 2.4s, ended by #1"


def test_a_pong_does_not_end_a_silence(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed(wire.open())
    wire.wait(1.0)
    inspector.feed(wire.latency(0.5))
    wire.wait(1.38)
    inspector.feed_all(wire.turn("resp_1"))
    assert dict(told(inspector))["silence"] == "longest 2.4s, ended by #2"


def test_types_are_counted_and_foreign_ones_named(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(
        [wire.open(), *wire.turn("resp_1"), wire.got({"type": "brand.new"}), wire.got({"type": "keepalive"})]
    )
    rows = told(inspector)
    assert ("2", "response.output_text.delta") in rows
    assert ("1", "brand.new   unknown") in rows
    assert ("unknown", "brand.new   x 1") in rows


def test_what_is_odd_is_listed_with_its_record(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    inspector.feed(wire.got(make.created("resp_1")))
    inspector.feed(wire.got({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}))
    inspector.feed(wire.sent(make.create(previous_response_id="resp_gone")))
    inspector.feed(wire.got(make.error("previous_response_not_found")))
    rows = told(inspector)
    assert ("irregular", "#3   response.created came twice") in rows
    assert ("dialect", "response.done   first #4") in rows
    assert ("not found", "resp_gone   #6") in rows
    assert ("errors", "1 error frame   0 not decodable") in rows


def test_a_scan_looks_at_each_record_once(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1")])
    scan = Scan(inspector)
    scan.step()
    scan.step()
    assert scan.is_complete
    assert sum(scan.types.values()) == len(inspector.recording)
