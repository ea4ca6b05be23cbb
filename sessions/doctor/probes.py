"""What several groups of checks send, and how they read what comes back.

Its one rule: a probe that is meant to be refused names a parent that nobody made, so that a server that
does as the guide says generates nothing for it. Nothing here decides whether an answer is right.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sessions import facts
from sessions.contract import LIFECYCLE, PARENT_NOT_FOUND, TERMINAL, Status
from sessions.conversation import Silence
from sessions.dialects import read, unwrap
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout, Unsteady
from sessions.doctor.check import LEAST_OUTPUT_TOKENS
from sessions.doctor.result import Outcome, Verdict
from sessions.errors import ConnectError
from sessions.events import Event, Undecodable, decode
from sessions.finding import Finding, Severity
from sessions.findings.catalogue import CATALOGUE
from sessions.records import Direction, Kind
from sessions.session import Failure, Turn

#: an id that no server has given out
NOBODYS_ID = "resp_" + "0" * 48
#: a model that nobody has
NO_MODEL = "turnscope-doctor-no-such-model"
#: so long a server may take to refuse what it refuses without thinking
_CLOSE_SECONDS = 0.3
REFUSAL_SECONDS = 3.0
#: asks for as little as can be asked for; a short answer ends by itself
SHORT_PROMPT = "What is the capital of France? Answer in one word."
#: tokens that one such prompt can be, with room for the frame around it
PROMPT_TOKENS = 45
#: tokens of one such turn, in and out
SHORT_TURN_TOKENS = PROMPT_TOKENS + LEAST_OUTPUT_TOKENS
#: the same on top of one such turn, which a server reads again
NEXT_TURN_TOKENS = SHORT_TURN_TOKENS + SHORT_TURN_TOKENS
#: tokens of a warm-up without a text
WARM_TOKENS = 20
#: longer than any answer here is allowed to be, and at an end by itself where the limit is ignored
LONG_PROMPT = "Count from 1 to 60 in words."
#: tokens of its whole answer
LONG_TOKENS = 240
#: why what needs a refusal that is known is not tried
NO_REFUSAL = "C01 has shown no refusal that could be asked for again"
#: why what would be tried with warm-ups alone is not tried
NO_WARM_UP = "warm-ups are not known to be free here"
#: why a check that was refused as busy says nothing of its own
BUSY = "follows from F04: refused as busy right after the end of the turn before"
_BUSY = re.compile(r"(?i)\bbusy\b|in.progress|concurren|already (?:running|active)|in.flight")
_BUSY_PAUSES = (0.3, 1.2)

_OUTCOMES = {Severity.ERROR: Outcome.FAIL, Severity.WARNING: Outcome.WARN, Severity.NOTE: Outcome.INFO}


#: the note that a create on a parent that nobody made has begun an answer
BEGAN_WITHOUT_PARENT = "began_without_parent"


def parentless(bench: Bench, **fields: Any) -> str:
    """A create that continues what nobody made: refused, and free, wherever parents are looked up."""
    return bench.frame("This is to be refused.", parent=NOBODYS_ID, **fields)


class Reply(NamedTuple):
    """What a server said to one probe."""

    errors: tuple[Failure, ...] = ()
    created: int = 0  #: responses that began
    ended: int = 0  #: responses that ended
    others: int = 0  #: messages that are none of these

    @property
    def is_nothing(self) -> bool:
        """Whether no message came at all."""
        return not (self.errors or self.created or self.ended or self.others)

    @property
    def words(self) -> str:
        """It in words, for evidence."""
        parts = [f"an error: {failure_words(one)}" for one in self.errors]
        if self.created:
            parts.append("a response began")
        if self.ended:
            parts.append("a response ended")
        if self.others and not parts:
            parts.append("something that is no answer")
        return "; ".join(parts) or "nothing"


def heard(bout: Bout) -> list[Event | Undecodable]:
    """The server's messages so far; what came as text of an event stream is read as what it carries."""
    messages: list[Event | Undecodable] = []
    for record in bout.records:
        if record.direction is Direction.SERVER and record.kind in (Kind.TEXT, Kind.BINARY):
            event = decode(record.payload)
            if isinstance(event, Undecodable) and (found := unwrap(record.payload)) is not None:
                event = found[0]
            messages.append(event)
    return messages


