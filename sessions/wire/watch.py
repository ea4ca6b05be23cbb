"""One tapped socket as its copies tell it: the frames of both directions, made into records.

Its one rule: a record holds what crossed the wire and when; what cannot be read is said once, where it began.
It holds no connection and writes nothing.
"""

from __future__ import annotations

from sessions.masking import Masks
from sessions.records import Direction, Kind, Meta, Record
from sessions.wire.frames import Frames, Seen
from sessions.wire.splice import Ending, How, Splice, Way

_TEXT = Kind.TEXT
_SIDES = {Direction.CLIENT: "the client", Direction.SERVER: "the server", Direction.LOCAL: "the tap"}


class Watch:
    """The reader of one socket's copies; each direction is fed in order."""

    def __init__(self, session: int, extensions: str, masks: Masks) -> None:
        self.session = session
        self.masks = masks
        self._closed_by: set[Direction] = set()
        self._frames = {
            Direction.CLIENT: Frames(is_client=True, extensions=extensions),
            Direction.SERVER: Frames(is_client=False, extensions=extensions),
        }
        self._unfinished = {Direction.CLIENT: 0, Direction.SERVER: 0}  # bytes since something was complete

    def unfinished_bytes(self, direction: Direction) -> int:
        """How many bytes this direction has brought since a message was complete."""
        return self._unfinished[direction]

    def read(self, direction: Direction, chunk: bytes, wall: int, elapsed: float) -> list[Record]:
        """The records of what a chunk completes, credentials masked."""
        seen = self._frames[direction].feed(chunk)
        self._unfinished[direction] = 0 if seen else self._unfinished[direction] + len(chunk)
        clean, make, session = self.masks.clean, self._record, self.session
        needles = self.masks.needles
        records: list[Record] = []
        add = records.append
        for one in seen:
            if isinstance(one, bytes):
                record = Record(session, direction, _TEXT, wall, elapsed, one)
                for needle in needles:  # looked for here, because a call for each record is dear
                    if needle in one:
                        record = clean(record)
                        break
                add(record)
            else:
                add(clean(make(direction, one, wall, elapsed)))
        return records

    def _record(self, direction: Direction, seen: Seen, wall: int, elapsed: float) -> Record:
        kind = seen.kind
        if kind is Kind.NOTE:
            is_last = not seen.frames and not self._frames[direction].is_readable
            meta: Meta = {
                "note": "unparsed" if is_last else "frame",
                "detail": seen.problem,
                "direction": direction.value,
                "at_byte": seen.at_byte,
            }
            return Record(self.session, Direction.LOCAL, kind, wall, elapsed, seen.payload, meta)
        if kind is Kind.CLOSE:
            self._closed_by.add(direction)
        return Record(self.session, direction, kind, wall, elapsed, seen.payload, seen.meta())

    def end(self, splice: Splice, wall: int, elapsed: float) -> list[Record]:
        """The last records: how it ended when no close frame says so, and what the digests say."""
        ending = splice.ending or Ending(Direction.LOCAL, How.STOPPED)
        records = []
        cut = [left for frames in self._frames.values() if (left := frames.end()) is not None]
        if Direction.SERVER not in self._closed_by:
            meta: Meta = {
                "code": 1006,
                "detail": "; ".join(
                    [how_it_ended(ending, is_closing=bool(self._closed_by)), *(one.problem for one in cut)]
                ),
            }
            unfinished = b"".join(one.payload for one in cut)
            lost = Record(self.session, Direction.LOCAL, Kind.LOST, wall, elapsed, unfinished, meta)
            records.append(self.masks.clean(lost))
        records.append(
            Record(self.session, Direction.LOCAL, Kind.NOTE, wall, elapsed, b"", digest_meta(splice))
        )
        return records


def how_it_ended(ending: Ending, *, is_closing: bool = False) -> str:
    """The end of a socket that the server did not close, in words; `is_closing`: the client did."""
    if ending.how is How.STOPPED:
        return "the tap was stopped"
    who = _SIDES[ending.direction]
    what = "before the client's close frame was answered" if is_closing else "without a close frame"
    if ending.how is How.RESET:
        return f"{who} broke the connection {what}" + (f": {ending.detail}" if ending.detail else "")
    return f"{who} ended TCP {what}"


def digest_meta(splice: Splice) -> Meta:
    """What was read and what was handed on, in both directions, as digests that must agree."""
    meta: dict[str, str | int | float] = {"note": "digest"}
    for way in (splice.client_way, splice.server_way):
        meta |= _digests(way)
    meta["agrees"] = int(splice.client_way.is_identical and splice.server_way.is_identical)
    return meta


def _digests(way: Way) -> dict[str, str | int | float]:
    name = way.direction.value
    return {
        f"{name}_bytes": way.count,
        f"{name}_read": way.read.hexdigest(),
        f"{name}_written": way.written.hexdigest(),
    }
