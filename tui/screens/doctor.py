"""The screen of the doctor: every check in its group, outcomes as they come, and one of them explained.

Its one rule: it shows what the run knows and decides nothing. While results come every row keeps its place;
neither choice nor scroll moves. What is copied or saved is the report, which holds no secret.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sessions import redact
from sessions.doctor import report
from sessions.doctor.check import Check
from sessions.doctor.report import Examination
from sessions.doctor.result import Outcome
from sessions.errors import SessionsError
from sessions.safe import safe, safe_line
from tui import keys
from tui.app import TurnscopeApp
from tui.clipboard import copy
from tui.doctor_rows import Row, capability_line, explained, line, rows, tally_line
from tui.picture import save_picture
from tui.quiet import quiet
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose
from tui.screens.reader import Reader
from tui.shades import shade
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from sessions.commands.examining import Examining

_WIDE = 100  # cells from which on the explanation stands beside the list
_BESIDE = 45


class Checks(OptionList, inherit_bindings=False):
    """The rows; the keys are the screen's, the colours of outcomes the style sheet's."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"checks--{outcome.value}" for outcome in Outcome}

    @property
    def styles_of_outcomes(self) -> dict[Outcome, Style]:
        """The style in which each outcome is written."""
        return {outcome: shade(self, f"checks--{outcome.value}") for outcome in Outcome}


