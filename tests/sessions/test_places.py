from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sessions.places import place_at, places

KEY = st.text('abc"\\', min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=12,
)


def test_lines_and_columns_count_from_one() -> None:
    text = '{\n  "ä": 1,\n  "b": 2\n}'
    assert place_at(text, 0) == (1, 1)
    assert place_at(text, text.index('"b"')) == (3, 3)
    assert place_at(text, 10_000) == (4, 2)
    assert place_at("", 5) == (1, 1)


def test_keys_and_elements_have_paths() -> None:
    text = '{"a": [1, {"b": true}], "c": {"d": [[2]]}}'
    found = places(text).places
    assert found == {
        "a": text.index('"a"'),
        "a[0]": text.index("1"),
        "a[1]": text.index('{"b"'),
        "a[1].b": text.index('"b"'),
        "c": text.index('"c"'),
        "c.d": text.index('"d"'),
        "c.d[0]": text.index("[2]"),
        "c.d[0][0]": text.index("2"),
    }


def test_a_key_that_stands_twice_is_found_where_it_stands_again() -> None:
    text = '{"a": 1, "b": {"a": 2, "a": 3}, "\\u0061": 4}'
    assert places(text).twice == (("b.a", text.rindex('"a": 3')), ("a", text.index('"\\u0061"')))


def test_signs_inside_texts_do_not_count() -> None:
    text = '{"a": "{[,:\\"]}", "b": 1}'
    assert places(text).places == {"a": 1, "b": text.index('"b"')}


def test_deep_nesting_is_walked() -> None:
    text = "[" * 50_000 + "]" * 50_000
    assert len(places(text).places) == 6


@given(JSON)
def test_every_top_level_key_is_found(value: Any) -> None:
    text = json.dumps({"top": value}, indent=1)
    assert places(text).places["top"] == text.index('"top"')
    if isinstance(value, list):
        assert all(f"top[{index}]" in places(text).places for index in range(len(value)))


def test_the_walk_stops_when_it_has_what_is_wanted() -> None:
    found = places('{"a": 1, "b": [2, 3], "c": 4, "a": 5}', {"a", "b[0]"})
    assert set(found.places) == {"a", "b", "b[0]"}
    assert found.twice == ()
