"""JSON as rows: the document that a parser reads, the bytes of the wire, half of it for half a document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tui.outline import MAX_ROWS, Outline, Shape


def read(payload: bytes) -> Outline:
    """An outline that has read everything."""
    outline = Outline(payload)
    while not outline.is_done:
        outline.advance(1.0)
    return outline


def built(outline: Outline) -> Any:
    """The value that the rows add up to."""

    def value(row: int) -> tuple[Any, int]:
        one = outline.row(row)
        text = outline.value_text(row)
        if one.shape is Shape.STRING:
            return text, row + 1
        if one.shape not in (Shape.OBJECT, Shape.LIST):
            return json.loads(text), row + 1
        whole: Any = {} if one.shape is Shape.OBJECT else []
        at = row + 1
        for _ in range(one.held):
            key = outline.key_text(at)
            inner, at = value(at)
            if isinstance(whole, dict):
                whole[key] = inner
            else:
                whole.append(inner)
        return whole, at + 1 if one.held else at

    return value(0)[0]


_KEYS = some.text(max_size=6)
_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=10),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(value=_JSON, is_ascii=some.booleans(), indent=some.sampled_from([None, 2]))
def test_rows_add_up_to_the_document(value: Any, is_ascii: bool, indent: int | None) -> None:
    payload = json.dumps(value, ensure_ascii=is_ascii, indent=indent).encode(errors="surrogatepass")
    outline = read(payload)
    assert outline.problem == ""
    assert built(outline) == value


@given(payload=some.binary(max_size=60) | some.text(alphabet='{}[]",:\\ 1tax', max_size=40).map(str.encode))
def test_any_bytes_are_read_without_raising(payload: bytes) -> None:
    outline = read(payload)
    for row in range(len(outline)):
        one = outline.row(row)
        assert 0 <= one.value[0] <= one.value[1] <= len(payload)
        assert -1 <= one.parent < len(outline)
        assert outline.path(row) is not None
        assert len(outline.value_text(row, 5)) <= 5
    try:
        json.loads(payload.decode())
    except ValueError:
        return  # what is inside a string is not judged here, so there may be no problem either
    assert not outline.problem


@given(value=_JSON, share=some.floats(0, 0.99))
def test_half_a_document_shows_its_half(value: Any, share: float) -> None:
    payload = json.dumps({"a": value}).encode()
    half = read(payload[: int(len(payload) * share)])
    whole = read(payload)
    assert half.problem
    assert len(half) <= len(whole)
    for row in range(len(half)):
        assert half.row(row)[:5] == whole.row(row)[:5]


def test_spelling_stays_and_double_keys_stay_double() -> None:
    outline = read(b'{"a":1.50,"a":1e999,"b":12345678901234567890123}')
    assert [outline.value_text(row) for row in (1, 2, 3)] == ["1.50", "1e999", "12345678901234567890123"]
    assert [outline.key_text(row) for row in (1, 2, 3)] == ["a", "a", "b"]


def test_paths() -> None:
    outline = read(b'{"item":{"content":[{"text":"x"},{"odd key.":1}]}}')
    paths = [outline.path(row) for row in range(len(outline))]
    assert "item.content[0].text" in paths
    assert 'item.content[1]["odd key."]' in paths


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "it is empty"),
        (b'{"a":1', "it ends before it is complete"),
        (b'{"a":"abc', "it ends inside a string"),
        (b'{"a" 1}', "a word stands where it may not"),
        (b"[1,]", "a bracket closes where it may not"),
        (b"{]", "a bracket closes where it may not"),
        (b"hello", "a word is no number and neither true, false nor null"),
        (b'{"a":1} x', "more follows after its end"),
        (b"[01]", "a word is no number and neither true, false nor null"),
        (b"[1 2]", "a word stands where it may not"),
        (b"{,}", "a comma stands where it may not"),
        (b"[:]", "a colon stands where it may not"),
        (b'["a""b"]', "a string stands where it may not"),
        (b"[1[", "a bracket opens where it may not"),
    ],
)
def test_problems_are_said_in_words(payload: bytes, problem: str) -> None:
    assert read(payload).problem == problem


def test_ten_thousand_levels() -> None:
    outline = read(b"[" * 10_000 + b"]" * 10_000)
    assert outline.problem == ""
    assert outline.depth_at(9_999) == 9_999
    assert outline.path(9_999) == "[0]" * 9_999


def test_a_long_string_is_one_row_and_is_cut_when_asked() -> None:
    outline = read(b'{"a":"' + b'\\"' * 100_000 + b'"}')
    assert len(outline) == 3
    assert outline.value_text(1, 10) == '"' * 10
    assert len(outline.value_text(1)) == 100_000


def test_it_stops_when_its_time_is_up() -> None:
    outline = Outline(b"[" + b",".join([b"1"] * 10_000) + b"]")
    outline.advance(0.0)
    assert 0 < len(outline) < 10_000
    assert 0 < outline.read_to < len(outline.payload)
    assert outline.last_at(0) == len(outline) - 1


def test_there_is_an_end_to_rows() -> None:
    outline = read(b"[" + b",".join([b"1"] * (MAX_ROWS + 5)) + b"]")
    assert len(outline) == MAX_ROWS
    assert "raw and hex show all of it" in outline.problem
