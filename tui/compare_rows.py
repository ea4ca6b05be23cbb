"""The rows of a comparison: each turn with both sides beside each other, and what differs below it.

Its one rule: pure; a comparison in, rows out, so that the picture is tested without an application. What
came from a server is made safe here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from sessions import redact
from sessions.compare.alignment import Comparison, Pair
from sessions.compare.difference import Difference, Weight
from sessions.compare.report import likeness, place, told_before
from sessions.compare.side import Opening, Side
from sessions.moves import Exchange
from sessions.safe import safe_line

_LABEL = 22  # cells of the first column
_LONGEST = 400  # characters of a value that are looked at


class Row(NamedTuple):
    """One line of the two columns."""

    key: str  #: stays the same while the comparison grows
    label: str
    a: str
    b: str
    difference: Difference | None = None  #: None: the heading of a turn, or what an earlier turn had already
    repeated: tuple[Difference, ...] = ()  #: of the same weight, which an earlier turn had already


def rows(comparison: Comparison, *, is_done: bool, only_breaking: bool = False) -> Iterator[Row]:
    """Every turn and what differs in it; while a side is asked, only of turns that both sides have."""
    first = told_before(comparison)
    for pair in comparison.pairs:
        found = pair.differences if is_done or _is_on_both(pair, comparison) else ()
        if only_breaking:
            found = tuple(one for one in found if one.weight is Weight.BREAKING)
        yield _heading(pair, comparison)
        repeated: dict[tuple[str, int], list[Difference]] = {}
        for number, one in enumerate(found):
            if (told := first[likeness(one)]) != pair.number:
                repeated.setdefault((one.weight.value, told), []).append(one)
                continue
            label = f"  {one.weight.value} {one.what}"
            a, b = (_value(value, one) for value in (one.a, one.b))
            yield Row(f"{pair.number}.{number}", label, a, b, one)
        for (weight, told), several in repeated.items():
            key, words = f"{pair.number}.{weight}.{told}", f"{len(several)} as in turn {told}"
            yield Row(key, f"  {weight} again", words, "", None, tuple(several))


def line(row: Row, width: int, breaking: Style | str = "") -> Text:
    """A row as wide as the list: the label, then two columns of the same width; `breaking` is a style."""
    column = max(8, (width - _LABEL - 2) // 2)
    pieces = (_cut(row.label, _LABEL - 1), _cut(row.a, column), _cut(row.b, column))
    text = Text(no_wrap=True, end="")
    text.append(set_cell_size(pieces[0], _LABEL))
    text.append(set_cell_size(pieces[1], column + 2))
    text.append(pieces[2])
    if row.repeated:
        text.stylize("dim")
    elif row.difference is None:
        text.stylize("bold")
    elif row.difference.weight is Weight.HARMLESS:
        text.stylize("dim")
    else:
        text.stylize(breaking, 0, _LABEL)
    return text


def explained(row: Row) -> str:
    """A difference in whole sentences; of a heading, both sides."""
    if row.repeated:
        titles = "; ".join(_safe(one.title) for one in row.repeated)
        return f"{row.label.strip()}: {row.a}\n{titles}"
    if row.difference is None:
        return f"{row.label}\nA  {row.a}\nB  {row.b}"
    one = row.difference
    return f"{one.weight.value}: {_safe(one.title)}\n{_safe(one.meaning)}"


def detail(row: Row) -> str:
    """Everything about a difference, to be read."""
    if row.repeated:
        return "\n\n\n".join(map(_described, row.repeated))
    return explained(row) if row.difference is None else _described(row.difference)


def _described(one: Difference) -> str:
    words = (f"{one.weight.value} {one.what}", one.title, one.meaning)
    unit = " ms" if one.what == "timing" and isinstance(one.a, int | float) else ""
    return "\n\n".join((*words, f"A  {_whole(one.a)}{unit}", f"B  {_whole(one.b)}{unit}"))


def _is_on_both(pair: Pair, comparison: Comparison) -> bool:
    if not pair.number:
        return bool(comparison.a.openings and comparison.b.openings)
    return all(one is not None and one.is_over for one in (pair.a, pair.b))


def _heading(pair: Pair, comparison: Comparison) -> Row:
    if not pair.number:
        a, b = (_opening(side) for side in (comparison.a, comparison.b))
    else:
        a, b = _turn(pair.a), _turn(pair.b)
    return Row(f"{pair.number}", place(pair), a, b)


def _opening(side: Side) -> str:
    if not side.openings:
        return "-"
    first: Opening = side.openings[0]
    if first.is_refused:
        return f"refused {first.status or ''} {first.failure_class}".replace("  ", " ")
    took = f"  {first.total_ms:.0f} ms" if first.total_ms else ""
    return f"{'HTTP' if first.is_http else 'WebSocket'} {first.status or ''}{took}"


def _turn(exchange: Exchange | None) -> str:
    if exchange is None:
        return "-"
    turn = exchange.turns[-1]
    response = turn.response
    pieces = [turn.status.value]
    if turn.ended >= 0:
        pieces.append(f"{(turn.ended - turn.sent) * 1000:.0f} ms")
    if response is not None and response.usage is not None:
        pieces.append(f"{response.usage.input_tokens}/{response.usage.output_tokens} tok")
    if response is not None and (text := response.text):
        pieces.append(_safe(text[:_LONGEST]))
    elif response is not None and response.calls:
        pieces.append("calls " + _safe(", ".join(item.name or item.type for item in response.calls)))
    elif turn.failure is not None:
        pieces.append(_safe(turn.failure.code or turn.failure.message))
    return "  ".join(pieces)


def _value(value: object, one: Difference) -> str:
    if one.what == "timing" and isinstance(value, int | float):
        return f"{one.title.partition(':')[0]} {value:.0f} ms"
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return _safe(", ".join(map(str, value)))
    return _safe(str(value))


def _whole(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _safe(text: str) -> str:
    return safe_line(redact.screen(text[:_LONGEST]))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
