"""Ids, times and padding of a fake server: the same under the same seed.

Its one rule: nothing here reads a clock or a random source once a seed was given.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from hashlib import blake2b

_EPOCH = 1_790_000_000  # a fixed moment, so that seeded bytes repeat
_LETTERS = "x9KqTf2LmZ7pRvB4sHd8WnYc"
#: padding of delta events: lengths vary, so that a size says nothing about the text
PADDING = tuple((_LETTERS[turn:] + _LETTERS[:turn])[: 1 + turn * 7 % 16] for turn in range(16))


class Ids:
    """Makes ids; each one is new."""

    def __init__(self, seed: int | None) -> None:
        self._is_seeded = seed is not None
        self._root = str(seed) if seed is not None else secrets.token_hex(8)
        self._count = 0

    def new(self, prefix: str, letters: int = 32) -> str:
        """An id that was not given before, `prefix_` and hexadecimal letters."""
        self._count += 1
        return f"{prefix}_{self._digest(str(self._count))[:letters]}"

    def sealed(self, about: str) -> str:
        """Text that looks like encrypted content; it hides nothing."""
        return "gAAAAA" + b64encode(self._digest("sealed " + about).encode()).decode()

    def now(self) -> int:
        """Seconds since the epoch; under a seed, a fixed moment and one second per id."""
        return _EPOCH + self._count if self._is_seeded else int(time.time())

    def _digest(self, about: str) -> str:
        return blake2b(f"{self._root} {about}".encode(errors="replace"), digest_size=24).hexdigest()
