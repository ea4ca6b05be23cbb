"""The composer: a box to write in, what will be sent beside it, and what will therefore happen below it.

Its one rule: what a person wrote is never lost; the box is emptied only by whoever sent the text. It knows
nothing of sessions: chips and sentences come from outside, a submit goes up as a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from sessions.safe import safe_line
from tui import keys
from tui.widgets.writing import Area

_CHIP_LINES = 2


class Mode(StrEnum):
    """What the box holds."""

    TEXT = "text"
    JSON = "JSON"


class Chip(NamedTuple):
    """One fact about what will be sent: `parent` and `T7`, and a state for its colour."""

    name: str
    value: str
    state: str = ""  #: "", "warn", "alarm" or "good"


class Box(Area):
    """The text area; Enter sends in text mode, ctrl+j makes a line, → or Enter takes a suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.TYPING)]

    class Submitted(Message):
        """Enter was pressed in text mode."""

    class Pressed(Message):
        """A key of ours, queued behind what was typed before it: its binding runs ahead of plain keys."""

        def __init__(self, *, is_line: bool) -> None:
            self.is_line = is_line
            super().__init__()

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True, tab_behavior="focus", show_line_numbers=False, highlight_cursor_line=False
        )
        self.mode = Mode.TEXT
        self.suggestions: tuple[str, ...] = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key works now: JSON is written with Enter as well, so Enter does not send it."""
        return action != "submit" or self.mode is Mode.TEXT

    def action_submit(self) -> None:
        """Send in text mode; JSON is written with Enter as well."""
        self.post_message(self.Pressed(is_line=self.mode is Mode.JSON))

    def action_new_line(self) -> None:
        """A new line, in both modes."""
        self.post_message(self.Pressed(is_line=True))

    def on_box_pressed(self, event: Pressed) -> None:
        """Act on the text as it stands now that everything typed before has arrived."""
        event.stop()
        if event.is_line:
            self.insert("\n")
        elif not self.text and self.suggestion:
            # what stands there grey looks written: Enter writes it, and only the next one sends
            self.insert(self.suggestion)
        else:
            self.post_message(self.Submitted())

    def update_suggestion(self) -> None:
        """Offer the rest of the first suggestion that begins as the text does."""
        text = self.text
        self.suggestion = ""
        if self.mode is Mode.TEXT and self.cursor_at_end_of_text:
            for suggestion in self.suggestions:
                if suggestion.startswith(text) and suggestion != text:
                    self.suggestion = suggestion[len(text) :]
                    break


class Writing(NamedTuple):
    """What stands in the box, in both modes."""

    mode: Mode = Mode.TEXT
    text: str = ""
    other_text: str = ""  #: what the other mode keeps


class Composer(Vertical):
    """Chips, box and forecast."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "composer--name",
        "composer--value",
        "composer--good",
        "composer--warn",
        "composer--alarm",
    }

    class Submitted(Message):
        """The person wants this sent."""

        def __init__(self, text: str, mode: Mode) -> None:
            self.text = text
            self.mode = mode
            super().__init__()

    class Edited(Message):
        """The text changed."""

        def __init__(self, text: str, mode: Mode) -> None:
            self.text = text
            self.mode = mode
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._other_text = ""  # what the other mode's box held
        self._chips: tuple[Chip, ...] = ()
        self._forecast = Chip("", "")
        self._laid_for = 0  # the width, in cells

    def compose(self) -> ComposeResult:
        """Chips above, box, forecast below."""
        yield Static("", id="chips", markup=False)
        yield Box()
        yield Static("", id="forecast", markup=False)

    @property
    def box(self) -> Box:
        """The text area."""
        return self.query_one(Box)

    @property
    def mode(self) -> Mode:
        """Text or JSON."""
        return self.box.mode

    @property
    def text(self) -> str:
        """What stands in the box, as it was written."""
        return self.box.text

    def write(self, text: str) -> None:
        """Replace what stands in the box; undo brings the old text back."""
        box = self.box
        box.replace(text, box.document.start, box.document.end)
        box.move_cursor(box.document.end)

    def clear(self) -> None:
        """Empty the box: its text was sent."""
        self.write("")

    @property
    def writing(self) -> Writing:
        """Everything that is being written here."""
        return Writing(self.mode, self.text, self._other_text)

    def take_up(self, writing: Writing) -> None:
        """Go on with something else that was being written; undo does not lead back from there."""
        self.set_mode(writing.mode, writing.text)
        self._other_text = writing.other_text
        self.box.history.clear()

    def set_mode(self, mode: Mode, text: str | None = None) -> None:
        """Change the mode; each mode keeps its own text unless one is given."""
        box = self.box
        if mode is not box.mode:
            mine, self._other_text = self._other_text, box.text
            box.mode = mode
            self.write(mine if text is None else text)
            box.show_line_numbers = mode is Mode.JSON
            self.set_class(mode is Mode.JSON, "-json")
            box.refresh_bindings()
        elif text is not None:
            self.write(text)
        self.show_title(self._title)

    def suggest(self, texts: Iterable[str]) -> None:
        """Offer these texts, the first that fits; nothing is written or sent by itself."""
        texts = tuple(texts)
        if texts != self.box.suggestions:
            self.box.suggestions = texts
            self.box.update_suggestion()
            self._show_keys()

    _title = "message"

    def show_title(self, title: str) -> None:
        """What the box writes to: lane and parent in words."""
        self._title = title
        box = self.box
        box.border_title = Content(safe_line(title, 100))
        self._show_keys()

    def _show_keys(self) -> None:
        box = self.box
        offer = ""
        sends = "Enter send   ctrl+j new line" if box.mode is Mode.TEXT else "F5 send   Enter new line"
        if box.suggestion and box.text:
            offer = "→ takes it   "
        elif box.suggestion:
            sends = "Enter or → takes it   ctrl+j new line"
        other = "JSON" if box.mode is Mode.TEXT else "text"
        box.border_subtitle = Content(f"{offer}{sends}   ctrl+t {other}   F4 editor")

    def show_chips(self, chips: Iterable[Chip]) -> None:
        """The facts about the next send, left to right."""
        chips = tuple(chips)
        if chips != self._chips:
            self._chips = chips
            self._lay_chips()

    def _lay_chips(self) -> None:
        """Write the facts; one that does not fit any more begins the second line, none is broken in two."""
        name_style = self.get_component_rich_style("composer--name")
        lines = [Text(no_wrap=True, overflow="ellipsis", end="")]
        for chip in self._chips:
            style = self.get_component_rich_style(f"composer--{chip.state or 'value'}")
            one = Text(end="")
            one.append(f" {safe_line(chip.name)} ", name_style) if chip.name else one.append(" ")
            one.append(safe_line(chip.value, 60), style).append(" ")
            is_full = lines[-1].cell_len + one.cell_len > max(1, self.size.width)
            if is_full and lines[-1].cell_len and len(lines) < _CHIP_LINES:
                lines.append(Text(end=""))
            lines[-1].append_text(one)
        self.query_one("#chips", Static).update(
            Text("\n", no_wrap=True, overflow="ellipsis", end="").join(lines)
        )

    def on_resize(self, event: events.Resize) -> None:
        """Write the facts for the width that is there now."""
        if event.size.width != self._laid_for:
            self._laid_for = event.size.width
            self._lay_chips()

    def show_forecast(self, sentence: str, state: str = "") -> None:
        """What will happen, or what is wrong; `state` colours it: "", "good", "warn", "alarm"."""
        forecast = Chip(safe_line(sentence, 400), "", state)
        if forecast == self._forecast:
            return
        self._forecast = forecast
        style = self.get_component_rich_style(f"composer--{state or 'name'}")
        line = Text(forecast.name, style, end="")
        self.query_one("#forecast", Static).update(line)

    def submit(self) -> None:
        """Send what stands in the box, as F5 and the palette do."""
        self.post_message(self.Submitted(self.text, self.mode))

    @on(Box.Submitted)
    def _box_submitted(self, event: Box.Submitted) -> None:
        event.stop()
        self.submit()

    @on(TextArea.Changed)
    def _box_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._show_keys()
        self.post_message(self.Edited(self.text, self.mode))
