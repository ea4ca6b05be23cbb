"""Spells an answer as events, in the order in which the API sends them.

Its one rule: a generator that is read lazily, one unit at a time, so that steering, limits and endings that
come up meanwhile are seen. It sends nothing and waits for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sessions.contract import LIFECYCLE
from sessions.wire.scenarios.answer import (
    CustomCall,
    Failure,
    FunctionCall,
    Hosted,
    Loose,
    Reasoning,
    Refusal,
    Step,
    Successor,
    Text,
)
from sessions.wire.scenarios.request import Item
from sessions.wire.scenarios.turn import Turn, count_tokens
from sessions.wire.scenarios.units import Deltas, Pause, Unit

_TOKENS = re.compile(r"\s*\S{1,7}|\s+")
_ARGUMENTS = re.compile(r".{1,6}", re.DOTALL)
#: deltas in one run: steering and the other lanes are looked at between two runs
RUN = 256


def tokens(text: str) -> list[str]:
    """The text cut into pieces that look like a model's."""
    return _TOKENS.findall(text)


def narrate(
    turn: Turn, steps: Iterable[Step], *, think_seconds: float = 0.0, run: int = RUN
) -> Iterator[Unit]:
    """The units of one response; `run` deltas at a time, 1 when they are paced."""
    yield turn.event("response.created", response=turn.resource())
    if not turn.create.generate:
        yield turn.end("completed")
        return
    yield turn.event("response.in_progress", response=turn.resource())
    if think_seconds:
        yield Pause(think_seconds)
    for step in steps:
        if turn.steers or turn.tokens_left() == 0:
            yield turn.end("incomplete", reason="steered" if turn.steers else "max_output_tokens")
            return
        match step:
            case Text():
                yield from _text(turn, step, run)
            case Refusal():
                yield from _refusal(turn, step)
            case Reasoning():
                yield from _reasoning(turn, step)
            case FunctionCall():
                yield from _function_call(turn, step)
            case CustomCall():
                yield from _custom_call(turn, step)
            case Hosted():
                yield from _hosted(turn, step)
            case Loose():
                yield _loose(turn, step.event)
            case Failure():
                yield from fail(turn, step)
                return
            case Successor():
                yield from _succeeded(turn, step)
                return
        if turn.is_over:
            return
    yield turn.end("completed")


def fail(turn: Turn, failure: Failure) -> Iterator[Unit]:
    """The end of a response that went wrong, with an `error` event before it where that is asked for."""
    if failure.says_error_first:
        error = {"type": "server_error", "code": failure.code, "message": failure.message, "param": None}
        yield turn.event("error", error=error)
    yield turn.end("failed", error={"code": failure.code, "message": failure.message})


def _succeeded(turn: Turn, step: Successor) -> Iterator[Unit]:
    turn.successor = step.steps
    if step.failure is not None:
        yield from fail(turn, step.failure)
    elif step.reason:
        yield turn.end("incomplete", reason=step.reason)
    else:
        yield turn.end("completed")
    for event in step.after:
        yield _loose(turn, event)


def _loose(turn: Turn, event: Item) -> Unit:
    fields = {key: value for key, value in event.items() if key != "type"}
    if event["type"] in LIFECYCLE:
        fields["response"] = {**turn.resource(), "status": event["type"].removeprefix("response.")}
    if isinstance(fields.get("steer"), dict):
        fields["steer"] = {"previous_response_id": turn.id, **fields["steer"]}
    if isinstance(fields.get("required_input"), list):
        calls = [item["call_id"] for item in turn.output if item["type"] == "function_call"]
        stubs = zip(fields["required_input"], calls, strict=True)
        fields["required_input"] = [{**stub, "call_id": call_id} for stub, call_id in stubs]
    return turn.event(event["type"], **fields)


def _added(turn: Turn, item: Item) -> Unit:
    return turn.event("response.output_item.added", output_index=len(turn.output), item=item)


def _done(turn: Turn, item: Item) -> Unit:
    index = len(turn.output)
    turn.output.append(item)
    return turn.event("response.output_item.done", output_index=index, item=item)


