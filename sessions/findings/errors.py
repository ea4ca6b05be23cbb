"""Rules about errors and failures: their shape, what they hide, what they say too much of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessions import dialects, facts
from sessions.contract import (
    AGE_LIMIT,
    FAILURE_CODES,
    PARENT_NOT_FOUND,
    FailureClass,
    Family,
    Status,
    family,
)
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind
from sessions.session import Failure, Turn

_AGAIN_SECONDS = 2.0  # after a failure, in which another error can only be about the same
_LOOKED_AT = 8192  # bytes of what came with a refusal
_WORDS = 120  # characters of a message that evidence quotes
_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat 0x[0-9a-fA-F]{6,}|"
    r"\bat [\w$.<>]{1,200} ?\([^()\s]{1,200}:\d+\)|\bgoroutine \d+ \[|"
    r"(?<![\w.:/])/(?:usr|home|opt|var|app|srv|root|etc|tmp|mnt|proc|Users|workspace)/[\w./-]+|"
    r"\b[A-Z]:\\[\w\\.-]+|"
    r"\b(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}:\d+|\blocalhost:\d+"
)
_LIMIT = re.compile(r"rate.?limit|quota|usage.?limit|too many requests", re.IGNORECASE)
#: the provider's words, and those of providers that a proxy may have behind it
_CALL_LOST = re.compile(
    r"no tool call found|role .tool. must be a response|unexpected .tool_use_id.", re.IGNORECASE
)
_OUTPUT_MISSING = re.compile(
    r"no tool output found|did not have response messages|must be followed by tool messages|"
    r"without .?tool_result",
    re.IGNORECASE,
)
_DOUBLED = re.compile(r"duplicate item", re.IGNORECASE)
_REASONING_LOST = re.compile(r"item.{0,12}rs_\w+.{0,40}not found", re.IGNORECASE)


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with an error, or with a response that failed."""
    match seen.record.kind:
        case Kind.RESPONSE:
            yield from _refusal_over_http(seen)
            return
        case Kind.REFUSED if seen.session.failure_class is FailureClass.PROXY_CONNECT:
            return  # its page names what it was asked for
        case Kind.REFUSED if facts.ender(seen.record.meta) == "tap":
            return  # nothing came back
        case Kind.REFUSED:
            head, end, body = seen.record.payload.partition(b"\r\n\r\n")
            came = body if end else head
            yield from _leaked(came[:_LOOKED_AT].decode("utf-8", "replace"), "what came back")
            return
        case Kind.CLOSE if seen.record.direction is Direction.SERVER:
            yield from _leaked(seen.record.payload[2:].decode("utf-8", "replace"), "the close reason")
            return
    event = seen.event
    if not seen.is_streamed or event is None or event.is_partial:
        return
    if family(event.type) is Family.ERROR:
        if seen.is_frame:
            yield from _shape(seen)
        failure = facts.failure(seen.body)
        yield from _told_again(seen, failure)
        yield from _meaning(seen, failure)
    elif event.type == "response.failed":
        yield from _failed(seen)


def _failed(seen: Seen) -> Iterator[Claim]:
    body = seen.body.get("response")
    error = body.get("error") if isinstance(body, dict) else None
    failure = facts.failure({"error": error}) if isinstance(error, dict) else None
    yield Claim("turn-failed", said(failure))
    _remember(seen)
    if seen.turn is not None and seen.memory.track(seen.turn.number).errored >= 0:
        yield Claim("failure-told-twice", "an error frame had ended this turn already")
    if failure is not None:
        if not failure.code:
            yield Claim("error-without-code", f"{said(failure)}{_after(seen)}")
        elif failure.code not in FAILURE_CODES:
            yield Claim("failure-code-unlisted", said(failure))
        yield from _about(seen, failure)


def _remember(seen: Seen) -> None:
    """Note that a turn has failed: what is said next without being asked is about the same."""
    turn = seen.turn.number if seen.turn is not None else 0
    seen.memory.manners(seen.record.session).failed = (seen.number, seen.record.elapsed, turn)


def _after(seen: Seen) -> str:
    response = seen.response
    return f", after {response.deltas:,} deltas" if response is not None and response.deltas else ""


def _told_again(seen: Seen, failure: Failure) -> Iterator[Claim]:
    """An error frame right after a turn that had failed, when nothing else was asked or runs."""
    manners = seen.memory.manners(seen.record.session)
    if manners.failed is None or seen.turn is not None or failure.code == AGE_LIMIT:
        return
    record, at, turn = manners.failed
    if manners.odd_at >= 0 and at - manners.odd_at <= _AGAIN_SECONDS:
        return  # one of the errors was for that, in whichever order they came
    is_quiet = manners.sent_frame < record and not seen.session.busy
    if is_quiet and seen.record.elapsed - at <= _AGAIN_SECONDS:
        yield Claim("terminal-doubled", f"another error for one failure: {said(failure)}", (record,), turn)


