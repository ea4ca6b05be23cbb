"""Group E: whether an answer can be continued, by whom, how long, and what that costs.

Its one rule: what is carried is shown by a word that only the first turn was told; an answer without it has
lost its context, whatever its ids say.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from sessions import facts
from sessions.contract import PARENT_NOT_FOUND
from sessions.doctor.bench import Bench, Bout
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Check, Cost, check
from sessions.doctor.probes import (
    BUSY,
    NEXT_TURN_TOKENS,
    SHORT_PROMPT,
    SHORT_TURN_TOKENS,
    WARM_TOKENS,
    Asked,
    asked,
    catalogued,
    end_words,
    failure_words,
    findings_of,
    is_refusal,
)
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.doctor.turns import answer_of_call, ends_badly, has_late_events, one_turn_only
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.session import Failure

_BAD_TURN = "the short turn of D01 did not end well"
_CHANGED_IDS = "follows from D10: the id of a response changes within its turn, and is refused as a parent"
_RECALL = "What is the code word I told you? Answer in one word."
_INSTRUCTIONS = "Be terse."
_LOST = ("stored-parent-lost",)
_SOCKETS = 8
_FURTHER_SOCKETS = 3
#: a turn on top of two others; a warm-up there reads as much
_THIRD_TURN_TOKENS = NEXT_TURN_TOKENS + SHORT_TURN_TOKENS
_CHAIN_TOKENS = SHORT_TURN_TOKENS + NEXT_TURN_TOKENS + 2 * _THIRD_TURN_TOKENS
_IGNORED = "follows from C01: previous_response_id is ignored"
#: a second turn that has its first one sent twice has more than this many times the tokens that it needs
_DOUBLED = 1.5


@check("E10", "a warm-up", Cost.TURNS, needs=("D01",), turns=2, tokens=2 * SHORT_TURN_TOKENS,
       findings=("warmup-generated",))  # fmt: skip
async def warm_up(bench: Bench) -> Verdict:
    """generate: false, and then a short turn on its id."""
    if reason := _unfit(bench):
        return skipped(reason)
    async with bench.open() as bout:
        warm = await asked(
            bench, bout, bench.frame("", generate=False, instructions=_INSTRUCTIONS, **_unstored(bench))
        )
        if not warm.is_well:
            bench.capabilities["warm-up"] = "no"
            said = f"generate: false is refused: {warm.words}"
            remedy = "Clients that warm up fall back to HTTP: accept it, and generate nothing."
            return failed(said, remedy) if bench.rules.needs_warm_up else told(said, remedy)
        verdict = flaw_of_warm_up(bench, warm)
        if verdict is not None:
            bench.capabilities["warm-up"] = "ignored"
            return verdict
        text = bench.frame(SHORT_PROMPT, parent=warm.response_id, **_unstored(bench))
        turn = await asked(bench, bout, text, "warmed")
    if not turn.is_well:
        bench.capabilities["warm-up"] = "not chainable"
        if reason := _reason(bench, turn):
            return skipped(reason)
        return failed(
            f"the id of the warm-up cannot be continued: {turn.words}",
            "generate: false is faked: give an id that can be a parent, or refuse it.",
        )
    bench.capabilities["warm-up"] = "yes"
    return passed(f"{_usage_words(warm)}; its id can be continued")


@check("E01", "a chain on one socket, not stored", Cost.TURNS, needs=("D01",), turns=5, tokens=_CHAIN_TOKENS,
       at_risk=_THIRD_TURN_TOKENS, findings=("parent-not-echoed",))  # fmt: skip
async def same_socket(bench: Bench) -> Verdict:
    """Tells a word and asks for it on the same socket, not stored; then what E11 and E06 look at."""
    if reason := _unfit(bench):
        return skipped(reason)
    if bench.profile.stores == "always":
        return skipped(f"{bench.profile.name} stores every response")
    notes = bench.facts.notes
    digits = str(secrets.randbelow(9000) + 1000)
    async with bench.open() as bout:
        prompt = f"Remember the code word: heron{digits}. Say only: ok"
        first = await asked(bench, bout, bench.frame(prompt, store=False), "told")
        if first.is_busy:
            return skipped(BUSY)
        if not first.is_well or not first.response_id:
            return failed(f"the first turn failed: {first.words}", "See D01.")
        if bout.is_over:
            return failed(f"after one turn {end_words(bout)}", "Keep the socket open between turns.")
        text = bench.frame(_RECALL, parent=first.response_id, store=False)
        second = await asked(bench, bout, text, "recalled")
        notes["unstored"] = second.response_id or first.response_id
        if second.is_well and not bout.is_over:
            await _late_warm_up(bench, bout, second)
        if second.is_well and not bout.is_over:
            notes["eviction"] = await _eviction(bench, bout, notes["unstored"])
    if not second.is_well:
        if reason := _reason(bench, second):
            return skipped(reason)
        bench.capabilities["chain"] = "none without store"
        return failed(
            f"the continuation was refused: {second.words}",
            "No connection-local cache: chains without store, as zero retention needs them, fail here.",
        )
    notes["chain"] = (first, second, digits)
    bench.capabilities["chain"] = "on its socket"
    return judged(findings_of(bench, (second.turn.session,)), same_socket.findings, "continued")


async def _late_warm_up(bench: Bench, bout: Bout, turn: Asked) -> None:
    """A warm-up after a turn, where warm-ups are known to be free."""
    if bench.capabilities.get("warm-up") != "yes":
        return
    text = bench.frame("", parent=turn.response_id, store=False, generate=False)
    late = await asked(bench, bout, text)
    if late.is_well:
        bench.facts.notes["unstored"] = late.response_id
        verdict = flaw_of_warm_up(bench, late) or passed(_usage_words(late))
    else:
        verdict = told(f"later on generate: false is refused: {late.words}")
    bench.facts.notes["late_warm_up"] = verdict


async def _eviction(bench: Bench, bout: Bout, parent: str) -> Verdict:
    """A continuation that must fail, and then another one of the same parent."""
    output = {"type": "function_call_output", "call_id": "call_nobody_made", "output": "nothing"}
    bad = await asked(bench, bout, bench.frame("", parent=parent, store=False, answers=(output,)))
    if bad.turn.failure is None:
        return told("an output without its call is accepted, so that nothing could fail")
    if bout.is_over:
        return told(f"the socket did not outlive the failure: {end_words(bout)}")
    generate = bench.capabilities.get("warm-up") != "yes"
    again = await asked(bench, bout, bench.frame(SHORT_PROMPT, parent=parent, store=False, generate=generate))
    if again.silence or bout.is_over:
        return told("the socket did not outlive the failure")
    if again.turn.failure is not None:
        return passed(failure_words(again.turn.failure))
    if bench.rules.must_evict:
        return catalogued("no-eviction", "")._replace(outcome=Outcome.FAIL)
    return catalogued("no-eviction", "", at_most=Outcome.INFO)


@check("E11", "a warm-up later on", Cost.TURNS, needs=("E01",), findings=("warmup-generated",))
async def late_warm_up(bench: Bench) -> Verdict:
    """Looks at the warm-up after the turns of E01; sends nothing."""
    verdict = bench.facts.notes.get("late_warm_up")
    return verdict if isinstance(verdict, Verdict) else skipped("no warm-up that is known to be free")


@check("E02", "the context is carried", Cost.TURNS, needs=("E01",), findings=("context-lost",))
async def context_carried(bench: Bench) -> Verdict:
    """Looks for the word in the second answer of E01; sends nothing."""
    chain = bench.facts.notes.get("chain")
    if chain is None:
        return skipped("E01 has made no chain")
    _, second, word = chain
    return _recalled(bench, second, word)


@check("E03", "not stored, another socket", Cost.FREE, needs=("E01",), turns=1, at_risk=_THIRD_TURN_TOKENS,
       findings=("unstored-parent-used", "parent-error-masked"))  # fmt: skip
async def other_socket(bench: Bench) -> Verdict:
    """Continues the chain of E01 on a new socket, as a warm-up, which is to be refused."""
    parent = bench.facts.notes.get("unstored")
    if not parent:
        return skipped("E01 has made no chain")
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.frame(parent=parent, store=False, generate=False))
        found = findings_of(bench, (bout.session.number,))
    if one.turn.failure is not None and one.turn.failure.code == PARENT_NOT_FOUND:
        return passed(failure_words(one.turn.failure))
    if one.turn.responses and one.turn.failure is None:
        first: Asked = bench.facts.notes["chain"][0] if "chain" in bench.facts.notes else one
        if first.turn.response is not None and first.turn.response.store:
            return told("it is continued: the server has stored it all the same")
        return failed(
            "an answer that was not stored was continued on another socket",
            "State leaks beyond the socket: keep what is not stored with its connection.",
        )._replace(findings=("unstored-parent-used",))
    if one.turn.failure is not None and _is_told_alike(bench, one.turn.failure):
        said = f"refused as an unknown parent is: {failure_words(one.turn.failure)}"
        return told(said, "See C01.") if bench.facts.notes.get("is_masked") else passed(said)
    verdict = judged(found, ("parent-error-masked",))
    if verdict.outcome is not Outcome.PASS:
        return verdict
    return warned(
        f"refused under another code: {one.words}",
        "Answer with previous_response_not_found: clients send the full history only on this one.",
    )


@check("E04", "stored, another socket", Cost.TURNS, needs=("D01",), after=("E10", "E02"),
       turns=1 + _FURTHER_SOCKETS,
       tokens=NEXT_TURN_TOKENS + _FURTHER_SOCKETS * (SHORT_TURN_TOKENS + WARM_TOKENS),
       findings=("context-lost", *_LOST))  # fmt: skip
async def stored(bench: Bench) -> Verdict:
    """Asks on a new socket for the word of D01; where warm-ups are free, continues it on three more."""
    if bench.profile.stores == "never":
        bench.capabilities["store"] = "never"
        return told(f"{bench.profile.name} stores nothing")
    first = bench.facts.turns.get("short")
    if first is None or first.response is None or ends_badly(bench):
        return skipped(_BAD_TURN)
    if bench.capabilities.get("chain") in ("ignored", "context lost"):
        cause = "C01" if bench.capabilities["chain"] == "ignored" else "E02"
        return skipped(f"follows from {cause}: the context of a parent is lost")
    if first.response.store is False:
        bench.capabilities["store"] = "off where nothing is said"
        return told("store is false where nothing was said", "Such responses die with their socket.")
    async with bench.open() as bout:
        text = bench.frame(_RECALL, parent=first.response_id)
        second = await asked(bench, bout, text, "recalled elsewhere")
    if not second.is_well:
        if reason := _reason(bench, second):
            return skipped(reason)
        bench.capabilities["store"] = "lost on another socket"
        bench.facts.notes["refused_elsewhere"] = first.response_id
        return warned(
            f"said to be stored, but refused on a new socket: {second.words}",
            "Persisted chains do not survive reconnects: store where every replica looks.",
        )._replace(findings=_LOST)
    bench.capabilities["store"] = "survives a reconnect"
    bench.facts.notes["stored"] = first.response_id
    verdict = _recalled(bench, second, bench.facts.notes.get("told_digits", ""))
    if verdict.outcome is Outcome.FAIL:
        return verdict
    return await _forgotten_elsewhere(bench, first.response_id) or verdict


async def _forgotten_elsewhere(bench: Bench, parent: str) -> Verdict | None:
    """The verdict where a further socket does not know a stored answer; None where all do.

    One new socket can land on the replica that made the answer. Tries nothing unless warm-ups are free.
    """
    if bench.capabilities.get("warm-up") != "yes":
        return None
    for number in range(_FURTHER_SOCKETS):
        async with bench.open() as bout:
            one = await asked(bench, bout, bench.frame("", parent=parent, generate=False))
        if not one.is_well:
            bench.capabilities["store"] = "lost on some sockets"
            return warned(
                f"continued on {number + 1} of {number + 2} new sockets, refused on the last: {one.words}",
                "State is per replica: share the store, or route a conversation to one replica.",
            )._replace(findings=_LOST)
    return None


@check("E05", "replicas", Cost.INTRUSIVE, needs=("E04",), turns=_SOCKETS, tokens=_SOCKETS * NEXT_TURN_TOKENS,
       findings=_LOST)  # fmt: skip
async def replicas(bench: Bench) -> Verdict:
    """Continues the stored answer of E04 on eight new sockets, as warm-ups."""
    notes = bench.facts.notes
    parent = notes.get("stored") or notes.get("refused_elsewhere")
    if not parent:
        return skipped("E04 has stored nothing that can be continued")
    well = 0
    for _ in range(_SOCKETS):
        async with bench.open() as bout:
            one = await asked(bench, bout, bench.frame(parent=parent, generate=False))
            well += one.is_well
    if well == _SOCKETS:
        return passed(f"{well} of {_SOCKETS}")
    if not well:
        return skipped("follows from E04: no new socket knows it")
    return failed(
        f"{well} of {_SOCKETS} new sockets know it",
        "State is per replica: share the store, or route a conversation to one replica.",
    )._replace(findings=_LOST)


@check("E06", "forgotten after a failure", Cost.TURNS, needs=("E01",), findings=("no-eviction",))
async def eviction(bench: Bench) -> Verdict:
    """Looks at the failed continuation that ended E01, and at the one after it; sends nothing."""
    verdict = bench.facts.notes.get("eviction")
    return verdict if isinstance(verdict, Verdict) else skipped("E01 did not come so far")


@check("E07", "a tool, there and back", Cost.TURNS, needs=("D15",),
       findings=("call-lost", "output-missing", "history-doubled"))  # fmt: skip
async def tool_round_trip(bench: Bench) -> Verdict:
    """Looks at the answer to the output that D15 has sent; sends nothing."""
    answer, level = answer_of_call(bench)
    if answer is None:
        return skipped("D15 had no call to answer")
    chain = bench.capabilities.get("chain")
    if chain == "ignored":
        return skipped(_IGNORED)
    if chain == "context lost" or (chain == "none without store" and not answer.is_well):
        return skipped(f"follows from {'E02' if chain == 'context lost' else 'E01'}: the context is lost")
    verdict = judged(findings_of(bench, (answer.turn.session,)), tool_round_trip.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    if not answer.is_well:
        if reason := _reason(bench, answer):
            return skipped(reason)
        return failed(
            f"the output was refused: {answer.words}",
            "History is lost or sent twice: keep the call with its response, and pass the output on once.",
        )
    if level not in answer.text.replace(",", ""):
        return told(f"it answered, though not with what the tool said: {answer.text[:80]!r}")
    return passed(answer.text[:100])


@check("E08", "what a continuation costs", Cost.TURNS, needs=("E01",))
async def incremental(bench: Bench) -> Verdict:
    """Compares the input tokens of the two turns of E01; sends nothing."""
    chain = bench.facts.notes.get("chain")
    if chain is None:
        return skipped("E01 has made no chain")
    first, second, _ = chain
    one = first.turn.response.usage if first.turn.response else None
    two = second.turn.response.usage if second.turn.response else None
    if one is None or two is None or not one.input_tokens or not two.input_tokens:
        return told("the server does not say")
    needed = 2 * one.input_tokens + (one.output_tokens or 0)
    said = f"{one.input_tokens} tokens in, then {two.input_tokens}; cached {two.cached_tokens or 0}"
    if two.input_tokens > _DOUBLED * needed:
        return warned(said, "More than the history was sent upstream: look whether it is sent twice.")
    return told(said)


@check("E09", "instructions once more", Cost.FREE, needs=("D01",), turns=2, tokens=2 * WARM_TOKENS + 10,
       at_risk=2 * LEAST_OUTPUT_TOKENS)  # fmt: skip
async def instructions(bench: Bench) -> Verdict:
    """A warm-up with instructions, and a continuation of it with the same ones, as a warm-up."""
    if reason := _unfit(bench):
        return skipped(reason)
    async with bench.open() as bout:
        fields: dict[str, Any] = {"store": False, "generate": False, "instructions": _INSTRUCTIONS}
        first = await asked(bench, bout, bench.frame("", **fields))
        if not first.is_well or not first.response_id:
            return skipped(f"no warm-up here: {first.words}")
        second = await asked(bench, bout, bench.frame("", parent=first.response_id, **fields))
        if second.is_well:
            return passed("a continuation may repeat them")
        if bout.is_over:
            return told(f"refused, and then {end_words(bout)}")
    return told(f"refused: {second.words}", "Drop instructions on continuations here.")


@check(
    "E12", "a chain over HTTP", Cost.TURNS, needs=("E04",), turns=1, tokens=NEXT_TURN_TOKENS, is_minor=True
)
async def over_http(bench: Bench) -> Verdict:
    """One POST that continues the stored answer of E04."""
    if not bench.is_deep:
        return skipped("only with --deep: it costs one more turn")
    parent = bench.facts.notes.get("stored")
    if not parent:
        return skipped("E04 has stored nothing that can be continued")
    body = json.loads(bench.frame(_RECALL, parent=parent, shape="flat"))
    del body["type"]
    try:
        answer = await bench.http("POST", "", json.dumps(body))
    except ConnectError as error:
        return told(f"a POST is not answered: {error.detail}", "Here chains work on the WebSocket only.")
    if answer.status == 200:
        _spend(bench, answer.body)
        return told("chains work over HTTP too")
    return told(
        f"HTTP answers {answer.status}: {answer.body[:120]}", "Here chains work on the WebSocket only."
    )


@check("E13", "compaction", Cost.FREE, needs=("B07",))
async def compaction(bench: Bench) -> Verdict:
    """One POST to responses/compact with an empty object."""
    try:
        answer = await bench.http("POST", "responses/compact", "{}")
    except ConnectError as error:
        return told(f"a POST is not answered: {error.detail}")
    has_it = answer.status in (400, 422)
    bench.capabilities["compact"] = "yes" if has_it else "no"
    return told(f"HTTP {answer.status}: {'it is there' if has_it else 'not here'}")


@check("E14", "a new chain from what was compacted", Cost.TURNS, needs=("D01",), after=("E13",), turns=2,
       tokens=SHORT_TURN_TOKENS + NEXT_TURN_TOKENS)  # fmt: skip
async def from_compacted(bench: Bench) -> Verdict:
    """One POST to responses/compact with a word in it, and a turn on what comes back, without a parent."""
    if not bench.is_deep:
        return skipped("only with --deep: it costs one more turn")
    if bench.capabilities.get("compact") != "yes":
        return skipped("E13 has found no compaction here")
    word = f"heron{secrets.randbelow(9000) + 1000}"
    told_word = _message("user", f"Remember the code word: {word}. Say only: ok")
    asked_for = {"model": bench.model, "input": [told_word, _message("assistant", "ok")]}
    answer = await bench.http("POST", "responses/compact", json.dumps(asked_for))
    _spend(bench, answer.body)
    items = _items_of(answer.body)
    if answer.status != 200 or not items:
        return warned(
            f"HTTP {answer.status} without items: {answer.body[:120]}",
            "Answer with the items that a new chain begins with, in output.",
        )
    create = json.loads(bench.frame("", shape="flat"))
    create["input"] = [*items, _message("user", _RECALL)]
    async with bench.open() as bout:
        one = await asked(bench, bout, json.dumps(create), "compacted")
    if not one.is_well:
        return failed(
            f"a create on {len(items)} compacted items was refused: {one.words}",
            "Take the items of a compaction as input, untouched and without previous_response_id.",
        )
    if word not in one.text:
        return told(f"it is continued, but it should say {word}, and says {one.text[:80]!r}")
    return passed(f"{len(items)} items; it said {word}")


def _message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _items_of(body: str) -> list[Any]:
    """The items in the answer to a compaction; none when it is something else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = value.get("output") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _unfit(bench: Bench) -> str:
    """Why no chain can be tried here, "" where one can."""
    if ends_badly(bench):
        return _BAD_TURN
    if reason := one_turn_only(bench):
        return reason
    return _IGNORED if bench.capabilities.get("chain") == "ignored" else ""


