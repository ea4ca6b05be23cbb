"""A dialog to read in: safe text, bounded, closed without a change."""

from __future__ import annotations

from textual.app import App

from tests.screen import screen_text
from tui.screens.reader import Reader


async def test_a_hostile_text_is_shown_as_text() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Reader("frame", "[@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \u202e"))
        await pilot.pause()
        shown = screen_text(app)
        assert "[@click=app.quit]x[/]" in shown
        assert not set(shown) & set("\x1b\x07\u202e")


async def test_a_huge_text_is_cut_and_says_so() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        reader = Reader("frame", "x" * 1_000_000)
        app.push_screen(reader)
        await pilot.pause()
        await pilot.press("G", "j", "k")
        assert "800,000 more characters" in reader._text.plain


async def test_accepting_and_closing_are_different_answers() -> None:
    for key, wanted in (("f5", True), ("escape", False), ("q", False)):
        app: App[None] = App()
        answers: list[bool | None] = []
        async with app.run_test() as pilot:
            app.push_screen(Reader("frame", "text"), answers.append)
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
        assert answers == [wanted], key
