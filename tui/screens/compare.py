"""The screen of a comparison: two columns aligned by turn, what differs below each turn, and what it means.

Its one rule: it shows what the comparison knows and asks nothing itself. While sides are asked the list grows
below the chosen row; neither choice nor scroll moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sessions import redact
from sessions.compare.difference import Weight
from sessions.compare.report import plain, verdict, where
from sessions.errors import RecordingError, SessionsError
from sessions.exits import Exit
from sessions.safe import safe, safe_line
from tui import keys
from tui.clipboard import copy
from tui.compare_rows import Row, detail, explained, line, rows
from tui.picture import save_picture
from tui.quiet import quiet
from tui.screens.reader import Reader
from tui.shades import shade
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from sessions.commands.comparing import Comparing


_ROOM = 12  # lines below the list from which on everything about the chosen row is told there
_FRAME_LINES = 4  # both sides, the verdict, the keys


class Turns(OptionList, inherit_bindings=False):
    """The rows; the keys are the screen's, the colour of what breaks the style sheet's."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"turns--breaking"}


class CompareScreen(Screen[None]):
    """One comparison while it is made, and afterwards."""

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.COMPARE)]
    AUTO_FOCUS = "Turns"

    def __init__(self, comparing: Comparing, notes: Iterable[str] = ()) -> None:
        super().__init__()
        self.comparing = comparing
        self._notes = tuple(notes)  #: sentences to tell once
        self.code = Exit.INTERRUPTED  #: what the command ends with
        self._rows: list[Row] = []
        self._said = "beginning …"
        self._is_done = False
        self._is_only_breaking = False
        comparing.say = self._say
        comparing.on_turn = self._show

    def compose(self) -> ComposeResult:
        """Both sides, the verdict, the rows, the chosen one in words, the keys."""
        yield Static(id="sides", markup=False)
        yield Static(id="verdict", markup=False)
        yield Turns(markup=False)
        yield Static(id="meaning", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Begin once the picture stands."""
        self.query_one(Footer).show_place("compare")
        for note in self._notes:
            self.notify(safe(note), markup=False)
        self._show()
        self.call_after_refresh(lambda: self.run_worker(self._compare(), group="comparing"))

    async def _compare(self) -> None:
        try:
            await quiet()
            comparison = await self.comparing.compare()
        except SessionsError as error:
            self._say(str(error))
            self.code = _code_of(error)
            return
        self._is_done = True
        self.code = self.comparing.verdict(comparison)
        self._show()

    def _say(self, sentence: str) -> None:
        self._said = sentence
        if self.is_mounted:
            self._show_head()

    # Showing ---------------------------------------------------------------------------------------------

    def on_resize(self, _: events.Resize) -> None:
        """Columns follow the width."""
        self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._show_head()
        comparison = self.comparing.comparison()
        found = list(rows(comparison, is_done=self._is_done, only_breaking=self._is_only_breaking))
        turns = self.query_one(Turns)
        chosen = self._chosen()
        place = turns.scroll_offset
        self._rows = found
        width = max(40, self.size.width - 4)
        breaking = shade(turns, "turns--breaking")
        with self.app.batch_update():
            turns.clear_options()
            turns.add_options([Option(line(row, width, breaking), id=row.key) for row in found])
            keys_now = [row.key for row in found]
            turns.highlighted = keys_now.index(chosen.key) if chosen and chosen.key in keys_now else 0
            turns.scroll_to(y=place.y, animate=False)
        self._show_meaning()

    def _show_head(self) -> None:
        comparison = self.comparing.comparison()
        sides = (f" {side.label}  {redact.screen(where(side))}" for side in (comparison.a, comparison.b))
        self.query_one("#sides", Static).update(Content("\n".join(map(safe_line, sides))))
        words = verdict(comparison) if self._is_done else safe_line(redact.screen(self._said))
        told = self.query_one("#verdict", Static)
        told.update(Content(f" {words}"))
        told.set_class(self._is_done and comparison.is_breaking, "-breaking")

    def _show_meaning(self) -> None:
        row = self._chosen()
        room = self.size.height - _FRAME_LINES - min(len(self._rows), self.size.height * 6 // 10)
        words = detail if room >= _ROOM else explained
        self.query_one("#meaning", Static).update(Content(safe(words(row)) if row else ""))

    def _chosen(self) -> Row | None:
        highlighted = self.query_one(Turns).highlighted
        return self._rows[highlighted] if highlighted is not None and highlighted < len(self._rows) else None

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._show_meaning()

    # Keys ------------------------------------------------------------------------------------------------

    def action_cursor_down(self) -> None:
        """One row down."""
        self.query_one(Turns).action_cursor_down()

    def action_cursor_up(self) -> None:
        """One row up."""
        self.query_one(Turns).action_cursor_up()

    def action_page_down(self) -> None:
        """One page down."""
        self._turn_page("down")

    def action_page_up(self) -> None:
        """One page up."""
        self._turn_page("up")

    def _turn_page(self, way: str) -> None:
        self.call_later(self.query_one(Turns).run_action, f"page_{way}")

    def action_first(self) -> None:
        """The first row."""
        self.query_one(Turns).action_first()

    def action_last(self) -> None:
        """The last row."""
        self.query_one(Turns).action_last()

    def action_next_breaking(self) -> None:
        """Choose the next breaking difference."""
        self._go_to_breaking(range((self.query_one(Turns).highlighted or 0) + 1, len(self._rows)))

    def action_breaking_before(self) -> None:
        """Choose the breaking difference before."""
        self._go_to_breaking(range((self.query_one(Turns).highlighted or 0) - 1, -1, -1))

    def _go_to_breaking(self, places: range) -> None:
        for place in places:
            difference = self._rows[place].difference
            if difference is not None and difference.weight is Weight.BREAKING:
                self.query_one(Turns).highlighted = place
                return
        self.notify("there is no more", markup=False)

    def action_toggle_harmless(self) -> None:
        """Show only breaking differences, or all."""
        self._is_only_breaking = not self._is_only_breaking
        self._show()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_read()

    def action_read(self) -> None:
        """Read everything about the chosen row."""
        if row := self._chosen():
            self.app.push_screen(Reader(f"{row.label.strip()}", detail(row)))

    def action_copy_report(self) -> None:
        """Copy the report as `--plain` prints it."""
        self.run_worker(self._copy(), group="copying", exclusive=True)

    def action_picture(self) -> None:
        """Save what is on the screen."""
        self.notify(save_picture(self.app), markup=False)

    async def _copy(self) -> None:
        text = redact.screen("\n".join(plain(self.comparing.comparison())))
        self.notify(await copy(text, self.app.copy_to_clipboard), markup=False)

    def action_close(self) -> None:
        """Leave with the comparison's exit code."""
        self.app.exit(int(self.code))


def _code_of(error: SessionsError) -> Exit:
    return Exit.RECORDING if isinstance(error, RecordingError) else Exit.USAGE
