"""The exact text of the frames that a person sends, made from a `Create` or from a few words.

Its one rule: `frame` adds nothing to the create and `from_frame` takes nothing away from the text. `stream`
and `background` do not exist on a socket and are never added.
Raises LocalProtocolError only where we ourselves would break the contract; advice is the business of `lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from sessions.context import ENCRYPTED_REASONING, ReadRecord, create_of, full_replay
from sessions.contract import LANE_PATTERN
from sessions.create import (
    ANSWER_TYPES,
    Create,
    File,
    Image,
    JsonObject,
    fields,
    from_fields,
    is_same,
    kind_of,
)
from sessions.errors import LocalProtocolError
from sessions.memory import find, forgotten
from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import Sessions
from sessions.session import Session, Turn

__all__ = [
    "Create",
    "File",
    "Image",
    "Shape",
    "describe",
    "differences",
    "fields",
    "frame",
    "from_fields",
    "from_frame",
    "inherit",
    "keep_reasoning",
    "over_http",
    "shaped",
    "size_words",
    "steer",
    "to_text",
    "warm_up",
]

Shape: TypeAlias = Literal["flat", "nested"]

_LANE = re.compile(LANE_PATTERN)
_SURROGATE = re.compile("[\ud800-\udfff]")


# Frames ------------------------------------------------------------------------------------------------


def frame(create: Create, shape: Shape = "flat", *, indent: int | None = None) -> str:
    """The exact text of the frame; `indent` spreads it over lines for an editor.

    Raises LocalProtocolError for a lane that the contract forbids, for parent and conversation together, and
    for a number that JSON does not know.
    """
    flat = fields(create)
    lane = flat.get("stream_id")
    if lane is not None and not (isinstance(lane, str) and _LANE.fullmatch(lane)):
        what = "an empty lane name" if lane == "" else f"the lane name {lane!r}"
        raise LocalProtocolError(
            f"{what} breaks the contract: use 1 to 256 of A-Z a-z 0-9 _ . - or leave it out for the default "
            "lane (the JSON mode sends it all the same)"
        )
    if flat.get("previous_response_id") and flat.get("conversation"):
        raise LocalProtocolError("a parent and a conversation exclude each other: leave one of them out")
    return to_text(shaped(flat, shape), indent=indent)


def to_text(body: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON text as it goes out: nothing escaped that need not be.

    Raises LocalProtocolError for a number that JSON does not know and for nesting too deep to be written.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=separators, indent=indent)
    except (ValueError, RecursionError) as error:
        raise LocalProtocolError(f"this cannot be written as JSON: {error}") from error
    # a lone surrogate has no UTF-8; its escape is the same JSON string
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def from_frame(text: str) -> Create | None:
    """The create that a frame says, so that it can be edited; None when it is no `response.create`.

    Whatever has no field of its own is kept in `extra`: the frame of the result says the same as the text.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("type") != "response.create":
        return None
    nested = body.get("response")
    if isinstance(nested, dict) and nested:
        if any(key not in ("type", "response", "stream_id") for key in body):
            return None  # neither flat nor nested: only its text says what it is
        body = {**{key: body[key] for key in ("type", "stream_id") if key in body}, **nested}
    return from_fields(body)


# Other frames and other creates ------------------------------------------------------------------------


def steer(target_id: str, text: str, *, lane: str | None = None) -> str:
    """The frame that steers a running response; it has exactly three keys [STEER].

    Raises LocalProtocolError for a lane (the target decides it), an empty target or an empty text.
    """
    if lane is not None:
        raise LocalProtocolError("a steer names no lane: the response that it steers decides it")
    if not target_id:
        raise LocalProtocolError("a steer needs the id of a response that is running")
    if not text.strip():
        raise LocalProtocolError("a steer needs a text")
    return to_text({"type": "response.steer", "previous_response_id": target_id, "input": text})


