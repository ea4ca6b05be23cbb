"""The pane's drawing and motion, in a tiny host app: nothing but rows of text behind it."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from tests.screen import screen_lines, widget_lines
from tui.widgets.pane import Pane


class Rows(Pane):
    """Rows of a list."""

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.rows = rows
        self.chosen: list[int] = []

    def row_count(self) -> int:
        return len(self.rows)

    def row(self, index: int, width: int) -> Text:
        return Text(self.rows[index])

    def row_chosen(self, index: int) -> None:
        self.chosen.append(index)

    def title_words(self) -> str:
        return "rows"


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.pane = Rows(rows)

    def compose(self) -> ComposeResult:
        yield self.pane


async def test_the_frame_holds_title_rows_scroll_bar_and_state() -> None:
    app = Host([f"row {n}" for n in range(30)])
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        lines = screen_lines(app)
        assert lines[0].startswith("\u250f\u2501 rows ")
        assert lines[1] == "\u2503" + "row 24".ljust(27) + "\u2502\u2503"
        assert lines[6] == "\u2503" + "row 29".ljust(27) + "\u2588\u2503"
        assert "following" in lines[7]
        assert [len(line) for line in widget_lines(app.pane)] == [30] * 8