def reply_in(events: Iterable[Event | Undecodable]) -> Reply:
    """What these messages say, in whichever spelling."""
    errors: list[Failure] = []
    created = ended = others = 0
    for raw in events:
        if isinstance(raw, Undecodable):
            others += 1
            continue
        event = read(raw).event
        if event.type == "error":
            errors.append(facts.failure(event.body))
        elif event.type in TERMINAL:
            failure = None if created else _failure_of(event)
            if failure is None or failure.code in [one.code for one in errors]:
                ended += 1
            else:
                errors.append(failure)  # a refusal that is told as a response which never began
        elif event.type == "response.created":
            created += 1
        else:
            others += event.type not in LIFECYCLE
    return Reply(tuple(errors), created, ended, others)


def _failure_of(event: Event) -> Failure | None:
    """What a failed response says of itself; None where it says nothing."""
    body = event.body.get("response")
    error = body.get("error") if isinstance(body, dict) else None
    return facts.failure({"error": error}) if isinstance(error, dict) else None


def has_begun(turn: Turn) -> bool:
    """Whether an answer was made; a refusal that is told as a failed response alone is none."""
    return any(
        one.status is not Status.FAILED or one.first != one.last or bool(one.items) for one in turn.responses
    )


def failure_words(failure: Failure) -> str:
    """What an error says of itself, short enough for one line."""
    status = str(failure.status) if failure.status else ""
    said = " ".join(part for part in (status, failure.code or "no code", failure.message[:120]) if part)
    return f"{said} (param {failure.param})" if failure.param and failure.param not in said else said


def is_refusal(bench: Bench, failure: Failure) -> bool:
    """Whether an error is the one that a create without a parent gets here, under whatever code."""
    known = bench.facts.notes.get("refusal")
    if known is not None and (known.code, known.message) == (failure.code, failure.message):
        return True
    return failure.code == PARENT_NOT_FOUND or NOBODYS_ID in failure.message


async def followed(bench: Bench, bout: Bout, *payloads: str | bytes) -> tuple[Reply, bool]:
    """Send messages that should be refused; what came of them, and whether the socket still answers.

    Whether it answers is asked by a create without a parent, where such a create is known to be refused;
    else only whether the socket is still open.
    """
    reply = Reply()
    for payload in payloads:
        if bout.is_over:
            return reply, False
        before = len(heard(bout))
        try:
            await bout.send(payload)
        except Unsteady:
            raise
        except ConnectError:
            return reply, False  # it ended meanwhile
        if not knows_refusal(bench):
            await bout.until(lambda seen=before: len(heard(bout)) > seen, REFUSAL_SECONDS)  # type: ignore[misc]
            # a server that ends the socket sends its error first, and the close a moment later
            await bout.until(lambda: bout.is_over, _CLOSE_SECONDS)
            reply = plus(reply, reply_in(heard(bout)[before:]))
            continue
        if not await _marked(bench, bout, before):
            return plus(reply, reply_in(heard(bout)[before:])), False
        reply = plus(reply, _without_mark(reply_in(heard(bout)[before:])))
    return reply, not bout.is_over or knows_refusal(bench)


async def _marked(bench: Bench, bout: Bout, before: int) -> bool:
    """Ask the socket for the refusal that is known; whether it came."""
    try:
        await bout.send(parentless(bench))
    except ConnectError:
        await bout.until(
            lambda: bout.is_over, REFUSAL_SECONDS
        )  # what came before the close is still to be read
        return False
    return await bout.until(lambda: _has_mark(bench, reply_in(heard(bout)[before:])), REFUSAL_SECONDS)


def _has_mark(bench: Bench, reply: Reply) -> bool:
    return len(reply.errors) > 1 or any(is_refusal(bench, one) for one in reply.errors)


