"""The chain on a screen: branches, words, marks, the parents that can be used, and its messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.message import Message

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Record
from tests import make
from tests.screen import screen_lines
from tui.widgets.chain import Chain


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = [
        "../../tui/widgets/pane.tcss",
        "../../tui/widgets/chain.tcss",
    ]

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.inspector = inspector
        self.chain = Chain(inspector)
        self.told: list[Message] = []
        self.follower = inspector.follow(len(inspector.recording))

    def compose(self) -> ComposeResult:
        yield self.chain

    def on_chain_selected(self, event: Chain.Selected) -> None:
        self.told.append(event)

    def on_chain_opened(self, event: Chain.Opened) -> None:
        self.told.append(event)

    def feed(self, *records: Record) -> None:
        self.inspector.feed_all(records)
        self.chain.show(self.follower.take())

    def inside(self) -> list[str]:
        return [line[1:-2].rstrip() for line in screen_lines(self)[1:-1]]


def forked(wire: make.Wire) -> list[Record]:
    """A root, its continuation, and a fork on a lane."""
    return [
        wire.open(),
        *wire.turn("resp_1", input="list the plans"),
        *wire.turn("resp_2", input="compare", previous_response_id="resp_1"),
        *wire.turn("resp_3", input="take plan A", previous_response_id="resp_1", stream_id="plan"),
    ]


async def test_a_fork_is_drawn_as_a_branch(inspector: Inspector) -> None:
    inspector.feed_all(forked(make.Wire()))
    app = Host(inspector)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        rows = app.inside()
        assert rows[0].startswith("c1  open for 0:00")
        assert rows[1] == "  o T1 you: list the plans"
        assert rows[2].startswith("  │    done  8 out")
        assert rows[3] == "  ├─╮"
        assert rows[4] == "  o │ T2 you: compare"
        assert rows[6].startswith("    o T3 you: take plan A")
        assert rows[6].endswith("plan")


async def test_wide_it_takes_one_row_for_a_turn(inspector: Inspector) -> None:
    inspector.feed_all(forked(make.Wire()))
    app = Host(inspector)
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        row = next(row for row in app.inside() if " T3 " in row)
        assert "you: take plan A" in row
        assert row.endswith("plan  completed")


async def test_resizing_draws_for_the_new_width(inspector: Inspector) -> None:
    inspector.feed_all(forked(make.Wire()))
    app = Host(inspector)
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(40, 20)
        await pilot.pause()
        assert any(row.startswith("  │    done") for row in app.inside())


async def test_the_parent_of_the_next_send_is_marked(inspector: Inspector) -> None:
    inspector.feed_all(forked(make.Wire()))
    app = Host(inspector)
    async with app.run_test(size=(40, 20)) as pilot:
        app.chain.mark_parent(2)
        await pilot.pause()
        assert "> o │ T2 you: compare" in app.inside()
        assert sum(row.startswith("> ") for row in app.inside()) == 2  # in the tree and among the parents
        app.chain.mark_parent(None)
        await pilot.pause()
        assert not any(row.startswith("> ") for row in app.inside())


async def test_failures_orphans_and_warm_ups_have_words(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create([], generate=False))])
    inspector.feed_all(wire.got_all([make.created("resp_w"), make.completed("resp_w")]))
    inspector.feed_all([wire.sent(make.create("x", previous_response_id="resp_gone"))])
    inspector.feed(wire.got(make.error("previous_response_not_found", "No.")))
    app = Host(inspector)
    async with app.run_test(size=(110, 20)) as pilot:
        await pilot.pause()
        rows = app.inside()
        assert any(row.startswith("  ~ T1 warm-up") and "warmed up" in row for row in rows)
        bad = next(row for row in rows if " T2 " in row)
        assert bad.startswith("  x T2")
        assert "previous_response_not_found" in bad
        assert "orphan of resp_gone" in bad
        assert bad.endswith("error")


async def test_open_calls_and_running_turns_are_told(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create("Weather?"))])
    inspector.feed_all(wire.got_all(make.call_answer("resp_1", {"call_1": "{}", "call_2": "{}"})))
    inspector.feed_all(
        [wire.sent(make.create([make.function_output("call_1")], previous_response_id="resp_1"))]
    )
    inspector.feed(wire.got(make.created("resp_2")))
    app = Host(inspector)
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        rows = app.inside()
        assert any("1 of 2 PENDING" in row for row in rows)
        assert any(row.startswith("  * T2 1 output") and row.endswith("live") for row in rows)


async def test_a_steered_successor_says_whose(inspector: Inspector) -> None:
    wire = make.Wire()
    steered = {"type": "response.steer.accepted", "steer": {"id": "s1", "previous_response_id": "resp_1"}}
    inspector.feed_all([wire.open(), wire.sent(make.create("x")), wire.got(make.created("resp_1"))])
    inspector.feed_all([wire.sent(make.steer("resp_1", "Shorter.")), wire.got(steered)])
    inspector.feed_all(
        wire.got_all(
            [make.incomplete("resp_1", "steered"), make.created("resp_2", previous_response_id="resp_1")]
        )
    )
    app = Host(inspector)
    async with app.run_test(size=(110, 20)) as pilot:
        await pilot.pause()
        row = next(row for row in app.inside() if " T2 " in row)
        assert "steer: Shorter." in row
        assert "after a steer of T1" in row


async def test_parents_are_listed_with_their_forecast(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(forked(wire))
    app = Host(inspector)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        rows = app.inside()
        below = rows[rows.index("parents you can use now") :]
        assert "  T3 yes, in memory, lane plan" in below
        assert "  T2 yes, in memory" in below
        assert "  T1 yes, stored" in below
        app.feed(wire.lost())
        await pilot.pause()
        assert app.inside()[0].startswith("c1  lost 1006")


async def test_several_sockets_have_their_headings(inspector: Inspector) -> None:
    one, two = make.Wire(1), make.Wire(2, at=5.0)
    inspector.feed_all([one.open(), *one.turn("resp_1"), one.close(1001)])
    inspector.feed_all([two.open(), *two.turn("resp_2", previous_response_id="resp_1")])
    app = Host(inspector)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert app.inside()[0].startswith("c1  closed 1001")
        assert any(row.startswith("c2  open") for row in app.inside())


async def test_the_clock_moves_without_new_records(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    app = Host(inspector)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        opened = inspector.sessions.sessions[1].opened
        app.chain.refresh_at(opened + 65)
        await pilot.pause()
        assert app.inside()[0] == "c1  open for 1:05"
        assert any("live" in row and "1m05s" in row for row in app.inside())
        app.feed(wire.lost())
        app.chain.refresh_at(inspector.sessions.sessions[1].ended + 70)
        await pilot.pause()
        assert app.inside()[0] == "c1  lost 1006, 1m10s ago"


async def test_choosing_and_opening_tell_the_turn(inspector: Inspector) -> None:
    inspector.feed_all(forked(make.Wire()))
    app = Host(inspector)
    async with app.run_test(size=(40, 20)) as pilot:
        app.chain.focus()
        await pilot.press("g", "j", "enter")
        await pilot.pause()
        assert [
            (type(event).__name__, event.turn)
            for event in app.told
            if isinstance(event, Chain.Selected | Chain.Opened)
        ] == [
            ("Selected", 1),
            ("Opened", 1),
        ]


async def test_new_turns_do_not_move_the_cursor(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(forked(wire))
    app = Host(inspector)
    async with app.run_test(size=(40, 20)) as pilot:
        app.chain.select_turn(2)
        await pilot.pause()
        app.feed(*wire.turn("resp_4", input="again", previous_response_id="resp_1"))
        await pilot.pause()
        assert app.inside()[app.chain.cursor - app.chain.top].startswith("  o │ │ T2 you: compare")


async def test_remote_words_are_made_safe(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all(
        [wire.open(), *wire.turn("resp_1", input="[red]\x1b[2J\nsk-abcdefghijklmnop", stream_id="x\x07y")]
    )
    app = Host(inspector)
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.pause()
        row = next(row for row in app.inside() if " T1 " in row)
        assert "[red]␛[2J↵***" in row
        assert "x␇y" in row
