"""Turns as blocks: every kind of item, every ending, nothing dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sessions.events import Event, Undecodable, decode
from sessions.records import Record
from sessions.reducer import Sessions, fold
from sessions.wording import Role
from tests import make
from tui.blocks import Block, blocks_of


class Told:
    """Records folded, and the blocks of one of their turns."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.sessions: Sessions = fold(records)

    def read(self, number: int) -> Event | Undecodable:
        return decode(self.records[number].payload)

    def blocks(self, turn: int = 1, *, is_checked: bool = True) -> list[Block]:
        found = self.sessions.turn(turn)
        assert found is not None
        return blocks_of(self.sessions, found, self.read, check if is_checked else None)


def check(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    return tuple(f"{name} is missing" for name in schema.get("required", ()) if name not in value)


def text_of(block: Block) -> str:
    return block.text.slice(0, len(block.text)) if block.text is not None else ""


def begun(*bodies: make.Body, **fields: Any) -> Told:
    """A turn that has begun and got these events."""
    wire = make.Wire()
    asked = {"input": "Hi", **fields}
    return Told(
        [
            wire.open(),
            wire.sent(make.create(**asked)),
            wire.got(make.created("resp_1")),
            *wire.got_all(bodies),
        ]
    )


def only(told: Told, role: Role) -> Block:
    (found,) = [block for block in told.blocks() if block.role is role]
    return found


def test_words_asked_and_answered() -> None:
    wire = make.Wire()
    blocks = Told([wire.open(), *wire.turn("resp_1", "Lima.", input="Capital?")]).blocks()
    assert [(block.role, text_of(block)) for block in blocks] == [
        (Role.YOU, "Capital?"),
        (Role.MODEL, "Lima."),
    ]
    assert blocks[1].is_markdown
    assert not blocks[1].is_live


def test_a_streaming_text_is_the_growing_text_itself() -> None:
    told = begun(
        make.item_added(make.message("m1", status="in_progress")),
        make.part_added("m1"),
        make.text_delta("m1", "Li"),
    )
    block = only(told, Role.MODEL)
    response = told.sessions.turns[0].response
    assert response is not None
    assert block.text is response.items[0].part("output_text", 0).text
    assert block.is_live
    assert not block.is_markdown


def test_developer_messages_and_instructions_are_folded() -> None:
    told = begun(
        instructions="Be terse.",
        input=[{"role": "developer", "content": "Rules"}, {"role": "user", "content": "Hi"}],
    )
    blocks = told.blocks()
    assert [(block.role, block.is_folded) for block in blocks[:3]] == [
        (Role.SYSTEM, True),
        (Role.SYSTEM, True),
        (Role.YOU, False),
    ]


def test_instructions_that_the_parent_had_are_not_repeated() -> None:
    wire = make.Wire()
    told = Told(
        [
            wire.open(),
            *wire.turn("resp_1", instructions="Be terse."),
            *wire.turn("resp_2", instructions="Be terse.", previous_response_id="resp_1"),
            *wire.turn("resp_3", instructions="Be long.", previous_response_id="resp_2"),
        ]
    )
    assert next(block.role for block in told.blocks(1)) is Role.SYSTEM
    assert Role.SYSTEM not in [block.role for block in told.blocks(2)]
    assert next(block.role for block in told.blocks(3)) is Role.SYSTEM


def test_a_replay_is_one_folded_block_before_the_new_words() -> None:
    items = [{"role": "assistant", "content": f"old {n}"} for n in range(20)]
    told = begun(input=[*items, {"role": "user", "content": "new"}])
    earlier, you = told.blocks()[:2]
    assert (earlier.role, earlier.is_folded, earlier.title) == (
        Role.EARLIER,
        True,
        "20 items of earlier turns, sent again",
    )
    assert "old 19" in text_of(earlier)
    assert text_of(you) == "new"


def test_growing_arguments_say_whether_they_are_valid_yet() -> None:
    call = make.function_call("fc_1", "call_1")
    half = begun(make.item_added(call), make.arguments_delta("fc_1", '{"city": '))
    block = only(half, Role.TOOL)
    assert (block.title, text_of(block)) == ("get_weather", '{"city": ')
    assert block.feet == ("9 characters so far, not yet valid JSON",)
    assert block.note == "call_1  streaming"
    whole = begun(make.item_added(call), make.arguments_delta("fc_1", "{}"))
    assert only(whole, Role.TOOL).feet == ("2 characters so far, valid JSON already",)


TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "required": ["city"]}}]


