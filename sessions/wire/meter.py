"""How many bytes a message had on the wire, before it was inflated or after it was deflated.

Its one rule: it looks and changes nothing. It stands last in the list of extensions, next to the wire.
"""

from __future__ import annotations

from collections import deque

from websockets.extensions import Extension
from websockets.frames import CTRL_OPCODES, Frame
from websockets.typing import ExtensionName


class Meter(Extension):
    """Sizes of data frames' payloads as they crossed the wire, in order."""

    name = ExtensionName("meter")

    def __init__(self) -> None:
        self.received: deque[int] = deque()  #: one entry per data frame, taken by whoever reads the frame
        self.sent = 0  #: of the last data frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.opcode not in CTRL_OPCODES:
            self.received.append(len(frame.data))
        return frame

    def encode(self, frame: Frame) -> Frame:
        if frame.opcode not in CTRL_OPCODES:
            self.sent = len(frame.data)
        return frame
