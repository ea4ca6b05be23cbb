"""Group C, messages that are no creates: broken, unknown, binary, and a create after all of them.

Its one rule: each is sent on a socket of its own, so that what becomes of the socket is its own doing; only
the last check sends several on one.
"""

from __future__ import annotations

from typing import NamedTuple

from sessions.doctor.aftermath import ALL_REMAIN, dead, ended, note_kill
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Unsteady
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import (
    NO_REFUSAL,
    REFUSAL_SECONDS,
    Reply,
    catalogued,
    end_words,
    followed,
    knows_refusal,
    parentless,
    plus,
)
from sessions.doctor.result import Verdict, failed, passed, skipped, told, warned
from sessions.doctor.unread import UNREAD

_JUNK = '{"type":"response.create",'
_ODD_TYPE = '{"type":"doctor.noop"}'
_TRIES = 4  #: more of them, where sockets are known to be lost by chance


@check(
    "C04",
    "text that is not JSON",
    Cost.FREE,
    needs=("B07", "B19"),
    after=("C01",),
    findings=("frame-kills-socket",),
)
async def bad_json(bench: Bench) -> Verdict:
    """One text message that breaks off within its JSON."""
    if bench.facts.notes.get("unread"):
        return skipped(UNREAD)
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
    if bench.facts.notes.get("unread"):
        return skipped(UNREAD)
    # an empty message is no JSON either: where such ends the socket, C04 has said so
    empty = () if "C04" in bench.facts.notes.get("killed_by", ()) else ("",)
    return await _tolerated(bench, "C05", "[1, 2]", '"text"', *empty)


@check("C06", "an unknown kind of message", Cost.FREE, needs=("B07", "B19"))
async def unknown_message(bench: Bench) -> Verdict:
    """One message of a type that nobody documents."""
    if bench.facts.notes.get("unread"):
        return skipped(UNREAD)
    met = await _met_twice(bench, _ODD_TYPE)
    if met.is_killed:
        note_kill(bench, "C06")
        return failed(met.ending, ALL_REMAIN)
    if met.ending:
        return ended(bench, "C06", f"{met.reply.words}; {met.ending}")
    if not met.is_alive:
        return dead(bench, "C06", met.reply)
    if met.reply.errors:
        return passed(met.reply.words)
    return told("it is ignored", "Allowed; an error frame would tell a client what is not supported.")


@check("C07", "a binary message", Cost.FREE, needs=("B07", "B19"), is_minor=True)
async def binary_message(bench: Bench) -> Verdict:
    """What is no JSON, in a binary message."""
    if bench.facts.notes.get("unread"):
        return skipped(UNREAD)
    async with bench.open() as bout:
        reply, _ = await followed(bench, bout, _JUNK.encode())
        if bout.is_over:
            return told(f"{reply.words}; {end_words(bout)}")
        return told(reply.words if reply.errors else "it is ignored")


@check("C13", "usable after all of it", Cost.FREE, needs=("B07", "B19"), after=("C01",))
async def still_usable(bench: Bench) -> Verdict:
    """On one socket: broken JSON, a list, an unknown message, and then the create of C01."""
    if not knows_refusal(bench):
        return skipped(NO_REFUSAL)
    async with bench.open() as bout:
        reply, is_alive = await followed(bench, bout, parentless(bench), _JUNK, "[1, 2]", _ODD_TYPE)
        if not is_alive and not bout.is_over:
            await bout.until(lambda: bout.is_over, REFUSAL_SECONDS)
        if not is_alive and bout.is_over and reply.is_nothing and bench.facts.unsteady:
            raise Unsteady(bout.ending)
        if not is_alive and bout.is_over:
            bench.capabilities["after an error"] = "closed"
            said = "a create without a parent" if reply.is_nothing else reply.words
            return ended(bench, "C13", f"after {said}: {end_words(bout)}")
        if not is_alive:
            return dead(bench, "C13", reply)
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
                return ended(bench, check_id, evidence)
            note_kill(bench, check_id)
            if met.code in (1003, 1007):
                return warned(evidence, ALL_REMAIN)
            return catalogued("frame-kills-socket", evidence)
        if not met.is_alive:
            return dead(bench, check_id, met.reply)
        said, answered = plus(said, met.reply), answered + bool(met.reply.errors)
    if answered < len(payloads):
        return told(f"{len(payloads) - answered} of {len(payloads)} such messages are ignored")
    return passed(said.words)
