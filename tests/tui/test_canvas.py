"""Drawing: frame, scroll bar, cuts at the width, wide characters, marks, and a cache that stays small."""

from __future__ import annotations

from typing import ClassVar

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.screen import screen_lines, screen_strips, segments_at, widget_lines
from tui.cells import width
from tui.widgets.canvas import CACHED_LINES, Canvas


class Rows(Canvas, can_focus=True):
    """Rows of a list, with one line above them."""

    HEAD_LINES: ClassVar[int] = 1

    def __init__(self, rows: list[str | Text]) -> None:
        super().__init__()
        self.rows = rows
        self.made = 0
        self.marked = ""

    def row_count(self) -> int:
        return len(self.rows)

    def row(self, index: int, width: int) -> Text:
        self.made += 1
        row = self.rows[index]
        return row if isinstance(row, Text) else Text(row)

    def head(self, line: int, width: int) -> Text:
        return Text("HEAD" * 20, "pane--heading")

    def title_words(self) -> str:
        return "title [b]not markup[/b]"

    def state_words(self) -> str:
        return "state"

    def needle(self) -> str:
        return self.marked


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"
    CSS = """
    Rows { border: round $primary; background: $background; color: $foreground; width: 1fr; height: 1fr; }
    Rows.-bare { border: none; }
    Rows.-ruled { border: none; border-bottom: solid $primary; }
    Rows.-padded { padding: 1 2; }
    Rows > .pane--cursor { background: $primary; color: $background; }
    Rows > .pane--match { background: $warning; }
    Rows > .pane--error { color: $error; }
    """

    def __init__(self, rows: list[str | Text]) -> None:
        super().__init__()
        self.rows = Rows(rows)

    def compose(self) -> ComposeResult:
        yield self.rows


async def test_frame_head_rows_and_scroll_bar() -> None:
    app = Host([f"row {n}" for n in range(40)])
    async with app.run_test(size=(24, 8)) as pilot:
        app.rows.dress()
        await pilot.pause()
        assert screen_lines(app) == [
            "\u256d\u2500 title [b]not mark\u2026 \u2500\u256e",
            "\u2502HEADHEADHEADHEADHEADH \u2502",
            "\u2502row 0                \u2588\u2502",
            "\u2502row 1                \u2502\u2502",
            "\u2502row 2                \u2502\u2502",
            "\u2502row 3                \u2502\u2502",
            "\u2502row 4                \u2502\u2502",
            "\u2570\u2500" + screen_lines(app)[-1][2:],
        ]
        assert " state " in screen_lines(app)[-1]


@pytest.mark.parametrize("classes", ["", "-bare", "-ruled", "-padded"])
async def test_every_line_is_exactly_as_wide_as_the_widget(classes: str) -> None:
    rows: list[str | Text] = [
        "",
        "x" * 500,
        "\u65e5\u672c" * 40,
        "e\u0301" * 60,
        "\U0001f469\u200d\U0001f467" * 30,
    ]
    rows += ["tab\there\nand a line end", "\U0001f44d\U0001f3fd \u2764\ufe0f" * 20, "a" + "\u65e5" * 50]
    app = Host(rows)
    async with app.run_test(size=(31, 14)) as pilot:
        app.rows.set_classes(classes)
        await pilot.pause()
        for line in widget_lines(app.rows):
            assert width(line) == 31
            assert "\n" not in line
            assert "\u200d" not in line


async def test_a_wide_character_is_never_cut_in_two() -> None:
    app = Host(["\u65e5" * 40])
    async with app.run_test(size=(24, 5)) as pilot:
        await pilot.pause()
        row = widget_lines(app.rows)[2]
        assert row == "\u2502" + "\u65e5" * 10 + "  \u2502"
        app.rows.shift_to(3)
        await pilot.pause()
        assert width(widget_lines(app.rows)[2]) == 24


async def test_long_rows_are_shifted_and_never_walked_whole() -> None:
    app = Host(["0123456789" * 100_000])
    async with app.run_test(size=(24, 5)) as pilot:
        await pilot.pause()
        assert widget_lines(app.rows)[2][1:22] == "012345678901234567890"
        app.rows.shift_to(8)
        await pilot.pause()
        assert widget_lines(app.rows)[2][1:22] == "890123456789012345678"
        app.rows.shift_to(-5)
        assert app.rows.left == 0


