"""The turns of the chosen connection, below the list."""

from __future__ import annotations

from tests.make import Wire
from tests.scene import playing
from tests.screen import screen_text, widget_lines
from tui.widgets.brief import Brief
from tui.widgets.connections import Connections


async def test_it_follows_the_cursor_of_the_list_and_takes_no_focus() -> None:
    first, second = Wire(1, at=0.0), Wire(2, at=1.0)
    records = [first.open(), *first.turn("resp_1", input="Ask the first")]
    records += [second.open(), *second.turn("resp_2", input="Ask the second")]
    async with playing(records, size=(120, 40)) as scene:
        await scene.press("0")
        brief = scene.screen.query_one(Brief)
        assert brief.title_words() == "c1   1 turn"
        assert "Ask the first" in "".join(widget_lines(brief))
        await scene.press("down")
        shown = "".join(widget_lines(brief))
        assert "Ask the second" in shown
        assert "Ask the first" not in shown
        scene.screen.inspector.feed_all(second.turn("resp_3", input="And more"))
        await scene.until(lambda: "And more" in "".join(widget_lines(brief)))
        assert brief.title_words() == "c2   2 turns"
        await scene.pilot.click(brief)
        assert scene.screen.query_one(Connections).has_focus


async def test_it_is_there_only_where_there_is_room() -> None:
    first, second = Wire(1), Wire(2)
    async with playing([first.open(), *first.turn("resp_1"), second.open()], size=(80, 24)) as scene:
        await scene.press("0")
        assert not scene.screen.query_one(Brief).display
        assert "c1   1 turn" not in screen_text(scene.app)
    async with playing([first.open()]) as scene:
        assert scene.screen.query_one(Brief).title_words() == "no connection is chosen"
