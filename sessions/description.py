"""One line that says what a frame is, for whoever is about to send it.

It tells what stands in the frame and where its parent is in this recording; it judges nothing.
"""

from __future__ import annotations

import json

from sessions.compose import Shape, from_frame, shaped, to_text
from sessions.context import ReadRecord, create_of
from sessions.create import ANSWER_TYPES, Create, fields, is_same, kind_of
from sessions.memory import find
from sessions.reducer import Sessions
from sessions.session import Turn


def describe(
    create: Create | str,
    sessions: Sessions | None = None,
    read_record: ReadRecord | None = None,
    *,
    shape: Shape = "flat",
) -> str:
    """A frame in one line: what it is, its parent, lane, input, store, tools and size."""
    if isinstance(create, str):
        text, known = create, from_frame(create)
        if known is None:
            return _described_text(text)
    else:
        known, text = create, to_text(shaped(fields(create), shape))
    pieces = ["warm-up" if known.is_warm_up else "response.create"]
    parent = known.parent
    turn = None
    if parent is None:
        pieces.append("new chain")
    else:
        response = find(sessions, parent) if sessions is not None else None
        turn = sessions.turn(response.turn) if sessions is not None and response is not None else None
        pieces.append(f"parent T{turn.number}" if turn is not None else f"parent {parent}")
    if known.lane is not None:
        pieces.append(f"lane {known.lane}")
    if known.model:
        pieces.append(known.model)
    pieces.append(_counted(known))
    pieces.append("store on" if known.is_stored else "store off")
    if known.tools:
        same = _same_tools(sessions, turn, known, read_record)
        count = "1 tool" if len(known.tools) == 1 else f"{len(known.tools)} tools"
        pieces.append(f"tools as T{same}" if same else count)
    pieces.append(size_words(text))
    return ", ".join(pieces)


def _described_text(text: str) -> str:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return f"not JSON, {size_words(text)}"
    kind = body.get("type") if isinstance(body, dict) else None
    name = kind if isinstance(kind, str) and kind else "JSON without a type"
    return f"{name}, {size_words(text)}"


def _counted(create: Create) -> str:
    value = fields(create).get("input")
    if isinstance(value, str):
        return "1 user item"
    if not isinstance(value, list) or not value:
        return "no input"
    users = sum(1 for item in value if isinstance(item, dict) and item.get("role") == "user")
    answers = sum(1 for item in value if kind_of(item) in ANSWER_TYPES)
    rest = len(value) - users - answers
    named = (
        (users, "user item", "user items"),
        (answers, "answer", "answers"),
        (rest, "other item", "other items"),
    )
    return " + ".join(f"{count} {one if count == 1 else many}" for count, one, many in named if count)


def _same_tools(
    sessions: Sessions | None, turn: Turn | None, create: Create, read_record: ReadRecord | None
) -> int:
    """The number of the oldest turn of the chain that had the same tools; 0 when there is none."""
    if sessions is None or turn is None or read_record is None:
        return 0
    for link in sessions.chain(turn):
        asked = create_of(link, read_record)
        if asked is not None and is_same(asked.get("tools"), list(create.tools)):
            return link.number
    return 0


def size_words(text: str) -> str:
    """The size of a frame in bytes, in words."""
    size = len(text.encode(errors="surrogatepass"))
    return f"{size:,} bytes" if size != 1 else "1 byte"
