"""The dialog of recipes."""

from __future__ import annotations

from textual.screen import Screen

from sessions.recipes import Recipe, recipes
from sessions.reducer import fold
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.screens.recipes import Recipes

URL = "http://127.0.0.1:8377/v1"


async def test_it_gives_the_chosen_recipe_or_none() -> None:
    app = TurnscopeApp(lambda: Screen())
    given: list[Recipe | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for pressed in (("down", "y"), ("enter",), ("escape",)):
            await app.push_screen(Recipes(fold([]), URL), given.append)
            await pilot.pause()
            assert "point a client at this tap" in screen_text(app)
            await pilot.press(*pressed)
            await pilot.pause()
    assert given == [recipes(URL)[1], recipes(URL)[0], None]
