"""The door before the store: no record goes past it with a credential that is known.

Its one rule: what a mask hides is named in the record's `meta.masked`, and nothing else of it changes; only
an encoded body that holds a credential is stored decoded, as it cannot be masked otherwise. Used by all that
stores records: the inspector of our own sessions and the tap.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessions import redact
from sessions.bodies import parts, unpacked
from sessions.records import Kind, Meta, Record

_SHORTEST = 8  # characters; a shorter secret would hide ordinary words
_MCP = b'"mcp"'
#: kinds whose payload may have no end: what was left of a message, the first bytes of an answer
_CUT = frozenset({Kind.LOST, Kind.NOTE, Kind.REFUSED})


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
        """The record without credentials in payload and meta; the same object when there are none."""
        payload, meta = record.payload, record.meta
        for needle in self.needles:
            if needle in payload:
                return self._masked(record)
        if meta and ("encoding" in meta or "cut" in meta or self._is_known_in(meta)):
            return self._masked(record)
        return self._masked(record) if record.kind in _CUT and payload else record

    def _is_known_in(self, meta: Meta) -> bool:
        texts = [value for value in meta.values() if type(value) is str]
        return any(secret in value for value in texts for secret in self._secrets)

    def _masked(self, record: Record) -> Record:
        meta = dict(record.meta)
        clean = redact.payload(
            record.payload, self._secrets, is_cut=record.kind in _CUT or "cut" in record.meta
        )
        if "encoding" in meta and not clean.masked:
            clean = self._decoded(record, meta)
        what = list(clean.masked)
        for name, value in meta.items():
            if type(value) is str and any(secret in value for secret in self._secrets):
                meta[name] = redact.payload(value.encode(), self._secrets).value.decode()
                what.append(name)
        if not what:
            return record
        before = str(record.meta.get("masked", ""))
        meta["masked"] = ", ".join(dict.fromkeys([*(before.split(", ") if before else ()), *what]))
        return record._replace(payload=clean.value, meta=meta)

    def _decoded(self, record: Record, meta: dict[str, str | int | float]) -> redact.RedactedBytes:
        """The payload of an encoded body: as it was, or decoded where a credential stands in it."""
        head, body = parts(record)
        plain, _ = unpacked(body, str(meta["encoding"]))
        clean = redact.payload(plain, self._secrets)
        if not clean.masked:
            return redact.RedactedBytes(record.payload, ())
        meta["decoded"] = meta.pop("encoding")
        return redact.RedactedBytes(head + clean.value, clean.masked)
