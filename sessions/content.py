"""What a response is made of: items, parts and texts, from the events that carry no response id.

Such an event belongs to the open response of its lane. Deltas are appended; a done value, which is
authoritative, confirms or replaces them. Nothing here ends a response.
"""

from __future__ import annotations

from sessions import facts
from sessions.changes import What
from sessions.contract import CONTENT, DELTAS, DONES, Family, Fragment
from sessions.events import Event
from sessions.lifecycle import begin, move
from sessions.outputs import add_item, item_in, item_of, next_index, register
from sessions.session import Lane, Response
from sessions.state import Step

_ITEM_TYPES = {
    "output_text": "message",
    "refusal": "message",
    "reasoning_text": "reasoning",
    "summary_text": "reasoning",
    "arguments": "function_call",
    "input": "custom_tool_call",
    "code": "code_interpreter_call",
    "command": "shell_call",
    "output": "shell_call_output",
    "diff": "apply_patch_call",
    "transcript": "message",
}


def content(step: Step, event: Event, kind: Family) -> None:
    """Take an event of an item, a part, a text or a hosted tool."""
    response = _response(step, event)
    if response is None:
        step.irregular("it belongs to no response")
        return
    step.turn = response.turn
    if response.status.is_over:
        step.irregular(f"{event.type} after the end", response)
    else:
        move(step, response, CONTENT)
        step.state.turns[response.turn - 1].status = response.status
    response.sequence_number = event.sequence_number
    match kind:
        case Family.ITEM:
            _item(step, response, event)
        case Family.PART:
            _part(step, response, event)
        case Family.DELTA:
            _delta(step, response, event)
        case Family.DONE:
            _done(step, response, event)
        case Family.ANNOTATION:
            item = item_of(step, response, event)
            index = facts.number(event.body.get("content_index")) or 0
            annotation = event.body.get("annotation")
            item.part("output_text", index).annotations.append(
                annotation if isinstance(annotation, dict) else {}
            )
            step.emit(What.ITEM, "annotation", response, item)
        case Family.IMAGE:
            item = item_of(step, response, event)
            item.images += 1
            item.progress = f"partial image {item.images}"
            step.emit(What.ITEM, item.progress, response, item)
        case _:
            item = item_of(step, response, event)
            _, tool, word = event.type.split(".", 2)
            item.progress = word.replace("_", " ")
            item.type = item.type or tool
            step.emit(What.ITEM, item.progress, response, item)


def _response(step: Step, event: Event) -> Response | None:
    lane = step.lane_of(event)
    if lane.open is not None:
        return lane.open
    for busy in step.session.busy if event.item_id and event.stream_id is None else ():
        if busy.open is not None and event.item_id in busy.open.by_id:
            step.irregular("the lane was not echoed", busy.open)
            return busy.open
    if (old := _left_behind(lane, event)) is not None:
        return old
    if lane.waiting:
        response = begin(step, lane, "", {})
        response.status = step.state.turns[response.turn - 1].status
        step.irregular("no response.created before it", response)
        return response
    return lane.settled.response if lane.settled else None


def _left_behind(lane: Lane, event: Event) -> Response | None:
    """The ended response whose item an event goes on with, although another turn waits; None: it has none."""
    old = lane.settled.response if lane.settled else None
    body = event.body.get("item")
    item_id = event.item_id or (facts.word(body.get("id")) if isinstance(body, dict) else "")
    item = old.by_id.get(item_id) if old is not None and item_id else None
    if item is None or not item.is_announced or event.type == "response.output_item.added":
        return None
    return old


