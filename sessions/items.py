"""An item of a response: a message, a reasoning, a tool call; and its parts, which hold the text.

Items are keyed by id and by output index, never by arrival, because servers may interleave them. Only the
reducer writes here; a reader that holds an item sees it grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sessions.contract import ANSWERS
from sessions.text import Text

#: bodies of items above this size are not kept; the record has them
_KEPT_BYTES = 1 << 15


class Part:
    """One text of an item: a slot such as `output_text`, `arguments` or `summary_text`, and its index."""

    __slots__ = ("annotations", "index", "is_done", "slot", "text")

    def __init__(self, slot: str, index: int) -> None:
        self.slot = slot
        self.index = index
        self.text = Text()
        self.is_done = False
        self.annotations: list[Mapping[str, Any]] = []


class Item:
    """One output item of a response, from `added` to `done`."""

    __slots__ = (
        "added",
        "answered",
        "answered_by",
        "body",
        "call_id",
        "done",
        "id",
        "images",
        "is_announced",
        "name",
        "output_index",
        "parts",
        "progress",
        "status",
        "type",
    )

    def __init__(self, item_id: str, output_index: int, item_type: str = "") -> None:
        self.id = item_id
        self.output_index = output_index
        self.type = item_type  #: "" until an `added`, `done` or final object tells
        self.status = "in_progress"
        self.call_id = ""
        self.name = ""
        self.added = -1  #: record that announced it
        self.done = -1  #: record of its `output_item.done`, which is the one to keep for replay
        self.is_announced = False
        self.parts: dict[tuple[str, int], Part] = {}
        self.body: Mapping[str, Any] = {}  #: the newest object the server sent for it, when small
        self.progress = ""  #: the newest word of a hosted tool: searching, interpreting
        self.images = 0  #: partial images seen
        self.answered = -1  #: record of the create that carried this call's output
        self.answered_by = ""  #: "client" or "server"

    def part(self, slot: str, index: int) -> Part:
        """The part in this slot; made when it is not there yet."""
        found = self.parts.get((slot, index))
        if found is None:
            found = self.parts[(slot, index)] = Part(slot, index)
        return found

    def texts(self, slot: str) -> Iterator[Part]:
        """The parts of one slot, by index."""
        return iter(sorted((p for p in self.parts.values() if p.slot == slot), key=lambda p: p.index))

    def text(self, slot: str) -> str:
        """All text of one slot."""
        return "".join(str(part.text) for part in self.texts(slot))

    @property
    def is_call(self) -> bool:
        """Whether a client may have to answer it."""
        return self.type in ANSWERS

    @property
    def is_pending(self) -> bool:
        """Whether it still waits for an answer from the client."""
        if self.answered >= 0 or self.type not in ANSWERS:
            return False
        # hosted execution answers itself
        if self.type == "tool_search_call" and self.body.get("execution") != "client":
            return False
        return not (self.type == "shell_call" and _is_hosted(self.body.get("environment")))

    @property
    def answer_id(self) -> str:
        """The id that an answer must name: the call id, or the item's own for an approval."""
        return self.id if self.type == "mcp_approval_request" else self.call_id or self.id

    def read(self, body: Mapping[str, Any], record: int, size: int) -> bool:
        """Take what an item object says; True when text that was already there turned out different.

        Texts that came by deltas are confirmed or replaced: the object is authoritative once it is done.
        """
        self.type = _word(body.get("type")) or self.type
        self.status = _word(body.get("status")) or self.status
        self.call_id = _word(body.get("call_id")) or self.call_id
        self.name = _word(body.get("name")) or _word(body.get("server_label")) or self.name
        if not self.id:
            self.id = _word(body.get("id"))
        if size <= _KEPT_BYTES:
            self.body = body
        differs = False
        for slot, index, value in _texts(body):
            if value or (slot, index) in self.parts:
                part = self.part(slot, index)
                if self.done >= 0 or not part.text:
                    if not value and part.text:
                        continue  # a final object that leaves a text out does not take it back
                    had = bool(part.text)
                    differs |= part.text.settle(value, record) and had
                    part.is_done = self.done >= 0
                    part.text.is_final = part.is_done
        return differs


def _texts(body: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    content = body.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            if isinstance(part, dict):
                kind = _word(part.get("type"))
                if kind in ("output_text", "reasoning_text", "text"):
                    slot = "reasoning_text" if kind == "reasoning_text" else "output_text"
                    yield slot, index, _word(part.get("text"))
                elif kind == "refusal":
                    yield "refusal", index, _word(part.get("refusal"))
    summary = body.get("summary")
    if isinstance(summary, list):
        for index, part in enumerate(summary):
            if isinstance(part, dict):
                yield "summary_text", index, _word(part.get("text"))
    for slot in ("arguments", "input", "code"):
        if isinstance(value := body.get(slot), str):
            yield slot, 0, value
    action = body.get("action")
    if isinstance(action, dict) and isinstance(commands := action.get("commands"), list):
        for index, command in enumerate(commands):
            if isinstance(command, str):
                yield "command", index, command


def _is_hosted(environment: object) -> bool:
    return isinstance(environment, dict) and "container" in _word(environment.get("type"))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
