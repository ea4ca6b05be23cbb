"""Moving through rows: cursor, keys, wheel, bar, follow, hold and freeze; nothing that arrives moves them."""

from __future__ import annotations

from collections.abc import Hashable

from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import Input

from tests.screen import screen_lines
from tui.widgets.pane import Motion, Pane


class Rows(Pane):
    """Rows of a list."""

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.rows = rows
        self.chosen: list[int] = []
        self.opened: list[int] = []

    def row_count(self) -> int:
        return len(self.rows)

    def row(self, index: int, width: int) -> Text:
        return Text(self.rows[index])

    def row_key(self, index: int) -> Hashable:
        return ("row", index)

    def row_chosen(self, index: int) -> None:
        self.chosen.append(index)

    def row_opened(self, index: int) -> None:
        self.opened.append(index)


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.pane = Rows([f"row {n}" for n in range(count)])

    def compose(self) -> ComposeResult:
        yield self.pane

    def arrive(self, count: int) -> None:
        """More rows."""
        have = len(self.pane.rows)
        self.pane.rows += [f"row {n}" for n in range(have, have + count)]
        self.pane.grew()

    def motion(self) -> Motion:
        """Whether it follows, holds or is frozen now."""
        return self.pane.motion

    def seen(self) -> list[str]:
        """The rows in sight, without frame and scroll bar."""
        return [line[1:28].rstrip() for line in screen_lines(self)[1:-1]]


SIZE = (30, 8)  # six rows


async def test_it_follows_the_end_until_the_person_moves() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        assert app.seen() == [f"row {n}" for n in range(24, 30)]
        app.arrive(3)
        await pilot.pause()
        assert app.seen()[-1] == "row 32"
        assert app.pane.cursor == -1
        await pilot.press("k")
        assert app.motion() is Motion.HOLDING
        assert app.pane.cursor == 32
        assert app.pane.chosen == [32]


async def test_nothing_moves_while_it_holds() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("k", "k", "k")
        before, cursor, top = app.seen(), app.pane.cursor, app.pane.top
        app.arrive(37)
        await pilot.pause()
        assert app.seen() == before
        assert (app.pane.cursor, app.pane.top) == (cursor, top)
        assert "holding +37" in screen_lines(app)[-1]
        assert app.focused is app.pane


async def test_end_follows_again_and_f_toggles() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("k", "G")
        assert app.motion() is Motion.FOLLOWING
        await pilot.press("F")
        assert app.motion() is Motion.HOLDING
        app.arrive(5)
        await pilot.press("F")
        await pilot.pause()
        assert app.motion() is Motion.FOLLOWING
        assert app.seen()[-1] == "row 34"
        assert "following" in screen_lines(app)[-1]


async def test_a_frozen_picture_stands_still_and_loses_nothing() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space")
        app.arrive(412)
        app.pane.rows[29] = "changed"
        app.pane.refresh_rows(29, 30)
        await pilot.pause()
        assert app.seen()[-1] == "row 29"
        assert "frozen +412" in screen_lines(app)[-1]
        await pilot.press("g")
        assert app.motion() is Motion.FROZEN
        await pilot.press("down", "space")
        await pilot.pause()
        assert app.motion() is Motion.HOLDING
        assert app.pane.cursor == 1
        await pilot.press("space", "G")
        await pilot.pause()
        assert app.motion() is Motion.FOLLOWING
        assert app.pane.cursor == 441
        assert app.seen()[-1] == "row 441"
        app.arrive(1)
        await pilot.pause()
        assert app.seen()[-1] == "row 442"


async def test_a_pane_that_comes_into_sight_is_painted_where_it_is() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        app.pane.display = False
        await pilot.pause()
        app.pane.rows = [f"row {n}" for n in range(20)]
        app.pane.reset_rows()
        assert app.pane.top == 20  # nothing has a height out of sight
        app.pane.display = True
        await pilot.pause()
        await pilot.pause()
        painted_from = app.pane._picture_for[2]  # as the terminal got it; reading the screen would paint anew
        assert painted_from == app.pane.top < 20


