"""Group G: who gets in, from where, and what leaks.

Its one rule: a key is never put anywhere but into the Authorization header of its own endpoint, unless a
person allowed it; what is open on this machine only is told, not held against it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import (
    NEXT_TURN_TOKENS,
    NO_MODEL,
    REFUSAL_SECONDS,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    asked,
    heard,
    knows_refusal,
    parentless,
    reply_in,
)
from sessions.doctor.result import Verdict, failed, judged, passed, skipped, told, warned
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.records import Direction, Kind, Record
from sessions.secret import NO_SECRET, Secret
from sessions.wire import stages
from sessions.wire.endpoint import with_query

GARBAGE_KEY = Secret("sk-doctor-this-is-no-key-0000")
_FOREIGN_ORIGIN = ("Origin", "https://attacker.example")
_REACHED = ("B02", "B03", "B06", "B07", "B19")
_AUTHORIZATION = re.compile(rb"(?i)authorization:[ \t]*(?:bearer|basic)[ \t]+(?!\*\*\*)[^\s\\\"]{8,}")
_PASSWORD = "plum-7391"


@check("G01", "without a key", Cost.FREE, needs=_REACHED)
async def no_key(bench: Bench) -> Verdict:
    """One upgrade without the key; where it is accepted, a create on a parent that does not exist."""
    if not bench.plan.has_login:
        return told("no key is configured, so nothing can be compared")
    way_in = await _way_in(bench, **_without_login(bench))
    return _judged_entry(bench, way_in, "without a key", "The WebSocket route is open: require a key.")


@check("G02", "with a wrong key", Cost.FREE, needs=_REACHED, turns=1, at_risk=SHORT_TURN_TOKENS)
async def wrong_key(bench: Bench) -> Verdict:
    """One upgrade and one GET models with a key that is none, and where only these differ, one create."""
    if not bench.plan.has_login:
        return told("no key is configured, so nothing can be compared")
    changes = {**_without_login(bench), "key": GARBAGE_KEY}
    way_in = await _way_in(bench, **changes)
    if way_in == "in":
        try:
            status = (await bench.http("GET", "models", **changes)).status
        except ConnectError:
            status = 0  # nothing to compare with
        if status in (401, 403) and await _is_refused_later(bench, **changes):
            way_in = "late"
        elif status in (401, 403):
            return failed(
                f"accepted with a wrong key; GET models refuses it ({status})",
                "The key is not checked on the WebSocket route: check it there as over HTTP.",
            )
    return _judged_entry(bench, way_in, "with a wrong key", "Check the key before the upgrade is accepted.")


@check("G03", "from another site", Cost.FREE, needs=_REACHED)
async def foreign_origin(bench: Bench) -> Verdict:
    """Upgrades with the Origin of another site, with the key and without it."""
    plan = bench.plan
    with_key = await bench.knock(headers=(*plan.headers, _FOREIGN_ORIGIN))
    bare = _without_login(bench)
    without_key = await _way_in(bench, **{**bare, "headers": (*bare["headers"], _FOREIGN_ORIGIN)})
    key = "the key" if plan.has_login else "a placeholder as the key"
    said = f"from {_FOREIGN_ORIGIN[1]}: with {key} {with_key.words}, without it {_WORDS[without_key]}"
    if without_key == "in":
        return failed(
            said, "Any web page can use this proxy: check Origin, and require a key even on loopback."
        )
    return passed(said)  # a web page can set no Authorization header on a WebSocket, not even a made-up one


@check("G04", "a key in the URL", Cost.INTRUSIVE, needs=_REACHED)
async def key_in_query(bench: Bench) -> Verdict:
    """Upgrades with a made-up key as ?api_key= and as ?token= and no Authorization."""
    bare = _without_login(bench)
    for name in ("api_key", "token"):
        key = bench.plan.key if bench.is_key_allowed_in_url and bench.plan.key else GARBAGE_KEY
        endpoint = with_query(replace(bench.plan.endpoint, userinfo=None), name, key.reveal())
        if await _way_in(bench, **{**bare, "endpoint": endpoint}) == "in":
            if await _way_in(bench, **bare) == "in":
                return told("it is open without any key")
            return warned(
                f"?{name}= is accepted instead of a header",
                "Keys in URLs end in logs: take them from the Authorization header only.",
            )
    return passed("refused")


@check("G05", "whether the key comes back", Cost.FREE, needs=("B02", "B03", "B06"), is_last=True)
async def key_echo(bench: Bench) -> Verdict:
    """One upgrade, and a look for the key in its answer's head, in each refusal, message and close so far."""
    places: dict[str, str] = {}
    if bench.facts.opened is not None:
        try:
            head = (await stages.accepted_head(bench.plan, bench.clock)).decode("latin-1")
        except ConnectError:
            head = ""  # refused by now; what it said before is in the recording
        secrets = [one for one in bench.plan.secrets if len(one) > 3]
        lines = [line for line in head.split("\r\n") if any(one in line for one in secrets)]
        places |= {line.partition(":")[0]: "" for line in lines}
    for number, record in enumerate(
        map(bench.inspector.recording.record, range(len(bench.inspector.recording)))
    ):
        if _holds_key(record):
            places.setdefault(_PLACES[record.kind], f" (#{number})")
    if not places:
        return passed("no answer so far holds it")
    said = ", ".join(f"{place}{where}" for place, where in places.items())
    return failed(f"the key comes back in {said}", "Do not echo what was sent; it ends in logs and traces.")


