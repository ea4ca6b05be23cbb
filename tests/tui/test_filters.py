"""The filter line: every field, negation, globs, text in payloads, and words for what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tui.filters import FIELDS, FilterError, parse, payload_needle


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    """An opening, a turn on the default lane, a silence, a turn on lane plan, an unknown event, a close."""
    recording = Recording.create(None)
    inspector, wire = Inspector(recording), make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1", "Hello there, caf\u00e9.")])
    wire.wait(2.4)
    inspector.feed_all(wire.turn("resp_2", "Bye.", stream_id="plan", previous_response_id="resp_1"))
    inspector.feed_all([wire.got({"type": "codex.new", "text": 'say "x"'}), wire.close(1000)])
    yield inspector
    recording.close()


def types(inspector: Inspector, words: str) -> list[str]:
    """The types of the records that a filter shows."""
    found = parse(words, inspector.recording, inspector.sessions)
    numbers = range(len(inspector.recording))
    return [inspector.sessions.type_at(n) for n in numbers if found is None or found.test(n)]


def test_no_words_are_no_filter(inspector: Inspector) -> None:
    assert parse("  ", inspector.recording, inspector.sessions) is None


def test_globs_and_negation_ask_types(inspector: Inspector) -> None:
    everything = types(inspector, "")
    deltas = types(inspector, "*.delta")
    assert set(deltas) == {"response.output_text.delta"}
    assert len(types(inspector, "!*.delta")) == len(everything) - len(deltas)
    assert types(inspector, "type:codex") == ["codex.new"]
    assert types(inspector, "TYPE:*.COMPLETED") == ["response.completed"] * 2


def test_all_terms_must_hold(inspector: Inspector) -> None:
    assert types(inspector, "turn:2 dir:c") == ["response.create"]
    assert types(inspector, "turn:T1 !*.delta !response.output_item.* dir:s type:completed") == [
        "response.completed"
    ]


def test_lanes_turns_connections_kinds(inspector: Inspector) -> None:
    on_plan, on_default = types(inspector, "lane:plan"), types(inspector, "lane:default")
    assert on_plan[0] == on_default[0] == "response.create"
    assert len(types(inspector, "turn:1-2")) == len(on_plan) + len(on_default)
    assert types(inspector, "kind:close") == ["close"]
    assert types(inspector, "dir:-") == ["open"]
    assert "open" not in types(inspector, "dir:both")
    assert types(inspector, "conn:2") == []
    assert len(types(inspector, "conn:1")) == len(inspector.recording)


def test_bounds(inspector: Inspector) -> None:
    assert types(inspector, "gap:>1s") == ["response.create"]
    assert types(inspector, "gap:>1000ms") == ["response.create"]
    assert types(inspector, "size:<3") == ["close"]
    assert types(inspector, "size:=2") == types(inspector, "size:<=2") == ["close"]
    large = types(inspector, "size:>0.4k")
    assert large == types(inspector, "size:>=401b") == ["response.completed"] * 2


def test_text_is_looked_for_in_whole_payloads(inspector: Inspector) -> None:
    assert "response.output_text.delta" in types(inspector, "text:HELLO")
    assert types(inspector, "caf\u00e9.")[0] == "response.output_text.delta"
    assert types(inspector, 'text:"x"') == ["codex.new"]


def test_tones(inspector: Inspector) -> None:
    assert types(inspector, "is:odd") == ["codex.new"]
    assert types(inspector, "is:ending") == ["response.completed", "response.completed", "close"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("dir:up", "dir:c"),
        ("size:big", "size:>1"),
        ("size:>3s", "size:>1"),
        ("gap:>1k", "gap:>1"),
        ("turn:four", "turn:4"),
        ("turn:1-x", "turn:4-7"),
        ("kind:frame", "text"),
        ("conn:a", "conn:1"),
        ("is:nice", "error"),
        ("lain:plan", "lane:"),
        ("!", "!*.delta"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_would_work(
    inspector: Inspector, words: str, told: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(words, inspector.recording, inspector.sessions)
    assert told in str(caught.value)


def test_every_field_is_named_when_one_is_wrong(inspector: Inspector) -> None:
    with pytest.raises(FilterError) as caught:
        parse("nope:1", inspector.recording, inspector.sessions)
    assert all(f"{field}:" in str(caught.value) for field in FIELDS)


@pytest.mark.parametrize(
    ("needle", "payload"),
    [
        ("caf\u00e9", '{"a":"CAF\\u00c9"}'.lower()),
        ("caf\u00e9", '{"a":"caf\u00e9"}'),
        ("a\nb", '{"t":"a\\nb"}'),
        ('"q"', '{"t":"\\"q\\""}'),
        ("\u65e5\u672c", '"\\u65e5\\u672c"'),
        (".*", "x.*y"),
    ],
)
def test_text_is_found_however_json_spells_it(needle: str, payload: str) -> None:
    assert payload_needle(needle)(payload.encode())


def test_text_that_is_not_there() -> None:
    assert not payload_needle("abc")(b"ab c")
    assert not payload_needle("\ud800")(b"x")
