"""The replay of a recording that somebody has edited by hand: it is shown, and steps go anywhere in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessions.records import Direction, Kind, Record
from tests.tui.test_replay import opened, written

HEADS = b"GET / HTTP/1.1\r\n\r\nHTTP/1.1 101 X\r\n\r\n"


def record(kind: Kind, elapsed: float, payload: bytes = b"{}", **meta: Any) -> Record:
    side = Direction.LOCAL if kind in (Kind.OPEN, Kind.LOST, Kind.NOTE) else Direction.SERVER
    return Record(1, side, kind, 1, elapsed, payload, meta)


@pytest.mark.parametrize(
    "records",
    [
        [record(Kind.OPEN, 0.0, HEADS), *(record(Kind.TEXT, time) for time in (1e308, -1e300, 1e18, 0.0))],
        [
            record(Kind.OPEN, 0.0, HEADS, lifetime="x", status="y", dns_ms="z", tcp_ms="z", masked=3),
            record(Kind.CLOSE, 1.0, b"", code="x", reason=5),
            record(Kind.NOTE, 2.0, b"", note=5, ms="x"),
            record(Kind.RESPONSE, 3.0, b"", head=10**18, status="x", encoding="?"),
        ],
    ],
    ids=["times", "facts"],
)
async def test_a_recording_edited_by_hand_is_shown(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "edited.jsonl"
    written(path, records).close()
    async with opened(path) as play:
        for key in ("1", "2", "3", "4", "5", "2", "home", "down", "enter", "space", "space", "end"):
            await play.pilot.press(key)
            await play.pilot.pause(0.01)
        for key in ("1", "end", "left", "right", "shift+left", "n", "p", "e"):
            await play.pilot.press(key)
            await play.pilot.pause(0.01)
        assert play.playback.known == len(records)
