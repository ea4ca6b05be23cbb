"""The book of recipes: what is shown, what is copied, and who has come."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import OptionList

from sessions.recipes import recipes
from sessions.reducer import fold
from tests.make import Wire
from tests.screen import screen_text
from tui.widgets.recipe_book import RecipeBook

SHOWN = "http://10.0.0.1:8377/***/v1"
EXACT = "http://10.0.0.1:8377/tok-en-0123456789abcdef/v1"


class Shelf(App[None]):
    """An application that holds a book."""

    def __init__(self) -> None:
        super().__init__()
        self.book = RecipeBook(SHOWN, EXACT)
        self.copied: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.book

    def on_recipe_book_copied(self, event: RecipeBook.Copied) -> None:
        self.copied.append(event.recipe.text)


async def test_the_token_is_masked_on_the_screen_and_whole_in_the_copy() -> None:
    app = Shelf()
    async with app.run_test(size=(110, 40)) as pilot:
        app.query_one(OptionList).focus()
        for _ in recipes(EXACT):
            assert "tok-en" not in screen_text(app)
            assert "/***/v1" in screen_text(app)
            await pilot.press("y", "down")
            await pilot.pause()
        assert app.copied == [recipe.text for recipe in recipes(EXACT)]


async def test_a_client_that_came_is_seen_in_a_word() -> None:
    app = Shelf()
    async with app.run_test(size=(110, 40)) as pilot:
        app.query_one(OptionList).focus()
        await pilot.press("down", "down")
        app.book.show_seen(fold([Wire(1).open(client="codex_cli_rs/0.169.0")]))
        await pilot.pause()
        assert screen_text(app).count("seen  Codex  ") == 2
        assert "-     openai-python" in screen_text(app)
        assert app.book.chosen.client == "openai-python"  # the cursor stays
