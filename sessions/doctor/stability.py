"""Group B, what holds: sockets that were accepted, with nothing sent, compressed, and five times.

Its one rule: one socket that is lost says nothing yet; it is tried again before it counts.
"""

from __future__ import annotations

from sessions.contract import FailureClass
from sessions.doctor.bench import SLOW_SECONDS, Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import (
    BEGAN_WITHOUT_PARENT,
    REFUSAL_SECONDS,
    SHORT_TURN_TOKENS,
    has_begun,
    parentless,
)
from sessions.doctor.result import Verdict, failed, passed, told, warned
from sessions.errors import ConnectError
from sessions.events import Event
from sessions.findings.catalogue import Who
from sessions.records import Kind, Record

_TRIES, _FEW_TRIES = 5, 3
_WATCHED, _WATCH_SECONDS = 3, 2.0
_AT_ONCE_SECONDS = 0.5


@check(
    "B19",
    "close after the upgrade",
    Cost.FREE,
    needs=("B07",),
    waits_seconds=2.0,
    findings=("closed-by-policy",),
)
async def policy_close(bench: Bench) -> Verdict:
    """Opens a socket, sends nothing and watches it for two seconds; two more where it was closed."""
    first, lasted = await _watched(bench)
    if first is None:
        return passed("it stays open")
    for number in range(2, _WATCHED + 1):
        if (await _watched(bench))[0] is None:
            bench.facts.unsteady += ["closed at once, with nothing sent (B19)"] * (number - 1)
            return told(
                f"{number - 1} of {number} sockets were closed with {_close_words(first)} and nothing sent; "
                f"B20 counts such"
            )
    code = first.meta.get("code", 1006)
    if lasted >= _AT_ONCE_SECONDS:
        bench.facts.notes["idle_seconds"] = lasted
        return failed(
            f"accepted, then closed with {_close_words(first)} after {lasted:.1f} s without a frame",
            "Raise the limit for idle sockets: clients think for minutes between two turns.",
            Who.PROXY,
            FailureClass.CLOSED.value,
            makes_up_for=("B19",),
        )
    return failed(
        f"accepted, then closed with {_close_words(first)} at once",
        f"Accepted, then refused ({code}): check entitlement, path and headers; refuse with an HTTP status "
        "instead, so that clients see the cause.",
        Who.PROXY,
        FailureClass.POLICY_CLOSE.value if code == 1008 else FailureClass.CLOSED.value,
    )


async def _watched(bench: Bench) -> tuple[Record | None, float]:
    """How a socket with nothing sent on it ended within two seconds, and after how many; or None."""
    async with bench.open() as bout:
        await bout.watch(_WATCH_SECONDS)
        ends = [one for one in bout.records if one.kind in (Kind.CLOSE, Kind.LOST)]
        if not bout.is_over or not ends:
            return None, 0.0
        return ends[0], ends[0].elapsed - bout.records[0].elapsed


def _close_words(end: Record) -> str:
    reason = str(end.meta.get("reason") or end.meta.get("detail") or "no reason")
    return f"{end.meta.get('code', 1006)} ({reason})"


@check("B18", "compression", Cost.FREE, needs=("B07", "B19"), after=("B20",), is_minor=True)
async def compression(bench: Bench) -> Verdict:
    """Two sockets, with and without permessage-deflate; a frame that is no JSON on each."""
    agreed = {}
    answers = {}
    for offered in (True, False):
        agreed[offered], answers[offered] = await _junk_answered(bench, offered)
    if agreed[True] != "off" and answers[False] and not answers[True]:
        answers[True] = (await _junk_answered(bench, True))[1]  # that one socket was lost says nothing yet
    bench.capabilities["compression"] = "off" if agreed[True] == "off" else "on"
    if agreed[True] != "off" and answers[False] and not answers[True]:
        return warned(f"{agreed[True]}, but what comes cannot be decoded", "Turn compression off.")
    return passed(str(agreed[True]) if agreed[True] != "off" else "not agreed on")


async def _junk_answered(bench: Bench, is_offered: bool) -> tuple[object, bool]:
    """What was agreed on, and whether a frame that is no JSON is answered by one that can be read."""
    async with bench.open(compression=is_offered) as bout:
        agreed = bout.records[0].meta.get("compression", "off")
        said = await bout.say("{", seconds=REFUSAL_SECONDS)
        return agreed, any(isinstance(event, Event) for event in said)


@check("B20", "the upgrade, five times", Cost.FREE, needs=("B07", "B19"), waits_seconds=4.0,
       turns=1, at_risk=SHORT_TURN_TOKENS)  # fmt: skip
async def stability(bench: Bench) -> Verdict:
    """Five sockets a second apart, each with a create on a parent that does not exist."""
    bad: list[str] = []
    tries = silent = 0
    for number in range(_TRIES if bench.upgrade_seconds <= SLOW_SECONDS else _FEW_TRIES):
        if number:
            await bench.pause(1.0)
        tries += 1
        try:
            async with bench.open() as bout:
                said = await bout.say(parentless(bench), seconds=bench.patience_seconds)
                if not said and bout.is_over:
                    bad.append(bout.ending)
                elif not said:
                    silent += 1
                elif bout.session.turns and has_begun(bout.session.turns[-1]):
                    bench.facts.notes[BEGAN_WITHOUT_PARENT] = True
                    break
        except ConnectError as error:
            bad.append(error.detail)
            if error.failure_class is FailureClass.THROTTLED:
                raise
        if silent == tries == 1:
            break  # the next ones would be as silent
    earlier = list(bench.facts.unsteady)
    bench.facts.unsteady += bad
    if silent == tries:
        return told(
            f"a create on a parent that nobody made is not answered within {bench.patience_seconds:g} s"
        )
    bad += ["no answer"] * silent
    began = f"; try {tries} began an answer, no more of them, as each would cost tokens"
    end = began if bench.facts.notes.get(BEGAN_WITHOUT_PARENT) else ""
    if not bad and not earlier:
        return told(end.lstrip("; ")) if end else passed(f"{tries} of {tries} answered")
    if not bad:
        bad, tries = earlier, tries + len(earlier)
    said_of_all = f"{len(bad)} of {tries} failed: {'; '.join(dict.fromkeys(bad))}{end}"
    remedy = (
        f"Intermittent: {len(bad)} of {tries}. Look at what the proxy dials before its first answer, and "
        "how many sockets it allows."
    )
    return warned(said_of_all, remedy) if len(bad) * 2 < tries else failed(said_of_all, remedy)