_PLACES = {
    Kind.REFUSED: "the answer to an upgrade",
    Kind.TEXT: "a message",
    Kind.BINARY: "a message",
    Kind.CLOSE: "the reason of a close",
}


def _holds_key(record: Record) -> bool:
    """Whether the exact key was masked in what the server has said."""
    if record.kind not in _PLACES or not (
        record.direction is Direction.SERVER or record.kind is Kind.REFUSED
    ):
        return False
    masked = str(record.meta.get("masked", "")).replace(" ", "").split(",")
    if record.kind is not Kind.REFUSED:
        return "key" in masked
    # a server that masks what it quotes leaves a part of it beside the stars
    return (
        any(name not in _COOKIES for name in masked if name)
        and _WHOLLY_MASKED.search(record.payload) is not None
    )


_COOKIES = ("cookie", "set-cookie")
_WHOLLY_MASKED = re.compile(rb"(?<![\w*.-])\*\*\*(?![\w*])")


@check(
    "G06",
    "answers of another key",
    Cost.INTRUSIVE,
    needs=_REACHED,
    turns=2,
    tokens=SHORT_TURN_TOKENS + NEXT_TURN_TOKENS,
)
async def ownership(bench: Bench) -> Verdict:
    """A word is stored with one key; with a second key, somebody asks for it."""
    if not bench.second_key:
        return skipped("needs a second key (--second-key-env NAME)")
    bench.inspector.add_secret(bench.second_key.reveal())
    async with bench.open() as bout:
        first = await bout.ask(bench.frame(f"Remember the word {_PASSWORD}. Say ready.", store=True))
    if not first.response_id:
        return skipped("no response was made to ask about")
    question = bench.frame("Which word did I give you? Say only the word.", parent=first.response_id)
    try:
        async with bench.open(**{**_without_login(bench), "key": bench.second_key}) as bout:
            other = await bout.ask(question)
    except ConnectError as error:
        return skipped(f"the second key does not get in: {error.detail}")
    if other.response is not None and _PASSWORD in other.response.text:
        return failed(
            f"a second key continued {first.response_id} and was told the word",
            "Critical: one key reads what another wrote. Check on the socket, too, who owns a response.",
        )
    code = other.failure.code if other.failure is not None else ""
    if code in ("previous_response_not_found", "forbidden", "permission_denied"):
        return passed(f"refused: {code}")
    return warned(
        f"not refused as not found: {code or other.status}", "Refuse it as previous_response_not_found."
    )


@check(
    "G07", "models of a restricted key", Cost.INTRUSIVE, needs=_REACHED, turns=2, tokens=2 * SHORT_TURN_TOKENS
)
async def model_rule(bench: Bench) -> Verdict:
    """On one socket: a turn with an allowed model, then one with a model that this key must not use."""
    if not bench.forbidden_model:
        return skipped("needs the name of a model that this key must not use (--forbidden-model NAME)")
    async with bench.open() as bout:
        await bout.ask(bench.frame())
        create = bench.create().model_copy(update={"model": bench.forbidden_model})
        second = await bout.ask(bench.framed(create))
    if second.responses and second.failure is None:
        return failed(
            f"{bench.forbidden_model} answered as the second turn",
            "The model allow-list is checked only once: check it for every create.",
        )
    return passed(f"refused: {second.failure.code if second.failure is not None else second.status}")