def _reason(bench: Bench, refused: Asked) -> str:
    """What else has made a continuation fail, "" where nothing is known."""
    if refused.is_busy:
        return BUSY
    return _CHANGED_IDS if _ids_change(bench) else ""


def _is_told_alike(bench: Bench, failure: Failure) -> bool:
    """Whether a parent is refused as C01's was: by the same code, and by its id or the same words."""
    known = bench.facts.notes.get("refusal")
    if is_refusal(bench, failure):
        return True
    return known is not None and known.code == failure.code and "not found" in failure.message.lower()


def _ids_change(bench: Bench) -> bool:
    """Whether an id was seen to change in this run, so that a refused parent says nothing more."""
    return any(one.id == "id-changed" for one in bench.inspector.findings)


def _unstored(bench: Bench) -> dict[str, Any]:
    """The fields of a create that nobody needs to keep."""
    return {} if bench.profile.stores == "always" else {"store": False}


def _recalled(bench: Bench, second: Asked, word: str) -> Verdict:
    """Whether the second answer knows the word of the first turn."""
    if word in second.text:
        return passed(f"it said {word}")
    response = second.turn.response
    used = response.usage.output_tokens if response is not None and response.usage is not None else None
    if not second.text and (used is None or used >= LEAST_OUTPUT_TOKENS):
        return told("no text came within sixteen tokens: the model was still thinking")
    if bench.facts.notes.get("says_back") is False:
        return warned(
            f"it should say {word}, and says {second.text[:80]!r}; but it said back nothing in D01 either",
            "Look at the answers: this model may not do as it is told, or the hop changes what it is told.",
        )
    bench.capabilities["chain"] = "context lost"
    return catalogued("context-lost", f"it should say {word}, and says {second.text[:80]!r}")


