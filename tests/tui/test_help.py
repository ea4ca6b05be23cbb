"""The help: the three keys first, and only what works where the person is."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual.binding import BindingType
from textual.screen import Screen

from sessions.compose import Create
from tests.scene import playing
from tests.screen import screen_text
from tests.transcripts import plain
from tui import keys
from tui.app import TurnscopeApp
from tui.screens.help import help_page


async def test_the_first_line_is_the_three_keys_to_remember() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        await scene.press("escape")
        page = help_page(scene.screen)
        assert page._text.plain.splitlines()[0] == keys.THREE_KEYS
        await scene.press("question_mark")
        assert keys.THREE_KEYS in screen_text(scene.app)


async def test_it_lists_what_works_here_and_not_what_does_not() -> None:
    async with playing(plain()) as scene:
        await scene.press("2")
        text = help_page(scene.screen)._text.plain
        assert keys.action("events.edit_filter").tooltip in text
        assert keys.action("raw.cycle_view").tooltip not in text
        assert keys.action("session.copy").tooltip in text


@pytest.mark.parametrize(
    ("where", "three"),
    [
        (keys.Where.DOCTOR, keys.THREE_DOCTOR_KEYS),
        (keys.Where.START, keys.THREE_START_KEYS),
        (keys.Where.COMPARE, keys.THREE_COMPARE_KEYS),
    ],
)
async def test_the_three_keys_are_those_of_the_place(where: keys.Where, three: str) -> None:
    class Place(Screen[None]):
        BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(where)]

    place = Place()
    async with TurnscopeApp(lambda: place).run_test() as pilot:
        await pilot.pause()
        assert help_page(place)._text.plain.splitlines()[0] == three


async def test_f1_helps_while_typing() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        await scene.press("f1")
        assert "message box" in screen_text(scene.app)
