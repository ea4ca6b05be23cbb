"""The JSON of a record: the same event whether it came as a message, in a stream or as an HTTP body."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from sessions import bodies
from sessions.bodies import Unpacker, event_of, is_create, parts, text_of, unpacked, whole_of
from sessions.events import Event, Undecodable
from sessions.records import Kind, Record
from tests import make
from tests.make import Wire


def event(record: Record) -> Event:
    found = event_of(record)
    assert isinstance(found, Event)
    return found


def test_one_event_on_three_ways() -> None:
    body = make.created("resp_1")
    wire = Wire()
    assert event(wire.streamed(body)) == event(wire.got(body)) == event(wire.got(body, Kind.BINARY))
    assert whole_of(wire.streamed(body)) == event_of(wire.got(body))


def test_a_posted_body_is_a_create() -> None:
    record = Wire().asked({"model": "m", "input": "Hi"})
    assert (event(record).type, event(record).body) == ("response.create", {"model": "m", "input": "Hi"})
    assert text_of(record) == b'{"model":"m","input":"Hi"}'
    assert event(Wire().asked({"a": 1}, method="PUT")).type == ""


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"object": "response", "id": "r", "status": "failed"}, "response.failed"),
        ({"object": "response", "id": "r", "status": 7}, "response.completed"),
        ({"id": "r", "output": []}, "response.completed"),
        ({"object": "list", "data": []}, ""),
    ],
)
def test_a_whole_answer_is_named_by_its_status(body: dict[str, Any], name: str) -> None:
    found = event(Wire().answered(body))
    assert found.type == name
    if name:
        assert (found.response_id, found.body) == ("r", {"response": body})


def test_head_and_body_are_parted_where_the_record_says() -> None:
    record = Wire().asked({"a": "\r\n\r\n"})
    assert parts(record).head.endswith(b"\r\n\r\n")
    assert parts(record).body == b'{"a":"\\r\\n\\r\\n"}'
    assert parts(record._replace(meta={})) == parts(record)
    assert parts(record._replace(meta={"head": 3})) == parts(record)
    assert parts(record._replace(payload=b"no head", meta={})) == (b"no head", b"")


def test_a_cut_event_and_one_without_data_are_none() -> None:
    wire = Wire()
    cut = event_of(wire.streamed(make.created("r"), cut=1))
    assert isinstance(cut, Undecodable)
    assert "ended in the middle" in cut.reason
    assert isinstance(event_of(wire.streamed(": ping")), Undecodable)


def test_only_posts_to_responses_are_creates() -> None:
    assert is_create(Wire().asked(target="/a/responses/?q=/x"))
    assert not is_create(Wire().asked(target="/a/responses/compact"))
    assert not is_create(Wire().asked(method="GET"))
    assert not is_create(make.record(kind=Kind.REQUEST))


_RAW = zlib.compressobj(wbits=-15)
_PLAIN = b'{"type":"x"}' * 100


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", _PLAIN),
        ("identity", _PLAIN),
        ("gzip", gzip.compress(_PLAIN, mtime=0)),
        ("X-GZIP", gzip.compress(_PLAIN, mtime=0)),
        ("deflate", zlib.compress(_PLAIN)),
        ("deflate", _RAW.compress(_PLAIN) + _RAW.flush()),
    ],
)
def test_encoded_bodies_come_out_however_they_are_cut(encoding: str, body: bytes) -> None:
    assert unpacked(body, encoding) == (_PLAIN, "")
    for size in (1, 5):
        unpacker = Unpacker(encoding)
        assert b"".join(unpacker.feed(body[at : at + size]) for at in range(0, len(body), size)) == _PLAIN
        assert unpacker.problem == ""


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("br", "encoded as br"), ("gzip, gzip", "encoded as gzip, gzip"), ("gzip", "is not")],
)
def test_what_cannot_be_unpacked_is_said(encoding: str, words: str) -> None:
    out, problem = unpacked(b"not packed at all", encoding)
    assert out == b""
    assert words in problem


def test_a_body_that_swells_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 1000)
    unpacker = Unpacker("gzip")
    assert len(unpacker.feed(gzip.compress(bytes(100_000)))) == 1000
    assert "larger than" in unpacker.problem
    assert unpacker.feed(b"x") == b""