def flaw_of_warm_up(bench: Bench, warm: Asked) -> Verdict | None:
    """What is wrong with a warm-up; None when nothing is."""
    if has_late_events(bench):
        return None  # what came may be an earlier answer's
    verdict = judged(findings_of(bench, (warm.turn.session,)), ("warmup-generated",))
    if verdict.outcome is not Outcome.PASS:
        return verdict
    response = warm.turn.response
    usage = response.usage if response is not None else None
    if usage is not None and usage.output_tokens:
        return failed(
            f"generate: false was ignored: {usage.output_tokens} output tokens are billed",
            "Generate nothing for generate: false.",
        )._replace(findings=("warmup-generated",))
    if not warm.response_id:
        return failed("a warm-up has no id", "Give it an id that can be a parent.", Who.PROXY)
    return None


def _usage_words(one: Asked) -> str:
    usage = one.turn.response.usage if one.turn.response is not None else None
    if usage is None:
        return "nothing generated, usage not told"
    return f"nothing generated, {usage.input_tokens or 0} tokens in"


def _spend(bench: Bench, body: str) -> None:
    try:
        value = json.loads(body)
    except ValueError:
        return
    usage = facts.usage(value.get("usage")) if isinstance(value, dict) else None
    if usage is not None:
        bench.spend((usage.input_tokens or 0) + (usage.output_tokens or 0))


CHECKS: tuple[Check, ...] = (
    warm_up,
    same_socket,
    late_warm_up,
    context_carried,
    other_socket,
    stored,
    replicas,
    eviction,
    tool_round_trip,
    incremental,
    instructions,
    over_http,
    compaction,
    from_compacted,
)