def _item(step: Step, response: Response, event: Event) -> None:
    body = event.body.get("item")
    body = body if isinstance(body, dict) else {}
    index = facts.number(event.body.get("output_index"))
    is_done = event.type == "response.output_item.done"
    item = item_in(step, response, body, index)
    if item is None:
        item_id = facts.word(body.get("id"))
        item = add_item(response, item_id, next_index(response) if index is None else index)
        # a request for approval comes whole: the official sequence has only its `done`
        if is_done and body.get("type") != "mcp_approval_request":
            step.irregular("the item was not announced", response)
    elif not is_done and item.is_announced:
        step.irregular("the item was announced twice", response)
    elif is_done and item.done >= 0:
        step.irregular("the item was done twice", response)
    if is_done:
        item.done = step.record
    else:
        item.is_announced = True
        item.added = step.record
    if response.first_item < 0:
        response.first_item = step.at
    call_id = facts.word(body.get("call_id"))
    if call_id and item.call_id and call_id != item.call_id:
        step.irregular("the call's id changed", response)
    differs = item.read(body, step.record, step.size)
    register(step, item)
    step.emit(What.ITEM, "done" if is_done else "added", response, item)
    if differs:
        step.emit(What.REPLACED, "the finished item differs from its deltas", response, item)


def _part(step: Step, response: Response, event: Event) -> None:
    item = item_of(step, response, event)
    body = event.body.get("part")
    body = body if isinstance(body, dict) else {}
    is_summary = "summary" in event.type
    slot = "summary_text" if is_summary else facts.word(body.get("type")) or "output_text"
    index = facts.number(event.body.get("summary_index" if is_summary else "content_index")) or 0
    part = item.part(slot, index)
    value = facts.word(body.get("refusal" if slot == "refusal" else "text"))
    had = bool(part.text)
    if event.type.endswith("done"):
        part.is_done = True
        if (value or not had) and part.text.settle(value, step.record) and had:
            step.emit(What.REPLACED, "the finished part differs from its deltas", response, item)
    elif value and not had:
        part.text.append(value, step.record)
    step.emit(What.ITEM, "part", response, item)


def _delta(step: Step, response: Response, event: Event) -> None:
    fragment = DELTAS.get(event.type)
    item = item_of(step, response, event)
    if fragment is None:  # audio: bytes that no terminal plays
        item.type = item.type or "audio"
        step.emit(What.ITEM, "audio", response, item)
        return
    item.type = item.type or _ITEM_TYPES.get(fragment.slot, "message")
    part = item.part(fragment.slot, _index(event, fragment))
    if event.type.endswith(".added") and part.text:
        step.emit(What.ITEM, "part", response, item)
        return
    if part.is_done:
        # the done value is authoritative; the record keeps what came too late
        step.irregular(f"{event.type} after its done value", response)
        return
    part.text.append(_words(event.body.get(fragment.field)), step.record)
    response.deltas += 1
    response.last_token = step.at
    if response.first_token < 0:
        response.first_token = step.at
    if response.first_text < 0 and fragment.slot == "output_text":
        response.first_text = step.at
    step.emit(What.TEXT, "", response, item)


def _done(step: Step, response: Response, event: Event) -> None:
    fragment = DONES.get(event.type)
    item = item_of(step, response, event)
    if fragment is None:
        step.emit(What.ITEM, "audio done", response, item)
        return
    item.type = item.type or _ITEM_TYPES.get(fragment.slot, "message")
    part = item.part(fragment.slot, _index(event, fragment))
    part.is_done = True
    value = event.body.get(fragment.field)
    if fragment.field and value is not None:
        had = bool(part.text)
        if part.text.settle(_words(value), step.record) and had:
            step.emit(What.REPLACED, "the done value differs from its deltas", response, item)
    if fragment.slot == "arguments":
        item.name = facts.word(event.body.get("name")) or item.name
    step.emit(What.ITEM, "text done", response, item)


def _index(event: Event, fragment: Fragment) -> int:
    return (facts.number(event.body.get(fragment.index_field)) or 0) if fragment.index_field else 0


def _words(value: object) -> str:
    """The text of a delta or done value: a string, a shell's two streams, or a list of either."""
    if isinstance(value, list):
        return "".join(_piece(one) for one in value)
    return _piece(value)


def _piece(value: object) -> str:
    if isinstance(value, dict):
        return facts.word(value.get("stdout")) + facts.word(value.get("stderr"))
    return facts.word(value)
