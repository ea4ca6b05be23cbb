"""The room of the five views: each is reached and shown at every size, and one may have everything."""

from __future__ import annotations

from tests.scene import playing
from tests.transcripts import lanes
from tui.widgets.body import Body
from tui.widgets.talk import Talk


async def test_every_view_is_reached_by_its_digit_at_every_size() -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        async with playing(lanes(), size=size) as scene:
            for digit, name in zip("12345", ("talk", "events", "chain", "raw", "stats"), strict=True):
                await scene.press(digit)
                view = scene.screen.query_one(f"#{name}")
                assert view.has_focus, (size, name)
                assert view.size.width > 10, (size, name)
                assert view.size.height > 2, (size, name)


async def test_zoom_gives_one_view_everything_and_back() -> None:
    async with playing(lanes()) as scene:
        await scene.press("2")
        before = scene.screen.query_one("#events").size
        await scene.press("z")
        assert scene.screen.query_one("#events").size.height > 20
        await scene.press("z")
        assert scene.screen.query_one("#events").size == before


async def test_resizing_keeps_focus_and_place() -> None:
    async with playing(lanes(), size=(200, 60)) as scene:
        await scene.press("2", "g", "j", "j")
        events = scene.screen.query_one("#events")
        cursor = getattr(events, "cursor", None)
        for size in ((120, 40), (80, 24), (50, 14), (120, 40)):
            await scene.pilot.resize_terminal(*size)
            await scene.pilot.pause()
            assert scene.screen.focused is events, size
            assert getattr(events, "cursor", None) == cursor


async def test_the_talk_keeps_the_middle_while_a_view_beside_it_is_shown() -> None:
    async with playing(lanes(), size=(120, 40)) as scene:
        body = scene.screen.query_one(Body)
        await scene.press("1", "2")
        assert body.view == "events"
        assert body.has_class("-view-events", "-main-talk")
        await scene.press("4")
        assert body.has_class("-view-raw", "-main-raw")
        assert not body.has_class("-main-talk")


async def test_a_widget_outside_of_all_views_is_in_none() -> None:
    async with playing(lanes()) as scene:
        body = scene.screen.query_one(Body)
        assert body.view_of(scene.screen.query_one(Talk)) == "talk"
        assert body.view_of(body) == ""
        assert body.view_of(scene.screen.query_one("Footer")) == ""
        assert body.view_of(None) == ""
