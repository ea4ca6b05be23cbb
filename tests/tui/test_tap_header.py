"""The two lines above a tap's list, and the count of sockets whose bytes were compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.reducer import fold
from tests.make import Wire
from tui.tap_header import Agreement, TapFacts, tap_lines

FACTS = TapFacts("http://127.0.0.1:8377/v1", "https://api.openai.com/v1", "tap.jsonl", 2_200_000)


def said(records: list[Record], facts: TapFacts = FACTS, cells: int = 160) -> list[str]:
    return [line.plain.rstrip() for line in tap_lines(fold(records), 5.0, cells, facts)]


def digest(wire: Wire, *, agrees: int) -> Record:
    return wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "digest", "agrees": agrees})


def test_nobody_yet() -> None:
    first, second = said([])
    assert "TAP   listening http://127.0.0.1:8377/v1   -> https://api.openai.com/v1" in first
    assert first.endswith("REC tap.jsonl 2.2M")
    assert second == " waiting for clients"


def test_what_is_open_and_that_nothing_was_compared_yet() -> None:
    _, second = said([Wire(1).open(), Wire(2).open()])
    assert "2 sockets open" in second
    assert "bytes are compared when a socket ends" in second
    assert "waiting for clients" not in second


def test_agreement_and_fallbacks_are_told() -> None:
    wire = Wire(1)
    _, second = said([wire.open(), wire.close()], FACTS._replace(compared=3, fallbacks=1))
    assert "bytes in = bytes out, digests of 3 agree" in second
    assert "1 fallback seen" in second
    assert "waiting for clients" in second


@pytest.mark.parametrize("cells", [24, 40, 80, 200])
def test_a_difference_stays_to_the_last_and_nothing_says_agree(cells: int) -> None:
    records = [Wire(number).open() for number in range(1, 6)]
    lines = tap_lines(fold(records), 5.0, cells, FACTS._replace(compared=9, differing=(1, 3)))
    assert lines[1].plain.startswith(" DIGESTS DISAGREE")
    assert "agree " not in lines[1].plain
    assert all(line.cell_len <= cells for line in lines)


def test_an_ended_tap_says_so_and_waits_for_nobody() -> None:
    first, second = said([], FACTS._replace(is_running=False))
    assert first.startswith(" TAP ENDED")
    assert "FILE tap.jsonl" in first
    assert "waiting" not in second


def test_what_a_tap_that_was_killed_left_open_is_not_called_open() -> None:
    records = [(wire := Wire(1)).open(), *wire.turn("resp_1")[:2]]
    ended = FACTS._replace(is_running=False)
    _, earlier = said(records, ended)
    assert "1 socket open" in earlier, "at a moment before the last one it was"
    assert "LIVE 1" in earlier
    _, second = said(records, ended._replace(is_last_word=True))
    assert second == " 1 socket without an end, the recording stopped before"


def test_digests_are_counted_as_they_become_known(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    recording = Recording.create(path, "tap")
    first, second = Wire(1), Wire(2)
    recording.append(first.open())
    recording.append(digest(first, agrees=1))
    recording.flush()
    reading = Reading.open(path)
    agreement = Agreement(reading)
    agreement.look()
    assert agreement.compared == 0
    reading.read_on(1.0)
    agreement.look()
    assert (agreement.compared, agreement.differing) == (1, ())
    recording.append(second.open())
    recording.append(digest(second, agrees=0))
    recording.close()
    reading.read_on(1.0)
    agreement.look()
    agreement.look()
    assert (agreement.compared, agreement.differing) == (2, (2,))
    reading.close()
