"""What both sides are asked: prompts, frames of a file, or the creates of a recording, as one script.

Its one rule: both sides get the same words. Only what cannot be the same is made anew for each: ids of the
parent and of calls, and the model where one was named for that side. It opens nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sessions import ids
from sessions.compare.side import Side
from sessions.compose import to_text
from sessions.errors import UsageError
from sessions.moves import paired_ids

#: asked when nobody says what to ask: the second turn needs the first
DEFAULT_PROMPTS = ("Say the word blue and nothing else.", "Which word did you say? One word.")
_LAST = re.compile(rb'("previous_response_id"\s*:\s*)"@last"')


class Ask(NamedTuple):
    """One turn of the script: a prompt, or the JSON of a create."""

    prompt: str = ""
    payload: bytes = b""  #: of a create, as it was recorded or written; b"" for a prompt
    recorded: int = 0  #: number of the exchange that it stands in, on the recorded side; 0: in none


def asks_of_prompts(prompts: Iterable[str]) -> tuple[Ask, ...]:
    """One turn for each prompt, each continuing the one before."""
    return tuple(Ask(prompt) for prompt in prompts)


def asks_of_side(side: Side) -> tuple[Ask, ...]:
    """The creates of a recorded side, in their order."""
    return tuple(Ask("", exchange.payload, exchange.number) for exchange in side.exchanges)


def asks_of_text(text: str, name: str) -> tuple[Ask, ...]:
    """The turns of a script file: one a line, a JSON object is a create, anything else a prompt.

    `@last` as a create's `previous_response_id` is the newest response of the side. Raises UsageError for a
    line that begins like an object and is none, and for a file without lines.
    """
    asks = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not (line := line.strip()):
            continue
        if not line.startswith("{"):
            asks.append(Ask(line))
            continue
        try:
            body = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}, line {number}: this is no JSON object: {error}") from error
        kind = body.get("type", "response.create")
        if kind != "response.create":
            raise UsageError(f"{name}, line {number}: a script holds response.create only, not {kind!r}")
        asks.append(Ask("", line.encode(errors="replace")))
    if not asks:
        raise UsageError(f"{name} has no turns: write one prompt or one response.create a line")
    return tuple(asks)


def payload_frame(ask: Ask, names: Mapping[str, str], last: str | None, model: str) -> str:
    """The frame of a create with this side's ids in it, and its model when one was named.

    Raises UsageError when it asks for `@last` and nothing has been answered yet.
    """
    payload = ids.rewrite(ask.payload, names)
    if _LAST.search(payload):
        if last is None:
            raise UsageError("the script asks for @last, but no response has come yet")
        payload = _LAST.sub(lambda found: found[1] + json.dumps(last).encode(), payload)
    text = payload.decode(errors="replace")
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text  # it was recorded like this
    if not isinstance(body, dict):
        return text
    nested = body.get("response")
    inner = nested if isinstance(nested, dict) and nested else body
    is_changed = "type" not in body or "stream" in inner or bool(model and inner.get("model") != model)
    if not is_changed:
        return text  # not written anew, so that it leaves byte for byte
    inner.pop("stream", None)  # of a request over HTTP; its way adds it again
    if model:
        inner["model"] = model
    return to_text({"type": "response.create", **body})


def names_on(side: Side, recorded: Side | None, numbers: Mapping[int, int]) -> dict[str, str]:
    """Recorded id -> this side's id; `numbers` are recorded exchanges and their counterparts here."""
    names: dict[str, str] = {}
    for number, own in numbers.items():
        was = recorded.exchange(number) if recorded is not None else None
        now = side.exchange(own)
        if was is not None and now is not None:
            names |= paired_ids(was, now)
    return names