@pytest.mark.parametrize(
    ("arguments", "feet"),
    [
        ('{"city": "Oslo"}', ("schema ok",)),
        ("{}", ("against the schema: city is missing",)),
        ('{"city": ', ("not valid JSON: EOF while parsing a value at line 1 column 9",)),
    ],
)
def test_finished_arguments_are_checked(arguments: str, feet: tuple[str, ...]) -> None:
    told = begun(
        *make.call_events("fc_1", "call_1", "get_weather", arguments),
        make.completed("resp_1", [make.function_call("fc_1", "call_1", "get_weather", arguments)]),
        tools=TOOLS,
    )
    block = only(told, Role.TOOL)
    assert block.feet == feet
    assert block.is_pending
    assert block.note == "call_1  PENDING"


def test_short_arguments_stand_in_the_title_and_long_ones_below() -> None:
    short = begun(*make.call_events("fc_1", "call_1", "f", '{"a":1}'))
    assert only(short, Role.TOOL).title == 'f({"a":1})'
    long = begun(*make.call_events("fc_1", "call_1", "f", '{"a":"' + "x" * 90 + '"}'))
    assert text_of(only(long, Role.TOOL)).startswith('{\n  "a": "xxx')


def test_an_answer_is_told_at_the_call_and_where_it_was_sent() -> None:
    wire = make.Wire()
    told = Told(
        [
            wire.open(),
            wire.sent(make.create("Weather?")),
            *wire.got_all(make.call_answer("resp_1", {"call_1": "{}"})),
            wire.sent(make.create([make.function_output("call_1", "15")], previous_response_id="resp_1")),
        ]
    )
    assert only(told, Role.TOOL).note == "call_1  answered by you"
    (reply, waiting) = told.blocks(2)
    assert (reply.role, reply.title, text_of(reply)) == (Role.REPLY, "to get_weather", "15")
    assert waiting.title == "sent, nothing came back yet"


def test_an_answer_to_an_unseen_call_says_so() -> None:
    told = begun(input=[make.function_output("call_9")])
    assert told.blocks()[0].title == "to a call that this recording has not seen"


def test_reasoning_folds_once_it_is_done() -> None:
    delta = {
        "type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0,
        "summary_index": 0, "delta": "Weighing",
    }  # fmt: skip
    live = only(begun(make.item_added(make.reasoning("rs_1")), delta), Role.THINK)
    assert (live.is_folded, live.is_live, text_of(live)) == (False, True, "Weighing")
    done = only(
        begun(
            make.item_added(make.reasoning("rs_1")), delta, make.item_done(make.reasoning("rs_1", "Weighing"))
        ),
        Role.THINK,
    )
    assert (done.is_folded, done.is_live) == (True, False)


def test_reasoning_without_words_is_a_line() -> None:
    assert (
        only(begun(make.item_added(make.reasoning("rs_1"))), Role.THINK).title
        == "thinking, nothing to read yet"
    )
    sealed = begun(make.item_done(make.reasoning("rs_1", encrypted="A" * 1_200)))
    assert only(sealed, Role.THINK).title == "thought without words, encrypted content 1.2 kB"


def test_a_refusal_is_a_block_of_its_own() -> None:
    delta = {
        "type": "response.refusal.delta",
        "item_id": "m1",
        "output_index": 0,
        "content_index": 0,
        "delta": "I can't",
    }
    told = begun(
        make.item_added(make.message("m1", status="in_progress")),
        make.part_added("m1", kind="refusal"),
        delta,
    )
    assert text_of(only(told, Role.REFUSAL)) == "I can't"


def test_annotations_are_footnotes() -> None:
    annotation = {
        "type": "response.output_text.annotation.added", "item_id": "m1", "output_index": 0,
        "content_index": 0,
        "annotation_index": 0, "annotation": {"type": "url_citation", "title": "A", "url": "https://a.example"},
    }  # fmt: skip
    told = begun(
        make.item_added(make.message("m1")), make.part_added("m1"), make.text_delta("m1", "See."), annotation
    )
    assert only(told, Role.MODEL).feet == ("[1] A https://a.example",)


