"""The ids in a message: which ones a server gave, and the same bytes with other ids in their places.

Its one rule: nothing but an id is ever replaced. A payload is searched as text, not decoded and written
again, so spacing, order and escapes stay as they crossed the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FIELDS = b"id|item_id|call_id|response_id|previous_response_id|approval_request_id|encrypted_content"
#: an id in a field of its own; or a word so long that it can be nothing else, in a sentence or a key.
#: An escape is stepped over, for the letter after its backslash is no part of a word.
_PLACE = re.compile(
    rb'"(?:' + _FIELDS + rb')"\s*:\s*"(?P<id>[^"\\]+)"|\\.|(?P<word>[A-Za-z0-9_-]{16,})', re.DOTALL
)
_LANE = re.compile(rb'("stream_id"\s*:\s*)"([^"\\]*)"')


def given(body: Mapping[str, Any]) -> Iterator[str]:
    """The ids that a server's event gives: of its response, its items and calls, its steer."""
    response = body.get("response")
    if isinstance(response, dict):
        yield from _words(response, "id")
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            yield from _of_item(item)
    yield from _words(body, "item_id")
    yield from _of_item(body.get("item"))
    steer = body.get("steer")
    if isinstance(steer, dict):
        yield from _words(steer, "id")


def named(payload: bytes) -> Iterator[str]:
    """Every word of a payload that stands where an id may stand."""
    for found in _PLACE.finditer(payload):
        word = found["id"] or found["word"]
        if word:
            yield word.decode(errors="replace")


def rewrite(payload: bytes, names: Mapping[str, str]) -> bytes:
    """The payload with ids replaced as `names` says; every other byte stays."""
    if not names:
        return payload

    def replaced(found: re.Match[bytes]) -> bytes:
        group = "id" if found["id"] else "word"
        old = found[group]
        new = names.get(old.decode(errors="replace")) if old else None
        if new is None:
            return found[0]
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        return found[0][:start] + new.encode() + found[0][end:]

    return _PLACE.sub(replaced, payload)


def rename_lane(payload: bytes, old: str, new: str) -> bytes:
    """The payload with one lane's `stream_id` replaced by another; every other byte stays."""
    return _LANE.sub(
        lambda found: found[1] + b'"' + new.encode() + b'"' if found[2] == old.encode() else found[0], payload
    )


def _of_item(item: object) -> Iterator[str]:
    if isinstance(item, dict):
        yield from _words(item, "id", "call_id")


def _words(body: Mapping[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        word = body.get(name)
        if isinstance(word, str) and word:
            yield word
