"""Finding in a pane: typed at the foot, marked in sight, counted in words; nothing found goes back."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from tests.screen import screen_lines
from tui.widgets.pane import Motion, Pane


class Rows(Pane):
    """Rows of a list."""

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.rows = rows

    def row_count(self) -> int:
        return len(self.rows)

    def row(self, index: int, width: int) -> Text:
        return Text(self.rows[index])


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/pane.tcss"

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.pane = Rows(rows)

    def compose(self) -> ComposeResult:
        yield self.pane

    def foot(self) -> str:
        """What the lower border says."""
        return screen_lines(self)[-1]


async def settled(pilot: Pilot[None], pane: Pane) -> None:
    """Wait until no search is on."""
    for _ in range(500):
        await pilot.pause()
        if pane.search is None or (pane.search.is_complete(pane.search_count()) and not pane._is_search_due):
            return
    raise AssertionError("the search did not end")


def rows() -> list[str]:
    """A hundred rows; every tenth one is round."""
    return [f"round {n}" if n % 10 == 0 else f"row {n}" for n in range(100)]


async def test_it_finds_while_it_is_typed_and_goes_on() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home", "slash", *"ROUND")
        await settled(pilot, app.pane)
        assert app.query_one(Input).has_focus
        assert app.pane.cursor == 0
        await pilot.press("enter")
        assert app.pane.has_focus
        for want in (10, 20, 30):
            await pilot.press("n")
            await settled(pilot, app.pane)
            assert app.pane.cursor == want
        assert "/ROUND  4 of 10" in app.foot()
        await pilot.press("N")
        await settled(pilot, app.pane)
        assert app.pane.cursor == 20
        assert app.pane.motion is Motion.HOLDING


async def test_it_goes_round_at_both_ends() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home")
        app.pane.find("round", forward=False)
        await settled(pilot, app.pane)
        assert app.pane.cursor == 90
        await pilot.press("n")
        await settled(pilot, app.pane)
        assert app.pane.cursor == 0


async def test_esc_takes_back_and_forgets() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home", "j", "slash", *"row 5")
        await settled(pilot, app.pane)
        assert app.pane.cursor == 5
        await pilot.press("escape")
        await settled(pilot, app.pane)
        assert (app.pane.needle(), app.pane.cursor) == ("", 1)
        await pilot.press("slash", *"round", "enter")
        await settled(pilot, app.pane)
        assert app.pane.needle() == "round"
        await pilot.press("escape")
        assert app.pane.needle() == ""
        assert "/round" not in app.foot()


async def test_nothing_found_goes_back_to_where_it_began() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home", "j", "slash", *"row 5x")
        await settled(pilot, app.pane)
        await pilot.press("enter")
        assert app.pane.cursor == 1
        assert "nothing found" in app.foot()


async def test_what_arrives_is_looked_at_and_moves_nothing() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home")
        app.pane.find("round", start=0)
        await settled(pilot, app.pane)
        top = app.pane.top
        app.pane.rows += ["round again", "row"]
        app.pane.grew()
        await settled(pilot, app.pane)
        assert "1 of 11" in app.foot()
        assert (app.pane.cursor, app.pane.top) == (0, top)


async def test_matches_are_marked_in_sight() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("home", "slash", *"round", "enter")
        await settled(pilot, app.pane)
        ground = app.pane.style_named("pane--match").bgcolor
        lines = app.pane.render_lines(app.pane.outer_size.region)
        assert [s.text for s in lines[1] if s.style and s.style.bgcolor == ground] == ["round"]


async def test_the_line_at_the_foot_covers_no_row() -> None:
    app = Host(rows())
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("slash")
        await pilot.pause()
        lines = screen_lines(app)
        assert "row 99" in lines[-3]
        assert "find in all rows" in lines[-2]
        await pilot.press("escape")
        await pilot.pause()
        assert "row 99" in screen_lines(app)[-2]
