"""Masks: what they know never passes, what they hide is named, and everything else stays as it is."""

from __future__ import annotations

from gzip import compress

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


def test_a_secret_in_a_close_reason_is_masked_in_the_meta_too() -> None:
    close = Record(
        1,
        Direction.SERVER,
        Kind.CLOSE,
        0,
        0.0,
        b"\x03\xf0bad sk-very-secret",
        {"reason": "bad sk-very-secret"},
    )
    clean = Masks(["sk-very-secret"]).clean(close)
    assert clean.payload == b"\x03\xf0bad ***"
    assert clean.meta["reason"] == "bad ***"


def test_what_is_left_of_a_message_holds_no_part_of_a_credential() -> None:
    cut = b'{"tools":[{"server_url":"https://x","headers":{"X":"hush-hush"},"authorization":"t0ken-'
    lost = Record(1, Direction.LOCAL, Kind.LOST, 0, 0.0, cut)
    assert Masks().clean(lost).payload == (
        b'{"tools":[{"server_url":"https://x","headers":{"X":"***"},"authorization":"***'
    )
    lost = lost._replace(payload=b"the key is sk-very-sec")
    assert Masks(["sk-very-secret"]).clean(lost).payload == b"the key is ***"
    whole = b'{"type":"function","headers":{"a":"b"},"x":"sk-very"}'
    assert Masks(["sk-very-secret"]).clean(lost._replace(payload=whole)).payload == whole


def test_an_encoded_body_with_a_credential_is_stored_decoded_and_masked() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    meta: dict[str, str | int | float] = {"encoding": "gzip", "head": len(head)}
    record = Record(1, Direction.SERVER, Kind.RESPONSE, 0, 0.0, head + compress(b"no sk-very-secret"), meta)
    clean = Masks(["sk-very-secret"]).clean(record)
    assert clean.payload == head + b"no ***"
    assert clean.meta == {"head": len(head), "decoded": "gzip", "masked": "key"}
    harmless = record._replace(payload=head + compress(b"nothing in it"))
    assert Masks(["sk-very-secret"]).clean(harmless) is harmless