async def test_padding_moves_rows_inwards() -> None:
    app = Host(["row"])
    async with app.run_test(size=(24, 9)) as pilot:
        app.rows.set_classes("-padded")
        await pilot.pause()
        lines = screen_lines(app)
        assert lines[2].startswith("\u2502  HEAD")
        assert lines[3].startswith("\u2502  row ")
        assert lines[1] == "\u2502" + " " * 22 + "\u2502"


async def test_the_cursor_row_has_its_style_in_all_its_cells() -> None:
    app = Host([Text("error", "pane--error"), "two"])
    async with app.run_test(size=(24, 6)) as pilot:
        app.rows.focus()
        app.rows.cursor = 0
        app.rows.refresh()
        await pilot.pause()
        cells = [segment for segment in segments_at(app, 2)[1:] if segment.text[0] not in "\u2502\u2588"]
        grounds = {segment.style.bgcolor for segment in cells[:-1] if segment.style}
        assert len(grounds) == 1
        plain = {segment.style.bgcolor for segment in segments_at(app, 3)[1:2] if segment.style}
        assert grounds != plain


async def test_colours_come_from_the_style_sheet() -> None:
    app = Host([Text("bad", "pane--error"), Text("unknown", "pane--no-such-class")])
    async with app.run_test(size=(24, 6)) as pilot:
        await pilot.pause()
        bad = next(segment for segment in segments_at(app, 2) if segment.text == "bad")
        assert bad.style is not None
        assert bad.style.color is not None
        assert bad.style.color.triplet is not None
        assert bad.style.color.triplet.hex == app.theme_variables["error"].lower()
        unknown = next(segment for segment in segments_at(app, 3) if "unknown" in segment.text)
        assert unknown.style is not None
        assert unknown.style.color != bad.style.color


async def test_every_match_in_sight_is_marked() -> None:
    app = Host(["Find me, FIND me"])
    async with app.run_test(size=(30, 5)) as pilot:
        app.rows.marked = "find"
        app.rows.forget_lines()
        app.rows.refresh()
        await pilot.pause()
        ground = app.rows.style_named("pane--match").bgcolor
        marked = [s.text for s in segments_at(app, 2) if s.style and s.style.bgcolor == ground]
        assert marked == ["Find", "FIND"]


async def test_rows_are_painted_once_and_the_cache_stays_small() -> None:
    app = Host([f"row {n}" for n in range(3 * CACHED_LINES)])
    async with app.run_test(size=(24, 10)) as pilot:
        await pilot.pause()
        made = app.rows.made
        app.rows.refresh()
        await pilot.pause()
        assert app.rows.made == made
        for top in range(0, len(app.rows.rows), 7):
            app.rows.scroll_rows_to(top)
            widget_lines(app.rows)
        assert len(app.rows._lines) <= CACHED_LINES
        made = app.rows.made
        app.rows.forget_rows(app.rows.top, app.rows.top + 1)
        widget_lines(app.rows)
        assert app.rows.made == made + 1


async def test_another_theme_paints_everything_anew() -> None:
    app = Host([Text("bad", "pane--error")])
    async with app.run_test(size=(24, 5)) as pilot:
        await pilot.pause()
        before = segments_at(app, 2)
        app.theme = "textual-light"
        await pilot.pause()
        assert segments_at(app, 2) != before
        assert screen_lines(app)[2].startswith("\u2502bad")


async def test_a_region_is_what_the_whole_is_there() -> None:
    app = Host([f"row {n}" for n in range(40)])
    async with app.run_test(size=(24, 8)) as pilot:
        await pilot.pause()
        whole = app.rows.render_lines(Region(0, 0, 24, 8))
        part = app.rows.render_lines(Region(3, 1, 10, 4))
        assert [strip.text for strip in part] == [strip.text[3:13] for strip in whole[1:5]]


async def test_nothing_is_painted_outside_and_tiny_sizes_do_no_harm() -> None:
    app = Host([f"row {n}" for n in range(40)])
    async with app.run_test(size=(24, 8)) as pilot:
        for size in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 3), (24, 8)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [strip.cell_length for strip in screen_strips(app)] == [size[0]] * size[1]
        assert screen_lines(app)[2].startswith("\u2502row 0")


async def test_the_thumb_stands_where_the_rows_are() -> None:
    app = Host([f"row {n}" for n in range(60)])
    async with app.run_test(size=(24, 9)) as pilot:
        app.rows.scroll_rows_to(54)
        await pilot.pause()
        bar = [line[22] for line in screen_lines(app)[2:-1]]
        assert bar == ["\u2502"] * 5 + ["\u2588"]
        app.rows.scroll_rows_to(10_000)
        assert app.rows.top == app.rows.last_top == 54
