"""Laws of the core, with hypothesis: whatever is sent, in whatever order, these hold."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import redact
from sessions.contract import FAMILIES
from sessions.events import Event, Undecodable, arguments, decode
from sessions.records import Direction, Kind, Record, from_line, to_line
from sessions.reducer import Sessions, fold
from sessions.safe import is_safe, safe, safe_json, safe_line
from sessions.text import Text
from tests import make
from tests.make import Body, Wire

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 10**40, 2**63])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["resp_1", "resp_2", "msg_1", "fc_1", "call_1", "plan", "message", "function_call", "mcp_call"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "status", "text", "content", "call_id", "error", "output", "usage", "code"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = (
    "sequence_number", "stream_id", "response", "response_id", "item", "item_id", "output_index",
    "content_index", "summary_index", "command_index", "delta", "text", "part", "annotation", "steer",
    "error", "status", "status_code", "headers", "detail", "message", "code", "arguments", "input",
    "refusal", "command", "output", "diff", "reason", "rate_limits", "credits", "usage", "tools",
    "previous_response_id", "model", "store", "generate", "name", "prompt_cache_options",
)  # fmt: skip
TYPES = (
    *FAMILIES,
    "response.done",
    "response.content_part.delta",
    "response.delta",
    "response.error",
    "new.type",
    "",
)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """An event of any type with fields of any kind, as a peer could send it."""
    body: Body = draw(st.dictionaries(st.sampled_from(FIELDS), values, max_size=7))
    event_type: Any = draw(st.sampled_from(TYPES) | values)
    return {"type": event_type, **body}


@st.composite
def conversations(draw: st.DrawFn) -> list[Record]:
    """Records of a socket or two: openings, any frames in both directions, endings anywhere."""
    wires = [Wire(1), Wire(2)]
    records = [wires[0].open()]
    for _ in range(draw(st.integers(0, 14))):
        wire = wires[draw(st.integers(0, 9)) == 0]
        match draw(st.integers(0, 19)):
            case 0:
                records.append(wire.open())
            case 1:
                records.append(wire.close(by=draw(st.sampled_from(Direction))))
            case 2:
                records.append(wire.lost())
            case 3:
                records.append(wire.record(draw(st.binary(max_size=20)), draw(st.sampled_from(Kind))))
            case 4:
                meta = {"code": "x", "lifetime": "y", "status": "z", "ms": "w", "note": "latency"}
                records.append(wire.record(b"", draw(st.sampled_from(Kind)), Direction.LOCAL, meta))
            case 5 | 6 | 7:
                records.append(wire.sent(draw(bodies())))
            case 8 | 9:
                records.append(wire.sent(make.create(stream_id=draw(st.sampled_from([None, "plan"])))))
            case 10 | 11:
                records.append(wire.got(make.created(draw(st.sampled_from(["resp_1", "resp_2", ""])))))
            case 12:
                records.append(wire.got(make.item_added(make.message("msg_1"), draw(st.integers(-2, 2)))))
            case _:
                records.append(wire.got(draw(bodies())))
    return records


@given(conversations())
@settings(max_examples=400, deadline=None)
def test_nothing_a_peer_sends_raises(records: list[Record]) -> None:
    sessions = fold(records)
    assert sessions.records == len(records) == len(sessions.type_column) == len(sessions.turn_column)
    for turn in sessions.turns:
        assert sessions.chain(turn)[-1] is turn
        for response in turn.responses:
            assert sum(len(str(part.text)) for item in response.items for part in item.parts.values()) >= 0
            assert response.tokens_per_second(99.0) is None or response.deltas
            assert list(response.items) == sorted(response.items, key=lambda item: item.output_index)
    for one in sessions.sessions.values():
        assert all(not item.answered >= 0 for _, item in one.pending_calls())
        assert not one.phase.is_over or one.ended >= 0


@given(conversations(), st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_folding_a_and_then_b_is_folding_both(records: list[Record], cut: int) -> None:
    sessions = fold(records[:cut])
    for record in records[cut:]:
        sessions.apply(record)
    assert repr(sessions.snapshot()) == repr(fold(records).snapshot())


@given(conversations())
@settings(max_examples=100, deadline=None)
def test_a_caller_that_has_decoded_changes_nothing(records: list[Record]) -> None:
    sessions = Sessions()
    for record in records:
        sessions.apply(record, decode(record.payload) if record.kind is Kind.TEXT else None)
    assert repr(sessions.snapshot()) == repr(fold(records).snapshot())


@st.composite
def lanes(draw: st.DrawFn) -> tuple[list[list[Body]], list[int]]:
    """Answers on lanes of their own, and an order in which their events are sent."""
    answers = [
        make.answer(f"resp_{n}", draw(st.text(min_size=1, max_size=20)), lane=lane)
        for n, lane in enumerate(["a", "b", None, "d"])
    ]
    order = draw(st.permutations([n for n, answer in enumerate(answers) for _ in answer]))
    return answers, order


@given(lanes())
@settings(max_examples=80, deadline=None)
def test_any_interleaving_of_lanes_gives_the_same_responses(made: tuple[list[list[Body]], list[int]]) -> None:
    answers, order = made

    def responses(numbers: list[int]) -> list[tuple[Any, ...]]:
        wire = Wire()
        sessions = fold(
            [wire.open(), *(wire.sent(make.create(stream_id=one[0].get("stream_id"))) for one in answers)]
        )
        streams = [iter(one) for one in answers]
        for number in numbers:
            sessions.apply(wire.got(next(streams[number])))
        return [
            (turn.lane, turn.status, one.id, one.text, one.usage, one.deltas, one.irregular)
            for turn in sessions.turns
            for one in turn.responses
        ]

    assert responses(order) == responses(sorted(order))


@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_decode_without_raising(payload: bytes) -> None:
    event = decode(payload)
    assert isinstance(event, Event | Undecodable)
    if isinstance(event, Undecodable):
        assert event.reason
        assert 0 <= event.offset <= len(payload)
    else:
        expected = json.loads(payload.decode("utf-8-sig"))
        assert json.dumps(event.body, sort_keys=True) == json.dumps(expected, sort_keys=True)


@given(st.text(max_size=60))
def test_any_arguments_can_be_looked_at(text: str) -> None:
    found = arguments(text)
    assert found.is_complete == (found.problem == "")


records_of_all_kinds = st.builds(
    Record,
    st.integers(1, 10**6),
    st.sampled_from(Direction),
    st.sampled_from(Kind),
    st.integers(0, 2**60),
    st.floats(0, 1e9, allow_nan=False),
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="ignore")),
    st.dictionaries(
        st.text(max_size=8).filter(lambda key: key != "wire"),
        st.text(max_size=8) | st.integers() | st.floats(allow_nan=False),
        max_size=3,
    )
    | st.builds(lambda wire: {"wire": wire}, st.integers(0, 2**40)),
)


@given(records_of_all_kinds, st.integers(0, 10**9))
def test_records_round_trip_as_one_line(record: Record, number: int) -> None:
    line = to_line(record, number)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert from_line(line) == record
    assert is_safe(line.decode().rstrip("\n"))
    assert json.loads(line)["n"] == number


@given(st.lists(records_of_all_kinds, max_size=5), st.data())
def test_lines_can_be_split_anywhere(records: list[Record], data: st.DataObject) -> None:
    whole = b"".join(to_line(record, number) for number, record in enumerate(records))
    cut = data.draw(st.integers(0, len(whole)))
    kept = b""
    read = []
    for piece in (whole[:cut], whole[cut:]):
        *lines, kept = (kept + piece).split(b"\n")
        read += [from_line(line) for line in lines]
    assert (read, kept) == (records, b"")


@given(st.text(max_size=80) | st.text("\x1b[]0;\x07\x9b\u202e\u200d\U0001f469ab\n\t", max_size=40))
def test_safe_text_keeps_its_length_and_is_safe_again(text: str) -> None:
    shown = safe(text)
    assert len(shown) == len(text)
    assert safe(shown) == shown
    assert all(char >= " " or char in "\n\t" for char in shown)
    assert "\n" not in safe_line(text)
    assert len(safe_line(text, 10)) <= 10


@given(values)
def test_safe_json_means_the_same(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert repr(json.loads(safe_json(text))) == repr(json.loads(text))


secrets = st.lists(st.text("abcdef0123456789-_", min_size=8, max_size=16), max_size=3)
texts = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "sk-",
            "org-",
            "Bearer ",
            "api_key=",
            "?",
            "&",
            "://",
            "@",
            "abc123DEF456xyz",
            "eyJ",
            ".",
            "***",
            "u:p",
            " ",
            "token",
        ]
    ),
    max_size=8,
).map("".join)


@given(texts, secrets)
def test_redaction_of_text_is_idempotent_and_total(text: str, known: list[str]) -> None:
    for mask in (redact.text, redact.url):
        once = mask(text, known)
        assert mask(once.value, known).value == once.value
        assert not any(secret in once.value for secret in known)
        assert bool(once.masked) == (once.value != text)


@given(
    st.sampled_from(
        ["Authorization", "X-Api-Key", "Cookie", "X-Other", "Location", "Sec-WebSocket-Protocol"]
    ),
    texts,
)
def test_redaction_of_headers_is_idempotent(name: str, value: str) -> None:
    once = redact.header(name, value)
    assert redact.header(name, once.value).value == once.value


@given(st.binary(max_size=80), secrets)
def test_redaction_of_payloads_is_idempotent_and_total(payload: bytes, known: list[str]) -> None:
    mixed = payload + b"".join(secret.encode() for secret in known) + payload
    once = redact.payload(mixed, known)
    assert redact.payload(once.value, known).value == once.value
    assert not any(secret.encode() in once.value for secret in known)


@given(st.text(max_size=10), st.text(max_size=10), st.booleans())
def test_an_mcp_tool_keeps_everything_but_its_credentials(token: str, value: str, is_first: bool) -> None:
    tool: Body = {"authorization": token, "headers": {"A": value}, "server_label": token}
    tool = {"type": "mcp", **tool} if is_first else {**tool, "type": "mcp"}
    clean = json.loads(
        redact.payload(make.payload_of(json.dumps({"tools": [tool, {"authorization": token}]}))).value
    )
    assert clean["tools"][0]["authorization"] == ("***" if token else "")
    assert clean["tools"][0]["headers"]["A"] == ("***" if value else "")
    assert clean["tools"][0]["server_label"] == token
    assert clean["tools"][1] == {"authorization": token}


@given(st.lists(st.text(max_size=5), max_size=30), st.integers(-2, 80), st.integers(-2, 80))
def test_text_that_grows_is_the_text(pieces: list[str], start: int, end: int) -> None:
    text = Text()
    for record, piece in enumerate(pieces):
        text.append(piece, record)
    whole = "".join(pieces)
    assert (str(text), len(text), text.deltas) == (whole, len(whole), len(pieces))
    assert text.slice(start, end) == whole[max(0, start) : max(0, end)]
    for record, piece in enumerate(pieces):
        begin, stop = text.span(record)
        assert whole[begin:stop] == piece
        for offset in range(begin, stop):
            assert text.record_at(offset) == record
