"""The palette lists every action that works now with its key, and runs it."""

from __future__ import annotations

from sessions.compose import Create
from tests.scene import playing
from tests.screen import screen_text
from tests.transcripts import plain
from tui import keys
from tui.palette import Actions


async def found(provider: Actions) -> list[str]:
    return [str(hit.text) async for hit in provider.discover()]


async def test_every_action_of_the_screen_is_listed() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        await scene.press("escape", "1")
        labels = await found(Actions(scene.screen))
        for action in keys.ACTIONS:
            is_here = action.where in (keys.Where.SESSION, keys.Where.MOVING, keys.Where.APP)
            if is_here and scene.screen.check_action(action.method, ()):
                assert action.label in labels, action.id


async def test_what_does_not_work_now_is_not_listed() -> None:
    async with playing(plain()) as scene:
        assert keys.action("session.write").label not in await found(Actions(scene.screen))


async def test_colon_and_ctrl_p_open_the_same_list_and_enter_runs_it() -> None:
    for key in ("colon", "ctrl+p"):
        async with playing(plain(), create=Create(model="m")) as scene:
            await scene.press("escape", key, *"stats counts")
            await scene.until(lambda: "Stats: counts" in screen_text(scene.app))
            await scene.press("enter")
            await scene.until(lambda: scene.screen.query_one("#stats").has_focus)
