"""Rules about what events say: texts against their deltas, the final object, usage, the shape of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sessions import dialects, facts
from sessions.changes import What
from sessions.contract import FAMILIES, PARENT_NOT_FOUND, Family, Status, family
from sessions.findings.seen import Claim, Seen
from sessions.session import Failure

#: every field that documented events have at their top [SDK], and those that vendors document
_FIELDS = frozenset({
    "agent", "annotation", "annotation_index", "arguments", "code", "command", "command_index",
    "content_index", "delta", "diff", "error", "event_id", "headers", "input", "item", "item_id",
    "logprobs", "message", "metadata", "name", "obfuscation", "output", "output_index", "param", "part",
    "partial_image_b64", "partial_image_index", "refusal", "response", "response_id", "sequence_number",
    "session", "status", "status_code", "steer_id", "stream_id", "summary_index", "text", "type",
    "credits", "rate_limits", "timing", "id", "reason", "detail",
})  # fmt: skip
_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat 0x[0-9a-fA-F]{6,}|"
    r"(?<![\w.])/(?:usr|home|opt|var|app|srv|root)/[\w./-]+|[A-Z]:\\[\w\\.-]+|"
    r"\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}:\d+"
)
_LIMIT = re.compile(r"rate.?limit|quota|usage.?limit|too many", re.IGNORECASE)


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with the contents of this event."""
    if not seen.is_from_server or seen.event is None or seen.event.is_partial:
        return
    for detail in seen.details(What.REPLACED):
        yield Claim("text-mismatch", detail)
    kind = family(seen.event.type)
    if seen.event.type in FAMILIES and (strange := sorted(set(seen.body) - _FIELDS)):
        yield Claim("unknown-field", f"{seen.event.type} has {', '.join(strange[:5])[:120]}")
    if kind is Family.TERMINAL:
        yield from _ending(seen)
    elif kind is Family.ERROR:
        yield from _error(seen)


def _ending(seen: Seen) -> Iterator[Claim]:
    body = seen.body.get("response")
    response = seen.response
    if not isinstance(body, dict) or response is None or seen.event is None:
        return
    usage = body.get("usage")
    if dialects.CHAT_USAGE in (seen.reading.spellings if seen.reading else ()):
        yield Claim(
            "usage-renamed",
            f"usage has {', '.join(sorted(usage)[:4])}" if isinstance(usage, dict) else "usage",
        )
    elif seen.event.type != "response.failed" and facts.usage(usage) is None:
        yield Claim("usage-missing", f"{seen.event.type} has usage {facts.brief(usage)[:40]}")
    streamed = [item for item in response.items if item.done >= 0 and item.done != seen.number]
    output = body.get("output")
    if isinstance(output, list) and seen.event.type == "response.completed":
        if not output and streamed:
            yield Claim(
                "final-empty", f"{len(streamed)} items were streamed, output is empty", (streamed[0].done,)
            )
        elif (said := _final_text(output)) is not None and said != response.text and streamed:
            yield Claim(
                "final-mismatch", f"{len(response.text)} characters were streamed, output has {len(said)}"
            )
    failure = facts.failure(body) if isinstance(body.get("error"), dict) else None
    if seen.event.type == "response.failed":
        yield Claim("turn-failed", _said(failure))
        if (
            response.status is Status.FAILED
            and response.failure is not None
            and seen.turn is not None
            and _was_errored(seen)
        ):
            yield Claim("failure-told-twice", "an error frame had ended this turn already")
    if failure is not None:
        yield from _leak(failure.message)


def _was_errored(seen: Seen) -> bool:
    """Whether an error frame has spoken of this turn before its response.failed."""
    track = seen.memory.track(seen.turn.number if seen.turn is not None else 0)
    return track.errored >= 0


def _error(seen: Seen) -> Iterator[Claim]:
    body, reading = seen.body, seen.reading
    spellings = reading.spellings if reading is not None else ()
    failure = facts.failure(body)
    if seen.turn is not None:
        seen.memory.track(seen.turn.number).errored = seen.number
    if dialects.UNTYPED_ERROR in spellings:
        yield Claim("error-untyped", f"its keys are {', '.join(sorted(body)[:6])}")
    if dialects.DETAIL_ERROR in spellings or ("detail" in body and "error" not in body):
        yield Claim("error-of-framework", facts.brief(body.get("detail"))[:120])
    elif dialects.STRING_ERROR in spellings:
        yield Claim("error-is-text", facts.brief(body.get("error"))[:120])
    elif "error" not in body and ("code" in body or "message" in body):
        yield Claim("error-flat", "code and message stand beside type")
    if dialects.STATUS_CODE in spellings:
        yield Claim("error-status-renamed", f"status_code {facts.brief(body.get('status_code'))[:20]}")
    elif not failure.status:
        yield Claim("error-without-status", _said(failure))
    if not failure.code:
        yield Claim("error-without-code", _said(failure))
    if (
        _LIMIT.search(f"{failure.code} {failure.message}")
        and failure.status not in (0, 429)
        and "websocket" not in failure.code
    ):
        yield Claim("limit-without-429", f"status {failure.status}: {_said(failure)}")
    turn = seen.turn
    if turn is not None and turn.responses and turn.status is Status.ERRORED:
        yield Claim("error-in-answer", _said(failure), (turn.responses[-1].first,))
    if turn is not None and turn.parent and not turn.responses and failure.code != PARENT_NOT_FOUND:
        if (
            "previous_response" in failure.message
            or failure.param == "previous_response_id"
            or "not found" in failure.message.lower()
        ):
            yield Claim("parent-error-masked", f"code {failure.code or 'none'}: {_said(failure)}")
    yield from _leak(failure.message)


def _leak(message: str) -> Iterator[Claim]:
    if found := _INTERNALS.search(message):
        yield Claim("internals-leak", f"the message shows {found[0][:60]!r}")


def _said(failure: Failure | None) -> str:
    if failure is None:
        return "no error object"
    return (
        " ".join(part for part in (failure.code, failure.message[:120]) if part) or "without code and message"
    )


def _final_text(output: list[Any]) -> str | None:
    """The output text of a final object; None when one of its messages cannot be read."""
    pieces: list[str] = []
    for item in output:
        if not isinstance(item, dict):
            return None
        if item.get("type") != "message":
            continue
        content = item.get("content")
        if not isinstance(content, list):
            return None
        pieces += [facts.word(part.get("text")) for part in content if _is_text(part)]
    return "".join(pieces)


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "output_text"
