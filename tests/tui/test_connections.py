"""The list of connections: a row each in the order of arrival, which opens into the views of that one."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from sessions.records import Record
from tests.make import Wire, create, created, error, item_added, message, text_delta
from tests.scene import playing
from tests.screen import screen_lines, screen_text
from tui.scope import ALL, only
from tui.widgets.chain import Chain
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.stats import Stats
from tui.widgets.talk import Talk

CODEX, AGENTS = "codex_cli_rs/0.153.4 (linux; x86_64)", "openai-python 3.8 agents"


def six() -> list[Record]:
    """Six connections of three clients: live, idle, lost, refused, closed, and one that waits."""
    lost = Wire(1, at=0.0)
    records = [lost.open(client=CODEX, pair="019e"), *lost.turn("resp_a", "Lost words.")]
    lost.wait(101)
    records.append(lost.lost())
    live = Wire(2, at=2.0)
    records += [live.open(client=CODEX, pair="019e", compression="permessage-deflate")]
    records += live.turn("resp_b", "Some words of an answer.")
    records += [live.sent(create("And then?", previous_response_id="resp_b"))]
    records += [live.got(created("resp_c")), live.got(item_added(message("msg_c", status="in_progress")))]
    records += [
        live.got(
            text_delta("msg_c", word + " "),
        )
        for word in ("one", "two", "three")
    ]
    idle = Wire(3, at=4.0)
    records += [idle.open(client=AGENTS), *idle.turn("resp_d", generate=False)]
    records += [Wire(4, at=5.0).refused("upgrade_required", status=426, client=CODEX, pair="77aa")]
    closed = Wire(5, at=6.0)
    records += [closed.open(client=AGENTS), *closed.turn("resp_e"), closed.close(1000)]
    lanes = Wire(6, at=8.0)
    records += [lanes.open(client=CODEX, pair="77aa"), lanes.sent(create("a")), lanes.got(created("resp_f"))]
    records += [lanes.sent(create("b", stream_id="b")), lanes.got({**created("resp_g"), "stream_id": "b"})]
    return sorted(records, key=lambda record: record.elapsed)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_a_person_reads(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with playing(six(), size=size, elapsed=130.0) as scene:
        await scene.press("0", "down")
        assert screen_text(scene.app) == snapshot


async def test_enter_shows_that_connection_alone_and_the_list_is_one_level_up() -> None:
    async with playing(six(), elapsed=130.0) as scene:
        talk, events = scene.screen.query_one(Talk), scene.screen.query_one(Events)
        assert scene.screen.scope is ALL
        assert len(talk.spoken.numbers) == 7
        await scene.press("0", "down", "enter")
        assert scene.screen.scope == only(2)
        assert scene.screen.focused is talk
        assert list(talk.spoken.numbers) == [2, 3]
        assert "c2" in str(events.border_title)
        of_it = sum(record.session == 2 for record in six())
        assert events.row_count() == of_it
        await scene.press("escape")
        assert scene.screen.body.view == "connections"
        assert scene.screen.query_one(Connections).session == 2
        await scene.press("a")
        assert scene.screen.scope is ALL
        assert len(talk.spoken.numbers) == 7


async def test_a_connection_where_no_turn_ever_was_opens_on_its_events() -> None:
    async with playing(six(), elapsed=130.0) as scene:
        await scene.press("0", *["down"] * 3, "enter")
        assert scene.screen.scope == only(4)
        assert scene.screen.body.view == "events", "an empty conversation would say nothing of the refusal"
        assert scene.screen.focused is scene.screen.query_one(Events)


async def test_steps_by_turn_and_by_error_stay_inside_what_is_shown() -> None:
    records = six()
    wire = Wire(3, at=120.0)
    records += [wire.sent(create("broken")), wire.got(error("server_error"))]
    async with playing(records, elapsed=130.0) as scene:
        await scene.press("0", "enter", "left_square_bracket")
        assert scene.screen.selection.turn == 1
        await scene.press("right_square_bracket", "right_square_bracket")
        assert scene.screen.selection.turn == 1
        await scene.press("escape", "down", "down", "enter", "left_curly_bracket")
        turn = scene.screen.turn()
        assert turn is not None
        assert (turn.session, turn.status) == (3, "errored")
        await scene.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        turn = scene.screen.turn()
        assert turn is not None
        assert (turn.session, turn.is_warmup) == (3, True)


async def test_header_stats_chain_and_transcript_speak_of_that_connection() -> None:
    async with playing(six(), elapsed=130.0) as scene:
        await scene.press("0", *["down"] * 4, "enter")
        assert "CLOSED" in screen_lines(scene.app)[0]
        assert "c5" in screen_lines(scene.app)[0]
        assert scene.screen.query_one("#stats", Stats).session is scene.screen.inspector.sessions.sessions[5]
        assert "1 turn" in str(scene.screen.query_one("#chain", Chain).border_title)
        said = scene.screen.saving.transcript()
        assert "resp_e" in said or "Hello, world." in said
        assert "Some words of an answer." not in said


async def test_a_filter_and_a_search_stay_inside_what_is_shown() -> None:
    async with playing(six(), elapsed=130.0) as scene:
        events = scene.screen.query_one(Events)
        await scene.press("0", "down", "enter", "2")
        events.set_filter("response.created")
        assert events.row_count() == sum(
            record.session == 2 and b'"response.created"' in record.payload for record in six()
        )
        assert "of 65" in events.title_words()
        events.set_filter("")
        events.find("Lost words")
        await scene.pilot.pause()
        assert "no match" in events.state_words() or "0 of 0" in events.state_words() or events.cursor < 0


async def test_what_arrives_stands_at_the_end_and_moves_nothing() -> None:
    async with playing(six(), size=(80, 12), elapsed=130.0) as scene:
        await scene.press("0")
        connections = scene.screen.query_one(Connections)
        before = connections.top, connections.cursor, connections.row_count()
        for number in range(7, 40):
            scene.screen.inspector.feed(Wire(number, at=131.0).open(client="new"))
        await scene.until(lambda: connections.row_count() == 39)
        assert (connections.top, connections.cursor) == before[:2]
        assert connections.session_at(38) == 39
        await scene.press("end")
        assert connections.session == 39


async def test_a_scope_takes_in_what_comes_to_it_and_nothing_else() -> None:
    async with playing(six(), elapsed=130.0) as scene:
        talk, events = scene.screen.query_one(Talk), scene.screen.query_one(Events)
        await scene.press("0", *["down"] * 2, "enter")
        rows = events.row_count()
        scene.screen.inspector.feed_all(Wire(5, at=140.0).turn("resp_x"))
        mine = Wire(3, at=141.0).turn("resp_y", previous_response_id="resp_d")
        scene.screen.inspector.feed_all(mine)
        await scene.until(lambda: len(talk.spoken.numbers) == 2)
        await scene.until(lambda: events.row_count() >= rows + len(mine))
        assert [scene.screen.inspector.sessions.turns[n - 1].session for n in talk.spoken.numbers] == [3, 3]


async def test_the_place_in_one_connection_is_kept_while_another_is_shown() -> None:
    wire = Wire(9, at=9.0)
    records = [*six(), wire.open()]
    for number in range(20):
        records += wire.turn(f"resp_n{number}", "Words. " * 30)
    async with playing(records, elapsed=130.0) as scene:
        talk = scene.screen.query_one(Talk)
        await scene.press("0", "end", "enter", "g", "pagedown")
        before = talk.top, talk.cursor, talk.motion
        assert talk.top > 0
        await scene.press("0", "up", "enter")
        assert talk.top == 0
        await scene.press("0", "down", "enter")
        assert (talk.top, talk.cursor, talk.motion) == before


async def test_one_connection_alone_has_no_list() -> None:
    wire = Wire()
    async with playing([wire.open(), *wire.turn("resp_1")], size=(80, 24)) as scene:
        await scene.press("0")
        assert scene.screen.body.view == "talk"
        assert "0 Connections" not in screen_text(scene.app)


async def test_a_list_that_was_empty_when_one_came_to_it_opens_its_first_row() -> None:
    async with playing([], elapsed=9.0) as scene:
        connections = scene.screen.query_one(Connections)
        connections.focus()
        await scene.pilot.pause()
        scene.screen.inspector.feed_all([Wire(1).open(), Wire(2, at=1.0).open()])
        await scene.until(lambda: connections.row_count() == 2)
        assert connections.cursor == -1
        await scene.press("enter")
        assert scene.screen.scope == only(1)
