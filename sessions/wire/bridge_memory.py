"""What the bridge remembers in place of an upstream that remembers nothing: responses and their whole chains.

Its one rule: a connection keeps the latest response of each lane; what was asked for with `store` is kept for
the same login on every connection, up to a number and a size. What is not kept is not found: no chain goes on
without its beginning. A failed continuation forgets its parent on its own lane (the WebSocket mode guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sessions.wire.scenarios.units import encode

Item: TypeAlias = Mapping[str, Any]

#: responses made with `store` that are kept at most; the oldest go first
MAX_STORED = 1000
#: bytes, as JSON, of everything that is kept; what two chains share counts once
MAX_BYTES = 64 << 20
_TOLD_GONE = 10_000  # ids of which it is still known that they were here


@dataclass(frozen=True, eq=False, slots=True)
class Kept:
    """A response that ended well enough to be continued."""

    id: str
    lane: str | None
    parent: Kept | None
    input: tuple[Item, ...]  #: what its own create brought
    output: tuple[Item, ...]  #: what it said, ready to be sent again
    is_stored: bool
    size: int = field(init=False)  #: of its own items, in bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", len(encode({"items": (*self.input, *self.output)})))

    def items(self) -> tuple[Item, ...]:
        """Every item of the chain, oldest first."""
        links = [self, *self._ancestors()]
        return tuple(item for link in reversed(links) for item in (*link.input, *link.output))

    def _ancestors(self) -> Iterator[Kept]:
        link = self.parent
        while link is not None:
            yield link
            link = link.parent


class Storage:
    """Responses made with `store`, for every connection of one bridge; each login has its own.

    It counts what its connections remember as well, because all of it is in one process.
    """

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        self.size = 0  #: bytes of everything that is held, here and by connections
        self.most_bytes = most_bytes
        self._kept: dict[tuple[str, str], Kept] = {}
        self._holders: dict[Kept, int] = {}
        self._gone: dict[tuple[str, str], None] = {}

    def __repr__(self) -> str:
        return f"<Storage of {len(self._kept)} responses>"

    @property
    def is_full(self) -> bool:
        """Whether more is held than may be."""
        return self.size > self.most_bytes

    def find(self, login: str, response_id: str) -> Kept | None:
        """The response that this login has stored; None when there is none."""
        return self._kept.get((login, response_id))

    def is_gone(self, login: str, response_id: str) -> bool:
        """Whether it was kept for this login once, and had to make room."""
        return (login, response_id) in self._gone

    def keep(self, login: str, kept: Kept) -> None:
        """Store a response, and let the oldest go when there are too many, or they are too large."""
        key = (login, kept.id)
        self.hold(kept)
        if (before := self._kept.pop(key, None)) is not None:
            self.release(before)
        self._kept[key] = kept
        self._gone.pop(key, None)
        self.make_room()

    def make_room(self) -> None:
        """Let the oldest stored responses go until the rest may stay."""
        while self._kept and (len(self._kept) > MAX_STORED or self.is_full):
            key = next(iter(self._kept))
            self.release(self._kept.pop(key))
            self.tell_gone(*key)

    def tell_gone(self, login: str, response_id: str) -> None:
        """Remember for a while that this response was here."""
        self._gone[login, response_id] = None
        if len(self._gone) > _TOLD_GONE:
            del self._gone[next(iter(self._gone))]

    def hold(self, kept: Kept) -> None:
        """Count a response, and with it the chain that it stands on."""
        link: Kept | None = kept
        while link is not None:
            count = self._holders.get(link, 0)
            self._holders[link] = count + 1
            if count:
                return  # what it stands on is counted already
            self.size += link.size
            link = link.parent

    def release(self, kept: Kept) -> None:
        """Count a response no more, and of its chain what nothing else stands on."""
        link: Kept | None = kept
        while link is not None:
            count = self._holders[link] - 1
            if count:
                self._holders[link] = count
                return
            del self._holders[link]
            self.size -= link.size
            link = link.parent


class Memory:
    """What one connection remembers; a Storage stands behind it."""

    def __init__(self, storage: Storage, login: str) -> None:
        self._storage = storage
        self._login = login
        self._latest: dict[str | None, Kept] = {}

    def find(self, response_id: str) -> Kept | None:
        """The response with this id, when it can be a parent here and now."""
        for kept in self._latest.values():
            if kept.id == response_id:
                return kept
        return self._storage.find(self._login, response_id)

    def is_gone(self, response_id: str) -> bool:
        """Whether it was remembered once, and had to make room."""
        return self._storage.is_gone(self._login, response_id)

    def keep(self, kept: Kept) -> None:
        """Remember a response as the latest of its lane, and store it when that was asked for.

        Stored responses make room for it; where that is not enough, its own connection does without it.
        """
        storage = self._storage
        storage.hold(kept)
        self._forget(kept.lane)
        self._latest[kept.lane] = kept
        if kept.is_stored:
            storage.keep(self._login, kept)
        else:
            storage.make_room()
        if storage.is_full:
            self._forget(kept.lane)
            storage.tell_gone(self._login, kept.id)

    def fail(self, lane: str | None, parent_id: str | None) -> None:
        """A continuation of this parent failed: its own lane forgets it."""
        kept = self._latest.get(lane)
        if kept is not None and kept.id == parent_id:
            self._forget(lane)

    def close(self) -> None:
        """Forget everything: the connection has ended."""
        for lane in list(self._latest):
            self._forget(lane)

    def _forget(self, lane: str | None) -> None:
        if (kept := self._latest.pop(lane, None)) is not None:
            self._storage.release(kept)
