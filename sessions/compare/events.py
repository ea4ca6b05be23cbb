"""How the events of one turn differ: how it ended, which errors, which types in which order, which keys.

Its one rule: where a model answered with other items, only the frame around them is compared, because the
events of an item follow from it. What a client may skip by the contract is harmless when it is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from sessions.compare.difference import Difference, Weight, weigh
from sessions.contract import TERMINAL, Family, family
from sessions.session import Turn
from sessions.shape import Shape

#: families of the frame around the items
_FRAME = frozenset(
    {Family.LIFECYCLE, Family.TERMINAL, Family.ERROR, Family.LIMITS, Family.VENDOR, Family.UNKNOWN}
)
#: what a client goes on without
_SKIPPED = frozenset({Family.LIMITS, Family.VENDOR, Family.UNKNOWN, Family.PROGRESS, Family.ANNOTATION})
_UNNEEDED = frozenset({"response.in_progress", "response.queued"})
#: paths that common clients read: without them text, calls or the chain are lost
_READ = frozenset(
    {"type", "response", "response.id", "response.status", "response.output", "response.usage",
     "response.error", "response.incomplete_details", "item", "item.id", "item.type", "item.call_id",
     "item.name", "item.arguments", "item.content", "item_id", "output_index", "content_index", "delta",
     "text", "arguments", "error", "error.code", "error.message", "status"}
)  # fmt: skip
_OF_LANES = frozenset({"stream_id"})  # there are no lanes over HTTP
_STEERED = "incomplete (steered)"
_SHOWN = 6


def status_differences(
    number: int, a: str, b: str, one: Shape, other: Shape, turns: tuple[Turn, Turn], *, is_across: bool
) -> Iterator[Difference]:
    """How the turn ended otherwise, and with which error; over two transports the spelling may differ."""
    if one.statuses != other.statuses:
        # steering is a message of its own on a socket, and HTTP has no message for it
        is_steering = is_across and (_STEERED in one.statuses) != (_STEERED in other.statuses)
        yield Difference(
            number, "status", weigh(not is_steering), list(one.statuses), list(other.statuses),
            f"{a} ended {listed(one.statuses)}, {b} {listed(other.statuses)}",
            "Only on a socket can a response be steered; over HTTP a create has one response."
            if is_steering
            else "The same create comes to another end; a client goes on from one and not from the other.",
        )  # fmt: skip
    was, now = turns[0].failure, turns[1].failure
    if was is None or now is None:
        return
    if was.code != now.code:
        yield Difference(
            number, "error", Weight.BREAKING, was.code, now.code,
            f"error code: {a} {was.code or 'none'}, {b} {now.code or 'none'}",
            "Clients decide by the code whether to retry, to rebuild the chain or to give up.",
        )  # fmt: skip
    if was.status != now.status:
        yield Difference(
            number, "error", weigh(not is_across), was.status or None, now.status or None,
            f"status of the error: {a} {was.status or 'none'}, {b} {now.status or 'none'}",
            "Codex treats an error by its status, and one without a status as not fatal.",
        )  # fmt: skip
    if was.code == now.code and was.message != now.message:
        yield Difference(
            number, "error", Weight.HARMLESS, was.message[:500], now.message[:500],
            "the error is worded differently", "Only a client that reads the sentence would notice.",
        )  # fmt: skip


def event_differences(
    number: int, a: str, b: str, one: Shape, other: Shape, *, has_same_items: bool
) -> Iterator[Difference]:
    """Types that came on one side only, or in another order."""
    was, now = one.events, other.events
    if not has_same_items:
        was = tuple(name for name in was if family(name) in _FRAME)
        now = tuple(name for name in now if family(name) in _FRAME)
    if was == now:
        return
    if Counter(was) == Counter(now):
        place = next(index for index, pair in enumerate(zip(was, now, strict=True)) if pair[0] != pair[1])
        yield Difference(
            number, "order", Weight.BREAKING, list(was), list(now),
            f"the same events in another order: {was[place]} at {a} where {b} has {now[place]}",
            "A client that expects an item before its deltas, or created first, fails on one of the two.",
        )  # fmt: skip
        return
    for tag, first, last, start, end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _changed(number, a, b, was[first:last], now[start:end])


def key_differences(
    number: int, a: str, b: str, one: Shape, other: Shape, *, is_across: bool
) -> Iterator[Difference]:
    """Keys that events of one type have on one side only; the same lack in several types is told once."""
    lacks: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    by_nature = _OF_LANES if is_across else frozenset()
    for label in one.keys:
        if label in other.keys:
            only_a = tuple(sorted(one.keys[label] - other.keys[label] - by_nature))
            only_b = tuple(sorted(other.keys[label] - one.keys[label] - by_nature))
            if only_a or only_b:
                lacks.setdefault((only_a, only_b), []).append(label)
    for (only_a, only_b), labels in lacks.items():
        is_spelling = is_across and labels == ["error"]
        needed = {
            *(path for path in only_a if any(path not in one.nulls[label] for label in labels)),
            *(path for path in only_b if any(path not in other.nulls[label] for label in labels)),
        }
        is_read = not is_spelling and bool(_READ & needed)
        pieces = [f"only {side} has {listed(keys)}" for side, keys in ((a, only_a), (b, only_b)) if keys]
        if is_spelling:
            meaning = "HTTP spells an error flat, a socket nested; clients know both."
        elif is_read:
            meaning = "Common clients read it: without it text, a call or the chain is lost."
        elif not needed:
            meaning = "It holds null: common clients read a key that is missing in the same way."
        elif any(path.rpartition(".")[2] == "sequence_number" for path in (*only_a, *only_b)):
            meaning = (
                "Without numbers a client cannot notice lost or repeated events; strict ones refuse them."
            )
        else:
            meaning = "Clients go on without it; strict ones refuse keys that they do not know."
        yield Difference(
            number, "keys", weigh(is_read), list(only_a), list(only_b),
            f"{listed(labels)}: {'; '.join(pieces)}", meaning,
        )  # fmt: skip


def listed(words: Iterable[str]) -> str:
    """The first few, and how many more there are; `none` when there are none."""
    shown = list(words)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more if shown else "none"


def _changed(number: int, a: str, b: str, was: tuple[str, ...], now: tuple[str, ...]) -> Difference:
    if was and now:
        title = f"{a} has {listed(was)} where {b} has {listed(now)}"
    else:
        title = f"only {a if was else b} has {listed(was or now)}"
    if _without_refusals(was) == _without_refusals(now):
        return Difference(
            number, "events", Weight.HARMLESS, list(was), list(now), title,
            "The model declined on one side only; clients show a refusal as they show text.",
        )  # fmt: skip
    names = {*was, *now}
    needed = sorted(name for name in names if not _is_skipped(name))
    return Difference(
        number, "events", weigh(bool(needed)), list(was), list(now), title, _meaning(names, needed)
    )


def _without_refusals(names: Iterable[str]) -> list[str]:
    return [name.replace(".refusal.", ".output_text.") for name in names]


def _is_skipped(name: str) -> bool:
    # response.done is the ending under a name that is not in the contract
    return name in _UNNEEDED or (family(name) in _SKIPPED and name != "response.done")


def _meaning(names: set[str], needed: list[str]) -> str:
    if not needed:
        if names == {"[DONE]"}:
            return "How Chat Completions end a stream: a client of Responses has had its ending before."
        if names <= _UNNEEDED:
            return "Clients do not wait for it."
        return "Clients skip types that they do not know; strict ones refuse them."
    if any(name in TERMINAL or name == "response.done" for name in needed):
        return "A client that waits for one ending hangs at the other."
    if "response.created" in needed:
        return "A client learns the response's id from it."
    if any(family(name) is Family.DELTA for name in needed):
        return "A client that shows deltas shows nothing on the side without them."
    return "A client that builds items from these events has a hole on the side without them."