async def test_keys_move_by_rows_pages_and_to_both_ends() -> None:
    app = Host(100)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home")
        assert (app.pane.cursor, app.pane.top) == (0, 0)
        await pilot.press("down", "j")
        assert app.pane.cursor == 2
        await pilot.press("pagedown")
        assert (app.pane.cursor, app.pane.top) == (7, 5)
        await pilot.press("ctrl+b")
        assert (app.pane.cursor, app.pane.top) == (2, 0)
        await pilot.press("ctrl+d")
        assert (app.pane.cursor, app.pane.top) == (5, 3)
        await pilot.press("ctrl+u", "pageup")
        assert (app.pane.cursor, app.pane.top) == (0, 0)
        await pilot.press("up")
        assert app.pane.cursor == 0
        await pilot.press("end")
        assert app.pane.cursor == 99


async def test_enter_opens_the_row_under_the_cursor() -> None:
    app = Host(3)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        assert app.pane.opened == []
        await pilot.press("g", "j", "enter")
        assert app.pane.opened == [1]


async def test_the_wheel_scrolls_holds_and_follows_at_the_end() -> None:
    app = Host(30)
    async with app.run_test(size=SIZE) as pilot:
        await pilot._post_mouse_events([_event("MouseScrollUp")], app.pane, offset=(3, 3))
        await pilot.pause()
        assert app.motion() is Motion.HOLDING
        assert app.pane.top == 21
        assert app.pane.cursor == -1
        for _ in range(2):
            await pilot._post_mouse_events([_event("MouseScrollDown")], app.pane, offset=(3, 3))
        await pilot.pause()
        assert app.motion() is Motion.FOLLOWING


def _event(name: str) -> type:
    from textual import events

    return getattr(events, name)  # type: ignore[no-any-return]  # one of the framework's event classes


async def test_a_click_selects_and_the_scroll_bar_is_dragged() -> None:
    app = Host(60)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(app.pane, offset=(5, 3))
        assert app.pane.cursor == 56
        await pilot.click(app.pane, offset=(28, 1))
        assert app.pane.top == 0
        await pilot.mouse_down(app.pane, offset=(28, 1))
        await pilot.hover(app.pane, offset=(28, 6))
        await pilot.mouse_up(app.pane, offset=(28, 6))
        assert app.pane.top == 54
        assert app.pane.cursor == 56


async def test_select_row_is_silent_and_brings_it_into_sight() -> None:
    app = Host(60)
    async with app.run_test(size=SIZE):
        app.pane.select_row(10)
        assert app.pane.is_in_sight(10)
        assert app.motion() is Motion.HOLDING
        assert app.pane.chosen == []
        app.pane.select_row(999)
        assert app.pane.cursor == 10


async def test_resizing_keeps_the_place() -> None:
    app = Host(60)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", *["j"] * 20, *["k"] * 4)
        top = app.pane.top
        await pilot.resize_terminal(50, 6)
        assert app.pane.top == top
        await pilot.press("G")
        await pilot.resize_terminal(40, 12)
        assert app.pane.top == 50


async def test_a_lower_pane_keeps_the_selected_row_in_sight() -> None:
    app = Host(60)
    async with app.run_test(size=(30, 14)) as pilot:
        await pilot.press("k")
        await pilot.resize_terminal(30, 7)
        await pilot.pause()
        assert app.seen()[-1] == "row 59"
        await pilot.resize_terminal(30, 14)
        await pilot.press("g")
        await pilot.resize_terminal(30, 7)
        assert app.pane.top == 0


async def test_rows_that_are_fewer_now() -> None:
    app = Host(60)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("k")
        del app.pane.rows[4:]
        app.pane.reset_rows()
        await pilot.pause()
        assert app.seen() == ["row 0", "row 1", "row 2", "row 3", "", ""]
        assert app.pane.cursor == 3


async def test_an_empty_pane_takes_every_key() -> None:
    app = Host(0)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "k", "g", "G", "pagedown", "pageup", "enter", "space", "F", "n", "h", "l", "w")
        assert app.pane.cursor == -1
        assert app.seen() == [""] * 6
        assert not app.query(Input)
