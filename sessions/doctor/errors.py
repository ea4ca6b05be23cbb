"""Group C: what a server says to what it must refuse, and whether it lives on.

Its one rule: free on a server that does as the guide says: everything here names a parent that nobody made,
is no create at all, or asks for nothing to be generated.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from sessions.contract import PARENT_NOT_FOUND
from sessions.conversation import Silence
from sessions.doctor.bench import Bench, Unsteady
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Cost, check
from sessions.doctor.probes import (
    NOBODYS_ID,
    REFUSAL_SECONDS,
    SHORT_TURN_TOKENS,
    Reply,
    asked,
    catalogued,
    end_words,
    failure_words,
    findings_of,
    followed,
    heard,
    is_refusal,
    knows_refusal,
    parentless,
    plus,
    reply_in,
)
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.errors import ConnectError
from sessions.events import Event
from sessions.finding import Finding
from sessions.findings.catalogue import Who
from sessions.session import Failure

_JUNK = '{"type":"response.create",'
_ODD_TYPE = '{"type":"doctor.noop"}'
_NO_MODEL = "turnscope-doctor-no-such-model"
_SHAPES = (
    "error-untyped",
    "error-is-text",
    "error-of-framework",
    "error-flat",
    "error-without-status",
    "error-status-renamed",
    "error-without-code",
)
_TRIES = 4  #: more of them, where sockets are known to be lost by chance
#: of these shapes, those in which no code can stand
_WITHOUT_ROOM = ("error-is-text", "error-of-framework")
_NO_REFUSAL = "C01 has shown no refusal that could be asked for again"
_ALL_REMAIN = (
    "One bad message should cost its own answer only: catch what it raises, and send an error frame."
)


@check("C01", "a parent that nobody made", Cost.FREE, needs=("B07", "B19"), turns=2,
       at_risk=2 * SHORT_TURN_TOKENS, findings=("parent-error-masked",))  # fmt: skip
async def unknown_parent(bench: Bench) -> Verdict:
    """One create with a previous_response_id that no server has given out."""
    notes = bench.facts.notes
    if notes.get("began_without_parent"):
        bench.capabilities["chain"] = "ignored"
        return catalogued("context-lost", "B20's create on a parent that nobody made began an answer")
    async with bench.open() as bout:
        notes["parentless_session"] = bout.session.number
        try:
            turn = await bout.ask(parentless(bench))
        except Silence as silence:
            return catalogued("app-silent", str(silence))
        reply = reply_in(heard(bout))
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
        if not reply.errors:
            return warned(f"told as a failed response: {said}", "Refuse it with an error frame.")
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


@check("C04", "text that is not JSON", Cost.FREE, needs=("B07", "B19"), findings=("frame-kills-socket",))
async def bad_json(bench: Bench) -> Verdict:
    """One text message that breaks off within its JSON."""
    return await _tolerated(bench, "C04", _JUNK)


@check(
    "C05",
    "JSON that is no object",
    Cost.FREE,
    needs=("B07", "B19"),
    findings=("frame-kills-socket",),
    is_minor=True,
)
async def no_object(bench: Bench) -> Verdict:
    """A list, a string and an empty message."""
    # an empty message is no JSON either: where such ends the socket, C04 has said so
    empty = () if "C04" in bench.facts.notes.get("killed_by", ()) else ("",)
    return await _tolerated(bench, "C05", "[1, 2]", '"text"', *empty)


@check("C06", "an unknown kind of message", Cost.FREE, needs=("B07", "B19"))
async def unknown_message(bench: Bench) -> Verdict:
    """One message of a type that nobody documents."""
    met = await _met_twice(bench, _ODD_TYPE)
    if met.is_killed:
        _note_kill(bench, "C06")
        return failed(met.ending, _ALL_REMAIN)
    if met.ending:
        return _ended(bench, "C06", f"{met.reply.words}; {met.ending}")
    if not met.is_alive:
        return _dead(bench, "C06", met.reply)
    if met.reply.errors:
        return passed(met.reply.words)
    return told("it is ignored", "Allowed; an error frame would tell a client what is not supported.")


@check("C07", "a binary message", Cost.FREE, needs=("B07", "B19"), is_minor=True)
async def binary_message(bench: Bench) -> Verdict:
    """What is no JSON, in a binary message."""
    async with bench.open() as bout:
        reply, _ = await followed(bench, bout, _JUNK.encode())
        if bout.is_over:
            return told(f"{reply.words}; {end_words(bout)}")
        return told(reply.words if reply.errors else "it is ignored")


@check("C08", "a model that does not exist", Cost.FREE, needs=("B07", "B19"), after=("D01",), turns=1,
       tokens=SHORT_TURN_TOKENS - LEAST_OUTPUT_TOKENS, at_risk=LEAST_OUTPUT_TOKENS)  # fmt: skip
async def unknown_model(bench: Bench) -> Verdict:
    """A warm-up, which generates nothing, with a model name that nobody has."""
    if bench.facts.notes.get("never_begins") or bench.facts.notes.get("endless_turn"):
        return skipped("follows from D01: no create is answered to its end here")
    create = bench.create(generate=False).model_copy(update={"model": _NO_MODEL})
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.framed(create))
        reply = reply_in(heard(bout))
        ending = end_words(bout) if bout.is_over else ""
    if reply.errors and len(reply.errors) + reply.ended > 1:
        return failed(
            f"one failure is told {len(reply.errors) + reply.ended} times: {reply.words}",
            "Model errors should be one structured error.",
        )._replace(findings=("failure-told-twice",))
    if one.turn.failure is not None:
        said = failure_words(one.turn.failure)
        return _ended(bench, "C08", f"{said}; {ending}") if ending else passed(said)
    if reply.created:
        said = (
            f"{_NO_MODEL} is accepted{'; then ' + (ending or one.silence) if ending or one.silence else ''}"
        )
        return told(said, "Names of models are mapped, or not looked at before a turn.")
    if ending:
        return failed(
            f"{reply.words}; {ending}", "Model errors should be one structured error on an open socket."
        )
    if one.silence:
        return catalogued("app-silent", f"an unknown model: {one.silence}")
    return told(f"{_NO_MODEL} is accepted", "Names of models are mapped, or not looked at before a turn.")


@check(
    "C09", "a create without model or input", Cost.FREE, needs=("B07", "B19"), after=("C01",), is_minor=True
)
async def missing_field(bench: Bench) -> Verdict:
    """The create of C01 twice: without a model, and without input."""
    if not knows_refusal(bench):
        return skipped(_NO_REFUSAL)
    said: list[str] = []
    for name in ("model", "input"):
        fields = json.loads(parentless(bench, shape="flat"))
        fields.pop(name, None)
        if bench.create_shape == "nested":
            fields = {
                "type": "response.create",
                "response": {key: value for key, value in fields.items() if key != "type"},
            }
        async with bench.open() as bout:
            try:
                turn = await bout.ask(json.dumps(fields))
            except Silence as silence:
                return catalogued("app-silent", f"without {name}: {silence}")
            if turn.failure is not None and is_refusal(bench, turn.failure):
                said.append(f"without {name}: not noticed before the parent")
            elif turn.failure is not None:
                said.append(f"without {name}: {failure_words(turn.failure)}")
            elif bout.is_over:
                return failed(f"without {name}: {end_words(bout)}", _ALL_REMAIN)
            else:
                said.append(f"without {name}: accepted")
    is_told = "accepted" in said[0] or "not noticed" in said[0]
    return told("; ".join(said)) if is_told else passed("; ".join(said))


@check("C10", "parameters under response", Cost.FREE, needs=("B07", "B19"), after=("C01",), is_minor=True)
async def nested_create(bench: Bench) -> Verdict:
    """The create of C01 in the two shapes: flat, and nested under response."""
    if not knows_refusal(bench):
        return skipped(_NO_REFUSAL)
    takes: list[str] = []
    for shape in ("flat", "nested"):
        async with bench.open() as bout:
            try:
                turn = await bout.ask(parentless(bench, shape=shape))
            except Silence:
                continue
            if turn.failure is not None and _is_about_parent(turn.failure):
                takes.append(shape)
    if not takes:
        return told("neither shape is told apart by its error")
    bench.capabilities["create"] = " and ".join(takes)
    if takes == ["nested"]:
        return warned(
            "only parameters under response are read", "The standard is flat; nested is needed here."
        )
    return told(f"it reads {' and '.join(takes)} creates")


@check("C11", "a field of HTTP", Cost.FREE, needs=("B07", "B19"), after=("C01",), is_minor=True)
async def http_field(bench: Bench) -> Verdict:
    """The create of C01 with stream: true."""
    if not knows_refusal(bench):
        return skipped(_NO_REFUSAL)
    async with bench.open() as bout:
        try:
            turn = await bout.ask(parentless(bench, extra={"stream": True}))
        except Silence as silence:
            return told(str(silence))
        failure = turn.failure
        if failure is None:
            return told(f"no error: {reply_in(heard(bout)).words}")
        if is_refusal(bench, failure):
            return told("stream is ignored")
        return told(
            f"stream is refused: {failure_words(failure)}", "Leave stream and background out of frames."
        )


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


@check("C13", "usable after all of it", Cost.FREE, needs=("B07", "B19"), after=("C01",))
async def still_usable(bench: Bench) -> Verdict:
    """On one socket: broken JSON, a list, an unknown message, and then the create of C01."""
    if not knows_refusal(bench):
        return skipped(_NO_REFUSAL)
    async with bench.open() as bout:
        reply, is_alive = await followed(bench, bout, parentless(bench), _JUNK, "[1, 2]", _ODD_TYPE)
        if not is_alive and not bout.is_over:
            await bout.until(lambda: bout.is_over, REFUSAL_SECONDS)
        if not is_alive and bout.is_over and reply.is_nothing and bench.facts.unsteady:
            raise Unsteady(bout.ending)
        if not is_alive and bout.is_over:
            bench.capabilities["after an error"] = "closed"
            said = "a create without a parent" if reply.is_nothing else reply.words
            return _ended(bench, "C13", f"after {said}: {end_words(bout)}")
        if not is_alive:
            return _dead(bench, "C13", reply)
        bench.capabilities["after an error"] = "usable"
        return passed(f"after {len(reply.errors)} errors it still answers")


class _Met(NamedTuple):
    """What became of one message that is no create."""

    reply: Reply
    is_alive: bool
    ending: str = ""  #: how the socket ended, "" while it is open
    code: int = 0

    @property
    def is_killed(self) -> bool:
        """Whether the socket ended without an error frame."""
        return bool(self.ending) and not self.reply.errors


async def _met(bench: Bench, payload: str) -> _Met:
    async with bench.open() as bout:
        reply, is_alive = await followed(bench, bout, payload)
        if not is_alive and not bout.is_over:
            await bout.until(lambda: bout.is_over, REFUSAL_SECONDS)
        ending = end_words(bout) if bout.is_over and not is_alive else ""
        return _Met(reply, is_alive, ending, bout.session.close_code or 0)


async def _met_twice(bench: Bench, payload: str) -> _Met:
    """Send it on a socket of its own; once more where that ended: one socket may be lost by chance."""
    met = await _met(bench, payload)
    for _ in range(_TRIES if bench.facts.unsteady else 1):
        if not met.is_killed:
            break
        again = await _met(bench, payload)
        if not again.is_killed:
            bench.facts.unsteady.append(met.ending)
        met = again
    return met


async def _tolerated(bench: Bench, check_id: str, *payloads: str) -> Verdict:
    """Send what cannot be a create, each on its own socket; the worst that came of it."""
    said, answered = Reply(), 0
    for payload in payloads:
        met = await _met_twice(bench, payload)
        shown = repr(payload) if payload else "an empty message"
        if met.ending:
            evidence = f"{shown}: {met.reply.words}; {met.ending}"
            if not met.is_killed:
                return _ended(bench, check_id, evidence)
            _note_kill(bench, check_id)
            if met.code in (1003, 1007):
                return warned(evidence, _ALL_REMAIN)
            return catalogued("frame-kills-socket", evidence)
        if not met.is_alive:
            return _dead(bench, check_id, met.reply)
        said, answered = plus(said, met.reply), answered + bool(met.reply.errors)
    if answered < len(payloads):
        return told(f"{len(payloads) - answered} of {len(payloads)} such messages are ignored")
    return passed(said.words)


def _note_kill(bench: Bench, check_id: str) -> None:
    bench.facts.notes.setdefault("killed_by", []).append(check_id)


def _ended(bench: Bench, check_id: str, evidence: str) -> Verdict:
    """An error was told, and then the socket ended; the first check that sees it says so."""
    if _is_forgiving(bench) and bench.profile.socket_after_error in ("closed", "dead"):
        return told(evidence, f"The profile {bench.profile.name} is known for it.")
    killers = bench.facts.notes.get("killed_by", ())
    first = bench.facts.notes.setdefault("ends_after_error", killers[0] if killers else check_id)
    if first != check_id:
        return told(evidence, f"See {first}.")
    return warned(evidence, "Keep the socket open after an error: the guide says that it stays usable.")


def _dead(bench: Bench, check_id: str, reply: Reply) -> Verdict:
    """An error was told, and then nothing more, on a socket that is open."""
    bench.capabilities["after an error"] = "dead"
    said = f"{reply.words}; after it nothing is answered on the open socket"
    if _is_forgiving(bench) and bench.profile.socket_after_error == "dead":
        return told(said, f"The profile {bench.profile.name} is known for it.")
    first = bench.facts.notes.setdefault("dead_after_error", check_id)
    if first != check_id:
        return told(said, f"See {first}.")
    return failed(
        said, "Go on answering after an error, or close the socket so that clients see it.", Who.PROXY
    )


def _is_forgiving(bench: Bench) -> bool:
    """Whether the habits of the profile count as such, not as defects."""
    return bench.has_profile_rules or bench.rules.forgives


def _is_about_parent(failure: Failure) -> bool:
    """Whether an error speaks of the parent, so that the parameters have been read."""
    said = f"{failure.message} {failure.param}".lower()
    return failure.code == PARENT_NOT_FOUND or NOBODYS_ID in said or "previous" in said


def _error_body(bench: Bench) -> dict[str, object] | None:
    """The body of the error frame that C01 got; None when there was none."""
    number = bench.facts.notes.get("parentless_session")
    recording = bench.inspector.recording
    for place in range(len(recording)):
        record = recording.record(place)
        if record.session != number or record.direction != "server":
            continue
        event = recording.event(place)
        if isinstance(event, Event) and reply_in((event,)).errors:
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
