"""Masks: what they know never passes, what they hide is named, and everything else stays as it is."""

from __future__ import annotations

from sessions.masking import Masks
from sessions.records import Direction, Kind, Record


def text(payload: bytes, **meta: str) -> Record:
    return Record(1, Direction.CLIENT, Kind.TEXT, 0, 0.0, payload, meta)


def test_a_record_without_a_secret_is_the_same_object() -> None:
    record = text(b'{"type":"response.create"}')
    assert Masks(["sk-very-secret"]).clean(record) is record


def test_a_secret_goes_and_the_receipt_says_so_beside_what_it_said() -> None:
    masks = Masks(["sk-very-secret"])
    masks.add("another-secret")
    clean = masks.clean(text(b"one sk-very-secret two another-secret", masked="authorization"))
    assert clean.payload == b"one *** two ***"
    assert clean.meta["masked"] == "authorization, key"
    assert masks.clean(clean) is clean


def test_mcp_credentials_go_though_nobody_told_them() -> None:
    clean = Masks().clean(text(b'{"tools":[{"type":"mcp","authorization":"t0ken","headers":{"X":"hush"}}]}'))
    assert b"t0ken" not in clean.payload
    assert b"hush" not in clean.payload
    assert clean.meta["masked"] == "mcp authorization, mcp headers"


def test_a_short_secret_is_ignored_because_it_would_hide_words() -> None:
    masks = Masks(["abc"])
    masks.add("the")
    assert masks.clean(text(b"abc the")).payload == b"abc the"


def test_what_it_knows_is_in_no_repr() -> None:
    assert "secret" not in repr(Masks(["sk-very-secret"])).replace("secrets", "")