def test_a_hosted_tool_shows_its_progress() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "in_progress"}
    told = begun(
        make.item_added(search),
        {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 0},
    )
    assert only(told, Role.SEARCH).note == "searching"


def test_partial_images_are_counted_and_never_shown() -> None:
    image = {"id": "ig_1", "type": "image_generation_call", "status": "in_progress"}
    partial = {
        "type": "response.image_generation_call.partial_image", "item_id": "ig_1", "output_index": 0,
        "partial_image_index": 0, "partial_image_b64": "A" * 100,
    }  # fmt: skip
    block = only(begun(make.item_added(image), partial, partial), Role.IMAGE)
    assert "2 partial images" in block.note
    assert "AAAA" not in repr(block)


def test_an_approval_waits_for_you() -> None:
    request = {
        "id": "mcpr_1",
        "type": "mcp_approval_request",
        "server_label": "jira",
        "name": "find",
        "arguments": '{"q":1}',
    }
    told = begun(make.item_done(request), make.completed("resp_1", [request]))
    block = only(told, Role.MCP)
    assert block.is_pending
    assert "mcpr_1  PENDING" in block.note


def test_an_unknown_item_is_a_block() -> None:
    told = begun(make.item_done({"id": "n1", "type": "brand_new", "deep": {"x": 1}}))
    block = only(told, Role.ITEM)
    assert block.title == "brand_new"
    assert '"deep"' in text_of(block)


def test_a_large_item_is_read_from_its_record() -> None:
    told = begun(
        make.item_done(
            {"id": "c1", "type": "mcp_call", "name": "f", "server_label": "s", "output": "y" * 50_000}
        )
    )
    assert len(only(told, Role.MCP).text or "") == 50_000


def test_failures_say_code_status_and_message() -> None:
    told = begun(make.failed("resp_1", "server_error", "It broke."))
    assert (only(told, Role.ERROR).title, text_of(only(told, Role.ERROR))) == ("server_error", "It broke.")
    refused = begun(make.error("rate_limit_exceeded", "Slow down.", status=429))
    assert only(refused, Role.ERROR).title == "rate_limit_exceeded  status 429"


def test_an_incomplete_answer_says_why() -> None:
    told = begun(make.incomplete("resp_1", "max_output_tokens"))
    assert (
        only(told, Role.CUT).title == "incomplete: max_output_tokens (the limit of output tokens was reached)"
    )
    odd = begun(make.incomplete("resp_1", "brand_new"))
    assert "a reason that the contract does not list" in only(odd, Role.CUT).title


def test_a_cut_turn_says_so() -> None:
    wire = make.Wire()
    told = Told([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1")), wire.lost()])
    block = only(told, Role.CUT)
    assert block.title == "the socket ended before the answer did"
    assert block.record == 3


def test_a_waiting_turn_says_behind_whom() -> None:
    wire = make.Wire()
    told = Told(
        [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1")), wire.sent(make.create())]
    )
    assert told.blocks(2)[-1].title == "queued on the default lane behind T1"


def test_steers_are_told_with_their_state() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_1")),
        wire.sent(make.steer("resp_1")),
    ]
    block = only(Told(records), Role.STEER)
    assert (text_of(block), block.note) == ("Shorter.", "sent, the server has not answered")


def test_a_warm_up_is_one_line() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create([], generate=False)),
        *wire.got_all([make.created("resp_1"), make.completed("resp_1")]),
    ]
    assert [block.title for block in Told(records).blocks()] == [
        "warm-up: no answer is generated, only state"
    ]


def test_oddities_are_told_with_their_record() -> None:
    told = begun(make.created("resp_1"))
    assert "irregular: response.created came twice (#3)" in [block.title for block in told.blocks()]


def test_a_response_that_nobody_asked_for_says_so() -> None:
    wire = make.Wire()
    told = Told([wire.open(), *wire.got_all(make.answer("resp_1"))])
    assert told.blocks()[0].title == "nobody asked for this response on this socket"
