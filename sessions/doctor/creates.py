"""Group C, creates that cannot be carried out: their model, their shape, or a field of them is wrong.

Its one rule: each is the create of C01 with one thing changed, or generates nothing.
"""

from __future__ import annotations

import json

from sessions.contract import PARENT_NOT_FOUND
from sessions.conversation import Silence
from sessions.doctor.aftermath import ALL_REMAIN, ended
from sessions.doctor.bench import Bench
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Cost, check
from sessions.doctor.probes import (
    NO_MODEL,
    NO_REFUSAL,
    NOBODYS_ID,
    SHORT_TURN_TOKENS,
    asked,
    catalogued,
    end_words,
    failure_words,
    heard,
    is_refusal,
    knows_refusal,
    parentless,
    reply_in,
)
from sessions.doctor.result import Verdict, failed, passed, skipped, told, warned
from sessions.session import Failure


@check("C08", "a model that does not exist", Cost.FREE, needs=("B07", "B19"), after=("D01",), turns=1,
       tokens=SHORT_TURN_TOKENS - LEAST_OUTPUT_TOKENS, at_risk=LEAST_OUTPUT_TOKENS)  # fmt: skip
async def unknown_model(bench: Bench) -> Verdict:
    """A warm-up, which generates nothing, with a model name that nobody has."""
    if bench.facts.notes.get("never_begins") or bench.facts.notes.get("endless_turn"):
        return skipped("follows from D01: no create is answered to its end here")
    create = bench.create(generate=False).model_copy(update={"model": NO_MODEL})
    async with bench.open() as bout:
        one = await asked(bench, bout, bench.framed(create))
        reply = reply_in(heard(bout))
        ending = end_words(bout) if bout.is_over else ""
    if reply.errors and len(reply.errors) + reply.ended > 1:
        bench.facts.notes["told_twice"] = True
        return failed(
            f"one failure is told {len(reply.errors) + reply.ended} times: {reply.words}",
            "Model errors should be one structured error.",
        )._replace(findings=("failure-told-twice",))
    if one.turn.failure is not None:
        said = failure_words(one.turn.failure)
        return ended(bench, "C08", f"{said}; {ending}") if ending else passed(said)
    if reply.created:
        said = f"{NO_MODEL} is accepted{'; then ' + (ending or one.silence) if ending or one.silence else ''}"
        return told(said, "Names of models are mapped, or not looked at before a turn.")
    if ending:
        return failed(
            f"{reply.words}; {ending}", "Model errors should be one structured error on an open socket."
        )
    if one.silence:
        return catalogued("app-silent", f"an unknown model: {one.silence}")
    return told(f"{NO_MODEL} is accepted", "Names of models are mapped, or not looked at before a turn.")


@check(
    "C09", "a create without model or input", Cost.FREE, needs=("B07", "B19"), after=("C01",), is_minor=True
)
async def missing_field(bench: Bench) -> Verdict:
    """The create of C01 twice: without a model, and without input."""
    if not knows_refusal(bench):
        return skipped(NO_REFUSAL)
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
                return failed(f"without {name}: {end_words(bout)}", ALL_REMAIN)
            else:
                said.append(f"without {name}: accepted")
    is_told = "accepted" in said[0] or "not noticed" in said[0]
    return told("; ".join(said)) if is_told else passed("; ".join(said))


@check("C10", "parameters under response", Cost.FREE, needs=("B07", "B19"), after=("C01",), is_minor=True)
async def nested_create(bench: Bench) -> Verdict:
    """The create of C01 in the two shapes: flat, and nested under response."""
    if not knows_refusal(bench):
        return skipped(NO_REFUSAL)
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
        return skipped(NO_REFUSAL)
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


def _is_about_parent(failure: Failure) -> bool:
    """Whether an error speaks of the parent, so that the parameters have been read."""
    said = f"{failure.message} {failure.param}".lower()
    return failure.code == PARENT_NOT_FOUND or NOBODYS_ID in said or "previous" in said
