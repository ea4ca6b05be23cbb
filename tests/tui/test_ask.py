"""A dialog of one line: what is refused says why and stays, escape is no answer."""

from __future__ import annotations

from textual.app import App

from tests.screen import screen_text
from tui.screens.ask import Ask


def refuse(text: str) -> str:
    return "" if text.isdecimal() else f"{text!r} is not a number"


async def answered(*pressed: str) -> list[str | None]:
    """What the dialog gave after these keys; empty while it is open."""
    app: App[None] = App()
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Ask("how many?", "", "A number.", refuse), answers.append)
        await pilot.pause()
        await pilot.press(*pressed)
        await pilot.pause()
        if not answers:
            answers.append(screen_text(app))
    return answers


async def test_enter_and_f5_take_the_line() -> None:
    assert await answered("4", "2", "enter") == ["42"]
    assert await answered("4", "2", "f5") == ["42"]


async def test_what_is_refused_is_told_and_stays_on_the_line() -> None:
    (shown,) = await answered("x", "enter")
    assert shown is not None
    assert "'x' is not a number" in shown


async def test_escape_is_no_answer() -> None:
    assert await answered("4", "escape") == [None]
