"""The line of views: where one is, how many there are, what is wrong; a click goes there."""

from __future__ import annotations

from tests.scene import playing
from tests.screen import screen_lines
from tests.transcripts import errors, lanes


async def test_the_shown_view_stands_in_brackets() -> None:
    async with playing(lanes(), size=(80, 24)) as scene:
        assert screen_lines(scene.app)[2].startswith("[1 Talk]")
        await scene.press("2")
        assert f"[2 Events {len(scene.screen.inspector.recording)}]" in screen_lines(scene.app)[2]


async def test_errors_are_counted() -> None:
    async with playing(errors(), size=(80, 24)) as scene:
        count = sum(one.errors for one in scene.screen.inspector.sessions.sessions.values())
        assert count > 0
        assert screen_lines(scene.app)[2].endswith(f"err {count}")


async def test_a_click_shows_that_view() -> None:
    async with playing(lanes(), size=(80, 24)) as scene:
        await scene.pilot.click("Views", offset=(screen_lines(scene.app)[2].index("3 Chain") + 1, 0))
        await scene.pilot.pause()
        assert scene.screen.query_one("#chain").has_focus


async def test_where_several_views_stand_there_is_no_line_of_tabs() -> None:
    async with playing(lanes(), size=(120, 40)) as scene:
        assert not scene.screen.query_one("Views").display