def _refusal_over_http(seen: Seen) -> Iterator[Claim]:
    turn = seen.turn
    if turn is None or turn.failure is None or turn.status is not Status.ERRORED:
        return
    yield from _meaning(seen, turn.failure)


def _shape(seen: Seen) -> Iterator[Claim]:
    body = seen.body
    spellings = seen.reading.spellings if seen.reading is not None else ()
    failure = facts.failure(body)
    if dialects.UNTYPED_ERROR in spellings:
        yield Claim("error-untyped", f"its keys are {', '.join(sorted(body)[:6])[:_WORDS]}")
    if dialects.DETAIL_ERROR in spellings or ("detail" in body and "error" not in body):
        yield Claim("error-of-framework", facts.brief(body.get("detail"))[:_WORDS])
        return  # nothing else can be asked of it
    if dialects.STRING_ERROR in spellings:
        yield Claim("error-is-text", facts.brief(body.get("error"))[:_WORDS])
        return
    error = body.get("error")
    if "error" not in body and ("code" in body or "message" in body):
        yield Claim("error-flat", "code and message stand beside type")
    elif dialects.STATUS_CODE in spellings:
        yield Claim("error-status-renamed", f"status_code {facts.brief(body.get('status_code'))[:20]}")
    elif not failure.status and seen.event is not None and seen.event.sequence_number is None:
        if _LIMIT.search(f"{failure.code} {failure.type}"):
            yield Claim("limit-without-429", f"no status: {said(failure)}")
        else:
            yield Claim("error-without-status", said(failure))  # in the middle of an answer it needs none
    if not failure.code and not (isinstance(error, dict) and "code" in error and failure.type):
        yield Claim("error-without-code", said(failure))


def _meaning(seen: Seen, failure: Failure) -> Iterator[Claim]:
    turn = seen.turn
    if failure.code == AGE_LIMIT:
        return  # told when the socket ends
    is_of_turn = turn is not None and turn.status is Status.ERRORED
    if turn is not None:
        seen.memory.track(turn.number).errored = seen.number
    if _LIMIT.search(f"{failure.code} {failure.message}") and failure.status not in (0, 429):
        if "websocket" not in failure.code:
            yield Claim("limit-without-429", f"status {failure.status}: {said(failure)}")
    if is_of_turn and turn is not None:
        _remember(seen)
        if turn.responses:
            yield Claim("error-in-answer", said(failure), (turn.responses[-1].first,))
        elif failure.code != PARENT_NOT_FOUND:
            yield Claim("turn-refused", said(failure), (turn.create,) if turn.create >= 0 else ())
    yield from _about(seen, failure)


def _about(seen: Seen, failure: Failure) -> Iterator[Claim]:
    """What the words of an error give away."""
    message, turn = failure.message, seen.turn
    yield from _leaked(message, "the message")
    if _CALL_LOST.search(message):
        if turn is not None and turn.create >= 0:
            yield _call_lost(seen, turn, failure)
    elif _OUTPUT_MISSING.search(message):
        yield Claim("output-missing", said(failure))
    elif _DOUBLED.search(message):
        yield Claim("history-doubled", said(failure))
    elif _REASONING_LOST.search(message):
        yield Claim("reasoning-lost", said(failure))
    elif turn is not None and turn.parent and not turn.responses and failure.code != PARENT_NOT_FOUND:
        words = message.lower()
        is_param = failure.param == "previous_response_id" and "not" in words
        if is_param or ("response" in words and "not found" in words):
            yield Claim("parent-error-masked", f"code {failure.code or 'none'}: {said(failure)}")


def _leaked(text: str, where: str) -> Iterator[Claim]:
    if found := _INTERNALS.search(text):
        yield Claim("internals-leak", f"{where} shows {found[0][:60]!r}")


def _call_lost(seen: Seen, turn: Turn, failure: Failure) -> Claim:
    if not turn.parent:
        called = [seen.state.calls.get(one) for one in turn.answers]
        if any(call is not None for call in called):
            said_so = f"{said(failure)}; the create names no previous_response_id"
            return Claim("output-unasked", said_so, (turn.create,))
        return Claim("output-unasked", said(failure), (turn.create,))
    if not turn.parent_turn:
        return Claim("call-lost", f"{said(failure)}; its parent is not in this recording", (turn.create,))
    is_known = _answers_its_parent(seen, turn)
    return Claim("call-lost" if is_known else "output-unasked", said(failure), (turn.create,))


def _answers_its_parent(seen: Seen, turn: Turn) -> bool:
    parent = seen.state.turn(turn.parent_turn)
    calls = (
        {call.answer_id for one in parent.responses for call in one.calls} if parent is not None else set()
    )
    return calls.issuperset(turn.answers)


def said(failure: Failure | None) -> str:
    """Code and message of an error, short enough for evidence."""
    if failure is None:
        return "no error object"
    words = " ".join(part for part in (failure.code, failure.message[:_WORDS]) if part)
    return words or "without code and message"
