"""The connection menu: a rollover, other routes and addresses, each taken by hand."""

from __future__ import annotations

import pytest

from sessions.errors import SettingsError
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from tests.journey import journey, serving
from tests.screen import screen_text
from tui.connection_menu import elsewhere, through
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.widgets.trouble import Trouble


async def test_a_rollover_may_keep_both_sockets_and_one_goes_back_by_hand() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Hello.")
        await scene.press("escape", "c", "1", "enter")
        await scene.shows("roll over")
        await scene.press("1", "enter")
        await scene.until(lambda: scene.screen.sockets.open_sessions == (1, 2))
        await scene.is_open()
        await scene.press("c")
        await scene.shows("speak to socket 1")
        choose = scene.app.screen
        assert isinstance(choose, Choose)
        digit = [choice.key for choice in choose._choices].index("use 1") + 1
        await scene.press(str(digit), "enter", "i")
        await scene.say("Are you there?")
        assert scene.screen.number == 1
        assert [len(visit.received) for visit in server.log] == [2, 0]


async def test_a_wrong_address_of_a_proxy_is_refused_where_it_is_typed() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.press("escape", "o")
        assert isinstance(scene.app.screen, Ask)
        await scene.press(*"nonsense:x", "enter")
        assert isinstance(scene.app.screen, Ask)
        assert len(server.log) == 1
        await scene.press("escape")
        assert scene.screen.number == 1
        assert scene.screen.sockets.is_live(1)


async def test_a_proxy_that_is_not_there_is_explained_and_the_first_socket_stays() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.press("escape", "o")
        await scene.press(*"127.0.0.1:9", "enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.until(lambda: scene.screen.query_one(Trouble).display)
        assert "not opened" in screen_text(scene.app)
        assert scene.screen.sockets.is_live(1)
        assert len(server.log) == 1
        # the way back: the other route is now the direct one
        await scene.press("o")
        await scene.until(lambda: scene.screen.number == 3)
        await scene.is_open()
        await scene.press("i")
        await scene.say("Which word was it?")
        turns = scene.screen.inspector.sessions.turns
        assert scene.heard_last["previous_response_id"] == turns[0].response_id


async def test_another_address_gets_no_key_of_this_one() -> None:
    environ = {"TURNSCOPE_API_KEY": "sk-proj-0123456789abcdefghij"}
    async with (
        serving(auth="none") as elsewhere,
        serving() as server,
        journey(server, environ=environ) as scene,
    ):
        await scene.say("Hello.")
        await scene.press("escape", "c")
        choose = scene.app.screen
        assert isinstance(choose, Choose)
        digit = [choice.key for choice in choose._choices].index("address") + 1
        await scene.press(str(digit), "enter", *elsewhere.base_url, "enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.is_open()
        assert "authorization" in {name.lower() for name, _ in server.log[0].headers}
        assert "authorization" not in {name.lower() for name, _ in elsewhere.log[0].headers}
        assert not elsewhere.log[0].received


def test_another_origin_gets_neither_key_nor_headers() -> None:
    plan = Plan(derive("https://api.example.com/v1"), key=Secret("sk-secret"), headers=(("x-team", "a"),))
    same = elsewhere(plan, "https://api.example.com/v2")
    assert (same.key, same.headers) == (plan.key, plan.headers)
    other = elsewhere(plan, "https://other.example.com/v1")
    assert not other.key
    assert other.headers == ()
    assert other.profile == "custom"


def test_a_plan_goes_through_the_proxy_that_was_typed_and_an_empty_one_is_refused() -> None:
    plan = Plan(derive("https://api.example.com/v1"))
    assert "proxy.example.com:3128" in through(plan, "http://proxy.example.com:3128").route.text
    with pytest.raises(SettingsError, match=r"Give the proxy's address\."):
        through(plan, "")
