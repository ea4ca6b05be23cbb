"""Choosing a model: from the server's own list, or typed; never by default."""

from __future__ import annotations

from sessions.compose import Create
from tests.journey import journey, serving
from tests.scene import talking
from tests.screen import screen_text
from tui.screens.choose import Choose


async def test_a_send_without_a_model_asks_first_and_the_list_comes_from_the_server() -> None:
    async with talking(create=Create(), models=("alpha-1", "beta-2")) as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        assert "No model is set" in screen_text(scene.app)
        assert scene.screen.inspector.sessions.turns == []
        await scene.press("1", "enter")
        await scene.until(lambda: "beta-2" in screen_text(scene.app))
        await scene.press("2", "enter")
        await scene.turn_ended(1)
        assert '"beta-2"' in scene.last_sent()


async def test_a_model_can_be_typed() -> None:
    async with talking(create=Create()) as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("2", "enter", *"gpt-6-astra", "enter")
        await scene.turn_ended(1)
        assert '"gpt-6-astra"' in scene.last_sent()


async def test_leaving_the_choice_sends_nothing_and_keeps_the_text() -> None:
    async with talking(create=Create()) as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("escape")
        assert scene.screen.inspector.sessions.turns == []
        assert scene.screen.composer.text == "Hello."


async def test_a_model_that_was_chosen_holds_for_the_sessions_without_one() -> None:
    create = Create()
    async with serving() as server, journey(server, create=create, names=("plan", "code")) as run:
        await run.is_open()
        await run.write("Hello.")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, Choose))
        await run.press("2", "enter", *"gpt-6-astra", "enter")
        await run.turn_ended(1)
        await run.press("f6")
        await run.say("Hello from the other.")
        assert run.heard_last["model"] == "gpt-6-astra"
