"""The output of a response: which item an event or object means, and where it stands.

Items are found by id, then by output index, then by being the last; an item that no `added` announced is
made, and the step says so. Texts are not read here.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import Any

from sessions import facts
from sessions.events import Event
from sessions.items import Item
from sessions.session import Response
from sessions.state import Step


def add_item(response: Response, item_id: str, index: int) -> Item:
    """A new item at an output index; the items stay in the order of their indexes."""
    item = Item(item_id, index)
    if response.items and response.items[-1].output_index > index:
        insort(response.items, item, key=lambda one: one.output_index)
    else:
        response.items.append(item)
    response.by_index.setdefault(index, item)
    if item_id:
        response.by_id[item_id] = item
    return item


def next_index(response: Response) -> int:
    """The output index of an item whose server did not say one."""
    return response.items[-1].output_index + 1 if response.items else 0


def item_of(step: Step, response: Response, event: Event) -> Item:
    """The item that an event belongs to; made, as an irregular move, when there is none."""
    item = response.by_id.get(event.item_id) if event.item_id else None
    if item is not None:
        return item
    index = facts.number(event.body.get("output_index"))
    if index is not None and (item := response.by_index.get(index)) is not None:
        _rename(step, response, item, event.item_id or "")
        return item
    if index is None and not event.item_id and response.items:
        return response.items[-1]
    item = add_item(response, event.item_id or "", next_index(response) if index is None else index)
    step.irregular("the item was not announced", response)
    return item


def item_in(step: Step, response: Response, body: Mapping[str, Any], index: int | None) -> Item | None:
    """The item that an item object describes; None when it is new."""
    item_id = facts.word(body.get("id"))
    if item_id and (known := response.by_id.get(item_id)) is not None:
        return known
    if index is not None:
        item = response.by_index.get(index)
    else:
        # a server without indexes: the one that its deltas made, which nobody named or finished
        last = response.items[-1] if response.items else None
        item = last if last is not None and not last.id and last.done < 0 else None
    if item is not None:
        _rename(step, response, item, item_id)
    return item


def register(step: Step, item: Item) -> None:
    """Let a call be found by its answer; a server's own output answers its call."""
    calls = step.state.calls
    if item.is_call:
        calls[item.answer_id] = item
    elif (
        item.type.endswith("_output") and (call := calls.get(item.call_id)) is not None and call.answered < 0
    ):
        call.answered, call.answered_by = step.record, "server"


def take_final(step: Step, response: Response, output: object) -> None:
    """Take the `output` of a terminal event: items that were not finished before are finished by it."""
    for index, body in enumerate(output if isinstance(output, list) else ()):
        if not isinstance(body, dict):
            continue
        item_id = facts.word(body.get("id"))
        item = response.by_id.get(item_id) or response.by_index.get(index)
        if item is None:
            item = add_item(response, item_id, index)
        if item.done < 0:
            item.done = step.record
            item.read(body, step.record, step.size)
            register(step, item)


def _rename(step: Step, response: Response, item: Item, item_id: str) -> None:
    if not item_id:
        return
    if item.id and item.id != item_id:
        step.irregular("the item's id changed", response)
    item.id = item.id or item_id
    response.by_id[item_id] = item
