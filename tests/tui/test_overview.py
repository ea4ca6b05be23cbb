"""The overview: every view shows the same connections, whichever are chosen, and the focus stays."""

from __future__ import annotations

from sessions.compose import Create
from sessions.records import Record
from tests.make import Wire
from tests.scene import playing
from tests.screen import screen_lines
from tui.scope import ALL, only
from tui.widgets.brief import Brief
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.stats import Stats
from tui.widgets.talk import Talk


def three() -> list[Record]:
    """One connection that was lost, one that was refused and one with two turns that is open."""
    lost, open_one = Wire(1), Wire(3, at=2.0)
    return [
        *(lost.open(), *lost.turn("resp_a"), lost.lost()),
        Wire(2, at=1.0).refused("upgrade_required", status=426),
        *(open_one.open(), *open_one.turn("resp_b"), *open_one.turn("resp_c", previous_response_id="resp_b")),
    ]


async def test_every_view_shows_the_same_connections_and_the_focus_stays() -> None:
    records = three()
    async with playing(records) as scene:
        screen = scene.screen
        focused = screen.focused
        screen.overview.show_scope(only(3))
        await scene.pilot.pause()
        assert screen.focused is focused
        assert screen.tabs.front.scope == only(3)
        assert list(screen.query_one(Talk).spoken.numbers) == [2, 3]
        assert screen.query_one(Events).row_count() == sum(record.session == 3 for record in records)
        assert screen.query_one("#stats", Stats).session is screen.inspector.sessions.sessions[3]
        assert "c3" in screen_lines(scene.app)[0]
        screen.overview.show_scope(ALL)
        assert list(screen.query_one(Talk).spoken.numbers) == [1, 2, 3]
        assert screen.query_one(Events).row_count() == len(records)


async def test_opening_one_and_then_all_changes_the_scope_and_not_who_is_spoken_to() -> None:
    async with playing(three(), create=Create(model="gpt-6-astra")) as scene:
        screen = scene.screen
        screen.overview.open(3)
        assert screen.scope == only(3)
        assert screen.number == 1, "nothing can be sent on a connection without a plan"
        screen.overview.open(0)
        assert screen.scope is ALL
        assert screen.number == 1


async def test_only_what_ended_without_a_turn_begins_with_its_events() -> None:
    async with playing(three()) as scene:
        views = [scene.screen.overview.first_view(number) for number in (0, 1, 2, 3, 9)]
        assert views == ["talk", "talk", "events", "talk", "talk"]


async def test_a_list_without_a_cursor_gets_it_on_the_connection_that_is_shown() -> None:
    async with playing([]) as scene:
        screen = scene.screen
        connections = screen.query_one(Connections)
        screen.inspector.feed_all(three())
        await scene.until(lambda: connections.row_count() == 3)
        screen.overview.find_shown()
        assert connections.session == 0, "all are shown, so none is the one"
        screen.overview.show_scope(only(2))
        screen.overview.find_shown()
        assert connections.session == 2
        assert screen.query_one(Brief).scope == only(2)


async def test_below_the_list_stands_what_is_known_of_the_chosen_one() -> None:
    async with playing(three()) as scene:
        await scene.press("0")
        brief = scene.screen.query_one(Brief)
        scene.screen.overview.tell_of(2)
        assert "c2   0 turns" in str(brief.border_title)
        scene.screen.overview.tell_of(3)
        assert "c3   2 turns" in str(brief.border_title)
