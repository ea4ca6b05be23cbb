"""The door before the store: no record goes past it with a credential that is known.

Its one rule: what a mask hides is named in the record's `meta.masked`, and nothing else of it changes. Used
by everything that stores records: the inspector of our own sessions and the tap.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessions import redact
from sessions.records import Record

_SHORTEST = 8  # characters; a shorter secret would hide ordinary words
_MCP = b'"mcp"'
_WINDOW = 1 << 18


class Masks:
    """The exact secrets that are known, and MCP credentials, kept out of every payload."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.needles: tuple[bytes, ...] = (_MCP,)  #: a payload with none of them is clean
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"<Masks of {len(self._secrets)} secrets>"

    def add(self, secret: str) -> None:
        """Mask this exact text in every payload from now on; ignored below eight characters."""
        if len(secret) >= _SHORTEST and secret not in self._secrets:
            self._secrets = (*self._secrets, secret)
            self.needles = (*self.needles, secret.encode())

    def clean(self, record: Record) -> Record:
        """The record without credentials in its payload; the same object when there are none."""
        payload = record.payload
        for needle in self.needles:
            if needle in payload:
                return self._masked(record)
        return record

    def _masked(self, record: Record) -> Record:
        clean = redact.payload(record.payload, self._secrets)
        if not clean.masked:
            return record
        before = str(record.meta.get("masked", ""))
        receipt = ", ".join(dict.fromkeys([*(before.split(", ") if before else ()), *clean.masked]))
        return record._replace(payload=clean.value, meta={**record.meta, "masked": receipt})
