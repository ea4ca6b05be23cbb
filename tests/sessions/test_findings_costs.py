"""What turns cost: a queue, a repeat, tokens billed twice, a cache that was missed."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.finding import Severity
from sessions.records import Direction, Record
from tests import make
from tests.make import Body, Wire
from tests.verdict import ids, judged


def answer(response_id: str, parent: str | None, counted: Body) -> list[Body]:
    bodies = make.answer(response_id, parent=parent, store=False)
    bodies[-1] = {**bodies[-1], "response": {**bodies[-1]["response"], "usage": counted}}
    return bodies


def chain(*counts: Body, pause: float = 1.0, **fields: Any) -> list[Record]:
    """A turn for each usage, each going on from the one before; `fields` are of the last create."""
    wire = Wire()
    records = [wire.open()]
    parent: str | None = None
    for number, counted in enumerate(counts, 1):
        own = fields if number == len(counts) else {}
        if number == len(counts):
            wire.wait(pause)
        named: dict[str, Any] = {"previous_response_id": parent} if parent else {}
        records.append(wire.sent(make.create("And now?", store=False, **{**named, **own})))
        records += wire.got_all(answer(f"resp_{number}", parent, counted))
        parent = f"resp_{number}"
    return records


def test_twice_the_input_of_its_chain_is_told() -> None:
    found = judged(chain(make.usage(3000, 20), make.usage(6100, 20)))
    assert [(one.id, one.severity, one.who) for one in found] == [
        ("context-doubled", Severity.WARNING, "proxy")
    ]
    assert "billed 6,100 tokens of input; its parent held 3,020" in found[0].evidence


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "x" * 6000},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://e.x/a"}]}]},
        {"tools": [{"type": "web_search"}]},
        {"model": "another"},
        {"prompt": {"id": "pmpt_1"}},
    ],
)
def test_more_input_that_has_another_reason_is_fine(fields: dict[str, Any]) -> None:
    wire = Wire()
    create = make.create(**{"input": "Hi", "store": False, "previous_response_id": "resp_1", **fields})
    records = [
        wire.open(),
        wire.sent(make.create(store=False)),
        *wire.got_all(answer("resp_1", None, make.usage(3000, 20))),
        wire.sent(create),
        *wire.got_all(answer("resp_2", "resp_1", make.usage(9000, 20))),
    ]
    assert judged(records) == []


def test_a_cache_that_collapses_is_told() -> None:
    (finding,) = judged(chain(make.usage(3000), make.usage(3100, cached=2900), make.usage(3200)))
    assert (finding.id, finding.turn) == ("cache-missed", 3)
    assert "0 of 3,200 tokens of input were cached; 2,900 of its parent's were" in finding.evidence


def test_a_server_that_caches_nothing_has_no_cache_to_miss() -> None:
    assert judged(chain(*(make.usage(many) for many in (5000, 5100, 5200)))) == []


@pytest.mark.parametrize(
    "fields", [{"instructions": "Be brief."}, {"reasoning": {"effort": "high"}}, {"prompt_cache_key": "a"}]
)
def test_a_cache_that_other_settings_miss_is_no_fault(fields: dict[str, Any]) -> None:
    counts = make.usage(3000), make.usage(3100, cached=2900), make.usage(3200)
    assert judged(chain(*counts, **fields)) == []


def test_a_cache_that_a_pause_loses_is_no_fault() -> None:
    counts = make.usage(3000), make.usage(3100, cached=2900), make.usage(3200)
    assert judged(chain(*counts, pause=600.0)) == []
    assert ids(judged(chain(*counts, pause=200.0))) == {"cache-missed"}


def test_a_long_wait_behind_another_turn_is_a_note() -> None:
    wire = Wire(step=1.0)
    creates = [wire.sent(make.create("a")), wire.sent(make.create("b"))]
    bodies = [*make.answer("resp_1"), *make.answer("resp_2")]
    (finding,) = judged([wire.open(), *creates, *wire.got_all(bodies)])
    assert (finding.id, finding.severity, finding.turn) == ("head-of-line", Severity.NOTE, 2)
    assert "until T1 had ended" in finding.evidence
    wire = Wire(step=0.1)
    creates = [wire.sent(make.create("a")), wire.sent(make.create("b"))]
    assert judged([wire.open(), *creates, *wire.got_all(bodies)]) == []


def asked_again(*, by: Direction | None = None, after: float = 1.0, **fields: Any) -> list[Record]:
    """An answer that is cut, and the same create on the next socket."""
    wire = Wire()
    records = [wire.open(), wire.sent(make.create("Do it.")), *wire.got_all(make.answer("resp_1")[:6])]
    records.append(wire.close(by=by) if by else wire.lost())
    if by:
        records.append(wire.close())
    other = Wire(2, at=wire.now + after)
    return [*records, other.open(), *other.turn("resp_2", **{"input": "Do it.", **fields})]


def test_a_create_that_is_sent_again_after_its_answer_had_begun_is_told() -> None:
    found = [one for one in judged(asked_again()) if one.session == 2]
    assert [(one.id, one.who, one.turn) for one in found] == [("create-repeated", "client", 2)]
    assert found[0].records[:1] == (1,)


def test_asking_again_for_other_reasons_is_fine() -> None:
    for records in (
        asked_again(by=Direction.CLIENT),
        asked_again(after=600.0),
        asked_again(input="Something else."),
    ):
        assert "create-repeated" not in ids(judged(records))
    wire = Wire()
    assert judged([wire.open(), *(one for n in range(5) for one in wire.turn(f"resp_{n}"))]) == []


def test_what_another_client_or_a_bridge_asks_is_no_repeat() -> None:
    def cut_then(first: str, second: str, **fields: Any) -> list[Record]:
        there, again = Wire(1), Wire(2, at=2.0)
        records = [there.open(client=first), there.sent(make.create("And now?"))]
        records += [*there.got_all(make.answer("resp_1")[:7]), there.lost()]
        return [*records, again.open(client=second), again.sent(make.create("And now?", **fields))]

    codex, other = "codex/1.0", "other/1.0"
    assert "create-repeated" in ids(judged(cut_then(codex, codex)))
    assert "create-repeated" not in ids(judged(cut_then(codex, other)))
    assert "create-repeated" not in ids(judged(cut_then(codex, codex, store=False)))
    bridge = "turnscope-bridge"
    assert "create-repeated" not in ids(judged(cut_then(bridge, bridge)))
