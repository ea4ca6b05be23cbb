"""Items, parts and texts: every text of every event type, appended, replaced, and never lost."""

from __future__ import annotations

import pytest

from sessions.contract import DELTAS, DONES
from sessions.items import Item
from sessions.reducer import Sessions, What
from tests import make
from tests.make import Body, Wire
from tests.playbook import Playbook, change


class Answering:
    """A response that runs, and whatever a server says of it next."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.sessions = Sessions()
        for record in (
            self.wire.open(),
            self.wire.sent(make.create()),
            self.wire.got(make.created("resp_1")),
        ):
            self.sessions.apply(record)

    def got(self, *bodies: Body) -> list[tuple[What, str]]:
        """What these events change."""
        return [(one.what, one.detail) for body in bodies for one in self.sessions.apply(self.wire.got(body))]

    @property
    def items(self) -> list[Item]:
        """The items of the response."""
        return self.sessions.turns[0].responses[0].items

    @property
    def irregular(self) -> list[str]:
        """What was against the contract, in words."""
        return [words for _, words in self.sessions.turns[0].responses[0].irregular]


@pytest.mark.parametrize("event_type", [name for name in DELTAS if name.endswith(".delta")])
def test_every_delta_is_appended_and_its_done_value_wins(event_type: str) -> None:
    answering = Answering()
    slot, index_field, field = DELTAS[event_type]
    is_output = slot == "output"
    at = {"item_id": "it_1", "output_index": 0, **({index_field: 2} if index_field else {})}
    answering.got(make.item_added({"id": "it_1", "type": "some_item"}))
    for piece in ("one ", "two"):
        delta = {"stdout": piece, "stderr": ""} if is_output else piece
        answering.got({"type": event_type, **at, field: delta})
    (item,) = answering.items
    assert item.text(slot) == "one two"
    done_type = event_type.removesuffix(".delta") + ".done"
    _, _, done_field = DONES[done_type]
    if not done_field:
        return
    value = [{"stdout": "three", "stderr": "!"}] if is_output else "three!"
    assert (What.REPLACED, "the done value differs from its deltas") in answering.got(
        {"type": done_type, **at, done_field: value}
    )
    assert item.text(slot) == "three!"
    assert next(item.texts(slot)).index == (2 if index_field else 0)
    assert answering.irregular == []


def test_a_done_value_that_agrees_replaces_nothing() -> None:
    answering = Answering()
    changes = answering.got(*make.message_events("msg_1", "Same text here"))
    assert not [one for one in changes if one[0] is What.REPLACED]


def test_a_finished_item_replaces_what_deltas_said() -> None:
    answering = Answering()
    answering.got(make.item_added(make.message("msg_1")), make.text_delta("msg_1", "Wrogn"))
    changes = answering.got(make.item_done(make.message("msg_1", "Right")))
    assert changes == [
        (What.ITEM, "done"),
        (What.REPLACED, "the finished item differs from its deltas"),
    ]
    assert answering.items[0].text("output_text") == "Right"


def test_a_finished_item_without_its_text_takes_nothing_back() -> None:
    answering = Answering()
    answering.got(make.item_added(make.message("msg_1")), make.text_delta("msg_1", "Kept"))
    answering.got(make.item_done({"id": "msg_1", "type": "message", "content": [{"type": "output_text"}]}))
    assert answering.items[0].text("output_text") == "Kept"


def test_only_a_terminal_event_brings_the_output() -> None:
    answering = Answering()
    call = make.function_call("fc_1", "call_1", arguments="{}")
    answering.got(make.completed("resp_1", [make.message("msg_1", "All at once"), call]))
    message, called = answering.items
    assert (message.text("output_text"), called.text("arguments")) == ("All at once", "{}")
    assert called.is_pending


def test_a_delta_after_its_done_value_is_irregular_and_does_not_change_it() -> None:
    answering = Answering()
    answering.got(
        make.item_added(make.message("msg_1")), make.text_delta("msg_1", "a"), make.text_done("msg_1", "a")
    )
    answering.got(make.text_delta("msg_1", "b"))
    assert answering.items[0].text("output_text") == "a"
    assert answering.irregular == ["response.output_text.delta after its done value"]


def test_content_after_the_end_is_irregular_and_kept() -> None:
    answering = Answering()
    answering.got(*make.message_events("msg_1", "a")[:3], make.completed("resp_1"))
    answering.got(make.text_delta("msg_1", "b"))
    assert answering.items[0].text("output_text") == "ab"
    assert answering.irregular == ["response.output_text.delta after the end"]


def test_a_part_that_is_announced_with_text_does_not_double_it() -> None:
    answering = Answering()
    part = {**make.part_added("msg_1"), "part": {"type": "output_text", "text": "Hello"}}
    answering.got(make.item_added(make.message("msg_1")), part, part)
    assert answering.items[0].text("output_text") == "Hello"


def test_a_shell_command_that_is_announced_twice_does_not_double() -> None:
    answering = Answering()
    added = {
        "type": "response.shell_call_command.added",
        "item_id": "sh_1",
        "output_index": 0,
        "command_index": 0,
        "command": "ls",
    }
    answering.got(make.item_added({"id": "sh_1", "type": "shell_call"}), added, added)
    assert answering.items[0].text("command") == "ls"


def test_items_stand_by_their_index_whatever_their_order() -> None:
    answering = Answering()
    for index in (3, 1, 2, 0):
        answering.got(make.item_added(make.message(f"msg_{index}"), index))
    assert [item.id for item in answering.items] == ["msg_0", "msg_1", "msg_2", "msg_3"]
    answering.got(make.text_delta("", "found by index", 2))
    assert answering.items[2].text("output_text") == "found by index"


@pytest.mark.parametrize("index", [-1, -7, 10**30, True, "0", 1.0, None, [], {}])
def test_an_output_index_of_any_kind_finds_or_makes_an_item(index: object) -> None:
    answering = Answering()
    for event_type in ("response.output_text.delta", "response.web_search_call.searching"):
        answering.got({"type": event_type, "output_index": index, "content_index": index, "delta": "x"})
    answering.got({"type": "response.output_item.added", "output_index": index, "item": {"id": "it_9"}})
    answering.got({"type": "response.output_item.done", "output_index": index, "item": {"id": "it_9"}})
    assert "".join(item.text("output_text") for item in answering.items) == "x"
    answering.sessions.snapshot()


def test_an_unannounced_item_is_made_once() -> None:
    answering = Answering()
    answering.got(make.text_delta("msg_1", "a"), make.text_delta("msg_1", "b"))
    (item,) = answering.items
    assert (item.id, item.type, item.text("output_text")) == ("msg_1", "message", "ab")
    assert answering.irregular == ["the item was not announced"]


def test_an_items_id_that_changes_is_still_one_item() -> None:
    answering = Answering()
    answering.got(make.item_added(make.message("msg_a")), make.text_delta("msg_b", "x"))
    answering.got(make.item_done(make.message("msg_c", "x")))
    assert len(answering.items) == 1
    assert answering.irregular == ["the item's id changed", "the item's id changed"]


def test_an_item_announced_or_finished_twice_is_irregular() -> None:
    answering = Answering()
    message = make.message("msg_1", "a")
    answering.got(
        make.item_added(message), make.item_added(message), make.item_done(message), make.item_done(message)
    )
    assert answering.irregular == ["the item was announced twice", "the item was done twice"]


def test_content_for_nobody_is_irregular_and_makes_no_turn() -> None:
    wire = Wire()
    play = (
        Playbook()
        >> wire.open()
        << change(What.SESSION, "opened")
        >> wire.got(make.text_delta("msg_1", "x"))
        << change(What.IRREGULAR, "it belongs to no response", turn=0)
    )
    assert play
    assert play.sessions.turns == []


def test_audio_is_noted_and_its_transcript_is_text() -> None:
    answering = Answering()
    answering.got(make.item_added(make.message("msg_1")))
    answering.got({"type": "response.audio.delta", "delta": "AAAA"}, {"type": "response.audio.done"})
    answering.got({"type": "response.audio.transcript.delta", "delta": "spoken"})
    answering.got({"type": "response.audio.transcript.done"})
    assert answering.items[0].text("transcript") == "spoken"
    assert answering.irregular == []


def test_deeply_nested_values_are_no_text() -> None:
    answering = Answering()
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    answering.got({"type": "response.shell_call_output_content.done", "output": deep})
    answering.got({"type": "response.output_text.delta", "item_id": "m", "delta": deep})
    assert all(item.text(slot) == "" for item in answering.items for slot in ("output", "output_text"))


def test_many_items_in_reverse_stand_in_order() -> None:
    answering = Answering()
    for index in range(2_000, 0, -1):
        answering.got(make.item_added(make.message(f"msg_{index}"), index))
    assert [item.output_index for item in answering.items] == list(range(1, 2_001))
