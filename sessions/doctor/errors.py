"""Group C: what a server says to what it must refuse, and whether it lives on.

Its one rule: free on a server that does as the guide says: everything here names a parent that nobody made,
is no create at all (`messages`), or asks for nothing to be generated (`creates`).
"""

from __future__ import annotations

from sessions.contract import PARENT_NOT_FOUND
from sessions.conversation import Silence
from sessions.dialects import read
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.creates import http_field, missing_field, nested_create, unknown_model
from sessions.doctor.messages import bad_json, binary_message, no_object, still_usable, unknown_message
from sessions.doctor.probes import (
    BEGAN_WITHOUT_PARENT,
    SHORT_TURN_TOKENS,
    catalogued,
    end_words,
    failure_words,
    findings_of,
    parentless,
)
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, told, warned
from sessions.doctor.unread import unread
from sessions.errors import ConnectError
from sessions.events import Event
from sessions.finding import Finding
from sessions.session import Failure

_SHAPES = (
    "error-untyped",
    "error-is-text",
    "error-of-framework",
    "error-flat",
    "error-without-status",
    "error-status-renamed",
    "error-without-code",
)
#: of these shapes, those in which no code can stand
_WITHOUT_ROOM = ("error-is-text", "error-of-framework")


@check(
    "C01",
    "a parent that nobody made",
    Cost.FREE,
    needs=("B07", "B19"),
    turns=2,
    at_risk=2 * SHORT_TURN_TOKENS,
    findings=("parent-error-masked",),
    seen_by=BEGAN_WITHOUT_PARENT,
)
async def unknown_parent(bench: Bench) -> Verdict:
    """One create with a previous_response_id that no server has given out."""
    notes = bench.facts.notes
    if notes.get(BEGAN_WITHOUT_PARENT):
        bench.capabilities["chain"] = "ignored"
        return catalogued("context-lost", "B20's create on a parent that nobody made began an answer")
    async with bench.open() as bout:
        notes["parentless_session"] = bout.session.number
        try:
            turn = await bout.ask(parentless(bench))
        except Silence as silence:
            return unread(bench, bout) or catalogued("app-silent", str(silence))
        if turn.failure is None and turn.responses:
            bench.capabilities["chain"] = "ignored"
            return catalogued("context-lost", "it began a turn on a parent that nobody made")
        if turn.failure is None:
            return failed(
                f"instead of an error frame: {end_words(bout)}",
                "Answer with an error frame of code previous_response_not_found, and keep the socket open.",
            )
        notes["refusal"] = turn.failure
        said = failure_words(turn.failure)
        if any(one.id in _WITHOUT_ROOM for one in bout.findings):
            return told(said, "See C02: an error of this shape has no room for a code.")
        verdict = judged(bout.findings, unknown_parent.findings, said)
        if verdict.outcome is not Outcome.PASS:
            notes["is_masked"] = True
            return verdict
        if turn.failure.code != PARENT_NOT_FOUND:
            if nested := await _refusal_of_nested(bench):
                notes["refusal"], bench.create_shape = nested, "nested"
                return told(
                    f"a flat create is answered by {said}; a nested one by {failure_words(nested)}",
                    "See C10: what follows is sent nested.",
                )
            notes["is_masked"] = True
            return warned(
                f"another code than {PARENT_NOT_FOUND}: {said}",
                "Pass the code on: clients send the full history only on this one.",
            )
        if _error_body(bench) is None:
            notes["told_as_failed"] = True
            return warned(
                f"told as a failed response, not as an error: {said}",
                "Refuse it with an error frame: a response that never began cannot fail, and clients wait "
                "for the error.",
            )
        return passed(said)


async def _refusal_of_nested(bench: Bench) -> Failure | None:
    """How the create of C01 is refused under response; None unless that names its parent as not found."""
    async with bench.open() as bout:
        try:
            turn = await bout.ask(parentless(bench, shape="nested"))
        except (Silence, ConnectError):
            return None
    return turn.failure if turn.failure is not None and turn.failure.code == PARENT_NOT_FOUND else None


@check("C02", "shape of an error", Cost.FREE, needs=("B07", "B19"), after=("C01",), findings=_SHAPES)
async def error_shape(bench: Bench) -> Verdict:
    """Reads the error frame of C01: type, status, and an object with type, code, message and param."""
    number = bench.facts.notes.get("parentless_session")
    found = findings_of(bench, (number,)) if number else ()
    body = _error_body(bench)
    if body is None:
        return told("C01 has brought no error frame")
    bench.capabilities["errors"] = _shape_words(tuple(one.id for one in found))
    verdict = judged(found, _SHAPES, "type, status and an error object")
    if verdict.outcome is not Outcome.PASS:
        return verdict
    inner = body.get("error")
    lacking = [key for key in ("type", "message", "param") if isinstance(inner, dict) and key not in inner]
    if lacking:
        said = f"the error has no {', '.join(lacking)}"
        return warned(said, "SDKs expect type, code, message and param under error.")
    return verdict


@check("C03", "extras of an error", Cost.FREE, needs=("B07", "B19"), after=("C01",))
async def error_extras(bench: Bench) -> Verdict:
    """Reads the same frame for sequence_number, stream_id and headers."""
    body = _error_body(bench)
    if body is None:
        return told("C01 has brought no error frame")
    present = [key for key in ("sequence_number", "stream_id", "headers") if key in body]
    if "sequence_number" in present:
        return told(f"it carries {', '.join(present)}")
    said = f"it carries {', '.join(present)}, no sequence_number" if present else "it carries none of them"
    return told(said, "SDK builds that require sequence_number mask such an error; the guide's has none.")


@check("C12", "internals in errors", Cost.FREE, needs=("B07", "B19"), findings=("internals-leak",))
async def leaks(bench: Bench) -> Verdict:
    """Reads every error so far for paths, addresses and traces."""
    seen = sum(session.errors for session in bench.inspector.sessions.sessions.values())
    found = [one for one in bench.inspector.findings if one.id in leaks.findings]
    bench.facts.notes["leaks"] = found
    return judged(_one_of_each(found), leaks.findings, f"{seen} errors without any")


def _one_of_each(found: list[Finding]) -> list[Finding]:
    """The first of those that say the same."""
    return list({one.evidence: one for one in reversed(found)}.values())[::-1]


def _error_body(bench: Bench) -> dict[str, object] | None:
    """The body of the error frame that C01 got; None when there was none."""
    number = bench.facts.notes.get("parentless_session")
    recording = bench.inspector.recording
    for place in range(len(recording)):
        record = recording.record(place)
        if record.session != number or record.direction != "server":
            continue
        event = recording.event(place)
        if isinstance(event, Event) and read(event).event.type == "error":
            return dict(event.body)
    return None


def _shape_words(found: tuple[str, ...]) -> str:
    names = {
        "error-untyped": "untyped",
        "error-is-text": "text",
        "error-of-framework": "the framework's",
        "error-flat": "flat",
        "error-status-renamed": "status_code",
        "error-without-status": "no status",
        "error-without-code": "no code",
    }
    return ", ".join(names[one] for one in _SHAPES if one in found) or "wrapped"


CHECKS = (
    unknown_parent,
    error_shape,
    error_extras,
    bad_json,
    no_object,
    unknown_message,
    binary_message,
    unknown_model,
    missing_field,
    nested_create,
    http_field,
    leaks,
    still_usable,
)
