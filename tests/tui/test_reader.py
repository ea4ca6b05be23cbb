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


async def test_a_wrapped_line_goes_on_below_its_own_last_column() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        line = (
            f"  {'ctrl+t':<16} {'text/JSON':<16} Write text, or the whole frame as JSON, as you like it best."
        )
        app.push_screen(Reader("help", line))
        await pilot.pause()
        lines = screen_text(app).splitlines()
        first = next(n for n, line in enumerate(lines) if "Write text" in line)
        begin = lines[first].index("Write")
        assert lines[first + 1][begin - 2 : begin] == "  "
        assert lines[first + 1][begin] != " "


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
