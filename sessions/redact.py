"""Credentials out, before anything is stored or shown; and a receipt of what was masked.

In headers, URLs and subprotocols every credential goes. In payloads only exact secrets that we know and the
`authorization` and `headers` of MCP tools. Redaction is idempotent: masked text masks to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MASK = "***"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "api-key",
        "x-api-key",
        "cf-aig-authorization",
        "x-oai-attestation",
        "openai-organization",
        "openai-project",
        "chatgpt-account-id",
        "x-codex-turn-state",
    }
)
_SECRET_NAME = re.compile(
    r"(?i)(api[-_]?key|token|secret|password|passwd|authorization|credential|signature|session[-_]?key|^key$|^sig$|^code$)"
)
_KEY_SHAPED = re.compile(
    r"(?<![A-Za-z0-9])(?:sk|pk|rk|xai|gsk|vck|org|proj|ghp|AIza)[-_](?!\*)[A-Za-z0-9_-]{10,}"
)
_QUERY_PAIR = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]+)")
_USERINFO = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)([^/?#\s@]+)@")
_PROTOCOL_KEY = re.compile(r"(?i)(openai-insecure-api-key\.|bearer\.)([^,\s]+)")
_MCP_TOOL_FIELD = re.compile(
    rb'("(?:authorization)"\s*:\s*")((?:[^"\\]|\\.)*)(")|("headers"\s*:\s*\{)((?:[^{}"]|"(?:[^"\\]|\\.)*")*)(\})'
)


class Redacted(NamedTuple):
    """Text or bytes without credentials, and the names of what was masked."""

    value: str
    masked: tuple[str, ...]


class RedactedBytes(NamedTuple):
    """A payload without credentials, and the names of what was masked."""

    value: bytes
    masked: tuple[str, ...]


def mask(secret: str) -> str:
    """What stands for a secret: three stars, with no part of it."""
    return MASK if secret else ""


def header(name: str, value: str, secrets: Iterable[str] = ()) -> Redacted:
    """A header's value without credentials; the scheme of an Authorization header stays."""
    lower = name.lower()
    if lower in _SECRET_HEADERS or _SECRET_NAME.search(lower):
        scheme, space, rest = value.partition(" ")
        masked = f"{scheme} {MASK}" if space and rest and "authorization" in lower else MASK
        return Redacted(masked, (lower,))
    if lower == "sec-websocket-protocol":
        hidden = _PROTOCOL_KEY.sub(lambda found: found[1] + MASK, value)
        return Redacted(hidden, (lower,) if hidden != value else ())
    if lower in ("location", "referer", "origin"):
        return url(value, secrets)
    return text(value, secrets, where=lower)


def headers(
    pairs: Iterable[tuple[str, str]], secrets: Iterable[str] = ()
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Header pairs without credentials, in their order, and the names of what was masked."""
    out: list[tuple[str, str]] = []
    masked: list[str] = []
    for name, value in pairs:
        clean, what = header(name, value, secrets)
        out.append((name, clean))
        masked.extend(what)
    return out, tuple(dict.fromkeys(masked))


def url(value: str, secrets: Iterable[str] = ()) -> Redacted:
    """A URL without userinfo, without the values of secret query parameters, without key-shaped text."""
    masked: list[str] = []

    def userinfo(found: re.Match[str]) -> str:
        if found[2] != MASK:
            masked.append("userinfo")
        return f"{found[1]}{MASK}@"

    def pair(found: re.Match[str]) -> str:
        if _SECRET_NAME.search(found[1]):
            if found[2] != MASK:
                masked.append(f"query {found[1]}")
            return f"{found[1]}={MASK}"
        return found[0]

    clean = _QUERY_PAIR.sub(pair, _USERINFO.sub(userinfo, value))
    rest = text(clean, secrets, where="url")
    return Redacted(rest.value, tuple(dict.fromkeys([*masked, *rest.masked])))


def text(value: str, secrets: Iterable[str] = (), *, where: str = "text") -> Redacted:
    """Text without the given secrets and without key-shaped words; for messages, headers, bodies of refusals."""
    clean = value
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        clean = clean.replace(secret, MASK)
    clean = _KEY_SHAPED.sub(MASK, clean)
    return Redacted(clean, (where,) if clean != value else ())


def payload(value: bytes, secrets: Iterable[str] = ()) -> RedactedBytes:
    """A message without the given exact secrets and without MCP credentials; every other byte stays."""
    masked: list[str] = []
    clean = value
    for secret in sorted((s for s in secrets if len(s) >= 8), key=len, reverse=True):
        raw = secret.encode()
        if raw in clean:
            clean = clean.replace(raw, MASK.encode())
            masked.append("key")
    if b'"mcp"' in clean and (b'"authorization"' in clean or b'"headers"' in clean):
        clean, what = _mcp(clean)
        masked.extend(what)
    return RedactedBytes(clean, tuple(dict.fromkeys(masked)))


def _mcp(value: bytes) -> tuple[bytes, list[str]]:
    masked: list[str] = []

    def hide(found: re.Match[bytes]) -> bytes:
        if found[1] is not None:
            if found[2] != MASK.encode() and found[2]:
                masked.append("mcp authorization")
                return found[1] + MASK.encode() + found[3]
            return found[0]
        hidden = re.sub(
            rb'(:\s*")((?:[^"\\]|\\.)+)(")', lambda one: one[1] + MASK.encode() + one[3], found[5]
        )
        if hidden != found[5]:
            masked.append("mcp headers")
        return found[4] + hidden + found[6]

    return _MCP_TOOL_FIELD.sub(hide, value), masked


#: ids that name a person's account and are hidden on every screen and picture, though not in the recording
_ACCOUNT = re.compile(r"\b(org|proj|user|acct|account)[-_](?!\*)[A-Za-z0-9]{6,}")


def screen(value: str) -> str:
    """Text as a screen may show it: without key-shaped words, organisation, project, user and account ids."""
    return _ACCOUNT.sub(lambda found: f"{found[1]}-{MASK}", _KEY_SHAPED.sub(MASK, value))