def _text(turn: Turn, step: Text, run: int) -> Iterator[Unit]:
    item_id = turn.ids.new("msg")
    place = {"item_id": item_id, "output_index": len(turn.output), "content_index": 0}
    message = {"id": item_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    yield _added(turn, message)
    part: Item = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    yield turn.event("response.content_part.added", **place, part=part)
    fragments = step.fragments if step.fragments is not None else tokens(step.text)
    left = turn.tokens_left()
    limit = len(fragments) if left is None else min(left, len(fragments))
    is_cut = limit < len(fragments)
    template = {"type": "response.output_text.delta"}
    if turn.create.lane is not None:
        template["stream_id"] = turn.create.lane
    event = {**template, **place}
    said = 0
    while said < limit:
        piece = fragments[said : min(said + run, limit)]
        turn.spend(len(piece))
        yield Deltas(event, piece, turn.sequence(len(piece)), turn.create.pads_deltas)
        said += len(piece)
        if turn.steers and said < limit and _ends_sentence(piece):
            break
    text = step.text if said == len(fragments) else "".join(fragments[:said])
    annotations: list[Item] = []
    for number, annotation in enumerate(step.annotations if said == len(fragments) else ()):
        annotations.append(annotation)
        yield turn.event(
            "response.output_text.annotation.added", **place, annotation_index=number, annotation=annotation
        )
    yield turn.event("response.output_text.done", **place, text=text, logprobs=[])
    part = {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}
    yield turn.event("response.content_part.done", **place, part=part)
    status = "incomplete" if is_cut and said == limit else "completed"
    yield _done(turn, {**message, "status": status, "content": [part]})
    if said < limit:
        yield turn.end("incomplete", reason="steered")
    elif is_cut:
        yield turn.end("incomplete", reason="max_output_tokens")


def _ends_sentence(fragments: Sequence[str]) -> bool:
    return len(fragments) > 1 or fragments[-1].rstrip().endswith((".", "!", "?", ":", "\n"))


def _refusal(turn: Turn, step: Refusal) -> Iterator[Unit]:
    item_id = turn.ids.new("msg")
    place = {"item_id": item_id, "output_index": len(turn.output), "content_index": 0}
    message = {"id": item_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    yield _added(turn, message)
    yield turn.event("response.content_part.added", **place, part={"type": "refusal", "refusal": ""})
    for fragment in tokens(step.text):
        turn.spend(1)
        yield turn.event("response.refusal.delta", **place, delta=fragment)
    yield turn.event("response.refusal.done", **place, refusal=step.text)
    part = {"type": "refusal", "refusal": step.text}
    yield turn.event("response.content_part.done", **place, part=part)
    yield _done(turn, {**message, "status": "completed", "content": [part]})


def _reasoning(turn: Turn, step: Reasoning) -> Iterator[Unit]:
    item_id = turn.ids.new("rs")
    place = {"item_id": item_id, "output_index": len(turn.output)}
    item: dict[str, object] = {"id": item_id, "type": "reasoning", "summary": []}
    is_sealed = turn.create.is_included("reasoning.encrypted_content")
    yield _added(turn, {**item, "encrypted_content": turn.ids.sealed("partial")} if is_sealed else item)
    turn.spend(step.tokens, is_reasoning=True)
    for index, summary in enumerate(step.summaries):
        spot = {**place, "summary_index": index}
        part = {"type": "summary_text", "text": ""}
        yield turn.event("response.reasoning_summary_part.added", **spot, part=part)
        for fragment in tokens(summary):
            turn.spend(1, is_reasoning=True)
            yield turn.event("response.reasoning_summary_text.delta", **spot, delta=fragment)
        yield turn.event("response.reasoning_summary_text.done", **spot, text=summary)
        part = {"type": "summary_text", "text": summary}
        yield turn.event("response.reasoning_summary_part.done", **spot, part=part)
    item["summary"] = [{"type": "summary_text", "text": summary} for summary in step.summaries]
    if step.text:
        spot = {**place, "content_index": 0}
        part = {"type": "reasoning_text", "text": ""}
        yield turn.event("response.content_part.added", **spot, part=part)
        for fragment in tokens(step.text):
            turn.spend(1, is_reasoning=True)
            yield turn.event("response.reasoning_text.delta", **spot, delta=fragment)
        yield turn.event("response.reasoning_text.done", **spot, text=step.text)
        part = {"type": "reasoning_text", "text": step.text}
        yield turn.event("response.content_part.done", **spot, part=part)
        item["content"] = [part]
    if is_sealed:
        item["encrypted_content"] = turn.ids.sealed(item_id)
    yield _done(turn, item)


def _function_call(turn: Turn, step: FunctionCall) -> Iterator[Unit]:
    item_id = turn.ids.new("fc")
    place = {"item_id": item_id, "output_index": len(turn.output)}
    item: dict[str, object] = {
        "id": item_id,
        "type": "function_call",
        "status": "in_progress",
        "call_id": turn.ids.new("call", 24),
        "name": step.name,
        "arguments": "",
    }
    if step.namespace is not None:
        item["namespace"] = step.namespace
    yield _added(turn, item)
    for fragment in _ARGUMENTS.findall(step.arguments):
        turn.spend(1)
        yield turn.event("response.function_call_arguments.delta", **place, delta=fragment)
    yield turn.event(
        "response.function_call_arguments.done", **place, name=step.name, arguments=step.arguments
    )
    yield _done(turn, {**item, "status": "completed", "arguments": step.arguments})


def _custom_call(turn: Turn, step: CustomCall) -> Iterator[Unit]:
    item_id = turn.ids.new("ctc")
    place = {"item_id": item_id, "output_index": len(turn.output)}
    item = {
        "id": item_id,
        "type": "custom_tool_call",
        "status": "in_progress",
        "call_id": turn.ids.new("call", 24),
        "name": step.name,
        "input": "",
    }
    yield _added(turn, item)
    for fragment in _ARGUMENTS.findall(step.input):
        turn.spend(1)
        yield turn.event("response.custom_tool_call_input.delta", **place, delta=fragment)
    yield turn.event("response.custom_tool_call_input.done", **place, input=step.input)
    yield _done(turn, {**item, "status": "completed", "input": step.input})


def _hosted(turn: Turn, step: Hosted) -> Iterator[Unit]:
    item_id = turn.ids.new(step.prefix)
    ids: dict[str, object] = {"id": item_id}
    if step.call_prefix:
        ids["call_id"] = turn.ids.new(step.call_prefix, 24)
    place = {"item_id": item_id, "output_index": len(turn.output)}
    if step.started:
        yield _added(turn, {**ids, **step.started})
    for move in step.moves:
        fields = {**place, **{key: value for key, value in move.items() if key != "type"}}
        if isinstance(move.get("delta"), str):
            turn.spend(count_tokens(move["delta"]))
        yield turn.event(move["type"], **{key: value for key, value in fields.items() if value is not None})
    yield _done(turn, {**ids, **step.finished})
