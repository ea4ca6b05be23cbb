"""The prompts that a fake server has read lately, so that the beginning of the next one is cached.

Its one rule: a prompt is cached as by the API: from its first token on, above a size, for the same model,
instructions and tools, whether its history came by an id or all over again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from sessions.wire.scenarios.request import Create

#: tokens below which nothing is cached (the prompt caching guide)
LEAST_TOKENS = 1024
_MOST = 1000  # prompts that are remembered


class Prompts:
    """What was read, by digests of whole inputs."""

    def __init__(self) -> None:
        self._read: dict[bytes, None] = {}

    def known_items(self, create: Create) -> int:
        """How many items at the beginning of this input were the whole input of an earlier create."""
        found = 0
        for count, digest in enumerate(_digests(create)):
            if count and digest in self._read:
                found = count
        return found

    def keep(self, create: Create) -> None:
        """Remember the input of a create that was answered."""
        *_, whole = _digests(create)
        self._read[whole] = None
        if len(self._read) > _MOST:
            del self._read[next(iter(self._read))]


def _digests(create: Create) -> Iterator[bytes]:
    """The digest of what stands before the input, and of that with each further item."""
    digest = hashlib.sha256(_bytes([create.model, create.instructions, create.tools]))
    yield digest.digest()
    for item in create.input:
        digest.update(_bytes(item))
        yield digest.digest()


def _bytes(value: object) -> bytes:
    return json.dumps(value, default=str, sort_keys=True).encode(errors="replace") + b"\n"