class DoctorScreen(Screen[None]):
    """One examination while it runs, and afterwards."""

    CSS_PATH = "doctor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DOCTOR)]
    AUTO_FOCUS = "Checks"

    def __init__(self, examining: Examining) -> None:
        super().__init__()
        self.examining = examining
        self._rows: list[Row] = []
        self._is_done = False
        self._is_running = False
        self._is_only_problems = False
        examining.on_result = self._show
        examining.on_progress = self._progressed
        examining.say = self._say

    @property
    def code(self) -> int:
        """What the command ends with when it is left now."""
        return int(report.exit_of(self._found()))

    def compose(self) -> ComposeResult:
        """Target, tally, checks, the chosen one in words, what the server can do, the keys."""
        yield Static(id="target", markup=False)
        yield Static(id="tally", markup=False)
        with Container(id="both"):
            yield Checks(markup=False)
            with VerticalScroll(id="why", can_focus=False):
                yield Static(id="words", markup=False)
        yield Static(id="able", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Begin once the picture stands."""
        self.query_one(Footer).show_place("doctor")
        self._list()
        self.call_after_refresh(lambda: self.run_worker(self._examine(), group="doctor"))

    def on_unmount(self) -> None:
        """The recording of the run is closed with its screen."""
        self.examining.battery.bench.inspector.recording.close()

    async def _examine(self) -> None:
        self._is_running = True
        try:
            await quiet()
            await self.examining.examine()
            self._is_done = True
        except SessionsError as error:
            self._say(str(error))
        finally:
            self._is_running = False
            self._show()

    async def _try(self, check: Check) -> None:
        self._is_running = True
        try:
            await self.examining.battery.try_one(check)
        except SessionsError as error:
            self._say(str(error))
        finally:
            self._is_running = False
            self._show()

    def _found(self) -> Examination:
        return self.examining.found(is_interrupted=not self._is_done)

    def _say(self, sentence: str) -> None:
        self.notify(safe(redact.screen(sentence)), markup=False)

    def _progressed(self, _: str) -> None:
        self._show()

    # Showing ---------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width."""
        is_wide = event.size.width >= _WIDE
        self.query_one("#both").set_class(is_wide, "-wide")
        self.query_one("#why").set_class(is_wide, "-wide")
        self._list()

    def _width(self) -> int:
        beside = _BESIDE if self.size.width >= _WIDE else 0
        return max(30, self.size.width - 4 - beside)

    def _now(self) -> list[Row]:
        battery = self.examining.battery
        return list(
            rows(
                battery.checks,
                self._found(),
                battery.running,
                only_problems=self._is_only_problems,
                is_done=self._is_done,
            )
        )

    def _show(self) -> None:
        """Show what has come; rows that stay where they were are only painted anew."""
        if not self.is_mounted:
            return
        now = self._now()
        if [row.key for row in now] != [row.key for row in self._rows]:
            self._list()
            return
        checks = self.query_one(Checks)
        styles = checks.styles_of_outcomes
        for place, (row, before) in enumerate(zip(now, self._rows, strict=True)):
            if row != before:
                checks.replace_option_prompt_at_index(place, line(row, self._width(), styles))
        self._rows = now
        self._show_head()
        self._show_words()

    def _list(self) -> None:
        """Make the list anew; the chosen row stays chosen, and the place stays."""
        chosen = self._chosen()
        checks = self.query_one(Checks)
        place = checks.scroll_offset
        self._rows = self._now()
        styles = checks.styles_of_outcomes
        with self.app.batch_update():
            checks.clear_options()
            checks.add_options(
                [
                    Option(line(row, self._width(), styles), id=row.key, disabled=row.is_heading)
                    for row in self._rows
                ]
            )
            known = [row.key for row in self._rows]
            checks.highlighted = known.index(chosen.key) if chosen and chosen.key in known else 1
            checks.scroll_to(y=place.y, animate=False)
        self._show_head()
        self._show_words()

    def _show_head(self) -> None:
        battery, found = self.examining.battery, self._found()
        rules = f"rules {found.rules}   profile {found.profile}"
        target = f" doctor   {redact.screen(found.endpoint)}   {rules}"
        if found.direct_endpoint:
            target += f"   compared with {redact.screen(found.direct_endpoint)}"
        self.query_one("#target", Static).update(Content(safe_line(target)))
        tally = self.query_one("#tally", Static)
        said, state = tally_line(found, len(battery.checks)), self._state()
        if self.size.width < _WIDE:  # what is going on is not what is cut
            said = f"{state.strip()}  {said.replace(' checks', '').replace('   ', '  ')}".strip()
        tally.update(Content(f" {said}{state if self.size.width >= _WIDE else ''}"))
        tally.set_class(any(one.outcome is Outcome.FAIL for one in found.results), "-failed")
        self.query_one("#able", Static).update(Content(safe_line(capability_line(found))))

    def _state(self) -> str:
        if self._is_running and (running := self.examining.battery.running) is not None:
            return f"   now {running.id}"
        return f"   exit {self.code}" if self._is_done else ""

    def _show_words(self) -> None:
        self.query_one("#words", Static).update(Content(safe(explained(self._chosen()))))

    def _chosen(self) -> Row | None:
        highlighted = self.query_one(Checks).highlighted
        return self._rows[highlighted] if highlighted is not None and highlighted < len(self._rows) else None

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._show_words()

    # Keys ------------------------------------------------------------------------------------------------

    def action_cursor_down(self) -> None:
        """One row down."""
        self.query_one(Checks).action_cursor_down()

    def action_cursor_up(self) -> None:
        """One row up."""
        self.query_one(Checks).action_cursor_up()

    def action_page_down(self) -> None:
        """One page down."""
        self.call_later(self.query_one(Checks).run_action, "page_down")

    def action_page_up(self) -> None:
        """One page up."""
        self.call_later(self.query_one(Checks).run_action, "page_up")

    def action_first(self) -> None:
        """The first row."""
        self.query_one(Checks).action_first()

    def action_last(self) -> None:
        """The last row."""
        self.query_one(Checks).action_last()

    def action_next_problem(self) -> None:
        """Choose the next check that failed or warns."""
        self._go_to_problem(range((self.query_one(Checks).highlighted or 0) + 1, len(self._rows)))

    def action_problem_before(self) -> None:
        """Choose the problem before."""
        self._go_to_problem(range((self.query_one(Checks).highlighted or 0) - 1, -1, -1))

    def _go_to_problem(self, places: range) -> None:
        for place in places:
            result = self._rows[place].result
            if result is not None and result.outcome.is_bad:
                self.query_one(Checks).highlighted = place
                return
        self.notify("there is no more", markup=False)

    def action_toggle_problems(self) -> None:
        """Show only failures and warnings, or all."""
        self._is_only_problems = not self._is_only_problems
        self._list()

    def action_rerun(self) -> None:
        """Try the chosen check once more."""
        row = self._chosen()
        if row is None or row.check is None:
            return
        if self._is_running:
            self.notify("a check is running; wait for its end", markup=False)
            return
        self.run_worker(self._try(row.check), group="doctor")

    def action_rerun_all(self) -> None:
        """Run all again, once the person has read what that costs."""
        if self._is_running:
            self.notify("the checks are running", markup=False)
            return
        self.run_worker(self._run_again(), group="again")

    async def _run_again(self) -> None:
        bound = self.examining.battery.estimate
        about = f"{bound.checks} checks, at most {bound.turns} turns and {bound.tokens} tokens."
        choices = (Choice("go", "run all again"), Choice("", "leave it"))
        if await self.app.push_screen_wait(Choose("all checks again", choices, about)) != "go":
            return
        self._is_done = False
        self.run_worker(self._examine(), group="doctor")

    def action_copy(self) -> None:
        """Copy the report."""
        self.run_worker(self._copy(), group="copying", exclusive=True)

    def action_picture(self) -> None:
        """Save what is on the screen."""
        self.notify(safe(save_picture(self.app)), markup=False)

    async def _copy(self) -> None:
        said = await copy(report.fenced(self._found()), self.app.copy_to_clipboard)
        self.notify(safe(said), markup=False)

    def action_save(self) -> None:
        """Save the report; a name that ends in .json makes it JSON."""
        self.run_worker(self._save(), group="saving", exclusive=True)

    async def _save(self) -> None:
        about = "Text; .md fences it for an issue, .json makes it JSON. No secret is in it."
        name = await self.app.push_screen_wait(Ask("save the report", "turnscope-doctor.md", about))
        if not name:
            return
        self._say(await asyncio.to_thread(write, name, self._found()))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_read()

    def action_read(self) -> None:
        """Read everything about the chosen check."""
        row = self._chosen()
        if row is not None and (words := explained(row)):
            able = capability_line(self._found()).replace("; ", "\n")
            self.app.push_screen(Reader(row.title, f"{words}\n\nthe server\n{able}" if able else words))

    def action_close(self) -> None:
        """Leave; the report of what was found stays in the terminal's scroll-back."""
        found = self._found()
        if found.results and isinstance(self.app, TurnscopeApp):
            self.app.farewell = report.plain(found)
        self.app.exit(self.code)


def write(name: str, found: Examination) -> str:
    """Write a report into a new file, and say so; a name that ends in .json makes it JSON, .md fences it."""
    path = Path(name).expanduser()
    if path.suffix == ".json":
        text = json.dumps(report.as_json(found), indent=2) + "\n"
    else:
        text = report.fenced(found) if path.suffix == ".md" else report.plain(found)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"Not saved: {path}: {error.strerror}."
    return f"Saved to {path}."