@check("G08", "what errors tell", Cost.FREE, needs=("B07",), findings=("internals-leak",))
async def error_leakage(bench: Bench) -> Verdict:
    """Reads all messages of this run for paths, addresses and traces; sends nothing."""
    told_before = bench.facts.notes.get("leaks", ())  # C12 has told the errors'
    known = {one.evidence for one in told_before}
    leaks = (one for one in bench.inspector.findings if one.id == "internals-leak")
    later = [one for one in leaks if one.evidence not in known]
    if told_before and not later:
        return skipped("follows from C12: nothing beyond the errors that it tells")
    frames = sum(one.frames_in for one in bench.inspector.sessions.sessions.values())
    if not frames:
        return told("no message has come")
    said = "1 message" if frames == 1 else f"{frames} messages"
    return judged(later, ("internals-leak",), f"no internals in the {said} of this run")


@check("G09", "our own recording", Cost.LOCAL, is_last=True)
async def own_recording(bench: Bench) -> Verdict:
    """Scans the recording of this run for the key, Authorization and the like; sends nothing."""
    recording = bench.inspector.recording
    secrets = [one.encode() for one in bench.secrets if len(one) > 3]
    for number in range(len(recording)):
        line = recording.line(number)
        payload = recording.record(number).payload
        if any(one in line or one in payload for one in secrets) or _AUTHORIZATION.search(payload):
            return failed(
                f"record #{number} holds a credential",
                "Do not pass this recording on, and tell the makers of this program.",
                Who.CLIENT,
            )
    return passed(f"{len(recording)} records, no credential among them")


_WORDS = {"in": "accepted", "refused": "refused", "late": "accepted, then refused"}


async def _way_in(bench: Bench, **changes: Any) -> str:
    """How far one gets: refused at the upgrade, refused late, or in."""
    # what is no JSON begins no turn, where a create on a parent that nobody made might
    text = parentless(bench) if knows_refusal(bench) else "{"
    is_open = False
    try:
        async with bench.open(**changes) as bout:
            is_open = True
            events = await bout.say(text, seconds=REFUSAL_SECONDS)
            return "late" if _is_turned_away(bout, len(events)) or _is_denied(events) else "in"
    except ConnectError:
        return "late" if is_open else "refused"


async def _is_refused_later(bench: Bench, **changes: Any) -> bool:
    """Whether a create that needs no parent is refused for its key: a server may ask for a parent first.

    Its model is one that nobody has, so that a server that takes any key generates nothing for it.
    """
    create = bench.create(SHORT_PROMPT).model_copy(update={"model": NO_MODEL})
    try:
        async with bench.open(**changes) as bout:
            one = await asked(bench, bout, bench.framed(create))
            return not one.turn.responses and _is_denied(heard(bout))
    except ConnectError:
        return False


def _is_turned_away(bout: Bout, events: int) -> bool:
    return bout.is_over and not events


def _is_denied(events: Any) -> bool:
    reply = reply_in(events)
    return not reply.created and any(
        one.status in (401, 403) or one.code in _DENIALS or one.type == "authentication_error"
        for one in reply.errors
    )


_DENIALS = ("invalid_api_key", "unauthorized", "forbidden", "authentication_error", "permission_denied")


def _judged_entry(bench: Bench, way_in: str, how: str, remedy: str) -> Verdict:
    if way_in == "refused":
        return passed(f"refused {how}")
    if way_in == "late":
        return warned(
            f"{how} the upgrade is accepted, the first create refused",
            "Refuse with 401 before the upgrade, so that clients see the cause.",
        )
    if bench.plan.endpoint.is_loopback:
        return told(f"accepted {how}; it is on this machine only")
    return failed(f"accepted {how}", remedy)


def _without_login(bench: Bench) -> dict[str, Any]:
    return {
        "key": NO_SECRET,
        "headers": bench.headers_without_login(),
        "endpoint": replace(bench.plan.endpoint, userinfo=None),
    }


CHECKS = (
    no_key,
    wrong_key,
    foreign_origin,
    key_in_query,
    key_echo,
    ownership,
    model_rule,
    error_leakage,
    own_recording,
)
