"""The ways on after an end, and other routes: told with their cost, taken by hand, never by themselves."""

from __future__ import annotations

import json

from sessions.compose import Create
from tests.journey import MODEL, journey, serving
from tests.screen import screen_text
from tui.screens.choose import Choose
from tui.widgets.trouble import Trouble


async def test_a_parent_that_was_not_found_offers_what_will_work() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.press("ctrl+t")
        frame = {
            "type": "response.create",
            "model": MODEL,
            "previous_response_id": "resp_gone",
            "input": "Hi",
        }
        await scene.write(json.dumps(frame))
        await scene.press("f5")
        await scene.turn_ended(2)
        await scene.shows("previous_response_not_found")
        await scene.shows("F9 ways on")
        count, sockets = len(scene.heard), len(server.log)
        await scene.press("escape", "f9")
        assert isinstance(scene.app.screen, Choose)
        shown = screen_text(scene.app)
        assert "new chain" in shown
        assert "all are kept" in shown
        assert (len(scene.heard), len(server.log)) == (count, sockets)


async def test_at_the_age_limit_nothing_goes_on_by_itself_and_the_stored_parent_does() -> None:
    async with serving(age_limit=2.0) as server, journey(server, age_limit=2.0) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.until(lambda: scene.screen.query_one(Trouble).display)
        report = scene.screen.query_one(Trouble).report
        assert report is not None
        assert "Nothing goes on by itself" in report.remedy
        assert len(server.log) == 1
        await scene.write("Which word was it?")
        await scene.press("enter")
        await scene.shows("No socket is open; nothing was sent")
        assert scene.screen.composer.text == "Which word was it?"
        assert len(scene.heard) == 1
        await scene.press("f9")
        await scene.shows("ways on")
        await scene.press("1", "enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.is_open()
        assert scene.screen.composer.text == "Which word was it?"
        assert len(scene.heard) == 1  # the Enter after the digit was the dialog's
        await scene.press("enter")
        await scene.turn_ended(2)
        turns = scene.screen.inspector.sessions.turns
        assert scene.heard_last["previous_response_id"] == turns[0].response_id
        assert "heliotrope" in turns[1].responses[0].text


async def test_a_choice_that_was_offered_before_the_end_is_offered_anew() -> None:
    async with serving(age_limit=3.0) as server, journey(server, age_limit=3.0) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.press("f9")
        await scene.shows("will soon reach its age limit")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.press("1", "enter")
        await scene.shows("The age limit of this socket has been reached.")
        assert isinstance(scene.app.screen, Choose)
        assert "will not work: The socket has ended." in screen_text(scene.app)
        assert len(server.log) == 1
        await scene.press("1", "enter")
        await scene.until(lambda: scene.screen.number == 2)


async def test_without_a_store_a_lost_socket_leaves_a_replay_with_its_cost() -> None:
    create = Create(model=MODEL, store=False)
    async with serving(faults=("abort-mid-stream@2",)) as server, journey(server, create=create) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.say("Tell me something long.")
        await scene.until(lambda: scene.screen.ways_on.is_due)
        assert scene.screen.inspector.sessions.turns[1].status == "cut"
        await scene.press("f9")
        await scene.shows("replay")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.is_open()
        assert len(scene.heard) == 2
        await scene.shows("replay of")
        await scene.say("Which word was it?")
        frame = scene.heard_last
        assert "previous_response_id" not in frame
        assert "heliotrope" in json.dumps(frame["input"])
        assert "heliotrope" in scene.screen.inspector.sessions.turns[-1].responses[0].text


async def test_a_clean_close_in_mid_stream_names_its_code_and_meaning() -> None:
    async with serving(faults=("close-1011-mid-stream",)) as server, journey(server) as scene:
        await scene.say("Tell me something long.")
        await scene.until(lambda: scene.screen.query_one(Trouble).display)
        shown = screen_text(scene.app)
        assert "1011" in shown
        assert "closed by the server" in shown
        assert len(server.log) == 1


async def test_near_the_limit_the_rollover_says_which_lanes_survive() -> None:
    async with serving() as server, journey(server, age_limit=100) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.shows("left: F9 rolls over")
        await scene.press("f9")
        await scene.shows("ways on")
        shown = screen_text(scene.app)
        assert "default lane" in shown
        assert len(server.log) == 1
        await scene.press("escape")
        assert scene.screen.sockets.open_sessions == (1,)
        await scene.press("escape", "c", "1", "enter")
        await scene.shows("roll over")
        await scene.press("2", "enter")
        await scene.until(lambda: scene.screen.sockets.open_sessions == (2,))
        assert server.log[0].close_received == (1000, "")
        await scene.press("i")
        await scene.say("Which word was it?")
        assert server.log[1].received
        assert "heliotrope" in scene.screen.inspector.sessions.turns[1].responses[0].text
