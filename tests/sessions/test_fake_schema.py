"""Values made from JSON schemas fit them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.scenarios.schema import Source, fitting


def _fits(schema: dict[str, Any], value: Any) -> bool:
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return (
                isinstance(value, dict)
                and set(schema.get("required", [])) <= set(value) <= set(properties)
                and all(_fits(properties[name], part) for name, part in value.items())
            )
        case "array":
            low, high = schema.get("minItems", 0), schema.get("maxItems", 99)
            return (
                isinstance(value, list)
                and low <= len(value) <= high
                and all(_fits(schema["items"], part) for part in value)
            )
        case "integer":
            low, high = schema.get("minimum", -(10**9)), schema.get("maximum", 10**9)
            return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        case "boolean":
            return isinstance(value, bool)
        case _:
            return isinstance(value, str) and len(value) <= schema.get("maxLength", 999)


_leaves = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 9)),
    st.just({"type": "boolean"}),
)
_schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda part, low: {"type": "array", "items": part, "minItems": low, "maxItems": low + 2},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda parts: {"type": "object", "properties": parts, "required": sorted(parts)},
            st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
        ),
    ),
    max_leaves=8,
)


@given(schema=_schemas, prompt=st.text(max_size=40))
def test_any_schema_of_the_usual_kinds_is_fitted(schema: dict[str, Any], prompt: str) -> None:
    value = fitting(schema, Source(prompt))
    assert _fits(schema, value)
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("schema", "prompt", "value"),
    [
        ({"type": "object", "properties": {"city": {"type": "string"}}}, "Temp in Oslo?", {"city": "Oslo"}),
        ({"type": "object", "properties": {"city": {"type": "string"}}}, "temp?", {"city": "city"}),
        (
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            "From Oslo to Lima",
            {"a": "From", "b": "Oslo"},
        ),
        ({"type": "object", "properties": {"q": {"type": "string"}}}, 'Say "old tide"', {"q": "old tide"}),
        ({"type": "object", "properties": {"n": {"type": "number"}}}, "take 2.5", {"n": 2.5}),
        ({"enum": ["celsius", "kelvin"]}, "", "celsius"),
        ({"const": 7}, "", 7),
        ({"type": ["null", "integer"], "minimum": 10}, "", 10),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "", True),
        ({"type": "string", "format": "date"}, "Oslo", "2026-11-20"),
        ({"type": "string", "minLength": 9}, "Oslo", "Osloxxxxx"),
        ({"type": "number", "exclusiveMinimum": 3, "multipleOf": 5}, "", 5),
        ({"type": "null"}, "", None),
        (
            {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}},
            "Run Amok",
            {"command": ["date"]},
        ),
        (
            {
                "allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}],
                "type": "object",
            },
            "",
            {"a": 1, "b": 2},
        ),
        (
            {
                "$defs": {"P": {"type": "integer"}},
                "type": "object",
                "properties": {"p": {"$ref": "#/$defs/P"}},
            },
            "41",
            {"p": 41},
        ),
        ({}, "", {}),
        (True, "", {}),
        ({"type": "object", "properties": {"x": {"$ref": "#/nowhere"}}}, "", {"x": "x"}),
    ],
)
def test_one_schema(schema: Any, prompt: str, value: Any) -> None:
    assert fitting(schema, Source(prompt)) == value


def test_a_verb_that_begins_the_prompt_is_no_name() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    assert fitting(schema, Source("Look up the weather in Oslo and Bergen")) == {"city": "Oslo"}


def test_a_schema_that_contains_itself_ends() -> None:
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    }
    value = fitting(tree, Source("Ada"))
    assert value["children"][0]["name"] == "Ada"
    assert len(json.dumps(value)) < 1000
