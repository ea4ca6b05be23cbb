"""The actions of the session screen: which work now, and that a read-only session only reads."""

from __future__ import annotations

from sessions.compose import Create
from tests.journey import journey, serving
from tests.scene import playing, talking
from tests.screen import screen_text
from tests.transcripts import lanes


async def test_letters_are_text_while_typing_and_keys_while_moving() -> None:
    async with talking() as scene:
        await scene.press("x", "X", "q")
        assert scene.screen.composer.text == "xXq"
        await scene.press("escape")
        await scene.press("5")
        assert scene.screen.query_one("#body").has_class("-view-stats")
        await scene.press("i", "5")
        assert scene.screen.composer.text == "xXq5"


async def test_read_only_has_no_composer_and_its_keys_do_nothing() -> None:
    async with talking(is_read_only=True) as scene:
        assert not scene.screen.query("Composer")
        count = len(scene.screen.inspector.recording)
        await scene.press("i", "f5", "b", "r", "s", "t", "W", "L", "P", "f3")
        assert len(scene.screen.inspector.recording) == count
        assert scene.app.screen is scene.screen
        assert "READ-ONLY" in screen_text(scene.app)


async def test_read_only_sends_nothing_whatever_is_pressed() -> None:
    from tui import keys

    async with serving() as server, journey(server, is_read_only=True) as scene:
        pressed = [
            key
            for action in keys.ACTIONS
            if action.where in (keys.Where.SESSION, keys.Where.MOVING, keys.Where.TYPING)
            for key in keys.keys_of(action)
            if not action.method.startswith(("show", "next", "previous", "close", "picture", "export"))
        ]
        for key in pressed:
            await scene.pilot.press(key)
            if scene.app.screen is not scene.screen:
                await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert scene.heard == []
        assert len(server.log) == 1
        assert scene.screen.sockets.is_live(1)
        assert "READ-ONLY" in screen_text(scene.app)


async def test_an_action_works_only_where_there_is_something_for_it() -> None:
    async with talking() as scene:
        screen = scene.screen
        for action in ("answer", "stop", "steer", "ways_on", "retry_with_model", "resend", "branch"):
            assert not screen.check_action(action, ()), action
        for action in ("connection", "send_now", "show_talk"):
            assert screen.check_action(action, ()), action
    async with playing(lanes(), create=Create(model="gpt-6-astra")) as scene:
        assert scene.screen.check_action("resend", ())
        assert scene.screen.check_action("branch", ())