def _without_mark(reply: Reply) -> Reply:
    """The reply without the answer to the mark, which comes last."""
    return reply._replace(errors=reply.errors[:-1])


def plus(one: Reply, other: Reply) -> Reply:
    """Two replies as one."""
    return Reply(
        one.errors + other.errors,
        one.created + other.created,
        one.ended + other.ended,
        one.others + other.others,
    )


def knows_refusal(bench: Bench) -> bool:
    """Whether a create without a parent is known to be refused here, so that it may be sent for free."""
    return bench.facts.notes.get("refusal") is not None


def end_words(bout: Bout) -> str:
    """How a socket ended, in words."""
    return bout.ending


def catalogued(finding_id: str, evidence: str, *, at_most: Outcome = Outcome.FAIL) -> Verdict:
    """The verdict that a finding of this id would give, for what only a doctor can see."""
    entry = CATALOGUE[finding_id]
    outcome = _OUTCOMES[entry.severity]
    if at_most is Outcome.WARN and outcome is Outcome.FAIL:
        outcome = Outcome.WARN
    if at_most is Outcome.INFO:
        outcome = Outcome.INFO
    said = f"{entry.title}: {evidence}" if evidence else entry.title
    return Verdict(outcome, said, entry.remedy, entry.who, "", (finding_id,))


def findings_of(bench: Bench, sessions: Collection[int]) -> tuple[Finding, ...]:
    """What the judge has found on these sockets: the first of each id, the others only say it again."""
    firsts: dict[str, Finding] = {}
    for one in bench.inspector.findings:
        if one.session in sessions:
            firsts.setdefault(one.id, one)
    return tuple(firsts.values())


class Asked(NamedTuple):
    """A turn that was asked for, over or not."""

    turn: Turn
    silence: str = ""  #: "" unless the server fell silent before its end

    @property
    def text(self) -> str:
        """The answer's text, "" when there is none."""
        response = self.turn.response
        return response.text if response is not None else ""

    @property
    def response_id(self) -> str:
        """The id under which it can be continued."""
        return self.turn.response_id

    @property
    def is_busy(self) -> bool:
        """Whether it was refused because another turn is said to run."""
        return is_busy(self.turn.failure)

    @property
    def is_well(self) -> bool:
        """Whether it ended as an answer: completed, or cut by its own limit."""
        return self.turn.status in (Status.COMPLETED, Status.INCOMPLETE)

    @property
    def words(self) -> str:
        """How it ended, in words."""
        if self.silence:
            return self.silence
        turn = self.turn
        if turn.failure is not None:
            return failure_words(turn.failure)
        response = turn.response
        if response is not None and response.failure is not None:
            return failure_words(response.failure)
        return turn.status.value


def is_busy(failure: Failure | None) -> bool:
    """Whether an error says that another turn is running."""
    if failure is None or failure.status not in (None, 0, 400, 409, 429, 503):
        return False
    return _BUSY.search(f"{failure.code or ''} {failure.message}") is not None


async def asked(bench: Bench, bout: Bout, text: str, name: str = "") -> Asked:
    """Send a create and wait for the end of its turn; silence is an answer too.

    One that is refused as busy though nothing runs is asked again after a moment: it was not begun, and F04
    tells it. A turn with a name is kept for the checks that only look at what has come.
    """
    one = await _asked_once(bout, text)
    for seconds in _BUSY_PAUSES:
        is_alone = not any(turn.is_live for turn in bout.session.turns)
        if not one.is_busy or not is_alone or bout.is_over:
            break
        bench.facts.notes.setdefault("false_busy", one.words)
        await bench.pause(seconds)
        one = await _asked_once(bout, text)
    if name:
        bench.facts.turns[name] = one.turn
    return one


async def _asked_once(bout: Bout, text: str) -> Asked:
    turn = await bout.send(text)
    assert turn is not None, "only a create is asked"
    try:
        await bout.finish(turn)
    except Silence as silence:
        return Asked(turn, str(silence))
    return Asked(turn)
