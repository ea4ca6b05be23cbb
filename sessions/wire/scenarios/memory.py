"""Which response may be a parent: what one connection remembers, and what the server has stored.

Its one rule: a connection keeps the latest response of each lane and nothing else (the WebSocket mode guide);
what was made with `store` also outlives the connection. A failed continuation forgets its parent on its own
lane; a failed fork from another lane does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sessions.contract import ANSWERS
from sessions.wire.scenarios.prompts import Prompts
from sessions.wire.scenarios.request import Item, text_of


class Said(NamedTuple):
    """One turn of a chain, as text."""

    user: str
    assistant: str


class History:
    """The turns of a chain; continuing it shares the list, only a fork copies it."""

    def __init__(self, turns: list[Said] | None = None) -> None:
        self._turns = [] if turns is None else turns
        self._count = len(self._turns)

    def plus(self, said: Said) -> History:
        """The same turns and one more."""
        turns = self._turns if len(self._turns) == self._count else self._turns[: self._count]
        turns.append(said)
        return History(turns)

    def turns(self) -> list[Said]:
        """The turns, oldest first."""
        return self._turns[: self._count]


class Kept(NamedTuple):
    """A response that ended well enough to be continued."""

    id: str
    lane: str | None
    parent: Kept | None
    input: tuple[Item, ...]
    output: tuple[Item, ...]
    tokens: int  #: of its whole context, output included
    is_stored: bool
    body: Mapping[str, Any]  #: the create's parameters
    resource: Mapping[str, Any]  #: the response object as it was sent last
    history: History  #: every turn of the chain, this one last
    steering: tuple[Item, ...] = ()  #: accepted, waiting for the client's tool outputs

    def items(self) -> tuple[Item, ...]:
        """Every item of the chain, oldest first."""
        links = [self, *self.ancestors()]
        return tuple(item for link in reversed(links) for item in (*link.input, *link.output))

    def ancestors(self) -> Iterator[Kept]:
        """The chain above this response, nearest first."""
        link = self.parent
        while link is not None:
            yield link
            link = link.parent

    def open_calls(self) -> tuple[Item, ...]:
        """Calls of this response that the client has to answer before it goes on."""
        return tuple(item for item in self.output if item.get("type") in ANSWERS and not is_hosted(item))


def said_in(given: tuple[Item, ...], output: tuple[Item, ...]) -> Said:
    """What the user said in an input, and the assistant in the output."""
    user = (text_of(item) for item in given if item.get("type") == "message" and item.get("role") == "user")
    assistant = (text_of(item) for item in output if item.get("type") == "message")
    return Said("\n".join(user), "\n".join(assistant))


def is_hosted(item: Item) -> bool:
    """Whether the server runs this call itself."""
    environment = item.get("environment")
    if item.get("type") == "shell_call":
        return isinstance(environment, dict) and environment.get("type") != "local"
    return item.get("type") == "tool_search_call" and item.get("execution") == "server"


class Storage:
    """Responses made with `store`, for every connection of one server."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self.prompts = Prompts()

    def find(self, response_id: str) -> Kept | None:
        """The stored response, None when there is none."""
        return self._kept.get(response_id)

    def keep(self, kept: Kept) -> None:
        """Store a response."""
        self._kept[kept.id] = kept

    def forget(self, response_id: str) -> bool:
        """Delete a response; False when there was none."""
        return self._kept.pop(response_id, None) is not None


class Memory:
    """What one connection knows; a Storage stands behind it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._latest: dict[str | None, Kept] = {}

    def find(self, response_id: str) -> Kept | None:
        """The response with this id, when it can be a parent here and now."""
        for kept in self._latest.values():
            if kept.id == response_id:
                return kept
        return self._storage.find(response_id)

    def keep(self, kept: Kept) -> None:
        """Remember a response as the latest of its lane, and store it when it asked for that."""
        self._latest[kept.lane] = kept
        if kept.is_stored:
            self._storage.keep(kept)

    def latest(self, lane: str | None) -> Kept | None:
        """The response that this lane ended last."""
        return self._latest.get(lane)

    def fail(self, lane: str | None, parent_id: str | None) -> None:
        """A continuation of this parent failed: its own lane forgets it."""
        kept = self._latest.get(lane)
        if kept is not None and kept.id == parent_id:
            del self._latest[lane]
