"""Rows that can be searched: a line to type at the foot, matches marked, and how far the search is, in words.

Its one rule: a search works in slices between other work, however many rows there are, and says that it does.
What a row holds beyond what it shows, the subclass knows (`row_matches`).
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from sessions.safe import safe_line
from tui.search import Search
from tui.widgets.canvas import Canvas
from tui.widgets.prompt import Prompt

_SLICE_SECONDS, _PAUSE_SECONDS = 0.008, 0.004  # a search works and lets others work
_LOOKED_AT = 4096  # characters of a row, where no subclass knows better


class Searchable(Canvas):
    """Painted rows with a search over all of them."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.search: Search | None = None
        self._prompt: Prompt | None = None
        self._find_forward = True
        self._find_origin = -1
        self._asked_at = -1  # the cursor when the line at the foot was opened
        self._is_searching = False  # the cursor waits to go to a match
        self._is_search_due = False
        self._found = -1  # the match that was gone to last

    def row_matches(self, index: int, needle: str) -> bool:
        """Whether a row, or what else `search_count` counts, holds the text; case does not count."""
        return needle.casefold() in self.row(index, _LOOKED_AT).plain.casefold()

    def choose_row(self, index: int) -> None:
        """Move the cursor to this row, as a person does."""
        raise NotImplementedError

    def search_count(self) -> int:
        """How many things there are to look at; rows, unless a subclass searches what stands behind them."""
        return self.shown_count

    def search_place(self, row: int) -> int:
        """Where in the search a row begins."""
        return row

    def found_row(self, place: int) -> int:
        """The row in which something found is shown; -1 when none does."""
        return place

    @property
    def rows_height(self) -> int:
        """How many rows fit."""
        return max(0, super().rows_height - (1 if self._prompt is not None else 0))

    # Finding --------------------------------------------------------------------------------------------

    def find(self, text: str, forward: bool = True, *, start: int | None = None, again: bool = False) -> None:
        """Look for text in all rows and go to the nearest match after (or before) the cursor.

        With `start` the row itself counts too. `again` looks at all rows once more and moves nothing.
        """
        if not text:
            self.clear_find()
            return
        row = start if start is not None else self.cursor if self.cursor >= 0 else self.top
        origin = self._place_of(row)
        if self.search is None or self.search.needle != text:
            self.forget_lines()
            self.search = Search(text, origin, lambda place: self.row_matches(place, text))
        self._find_forward = forward
        self._find_origin = origin - 1 if start is not None and forward else origin
        self._is_searching = True
        self.find_on()

    def _place_of(self, row: int) -> int:
        """Where a row is in the search; of a row with several matches, the one that was gone to last."""
        if self._found >= 0 and self.found_row(self._found) == row:
            return self._found
        return self.search_place(row) if 0 <= row < self.row_count() else row

    def find_again(self) -> None:
        """The rows are others now: look at all of them once more, and move nothing."""
        if self.search is not None:
            text = self.search.needle
            origin = self.search_place(self.top) if self.top < self.row_count() else 0
            self.search = Search(text, origin, lambda place: self.row_matches(place, text))
            self._is_searching = False
            self.find_on()

    def clear_find(self) -> None:
        """Forget what was looked for."""
        if self.search is not None:
            self.search = None
            self._found = -1
            self._is_searching = False
            self.forget_lines()
            self.dress()
            self.refresh()

    def needle(self) -> str:
        """What is looked for, marked wherever it is in sight."""
        return self.search.needle if self.search is not None else ""

    def find_words(self) -> str:
        """How far the search is: `3 of 17`, `searching… 41%`, `nothing found`; "" when there is none."""
        if self.search is None:
            return ""
        count, total = self.search_count(), len(self.search)
        rank = self.search.rank(self._place_of(self.cursor)) if self.cursor >= 0 else 0
        words = f"{rank:,} of {total:,}" if rank else f"{total:,} found" if total else "nothing found"
        if not self.search.is_complete(count):
            share = f"searching\u2026 {self.search.progress(count):.0%}"
            words = f"{words}, {share}" if total else share
        return f"/{safe_line(self.search.needle, 24)}  {words}"

    def find_on(self) -> None:
        """Look at rows that were not looked at yet, soon, a slice of time at a time."""
        if self.search is not None and not self._is_search_due:
            self._is_search_due = True
            self.set_timer(_PAUSE_SECONDS, self._search_on, name="search")

    def _search_on(self) -> None:
        self._is_search_due = False
        search = self.search
        if search is None:
            return
        count = self.search_count()
        search.advance(count, _SLICE_SECONDS)
        if self._is_searching:
            step = search.following if self._find_forward else search.preceding
            found = step(self._find_origin, count)
            self._is_searching = found is None and not search.is_complete(count)
            if found is not None:
                self._found = found
                self.choose_row(self.found_row(found))
            elif not self._is_searching and self._prompt is not None:
                self._go_back()
        self.dress()
        if not search.is_complete(count):
            self.find_on()

    # The line at the foot ----------------------------------------------------------------------------

    def ask(self, purpose: str, value: str = "", *, placeholder: str = "") -> None:
        """Open the line at the foot and let the person type; `answering` and `answered` hear of it."""
        if self._prompt is None:
            self._asked_at = self.cursor
            self._prompt = Prompt(purpose, value, placeholder=placeholder)
            self.mount(self._prompt)
            self._prompt.focus()
            self.settle()
            self.refresh()

    def answering(self, purpose: str, value: str) -> None:
        """Something is being typed into the line at the foot."""
        if purpose == "find":
            self.clear_find()
            self.find(value, start=self._asked_at if self._asked_at >= 0 else self.top)

    def answered(self, purpose: str, value: str | None) -> None:
        """The line at the foot was left: with a value to keep, or with None to take it back."""
        if purpose == "find" and value is None:
            self.clear_find()
            self._go_back()

    def _go_back(self) -> None:
        """To the row where the typing began; there may have been matches of half the words."""
        if self._asked_at >= 0:
            self.choose_row(self._asked_at)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed while it is typed."""
        event.stop()
        if self._prompt is not None:
            self.answering(self._prompt.purpose, event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was typed."""
        event.stop()
        self._leave_prompt(event.value)

    def on_prompt_given_up(self, event: Prompt.GivenUp) -> None:
        """Take back what was typed."""
        event.stop()
        self._leave_prompt(None)

    def _leave_prompt(self, value: str | None) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            self.focus()
            prompt.remove()
            self.settle()
            self.answered(prompt.purpose, value)
            self.refresh()

    def action_find(self) -> None:
        """Type what to find."""
        self.ask("find", placeholder="find in all rows, not only those in sight")

    def action_find_next(self) -> None:
        """To the next match."""
        if self.search is not None:
            self.find(self.search.needle)

    def action_find_previous(self) -> None:
        """To the match before."""
        if self.search is not None:
            self.find(self.search.needle, forward=False)

    def on_key(self, event: events.Key) -> None:
        """Esc forgets what was found before it means anything else."""
        if event.key == "escape" and self.search is not None and self._prompt is None:
            event.stop()
            event.prevent_default()
            self.clear_find()