def warm_up(create: Create) -> Create:
    """The same settings and history with nothing to generate and no prompt; its id can be a parent."""
    kept = create.history or ()
    return create.model_copy(
        update={
            "generate": False, "text": "", "images": (), "files": (), "answers": (), "history": kept,
        }
    )  # fmt: skip


def keep_reasoning(create: Create) -> Create:
    """The same create, asking for encrypted reasoning where nothing is stored; a full replay needs it."""
    if create.is_stored or ENCRYPTED_REASONING in create.include:
        return create
    return create.model_copy(update={"include": (*create.include, ENCRYPTED_REASONING)})


def over_http(
    create: Create,
    sessions: Sessions,
    session: Session | None,
    read_record: ReadRecord,
    *,
    profile: ProfileFacts = OPENAI,
) -> Create:
    """The same create for a session over HTTP: a parent that was not stored becomes all that was said.

    Nothing is remembered between two requests there. For a socket, and for a stored parent, nothing changes.
    """
    if session is None or not session.is_http:
        return create
    if (turn := forgotten(sessions, session, create.parent, profile)) is not None:
        history = full_replay(sessions, turn, read_record).items
        create = create.model_copy(update={"parent": None, "history": history})
    return keep_reasoning(create)


def inherit(sessions: Sessions, parent: Turn, read_record: ReadRecord) -> Create:
    """The create that goes on from a turn as it was asked: same model, instructions, tools, store; no prompt.

    Nothing but the context is inherited through `previous_response_id` [WSG], so all of it is sent again.
    MCP secrets stand masked in a recording: see `tools.unmasked`.
    """
    asked: Turn | None = parent
    while asked is not None and asked.create < 0:
        asked = sessions.turn(asked.parent_turn)
    found = create_of(asked, read_record) if asked is not None else None
    before = from_fields(found) if found is not None else Create(model=parent.model, store=parent.store)
    extra = {key: value for key, value in before.extra.items() if key not in _ONE_TURN_ONLY}
    choice = before.tool_choice if not isinstance(before.tool_choice, dict) else None
    return before.model_copy(
        update={
            "text": "", "images": (), "files": (), "history": (), "answers": (), "generate": True,
            "parent": parent.response_id or None, "lane": parent.lane, "extra": extra,
            "tool_choice": None if choice == "required" else choice,
        }
    )  # fmt: skip


#: keys that say something about one turn and not about the chain
_ONE_TURN_ONLY = frozenset(
    {"type", "input", "previous_response_id", "conversation", "generate", "stream", "background", "stream_id"}
)


def differences(create: Create, before: Create, name: str = "the parent") -> tuple[str, ...]:
    """What a continuation leaves out or says differently from its parent, in sentences."""
    out: list[str] = []
    if before.instructions and create.instructions is None:
        out.append(f"The instructions of {name} are left out: they are not inherited.")
    elif before.instructions is not None and create.instructions != before.instructions:
        out.append(f"The instructions differ from those of {name}.")
    if before.tools and not create.tools:
        out.append(f"The tools of {name} are left out: they are not inherited.")
    elif not is_same(list(create.tools), list(before.tools)):
        out.append(f"The tools differ from those of {name}: expect no cached tokens.")
    if create.effort != before.effort:
        out.append(f"The effort differs from that of {name}: expect no cached tokens.")
    if create.model != before.model:
        out.append(f"The model is {create.model or 'not said'}; {name} used {before.model or 'none'}.")
    if create.is_stored != before.is_stored:
        verb = "is" if create.is_stored else "is not"
        out.append(f"This turn {verb} stored, unlike {name}.")
    return tuple(out)


def shaped(flat: JsonObject, shape: Shape) -> JsonObject:
    """A flat object in the shape that a server wants; nested is LiteLLM's and the Realtime API's."""
    if shape == "flat":
        return flat
    outer = ("type", "stream_id")
    inner = {key: value for key, value in flat.items() if key not in outer}
    return {**{key: flat[key] for key in outer if key in flat}, "response": inner}


# In one line ------------------------------------------------------------------------------------------


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
