"""The header of a tap: of the tap above the list, of one connection above that."""

from __future__ import annotations

from textual.app import App, ComposeResult

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests.make import Wire
from tests.screen import screen_text
from tui.tap_header import TapFacts
from tui.widgets.tap_status import TapStatus


class Head(App[None]):
    """An application that holds a header."""

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.status = TapStatus(inspector)

    def compose(self) -> ComposeResult:
        yield self.status


async def test_it_tells_of_the_tap_over_the_list_and_of_the_connection_else() -> None:
    inspector = Inspector(Recording.create(None))
    inspector.feed_all([Wire(1).open(), Wire(2).open()])
    app = Head(inspector)
    async with app.run_test(size=(110, 4)) as pilot:
        app.status.styles.height = 2
        app.status.show_overview(True)
        app.status.show_facts(TapFacts("http://127.0.0.1:8377/v1", "http://127.0.0.1:9/v1", "a.jsonl", 10))
        await pilot.pause()
        assert "TAP   listening http://127.0.0.1:8377/v1" in screen_text(app)
        assert "2 sockets open" in screen_text(app)
        app.status.show_overview(False)
        app.status.show_session(1)
        await pilot.pause()
        assert "OPEN" in screen_text(app)
        assert "listening" not in screen_text(app)
