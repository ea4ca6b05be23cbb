"""The composer by itself: what is written stays, Enter and F5 do what the border says, chips are safe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.events import Key
from textual.pilot import Pilot

from tests.screen import screen_text
from tui.widgets.composer import Chip, Composer, Mode


class Host(App[None]):
    """Holds one composer and what it posted."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[str, Mode]] = []
        self.edited: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer()

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.submitted.append((event.text, event.mode))

    @on(Composer.Edited)
    def _edited(self, event: Composer.Edited) -> None:
        self.edited.append(event.text)


@asynccontextmanager
async def hosted() -> AsyncIterator[tuple[Host, Composer, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        composer = app.query_one(Composer)
        composer.box.focus()
        await pilot.pause()
        yield app, composer, pilot


async def test_enter_submits_and_the_text_stays_until_it_was_sent() -> None:
    async with hosted() as (app, composer, pilot):
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert app.submitted == [("hello", Mode.TEXT)]
        assert composer.text == "hello"
        composer.clear()
        assert composer.text == ""


async def test_in_json_mode_enter_is_a_line() -> None:
    async with hosted() as (app, composer, pilot):
        composer.set_mode(Mode.JSON, "{")
        await pilot.press("enter", "}")
        await pilot.pause()
        assert composer.text == "{\n}"
        assert app.submitted == []
        composer.submit()
        await pilot.pause()
        assert app.submitted == [("{\n}", Mode.JSON)]


async def test_each_mode_keeps_its_own_text() -> None:
    async with hosted() as (_, composer, pilot):
        composer.write("some text")
        composer.set_mode(Mode.JSON, "{}")
        composer.set_mode(Mode.TEXT)
        assert composer.text == "some text"
        composer.set_mode(Mode.JSON)
        assert composer.text == "{}"
        await pilot.pause()


async def test_undo_brings_back_what_was_replaced() -> None:
    async with hosted() as (_, composer, pilot):
        composer.write("precious")
        composer.write("other")
        composer.box.undo()
        assert composer.text == "precious"
        await pilot.pause()


async def test_the_border_says_what_enter_does_with_a_suggestion() -> None:
    async with hosted() as (app, composer, pilot):
        composer.suggest(("Hello there",))
        await pilot.pause()
        assert "Enter or → takes it" in screen_text(app)
        assert "Enter send" not in screen_text(app)
        await pilot.press("H")
        await pilot.pause()
        assert "→ takes it   Enter send" in screen_text(app)


async def test_a_suggestion_is_shown_but_not_written() -> None:
    async with hosted() as (app, composer, pilot):
        composer.suggest(["Hello world"])
        await pilot.pause()
        assert composer.text == ""
        assert "→ takes it" in screen_text(app)
        await pilot.press("H", "right")
        await pilot.pause()
        assert composer.text == "Hello world"


async def test_enter_in_the_empty_box_takes_a_suggestion_and_sends_nothing() -> None:
    async with hosted() as (app, composer, pilot):
        composer.suggest(["Hello world"])
        await pilot.press("enter")
        await pilot.pause()
        assert composer.text == "Hello world"
        assert app.submitted == []
        await pilot.press("enter")
        await pilot.pause()
        assert app.submitted == [("Hello world", Mode.TEXT)]


@pytest.mark.parametrize(
    ("pressed", "written", "submitted"),
    [
        (("h", "i", "enter"), "hi", [("hi", Mode.TEXT)]),
        (("a", "ctrl+j", "b"), "a\nb", []),
    ],
)
async def test_quick_keys_keep_their_order(
    pressed: tuple[str, ...], written: str, submitted: list[tuple[str, Mode]]
) -> None:
    async with hosted() as (app, composer, pilot):
        composer.suggest(["Hello world"])
        for key in pressed:  # at once, as a paste or a script sends them
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await pilot.pause()
        assert composer.text == written
        assert app.submitted == submitted


async def test_chips_and_forecast_cannot_act_on_a_terminal() -> None:
    async with hosted() as (app, composer, pilot):
        composer.show_chips([Chip("parent", "T1 \x1b[2J[b]"), Chip("lane", "a\nb")])
        composer.show_forecast("\x1b]52;c;aGk=\x07 [@click=app.quit]x")
        composer.show_title("lane \x1b[31m")
        await pilot.pause()
        shown = screen_text(app)
        assert "\x1b" not in shown
        assert "[b]" in shown
        assert "[@click=app.quit]" in shown


async def test_a_very_long_line_neither_hangs_nor_is_lost() -> None:
    async with hosted() as (_, composer, pilot):
        composer.write("x" * 200_000)
        await pilot.pause()
        assert len(composer.text) == 200_000


async def test_facts_that_do_not_fit_stand_in_a_second_line_and_none_is_broken() -> None:
    async with hosted() as (app, composer, pilot):
        composer.show_chips(
            Chip(name, value)
            for name, value in (
                ("parent", "T12 fork (stored)"), ("", "3 calls wait: F8 answers"), ("lane", "default"),
                ("model", "gpt-6-astra"), ("store", "on"), ("tools", "3"),
            )
        )  # fmt: skip
        await pilot.pause()
        shown = screen_text(app).splitlines()
        assert "parent T12 fork (stored)" in shown[0]
        assert "lane default" in shown[0]
        assert "store on  tools 3" in shown[1]
        assert "model gpt-6-astra" in "".join(shown[:2])
        composer.show_chips((Chip("parent", "none, new chain"),))
        await pilot.pause()
        assert "store" not in screen_text(app)


async def test_a_long_consequence_is_wrapped_not_cut() -> None:
    async with hosted() as (app, composer, pilot):
        composer.show_forecast(
            "1 call of T3 waits for an answer (get_weather): " + "all of it " * 5 + "the end."
        )
        await pilot.pause()
        assert "the end." in screen_text(app)
