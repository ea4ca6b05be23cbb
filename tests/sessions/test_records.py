"""Records and their lines: what goes in comes out, and a line that is no record says what is wrong."""

from __future__ import annotations

import json
from json.encoder import encode_basestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.records import NO_META, Direction, Kind, from_line, payload_field, to_line
from sessions.safe import safe_json
from tests import make


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("direction", Direction)
def test_every_kind_and_direction_survives(kind: Kind, direction: Direction) -> None:
    record = make.record(
        b"\xffbytes", kind=kind, direction=direction, session=3, at=1.25, meta={"wire": 7, "a": "b"}
    )
    assert from_line(to_line(record, 5)) == record


def test_a_line_has_the_named_keys_and_the_exact_text() -> None:
    record = make.record('{"a": "ü\\u0041"}', at=0.5, meta={"wire": 12, "masked": "x"})
    line = to_line(record, 9)
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "n": 9, "t": record.wall, "mono": 0.5, "conn": 1, "dir": "server", "kind": "text",
        "size": 17, "raw": '{"a": "ü\\u0041"}', "wire": 12, "meta": {"masked": "x"},
    }  # fmt: skip


def test_bytes_that_are_no_text_are_base64() -> None:
    line = json.loads(to_line(make.record(b"\xff\x00"), 0))
    assert (line["b64"], "raw" in line) == ("/wA=", False)


def test_a_line_can_be_printed_without_acting_on_a_terminal() -> None:
    hostile = "\x1b]52;c;aGk=\x07 \x9b31m \x7f \u202e \u2028 \u200b \ufeff \U000e0041 \\"
    line = to_line(make.record(hostile), 0)
    text = line.decode()
    assert all(char.isprintable() for char in text.rstrip("\n"))
    assert from_line(line).payload.decode() == hostile


def test_unknown_keys_are_ignored() -> None:
    line = json.loads(to_line(make.record("x"), 0)) | {"from": "the future", "lane": 1}
    assert from_line(json.dumps(line)) == make.record("x")


def test_a_record_without_meta_shares_the_empty_one() -> None:
    assert from_line(to_line(make.record("x"), 0)).meta is NO_META


WHOLE = {"t": 1, "mono": 0.0, "conn": 1, "dir": "server", "kind": "text", "raw": ""}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "no JSON at column 2: Expecting"),
        ('{"raw":"a', "no JSON at column 8: Unterminated string starting$"),
        ("[]", "not a record: no object but a list"),
        ("null", "not a record: no object but null"),
        ('"raw"', "not a record: no object but a string"),
        ("{}", "not a record: neither raw nor b64"),
        (b'{"raw":"\xff"}', "no text in UTF-8 at byte 9"),
        ("7", "not a record: no object but a number"),
        ("[" * 20_000, "not a record"),
        (json.dumps({**WHOLE, "kind": "smoke"}), "not a record: kind 'smoke' is unknown"),
        (json.dumps({**WHOLE, "dir": ["server"]}), "not a record: dir is a list, no string"),
        (json.dumps({**WHOLE, "raw": 5}), "not a record: raw is a number, no string"),
        (json.dumps({**WHOLE, "raw": "\ud800"}), "not a record: raw has half a character"),
        (json.dumps({**WHOLE, "mono": "later"}), "not a record: mono 'later' is no number"),
        (json.dumps({**WHOLE, "mono": float("nan")}), "not a record: mono is out of range"),
        (json.dumps({**WHOLE, "mono": 10**400}), "not a record: mono is out of range"),
        (json.dumps({**WHOLE, "conn": float("inf")}), "not a record: conn is out of range"),
        (json.dumps({**WHOLE, "conn": None}), "not a record: conn is null, no number"),
        (json.dumps({**WHOLE, "meta": [1]}), "meta"),
        (json.dumps({**WHOLE, "meta": {"a": [1]}}), "meta"),
        (json.dumps({key: value for key, value in WHOLE.items() if key != "t"}), "'t' is missing"),
        (json.dumps({key: value for key, value in WHOLE.items() if key != "raw"} | {"b64": "%"}), "base64"),
    ],
)
def test_a_line_that_is_no_record_says_what_is_wrong(line: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_line(line)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.characters(max_codepoint=0x80)))
def test_a_payload_stands_as_the_plain_encoder_writes_it_where_it_is_safe(text: str) -> None:
    field = payload_field(text.encode())
    assert json.loads(b"{" + field + b"}") == {"raw": text}
    assert field.decode() == '"raw":' + safe_json(encode_basestring(text))
