"""Exchanges: which ids stand for which on two sides, and the codes that end a socket."""

from __future__ import annotations

from collections.abc import Mapping

from sessions.moves import Exchange, may_close_with, paired_ids
from sessions.script import read
from tests.make import record
from tests.sessions.test_script import CREATE, client, ended, opened, started


def test_ids_are_paired_by_place_and_then_by_name() -> None:
    def call(name: str, call_id: str) -> Mapping[str, object]:
        return {"id": f"fc_{call_id}", "type": "function_call", "name": name, "call_id": call_id}

    def answered(response_id: str, *items: Mapping[str, object]) -> Exchange:
        said = [record(started(response_id), at=2.0)]
        for index, item in enumerate(items):
            event = {"type": "response.output_item.done", "output_index": index, "item": item}
            said.append(record(event, at=3.0))
        return read([opened(), client(CREATE, 1.0), *said, record(ended(response_id), at=4.0)]).exchanges[0]

    thought = {"id": "rs_old", "type": "reasoning", "encrypted_content": "sealed old"}
    fresh = {"id": "rs_new", "type": "reasoning", "encrypted_content": "sealed new"}
    recorded = answered("resp_old", thought, call("tide", "c1"), call("wind", "c2"))
    live = answered("resp_new", fresh, call("wind", "n2"), call("tide", "n1"), call("wind", "n3"))
    assert paired_ids(recorded, live) == {
        "resp_old": "resp_new", "rs_old": "rs_new", "sealed old": "sealed new",
        "c1": "n1", "fc_c1": "fc_n1", "c2": "n2", "fc_c2": "fc_n2",
    }  # fmt: skip


def test_items_of_a_server_that_only_tells_them_at_the_end_are_paired_too() -> None:
    item = {"id": "msg_1", "type": "message"}
    script = read([opened(), client(CREATE, 1.0), record(ended("r1", output=[item]), at=2.0)])
    assert list(script.exchanges[0].items.values()) == [item]


def test_codes_that_no_close_frame_may_carry() -> None:
    codes = (1000, 1003, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000)
    assert [code for code in codes if may_close_with(code)] == [1000, 1003, 1011, 3000, 4999]
