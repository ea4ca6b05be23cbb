"""What bodies of events say, read without trust: usage, failures, rate limits, steering.

Every function takes whatever JSON came and returns a frozen value; a field of the wrong kind counts as
absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from sessions.session import Failure, Usage

_MAX_LIMITS = 100  # names of rate limits kept per session


def word(value: object) -> str:
    """The value when it is a string, else ""."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """The value when it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def quantity(value: object) -> float | None:
    """The value as a float when it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def ender(meta: Mapping[str, object]) -> str:
    """Which of `client` and `tap` ended a connection or refused a request; "" when neither, or nobody knows.

    `by` says so; without it the words with which a tap begins such a detail do.
    """
    if by := word(meta.get("by")):
        return by
    detail = word(meta.get("detail"))
    return next((one for one in ("client", "tap") if detail.startswith(f"the {one} ")), "")


def brief(value: object) -> str:
    """Any JSON value as one string: text as it is, everything else as Python writes it. Never raises."""
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except (RecursionError, ValueError):
        return "\u2026"  # nested too deeply, or a number of thousands of digits


def usage(body: object) -> Usage | None:
    """Token counts under the contract's names or the chat-completions ones; None when there are none."""
    if not isinstance(body, dict):
        return None
    inward = body.get("input_tokens_details") or body.get("prompt_tokens_details")
    outward = body.get("output_tokens_details") or body.get("completion_tokens_details")
    inward = inward if isinstance(inward, dict) else {}
    outward = outward if isinstance(outward, dict) else {}
    found = Usage(
        _first(body, "input_tokens", "prompt_tokens"),
        _first(body, "output_tokens", "completion_tokens"),
        number(body.get("total_tokens")),
        number(inward.get("cached_tokens")),
        number(inward.get("cache_write_tokens")),
        number(outward.get("reasoning_tokens")),
    )
    return found if any(count is not None for count in found) else None


def failure(body: Mapping[str, Any]) -> Failure:
    """An `error` frame, wrapped or flat, with `status` or `status_code`, headers inside or outside.

    Shapes: the official WebSocket error, the SSE event, Codex's variant, a framework's `detail`.
    """
    inner = body.get("error")
    error: Mapping[str, Any]
    if isinstance(inner, dict):
        error = inner
    elif isinstance(inner, str):
        error = {"message": inner}
    elif "detail" in body and "message" not in body:
        error = {"message": brief(body["detail"])}
    else:
        error = body
    status = number(body.get("status")) or number(body.get("status_code")) or number(error.get("status")) or 0
    headers = body.get("headers") or error.get("headers")
    kind = word(error.get("type"))
    return Failure(
        word(error.get("code")),
        word(error.get("message")),
        "" if kind == "error" else kind,
        word(error.get("param")),
        status,
        {key: brief(value) for key, value in headers.items()} if isinstance(headers, dict) else {},
    )


def rate_limits(body: Mapping[str, Any]) -> dict[str, str]:
    """A `codex.rate_limits` event in short words: window -> how much of it is used [CODEX]."""
    out: dict[str, str] = {}
    limits = body.get("rate_limits")
    for name, window in limits.items() if isinstance(limits, dict) else ():
        if isinstance(window, dict) and (used := window.get("used_percent")) is not None:
            minutes = window.get("window_minutes")
            out[str(name)] = f"{brief(used)}% used" + (f" of {brief(minutes)} min" if minutes else "")
    credit = body.get("credits")
    if isinstance(credit, dict) and credit.get("has_credits") is not None:
        balance = "unlimited" if credit.get("unlimited") else brief(credit.get("balance", "?"))
        out["credits"] = balance
    return out


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that speak of rate limits, by their lower-case names."""
    return {
        key.lower(): value
        for key, value in headers.items()
        if key.lower() == "retry-after"
        or "ratelimit" in key.lower()
        or (key.lower().startswith("x-codex-") and "used" in key.lower())
    }


def keep_limits(kept: dict[str, str], told: Mapping[str, str]) -> None:
    """Put what a server told about its limits into what is kept, as many names as a person could read."""
    for name, value in told.items():
        if name in kept or len(kept) < _MAX_LIMITS:
            kept[name] = value


def head_headers(head: bytes) -> dict[str, str]:
    """The headers of the final HTTP response in an OPEN or REFUSED record's payload, lower-case names."""
    out: dict[str, str] = {}
    for block in head.split(b"\r\n\r\n"):
        lines = block.split(b"\r\n")
        if not lines[0].startswith(b"HTTP/1."):
            continue
        out = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if colon:
                out[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        if not lines[0].partition(b" ")[2].startswith((b"100", b"102", b"103")):
            break  # what follows a final head is its body
    return out


def answered_calls(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The call ids, or approval ids, that a create's input answers."""
    items = fields.get("input")
    if not isinstance(items, list):
        return ()
    out = []
    for item in items:
        if isinstance(item, dict):
            kind = word(item.get("type"))
            if kind == "local_shell_call_output":
                # its type names the call in `id` [SDK], the guides in `call_id`
                out.append(word(item.get("call_id")) or word(item.get("id")))
            elif kind.endswith("_output"):
                out.append(word(item.get("call_id")))
            elif kind == "mcp_approval_response":
                out.append(word(item.get("approval_request_id")))
    return tuple(call for call in out if call)


def plain_input(value: object) -> str:
    """The text a person wrote in an `input`, shortened to what can be read: user and developer words only."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    pieces: list[str] = []
    for item in value:
        if isinstance(item, dict) and item.get("type", "message") == "message":
            content = item.get("content")
            if isinstance(content, str):
                pieces.append(content)
            elif isinstance(content, list):
                pieces.extend(word(part.get("text")) for part in content if isinstance(part, dict))
    return "\n".join(piece for piece in pieces if piece)


def _first(body: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        if (found := number(body.get(name))) is not None:
            return found
    return None
