"""Named sessions in tabs: each with its own socket, chain, countdown and draft; those behind go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sessions.roster import Mood
from sessions.session import Phase
from tests.journey import Journey, journey, serving
from tests.screen import screen_lines, screen_text
from tui.tabs import Entry
from tui.widgets.brief import Brief
from tui.widgets.chain import Chain
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.tabs import TabStrip, strip_pieces
from tui.widgets.talk import Talk


async def both_open(run: Journey) -> None:
    """Wait until every named session has its socket."""
    known = run.screen.inspector.sessions.sessions
    count = len(run.screen.tabs.all)
    await run.until(lambda: sum(one.phase is Phase.OPEN for one in known.values()) == count)
    await run.pilot.pause()


async def test_two_named_sessions_keep_their_chains_apart() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        known = run.screen.inspector.sessions.sessions
        assert {one.name for one in known.values()} == {"alpha", "beta"}
        assert run.screen.tabs.front.name == "alpha"
        await run.say("Hello from alpha.")
        await run.press("f6")
        assert run.screen.tabs.front.name == "beta"
        assert run.screen.query_one(Talk).spoken.numbers == []
        await run.say("Hello from beta.")
        assert "previous_response_id" not in sent_last(run)
        await run.say("Once more from beta.")
        turns = run.screen.inspector.sessions.turns
        assert sent_last(run)["previous_response_id"] == turns[1].response_id
        assert [turn.session for turn in turns] == [
            known_number(run, name) for name in ("alpha", "beta", "beta")
        ]
        assert list(run.screen.query_one(Talk).spoken.numbers) == [2, 3]
        assert "2 turns" in str(run.screen.query_one(Chain).border_title)
        assert "beta" in str(run.screen.query_one(Events).border_title)
        await run.press("f7")
        assert list(run.screen.query_one(Talk).spoken.numbers) == [1]
        await run.say("And again from alpha.")
        assert sent_last(run)["previous_response_id"] == turns[0].response_id
        assert "from beta" not in screen_text(run.app)


def sent_last(run: Journey) -> dict[str, Any]:
    """The newest frame that left, over all sockets."""
    frame: dict[str, Any] = json.loads(run.last_sent())
    return frame


def known_number(run: Journey, name: str) -> int:
    """The connection on which a named session speaks."""
    return next(tab.number for tab in run.screen.tabs.all if tab.name == name)


async def test_each_keeps_what_is_being_written_in_it(tmp_path: Path) -> None:
    async with serving() as server:
        async with journey(server, names=("alpha", "beta"), state=tmp_path) as run:
            await both_open(run)
            await run.write("half a sentence")
            await run.press("f6")
            assert run.screen.composer.text == ""
            await run.write("another")
            await run.press("ctrl+t", "f7")
            assert run.screen.composer.text == "half a sentence"
            assert run.screen.composer.mode == "text"
            await run.press("f6")
            assert run.screen.composer.mode == "JSON"
            assert '"another"' in run.screen.composer.text
            await run.press("ctrl+t")
            assert run.screen.composer.text == "another"
        async with journey(server, names=("alpha", "beta"), state=tmp_path) as run:
            await both_open(run)
            await run.press("ctrl+r", "enter")
            assert run.screen.composer.text == "half a sentence"
            await run.press("f6")
            assert run.screen.composer.text == ""
            await run.press("ctrl+r", "enter")
            assert run.screen.composer.text == "another"


async def test_one_reaches_its_age_limit_and_the_other_goes_on() -> None:
    async with serving(age_limit=1.5) as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        await run.press("f6", "escape")
        known = run.screen.inspector.sessions.sessions
        tabs = run.screen.tabs.all
        await run.until(lambda: known[tabs[0].number].phase.is_over)
        await run.until(lambda: known[tabs[1].number].phase.is_over)
        await run.press("c")
        await run.shows("open a new socket")
        await run.press("enter")
        await run.until(lambda: tabs[1].number > 2 and known.get(tabs[1].number) is not None)
        assert run.screen.tabs.front is tabs[1]
        assert tabs[1].own.numbers == {2, tabs[1].number}
        assert known[tabs[1].number].name == "beta"
        assert tabs[0].number == 1
        await run.until(lambda: known[tabs[1].number].phase is Phase.OPEN)
        await run.press("i")
        await run.say("Does it go on?")
        assert run.screen.inspector.sessions.turns[-1].session == tabs[1].number
        assert list(run.screen.query_one(Talk).spoken.numbers) == [1]


async def test_a_session_that_ends_behind_another_only_marks_its_tab() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        await run.write("being written")
        focused = run.screen.focused
        await run.screen.sockets.close(run.screen.tabs.all[1].number)
        strip = run.screen.query_one(TabStrip)
        await run.until(lambda: "2 beta !" in strip.render().plain)
        assert run.screen.focused is focused
        assert run.screen.composer.text == "being written"
        assert run.screen.tabs.front.name == "alpha"
        await run.say("Still here.")
        await run.press("f6")
        assert "2 beta !" not in strip.render().plain
        await run.press("f7")
        assert "2 beta !" not in strip.render().plain


async def test_another_session_is_added_by_name_beside_one_without() -> None:
    async with serving() as server, journey(server) as run:
        assert not run.screen.query_one(TabStrip).display
        await run.say("Before there were names.")
        await run.press("escape", "plus")
        await run.press(*"main", "enter")
        await run.shows("there is a session main already")
        await run.press("ctrl+u", *"second", "enter")
        await both_open(run)
        assert [tab.name for tab in run.screen.tabs.all] == ["main", "second"]
        assert run.screen.query_one(TabStrip).display
        assert list(run.screen.query_one(Talk).spoken.numbers) == []
        await run.press("less_than_sign")
        assert run.screen.tabs.front.name == "main"
        assert list(run.screen.query_one(Talk).spoken.numbers) == [1]
        await run.press("greater_than_sign")
        assert run.screen.tabs.front.name == "second"


async def test_the_list_is_the_overview_and_opens_the_session_of_a_connection() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        await run.press("escape", "escape")
        assert run.screen.body.view == "connections"
        lines = screen_lines(run.app)
        assert "2 open of 2" in lines[0]
        await run.press("end", "enter")
        assert run.screen.tabs.front.name == "beta"
        assert run.screen.body.view == "talk"
        await run.press("0")
        assert run.screen.body.view == "connections"


async def test_without_names_the_composer_speaks_to_the_connection_that_is_shown() -> None:
    async with serving() as server, journey(server) as run:
        await run.say("On the first socket.")
        await run.screen.sockets.close(1)
        await run.press("escape", "c")
        await run.shows("open a new socket")
        await run.press("enter")
        await run.until(lambda: run.screen.number == 2)
        await run.is_open()
        assert run.screen.scope.is_all
        await run.press("0", "home", "enter")
        assert run.screen.number == 1
        await run.press("i")
        await run.write("to the first")
        await run.press("enter")
        await run.shows("No socket is open; nothing was sent.")
        assert run.screen.composer.text == "to the first"
        await run.press("escape", "0", "a")
        assert run.screen.number == 2
        assert run.screen.scope.is_all
        await run.press("i", "enter")
        await run.turn_ended(2)
        assert run.screen.inspector.sessions.turns[1].session == 2


def entry(name: str, *, is_front: bool = False, is_marked: bool = False) -> Entry:
    return Entry(name, is_front, "streaming T31", Mood.BUSY, 3521.0, 3600.0, is_marked)


def test_the_strip_says_less_where_there_is_less_room_and_keeps_the_front_in_sight() -> None:
    entries = [entry("alpha", is_front=True), entry("beta", is_marked=True), entry("gamma")]

    def said(cells: int) -> str:
        return "".join(word for piece in strip_pieces(entries, cells) for word, _ in piece.words)

    assert (
        said(120)
        == "[1 alpha 58:41 streaming T31] 2 beta ! 58:41 streaming T31  3 gamma 58:41 streaming T31 "
    )
    assert said(60) == "[1 alpha 58:41] 2 beta ! 58:41  3 gamma 58:41 "
    assert said(32) == "[1 alpha] 2 beta !  3 gamma "
    many = [entry(f"session-number-{number}", is_front=number == 30) for number in range(60)]
    pieces = strip_pieces(many, 80)
    assert any(piece.place == 31 for piece in pieces)
    assert sum(piece.cells for piece in pieces) <= 80
    assert strip_pieces([], 80) == []


async def test_all_together_are_called_so_and_esc_leads_back_to_the_list() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        await run.say("Hello from alpha.")
        await run.press("escape", "0", "a")
        assert run.screen.body.view == "talk"
        assert "2 open of 2" in screen_lines(run.app)[0]
        assert "talk   all   1 turn" in screen_text(run.app)
        await run.press("escape")
        assert run.screen.is_at_list
        await run.press("escape", "escape")
        assert run.screen.body.view == "talk"
        await run.press("f6")
        assert "beta" in screen_lines(run.app)[0]


async def test_in_the_list_the_next_session_takes_the_cursor_along() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        await both_open(run)
        await run.press("escape", "0")
        connections, brief = run.screen.query_one(Connections), run.screen.query_one(Brief)
        for name in ("beta", "alpha"):
            await run.press("greater_than_sign")
            assert run.screen.tabs.front.name == name
            assert connections.session == run.screen.number
            assert brief.scope.has(run.screen.number)
