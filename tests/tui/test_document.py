"""A document as a tree that folds and as pretty lines: the same values, spelled as on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tui.document import Pretty, Tree
from tui.outline import Outline

EVENT = {
    "type": "response.output_item.done",
    "item": {"id": "msg_1", "content": [{"type": "output_text", "text": "Hello there. " * 40}], "none": {}},
    "sequence_number": 31,
}


def laid_out(sheet: Tree | Pretty) -> list[str]:
    """All rows as text."""
    while sheet.progress < 1.0:
        sheet.advance(1.0)
    sheet.advance(1.0)
    return [sheet.row(row, 0, 80).plain for row in range(len(sheet))]


def tree(value: Any, width: int = 80) -> Tree:
    """The tree of a value, read to its end."""
    sheet = Tree(Outline(json.dumps(value).encode()), width)
    laid_out(sheet)
    return sheet


def row_of(sheet: Tree, path: str) -> int:
    """The first row at this path."""
    return next(row for row in range(len(sheet)) if sheet.path(row) == path)


def test_a_tree_names_keys_kinds_and_sizes() -> None:
    rows = laid_out(tree(EVENT))
    assert rows[0].split() == ["type", '"response.output_item.done"']
    assert rows[1].split() == ["-", "item", "{3", "keys}"]
    assert rows[2].split() == ["id", '"msg_1"']
    assert rows[3].split() == ["-", "content", "[1", "item]"]
    assert rows[-2].split() == ["none", "{}"]
    assert rows[-1].split() == ["sequence_number", "31"]
    assert all(len(row) <= 80 for row in rows)
    text = next(row for row in rows if "Hello" in row)
    assert "522 bytes" in text


def test_folding_and_unfolding_is_as_if_nothing_had_happened() -> None:
    sheet = tree(EVENT)
    before = laid_out(sheet)
    row = row_of(sheet, "item")
    assert sheet.toggle(row)
    folded = laid_out(sheet)
    assert folded[row].split()[0] == "+"
    assert len(folded) == 3
    assert sheet.toggle(row)
    assert laid_out(sheet) == before
    assert not sheet.toggle(row_of(sheet, "sequence_number"))
    assert not sheet.toggle(row_of(sheet, "item.none"))
    assert not sheet.toggle(row_of(sheet, "type"))


def test_a_long_string_unfolds_into_rows_and_back() -> None:
    sheet = tree(EVENT)
    before = laid_out(sheet)
    row = row_of(sheet, "item.content[0].text")
    assert sheet.toggle(row)
    rows = laid_out(sheet)
    assert "520 characters" in rows[row]
    inside = [text.strip() for text in rows[row + 1 : row + len(rows) - len(before) + 1]]
    assert "".join(inside).replace(" ", "") == ("Hello there. " * 40).replace(" ", "")
    assert {sheet.path(at) for at in range(row, row + len(inside) + 1)} == {"item.content[0].text"}
    sheet.fit(40)
    assert len(laid_out(sheet)) > len(rows)
    assert sheet.toggle(row + 2)
    assert len(laid_out(sheet)) == len(before)


def test_what_is_folded_is_searched_too() -> None:
    sheet = tree(EVENT)
    row = row_of(sheet, "item")
    assert not sheet.holds(row, "hello")
    sheet.toggle(row)
    assert sheet.holds(row, "HELLO")
    assert not sheet.holds(row, "nowhere")
    assert sheet.holds(row_of(sheet, "type"), "Output_Item")


def test_what_is_copied() -> None:
    sheet = Tree(Outline(b'{"s":"a\\nb","n":1.50,"l":[1, 2]}'), 80)
    laid_out(sheet)
    assert [sheet.copied(row_of(sheet, path)) for path in "snl"] == ["a\nb", "1.50", "[1, 2]"]


def test_a_large_document_starts_folded_below_its_second_level() -> None:
    sheet = tree({"list": [{"a": n, "b": "x" * 20} for n in range(10_000)]})
    assert len(sheet) == 10_001
    assert sheet.toggle(5)
    assert len(sheet) == 10_003
    sheet.toggle(0)
    assert len(sheet) == 1


def test_folding_while_it_is_still_being_read() -> None:
    outline = Outline(b'{"a":[' + b",".join([b"1"] * 5_000) + b'],"z":1}')
    sheet = Tree(outline, 80)
    sheet.advance(0.0)
    assert not outline.is_done
    assert sheet.toggle(0)
    rows = laid_out(sheet)
    assert [row.split()[:2] for row in rows] == [["+", "a"], ["z", "1"]]
    sheet.toggle(0)
    assert len(sheet) == 5_002


def test_unfolding_while_it_is_still_being_read() -> None:
    outline = Outline(b'{"a":[' + b",".join([b"1"] * 5_000) + b'],"z":1}')
    sheet = Tree(outline, 80)
    sheet.advance(0.0)
    sheet.toggle(0)
    sheet.toggle(0)
    laid_out(sheet)
    assert len(sheet) == 5_002


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=30),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(value=_JSON)
def test_pretty_lines_are_the_document(value: Any) -> None:
    payload = json.dumps(value).encode()  # escaped, so that the gate for a terminal has nothing to replace
    sheet = Pretty(Outline(payload), 80, is_wrapped=False)
    lines = laid_out(sheet)
    assert "\n".join(lines) == json.dumps(value, indent=2)


@given(value=_JSON, cells=some.integers(20, 60))
def test_wrapped_pretty_lines_hold_the_same_text(value: Any, cells: int) -> None:
    payload = json.dumps(value).encode()
    plain = "".join(laid_out(Pretty(Outline(payload), cells, is_wrapped=False)))
    wrapped = laid_out(Pretty(Outline(payload), cells, is_wrapped=True))
    assert "".join(wrapped) == plain


def test_a_pretty_line_copies_its_value_and_finds_text_once() -> None:
    sheet = Pretty(Outline(json.dumps(EVENT).encode()), 40, is_wrapped=True)
    rows = laid_out(sheet)
    at = next(row for row, text in enumerate(rows) if '"text"' in text)
    assert json.loads(sheet.copied(at)) == "Hello there. " * 40
    assert sum(sheet.holds(row, "hello there") for row in range(len(rows))) == 1


@pytest.mark.parametrize("payload", [b"[" * 9_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000])
def test_deep_nesting(payload: bytes) -> None:
    sheet = Tree(Outline(payload), 80)
    rows = laid_out(sheet)
    assert rows
    assert all(len(row) < 200 for row in rows)
    pretty = Pretty(Outline(payload), 80, is_wrapped=True)
    assert len(laid_out(pretty)) >= len(rows)
