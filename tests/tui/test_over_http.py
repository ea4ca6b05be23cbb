"""A session over HTTP by hand: what the server heard, stopping, falling back, changing the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.compose import Create
from tests.journey import MODEL, Journey, journey, serving
from tests.screen import screen_lines, screen_text
from tui.screens.choose import Choose
from tui.widgets.trouble import Trouble


def heard(scene: Journey) -> list[dict[str, Any]]:
    """Every create that the server got, decoded."""
    return [json.loads(frame) for frame in scene.heard]


def told(scene: Journey) -> list[str]:
    """What was said beside the views, oldest first."""
    return [one.message for one in scene.app._notifications]


async def test_three_turns_by_hand_are_three_posts_and_the_screen_says_http() -> None:
    async with serving() as server, journey(server, transport="http") as scene:
        await scene.shows("HTTP")
        await scene.shows("no request yet")
        await scene.say("Remember the word heliotrope.")
        await scene.say("Which word was it?")
        await scene.say("Thank you.")
        turns = scene.screen.inspector.sessions.turns
        assert [turn.status for turn in turns] == ["completed"] * 3
        assert "heliotrope" in turns[1].responses[0].text
        parents = [one.get("previous_response_id") for one in heard(scene)]
        assert parents == [None, turns[0].response_id, turns[1].response_id]
        assert all(one["stream"] is True and "type" not in one for one in heard(scene))
        first, second = screen_lines(scene.app)[:2]
        assert first.startswith(" HTTP")
        assert "headers after" in second
        assert "left" not in second
        assert "over HTTP the server loads it" in screen_text(scene.app)
        assert [one[0] for visit in server.log for one in visit.requests] == ["POST"] * 3


async def test_without_a_store_the_history_goes_along_and_the_forecast_says_so() -> None:
    create = Create(model=MODEL, store=False)
    async with serving() as server, journey(server, transport="http", create=create) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.shows("history of")
        await scene.shows("goes out again instead of its id")
        await scene.say("Which word was it?")
        assert "heliotrope" in scene.screen.inspector.sessions.turns[1].responses[0].text
        last = heard(scene)[-1]
        assert "previous_response_id" not in last
        assert [item.get("role") for item in last["input"]] == ["user", "assistant", "user"]
        await scene.shows("<- T1 (sent again)")
        await scene.shows("2 items")  # what stands above already is folded
        assert "parent  resent" in screen_text(scene.app)  # and the chain draws it below T1


async def test_stopping_closes_the_request_and_the_next_turn_simply_goes() -> None:
    async with serving(rate=5) as server, journey(server, transport="http") as scene:
        await scene.write("Tell me something long.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.press("escape", "X")
        assert isinstance(scene.app.screen, Choose)
        assert "closes the request of T1 and nothing else" in screen_text(scene.app)
        await scene.press("2", "enter")
        await scene.turn_ended(1)
        assert scene.screen.inspector.sessions.turns[0].status == "cut"
        assert scene.screen.sockets.is_live(1)
        await scene.press("i")
        await scene.say("Capital of Peru?")
        assert scene.screen.inspector.sessions.turns[1].status == "completed"


async def test_a_second_send_on_a_busy_lane_is_objected_to_and_kept() -> None:
    async with serving(faults=("silence",)) as server, journey(server, transport="http") as scene:
        await scene.write("One.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.inspector.sessions.turns)
        await scene.write("Two.")
        await scene.press("enter")
        await scene.shows("over HTTP a lane carries one request")
        assert scene.screen.composer.text == "Two."
        assert len(heard(scene)) == 1


async def test_auto_falls_back_and_the_screen_says_why_and_stays_with_it() -> None:
    async with serving(faults=("426",)) as server, journey(server, transport="auto") as scene:
        await scene.shows("HTTP after upgrade_required")
        (said,) = told(scene)
        assert said.startswith("WebSocket was not to be had (upgrade_required: 426")
        assert "This session speaks HTTP until it is opened anew." in said
        await scene.say("Capital of Peru?")
        await scene.say("And of Chile?")
        assert [turn.status for turn in scene.screen.inspector.sessions.turns] == ["completed"] * 2
        assert [one[0] for visit in server.log for one in visit.requests] == ["GET", "POST", "POST"]


async def test_auto_stays_on_a_socket_that_opens() -> None:
    async with serving() as server, journey(server, transport="auto") as scene:
        await scene.say("Capital of Peru?")
        assert scene.screen.inspector.sessions.turns[0].status == "completed"
        assert [one[0] for visit in server.log for one in visit.requests] == ["GET"]


async def test_the_connection_menu_takes_the_chain_over_http_and_back() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        for way, number in (("over HTTP", 2), ("over a WebSocket", 3)):
            await scene.press("escape", "c")
            menu = scene.app.screen
            assert isinstance(menu, Choose)
            assert way in screen_text(scene.app)
            place = next(row for row in screen_text(scene.app).splitlines() if way in row)
            await scene.press(next(letter for letter in place if letter.isdigit()), "enter")
            await scene.shows(f"{'h' if number == 2 else 'c'}{number}")
            assert scene.screen.number == number
            await scene.is_open()
            await scene.press("i")
            await scene.say("Which word was it?")
            assert "heliotrope" in scene.screen.inspector.sessions.turns[-1].responses[0].text
        methods = [one[0] for visit in server.log for one in visit.requests]
        assert methods.count("POST") == 1
        assert methods.count("GET") == 2


async def test_a_server_that_is_not_there_keeps_the_text() -> None:
    async with serving() as server, journey(server, transport="http") as scene:
        server._listener.close()  # type: ignore[union-attr]  # nobody listens any more, on this port
        await scene.write("Anybody?")
        await scene.press("enter")
        await scene.until(lambda: told(scene))
        assert told(scene)[0].startswith("not sent: tcp")
        assert scene.screen.composer.text == "Anybody?"
        assert not scene.screen.inspector.sessions.turns


async def test_the_preview_shows_what_leaves_and_not_the_frame_of_a_socket() -> None:
    async with serving() as server, journey(server, transport="http") as scene:
        await scene.write("Capital of Peru?")
        await scene.press("f3")
        await scene.shows("the body of the request to send")
        assert '"stream": true' in screen_text(scene.app)
        assert "response.create" not in screen_text(scene.app).partition("{")[2]
        await scene.press("f5")
        await scene.turn_ended(1)
        assert scene.screen.inspector.sessions.turns[0].responses[0].text == "Lima."


async def test_a_warm_up_is_warned_of_and_a_steer_cannot_leave() -> None:
    async with serving(rate=5) as server, journey(server, transport="http") as scene:
        await scene.press("escape", "W")
        await scene.shows("HTTP has no warm-up")
        await scene.press("W", "i")
        await scene.write("Tell me something long.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        assert not await scene.screen.sending.send('{"type":"response.steer","input":"Shorter."}')
        await scene.until(lambda: told(scene))
        assert "only a socket can carry 'response.steer'" in told(scene)[-1]


async def test_two_lanes_are_two_requests_at_once() -> None:
    # a profile whose sockets know no lanes
    silent = serving(faults=("silence@1",))
    async with silent as server, journey(server, transport="http", profile="azure") as scene:
        await scene.write("One.")
        await scene.press("enter")
        await scene.until(lambda: heard(scene))
        await scene.press("escape", "L", "2", "enter", *"side", "enter")
        await scene.until(lambda: scene.screen.outgoing.lane == "side")
        await scene.press("i")
        await scene.write("Capital of Peru?")
        await scene.press("enter")
        await scene.turn_ended(2)
        first, second = scene.screen.inspector.sessions.turns
        assert (first.is_live, second.status) == (True, "completed")
        assert (first.lane, second.lane) == (None, "side")
        assert second.responses[0].text == "Lima."
        assert [sorted(one) for one in heard(scene)] == [["input", "model", "stream"]] * 2


@pytest.mark.parametrize(
    ("fault", "title", "evidence"),
    [
        ("401", "The request was refused: unauthorized", "POST answered 401: "),
        ("429:30", "The request was refused: throttled", "Retry-After: 30"),
        ("500", "The request was refused: http_status", "POST answered 500"),
    ],
)
async def test_a_first_request_that_is_refused_explains_itself_and_the_next_may_be_taken(
    fault: str, title: str, evidence: str
) -> None:
    async with serving(faults=(f"{fault}@1",)) as server, journey(server, transport="http") as scene:
        await scene.say("Hello")
        await scene.until(lambda: scene.screen.query_one(Trouble).report is not None)
        report = scene.screen.query_one(Trouble).report
        assert report is not None
        assert report.title == title
        assert evidence in "\n".join(report.evidence)
        assert report.cause
        assert report.remedy
        await scene.shows("Enter sends again")
        await scene.say("Hello")
        await scene.until(lambda: scene.screen.query_one(Trouble).report is None)
        assert scene.screen.inspector.sessions.turns[-1].status == "completed"


async def test_a_turn_that_fails_over_http_is_a_turn_and_no_refusal() -> None:
    async with serving(faults=("failed@1",)) as server, journey(server, transport="http") as scene:
        await scene.say("Hello")
        assert scene.screen.query_one(Trouble).report is None
