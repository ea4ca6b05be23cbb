"""What the bridge remembers in place of an upstream that remembers nothing: responses and their whole chains.

Its one rule: a connection keeps the latest response of each lane; what was asked for with `store` is kept for
the same login on every connection, up to a number. What is not kept is not found: no chain goes on without
its beginning. A failed continuation forgets its parent on its own lane (the WebSocket mode guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

Item: TypeAlias = Mapping[str, Any]

#: responses made with `store` that are kept at most; the oldest go first
MAX_STORED = 1000


class Kept(NamedTuple):
    """A response that ended well enough to be continued."""

    id: str
    lane: str | None
    parent: Kept | None
    input: tuple[Item, ...]  #: what its own create brought
    output: tuple[Item, ...]  #: what it said, ready to be sent again
    is_stored: bool

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
    """Responses made with `store`, for every connection of one bridge; each login has its own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}

    def __repr__(self) -> str:
        return f"<Storage of {len(self._kept)} responses>"

    def find(self, login: str, response_id: str) -> Kept | None:
        """The response that this login has stored; None when there is none."""
        return self._kept.get((login, response_id))

    def keep(self, login: str, kept: Kept) -> None:
        """Store a response, and let the oldest go when there are too many."""
        self._kept[login, kept.id] = kept
        while len(self._kept) > MAX_STORED:
            del self._kept[next(iter(self._kept))]


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

    def keep(self, kept: Kept) -> None:
        """Remember a response as the latest of its lane, and store it when that was asked for."""
        self._latest[kept.lane] = kept
        if kept.is_stored:
            self._storage.keep(self._login, kept)

    def fail(self, lane: str | None, parent_id: str | None) -> None:
        """A continuation of this parent failed: its own lane forgets it."""
        kept = self._latest.get(lane)
        if kept is not None and kept.id == parent_id:
            del self._latest[lane]
