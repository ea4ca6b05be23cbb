"""How what was said in one turn differs: items, text, arguments, ids by their form, settings, usage.

Its one rule: a model is free in its words; what is lost on the way is not. So other words are harmless, and
no words against some are breaking. Ids always differ: only their form is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sessions.compare.difference import Difference, Weight, weigh
from sessions.compare.events import listed
from sessions.events import Event, whole
from sessions.moves import Exchange
from sessions.session import Response, Usage
from sessions.shape import Shape

_HEX = re.compile(r"[0-9a-f]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PREFIX = re.compile(r"([A-Za-z]+(?:_[a-z]+)*)[_-]")
_REASONING = "reasoning"
_NEEDED = frozenset({"input_tokens", "output_tokens", "total_tokens"})
_BILLED_AGAIN = 1.5  # times the tokens of the other side's input
_EXCERPT = 200  # characters of a text that a difference quotes


def item_differences(number: int, a: str, b: str, one: Shape, other: Shape) -> Iterator[Difference]:
    """Which items only one side has."""
    if one.items == other.items:
        return
    was, now = _kinds(one.items), _kinds(other.items)
    is_same_kind = set(was) == set(now)
    if not is_same_kind:
        meaning = "A model may choose words instead of a call; if it always does, tools are lost on the way."
    elif was == now:
        meaning = "One side shows or has more reasoning; answers and calls are the same."
    else:
        meaning = "A model is free in how many calls or messages it makes, and which."
    yield Difference(
        number, "items", weigh(not is_same_kind), list(one.items), list(other.items),
        f"items: {a} {listed(one.items)}; {b} {listed(other.items)}", meaning,
    )  # fmt: skip


def text_differences(number: int, a: str, b: str, one: Response, other: Response) -> Iterator[Difference]:
    """Whether the text is the same, other, or missing on one side; and the arguments of calls."""
    was, now = one.text, other.text
    if was != now:
        is_lost = not was or not now
        yield Difference(
            number, "text", weigh(is_lost and _has_message(one) == _has_message(other)),
            was[:_EXCERPT], now[:_EXCERPT],
            f"only {a if was else b} has a text" if is_lost else "the text has other words",
            "The words were lost on the way, or never came." if is_lost else "A model is free in its words.",
        )  # fmt: skip
    for mine, its in zip(one.calls, other.calls, strict=False):
        if mine.name != its.name:
            continue
        said, heard = mine.text("arguments"), its.text("arguments")
        if said == heard:
            continue
        is_broken = _is_json(said) != _is_json(heard)
        yield Difference(
            number, "arguments", weigh(is_broken), said[:_EXCERPT], heard[:_EXCERPT],
            f"the arguments of {mine.name} are JSON only at {a if _is_json(said) else b}"
            if is_broken
            else f"the arguments of {mine.name} are other ones",
            "A client cannot call the tool with them." if is_broken else "A model is free in its words.",
        )  # fmt: skip


def id_differences(
    number: int, a: str, b: str, one: Exchange, other: Exchange, *, has_same_items: bool
) -> Iterator[Difference]:
    """Which ids have another form, and which are missing on one side; other items have other ids."""
    for kind, was, now in (
        ("response", one.response_ids, other.response_ids),
        ("item", _of_items(one, "id"), _of_items(other, "id")),
        ("call", _of_items(one, "call_id"), _of_items(other, "call_id")),
    ):
        if not was or not now:
            continue
        if any(was) != any(now) or all(was) != all(now):
            yield Difference(
                number, "ids", Weight.BREAKING, was, now,
                f"only {a if all(was) else b} has every {kind} id",
                "Nothing can go on from, or answer, what has no id.",
            )  # fmt: skip
            continue
        if kind != "response" and not has_same_items:
            continue
        forms = sorted({id_form(one_id) for one_id in was}), sorted({id_form(one_id) for one_id in now})
        if forms[0] != forms[1]:
            yield Difference(
                number, "ids", Weight.HARMLESS, forms[0], forms[1],
                f"{kind} ids: {a} {listed(forms[0])}; {b} {listed(forms[1])}",
                "Made by another server or rewritten by a proxy: neither side knows the other's ids.",
            )  # fmt: skip


def setting_differences(number: int, a: str, b: str, one: Response, other: Response) -> Iterator[Difference]:
    """Which settings the server echoes differently: whether it stores, which model answers."""
    if one.store != other.store:
        yield Difference(
            number, "settings", weigh(one.store is not None and other.store is not None),
            one.store, other.store,
            f"store: {a} says {_yes(one.store)}, {b} {_yes(other.store)}",
            "Only a stored response can be continued from another connection.",
        )  # fmt: skip
    if one.model != other.model:
        yield Difference(
            number, "settings", Weight.HARMLESS, one.model, other.model,
            f"model: {a} {one.model or 'none named'}, {b} {other.model or 'none named'}",
            "Another model or another name for it; prices and abilities may differ.",
        )  # fmt: skip


def usage_differences(
    number: int, a: str, b: str, one: Response, other: Response, shapes: tuple[Shape, Shape]
) -> Iterator[Difference]:
    """Whether usage is there, under which names, and how the counts differ."""
    was, now = one.usage, other.usage
    if (was is None) != (now is None):
        yield Difference(
            number, "usage", Weight.BREAKING, was and was.plain(), now and now.plain(),
            f"only {a if was else b} tells the usage", "Cost tracking reads nothing on the other side.",
        )  # fmt: skip
        return
    only_a, only_b = sorted(shapes[0].usage - shapes[1].usage), sorted(shapes[1].usage - shapes[0].usage)
    if only_a or only_b:
        is_read = bool(_NEEDED & {*only_a, *only_b})
        pieces = [f"only {side} has {listed(keys)}" for side, keys in ((a, only_a), (b, only_b)) if keys]
        yield Difference(
            number, "usage", weigh(is_read), only_a, only_b, f"usage: {'; '.join(pieces)}",
            "Cost tracking reads these names, and 0 without them."
            if is_read
            else "Details only: cached or reasoning tokens are not told apart on one side.",
        )  # fmt: skip
    if was is not None and now is not None:
        yield from _counts(number, a, b, was, now)


def id_form(given_id: str) -> str:
    """How an id is built, in words: `resp_ + 48 hex`, `uuid`, `call_ + letters and digits`."""
    if not given_id:
        return "none"
    if _UUID.fullmatch(given_id):
        return "uuid"
    found = _PREFIX.match(given_id)
    prefix, rest = (found[0], given_id[found.end() :]) if found else ("", given_id)
    if _UUID.fullmatch(rest):
        kind = "uuid"
    elif len(rest) >= 16 and _HEX.fullmatch(rest):
        kind = f"{len(rest)} hex"
    elif len(rest) > 100:
        kind = "a long text, mostly an encoded route"
    else:
        kind = "letters and digits" if rest.isalnum() else "text"
    return f"{prefix} + {kind}" if prefix else kind


def _counts(number: int, a: str, b: str, was: Usage, now: Usage) -> Iterator[Difference]:
    for name in ("input_tokens", "output_tokens"):
        mine, its = getattr(was, name), getattr(now, name)
        if mine == its or mine is None or its is None:
            continue
        is_empty = not mine or not its
        meaning = "Other words, other counts."
        if is_empty:
            meaning = "Cost tracking reads 0 on that side."
        elif name == "input_tokens":
            is_again = max(mine, its) >= _BILLED_AGAIN * min(mine, its)
            meaning = (
                "The history may be sent and billed again, or instructions added on the way."
                if is_again
                else "Counted a little differently."
            )
        yield Difference(
            number, "usage", weigh(is_empty), mine, its, f"{name}: {a} {mine}, {b} {its}", meaning
        )
    if (
        was.cached_tokens != now.cached_tokens
        and was.cached_tokens is not None
        and now.cached_tokens is not None
    ):
        yield Difference(
            number, "usage", Weight.HARMLESS, was.cached_tokens, now.cached_tokens,
            f"cached tokens: {a} {was.cached_tokens}, {b} {now.cached_tokens}",
            "The side with fewer pays the full price for more of its input.",
        )  # fmt: skip


def _of_items(exchange: Exchange, field: str) -> list[str]:
    out = []
    for _, body in sorted(exchange.items.items()):
        if field in body or field == "id":
            value = body.get(field)
            out.append(value if isinstance(value, str) else "")
    return out


def _kinds(items: Iterable[str]) -> list[str]:
    """Type and status of each item that is no reasoning; a name is the model's choice."""
    return [" ".join(name.split(" ")[:2]) for name in items if not name.startswith(_REASONING)]


def _has_message(response: Response) -> bool:
    return any(item.type == "message" for item in response.items)


def _is_json(text: str) -> bool:
    return isinstance(whole(text.encode(errors="replace")), Event)


def _yes(stored: bool | None) -> str:
    return "nothing" if stored is None else ("true" if stored else "false")
