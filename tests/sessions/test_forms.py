from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.forms import Field, check_arguments, example, fields_from, value_of

PLACE = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "title": "City", "description": "Where?"},
        "days": {"type": "integer", "default": 3},
        "unit": {"enum": ["c", "f"]},
        "exact": {"type": ["boolean", "null"]},
        "area": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "again": {"$ref": "#/$defs/word"},
    },
    "required": ["city", "area"],
    "additionalProperties": False,
    "$defs": {"word": {"type": "string"}},
}


def test_a_schema_becomes_fields() -> None:
    fields = {field.name: field for field in fields_from(PLACE)}
    assert {name: field.kind for name, field in fields.items()} == {
        "city": "text", "days": "integer", "unit": "choice", "exact": "boolean", "area.lat": "number",
        "tags": "json", "again": "text",
    }  # fmt: skip
    assert fields["city"] == Field("text", "city", "City", True, None, "Where?")
    assert fields["days"].default == 3
    assert fields["unit"].choices == ("c", "f")
    assert fields["area.lat"].is_required
    assert not fields["tags"].is_required


@pytest.mark.parametrize("schema", [None, 3, {}, {"type": "array"}, {"type": "object"}, {"properties": []}])
def test_what_has_no_fields_is_edited_as_json(schema: Any) -> None:
    (field,) = fields_from(schema)
    assert (field.kind, field.name, field.is_multiline) == ("json", "", True)


def test_filled_fields_make_a_value() -> None:
    answers = {"city": "Oslo", "unit": "c", "exact": True, "area.lat": "59.9", "tags": '["a"]', "again": ""}
    filled = value_of(fields_from(PLACE), answers)
    assert filled.problems == ()
    assert filled.value == {
        "city": "Oslo", "days": 3, "unit": "c", "exact": True, "area": {"lat": 59.9}, "tags": ["a"],
    }  # fmt: skip
    assert check_arguments(PLACE, filled.value).problems == ()


@pytest.mark.parametrize(
    ("answers", "name", "words"),
    [
        ({"area.lat": "1"}, "city", "City is needed"),
        ({"city": "x", "area.lat": ""}, "area.lat", "is needed"),
        ({"city": "x", "area.lat": "north"}, "area.lat", "a number belongs here"),
        ({"city": "x", "area.lat": "inf"}, "area.lat", "a finite number"),
        ({"city": "x", "area.lat": "1", "days": "2.5"}, "days", "a whole number"),
        ({"city": "x", "area.lat": "1", "unit": "k"}, "unit", "one of c, f"),
        ({"city": "x", "area.lat": "1", "exact": "maybe"}, "exact", "true or false"),
        ({"city": "x", "area.lat": "1", "tags": "[\n1,]"}, "tags", "line 2"),
    ],
)
def test_what_is_wrong_is_said_by_field(answers: dict[str, Any], name: str, words: str) -> None:
    (problem,) = value_of(fields_from(PLACE), answers).problems
    assert problem.name == name
    assert words in problem.sentence


def test_numbers_stay_whole_where_they_are() -> None:
    field = Field("number", "n")
    assert value_of([field], {"n": "3"}).value == {"n": 3}
    assert value_of([field], {"n": "3.0"}).value == {"n": 3.0}


def test_an_example_to_begin_with() -> None:
    assert example(PLACE) == {"city": "", "area": {"lat": 0}}
    assert example({"type": "array"}) == []
    assert example({"enum": ["a", "b"]}) == "a"
    assert example({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == 0
    assert example({"type": "object", "properties": {"a": {"type": "boolean"}}}) == {"a": False}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "is a list, object was asked for"),
        ({"area": {"lat": 1}}, "city is missing"),
        ({"city": 3, "area": {"lat": 1}}, "city is a number, string was asked for"),
        ({"city": "x", "area": {}}, "area.lat is missing"),
        ({"city": "x", "area": {"lat": True}}, "area.lat is a boolean"),
        ({"city": "x", "area": {"lat": 1}, "unit": "k"}, 'unit is none of "c", "f"'),
        ({"city": "x", "area": {"lat": 1}, "extra": 1}, "extra is not in the schema"),
        ({"city": "x", "area": {"lat": 1}, "tags": ["a", 2]}, "tags[1] is a number"),
        ({"city": "x", "area": {"lat": 1}, "again": None}, "again is null"),
    ],
)
def test_arguments_are_checked_against_the_schema(value: Any, words: str) -> None:
    (problem,) = check_arguments(PLACE, value).problems
    assert words in problem.sentence


def test_alternatives_and_constants() -> None:
    schema = {"anyOf": [{"type": "string"}, {"const": 1}]}
    assert check_arguments(schema, "a").problems == ()
    assert check_arguments(schema, 1).problems == ()
    assert "none of its alternatives" in check_arguments(schema, True).problems[0].sentence


def test_what_was_not_looked_at_is_named() -> None:
    schema = {"type": "string", "pattern": "^a", "minLength": 3, "description": "x"}
    assert check_arguments(schema, "b") == ((), ("minLength", "pattern"))


def test_a_schema_that_refers_to_itself_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {f"p{n}": {"$ref": "#"} for n in range(20)}}
    assert len(fields_from(node)) == 1
    example(node)
    loop = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    assert check_arguments(loop, 1).unchecked == ("what is nested too deeply",)
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert check_arguments(circle, 1).problems == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "enum", "anyOf", "items", "$ref", "default", "a", "b"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=14,
)


@given(JSON, JSON)
def test_any_schema_and_any_value_are_taken(schema: Any, value: Any) -> None:
    fields = fields_from(schema)
    assert fields
    assert isinstance(value_of(fields, {field.name: value for field in fields}).value, dict)
    check_arguments(schema, value)
    example(schema)
