"""The meter counts data frames only, and changes nothing."""

from __future__ import annotations

from websockets.frames import Frame, Opcode

from sessions.wire.meter import Meter


def test_counts_data_frames_on_both_ways() -> None:
    meter = Meter()
    for opcode, size in [(Opcode.TEXT, 3), (Opcode.PING, 9), (Opcode.CONT, 2), (Opcode.CLOSE, 2)]:
        frame = Frame(opcode, b"x" * size)
        assert meter.decode(frame) is frame
        assert meter.encode(frame) is frame
    assert list(meter.received) == [3, 2]
    assert meter.sent == 2
