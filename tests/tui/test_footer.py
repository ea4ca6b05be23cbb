"""The footer: what works now, at most seven, never wider than the screen; a click is the key."""

from __future__ import annotations

from sessions.compose import Create
from tests.scene import playing
from tests.screen import screen_lines
from tests.transcripts import plain


async def test_typing_and_moving_have_their_own_keys() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        typing = screen_lines(scene.app)[-1]
        assert "typing" in typing
        assert "Enter send" in typing
        assert "i write" not in typing
        await scene.press("escape")
        moving = screen_lines(scene.app)[-1]
        assert moving.startswith(" talk")
        assert "i write" in moving
        assert "Enter send" not in moving


async def test_keys_that_do_not_work_are_not_shown() -> None:
    async with playing(plain()) as scene:
        assert "i write" not in screen_lines(scene.app)[-1]
        assert "answer calls" not in screen_lines(scene.app)[-1]


async def test_what_does_not_fit_is_left_out_but_help_stays() -> None:
    async with playing(plain(), size=(44, 20), create=Create(model="m")) as scene:
        await scene.press("escape")
        line = screen_lines(scene.app)[-1]
        assert len(line) <= 44
        assert line.endswith("? help")


async def test_the_persons_own_keys_are_shown() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        scene.app.use_taste({"session.write": "comma"})
        await scene.press("escape")
        await scene.pilot.pause()
        assert "write" in screen_lines(scene.app)[-1]
        assert "i write" not in screen_lines(scene.app)[-1]


async def test_a_click_does_what_the_key_does() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        await scene.press("escape")
        column = screen_lines(scene.app)[-1].index("i write")
        await scene.pilot.click("Footer", offset=(column, 0))
        await scene.pilot.pause()
        assert scene.screen.focused is scene.screen.composer.box
