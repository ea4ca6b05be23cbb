"""Secret: a credential that no repr, log or traceback shows.

Whoever really needs the text calls `reveal()`; nothing else gives it out. It checks nothing.
"""

from __future__ import annotations

from typing import final


@final
class Secret:
    """A credential; `str`, `repr` and formatting show three stars, an empty one is falsy."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The credential itself, for the wire only."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return "***" if self._text else ""

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"

    def __reduce__(self) -> tuple[type[Secret], tuple[()]]:
        return (Secret, ())  # a pickle or a copy in a crash report must not carry it


NO_SECRET = Secret()
