"""The form of one answer to one call: fields made from what the call wants, or raw text; never lost half-way.

It shows the call's arguments, collects a half answer and says what is wrong with it. It sends nothing and
knows no session.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static, TextArea

from sessions import answers, forms
from sessions.answers import HalfAnswer
from sessions.create import data_url
from sessions.items import Item
from sessions.safe import safe, safe_line
from tui.widgets.writing import Area, Line

_SHOWN_ARGUMENTS = 2_000


class ToolForm(Vertical):
    """One call and the answer that is being written to it."""

    def __init__(self, item: Item, tools: Sequence[Mapping[str, Any]], half: HalfAnswer | None) -> None:
        super().__init__(classes="tool-form")
        self.item = item
        self._tools = tuple(tools)
        self._half = half
        self._fields = answers.form(item, self._tools)
        self.is_raw = half.is_raw if half is not None else not self._fields

    def compose(self) -> ComposeResult:
        """The call, its fields, and the raw text that can stand for them."""
        yield Static(Content(safe(self._call())), markup=False, classes="call")
        values = self._half.values if self._half is not None else {}
        with VerticalScroll(classes="fields"):
            for field in self._fields:
                with Horizontal(classes="field"):
                    mark = " *" if field.is_required else ""
                    yield Static(Content(safe_line(f"{field.title or field.name}{mark}", 28)), markup=False)
                    yield _entry(field, values.get(field.name))
        raw = Area(self._half.raw if self._half is not None else "", classes="raw", soft_wrap=True)
        raw.border_title = "the output, as it is"
        yield raw
        yield Static("", markup=False, classes="objection")

    def on_mount(self) -> None:
        """Show the side that was used last."""
        self._show_side()

    def toggle_raw(self) -> None:
        """Fields, or raw text; both keep what they hold."""
        if self._fields:
            self.is_raw = not self.is_raw
            self._show_side()
            self.focus_entry()

    def _show_side(self) -> None:
        self.set_class(self.is_raw, "-raw")

    def focus_entry(self) -> None:
        """Put the focus where the first answer is written."""
        entry = self.query_one(".raw") if self.is_raw else next(iter(self.query(".entry")), None)
        if isinstance(entry, TextArea):
            entry.move_cursor(entry.document.end)  # a half answer goes on where it ended
        if isinstance(entry, Widget):
            entry.focus()

    def half(self) -> HalfAnswer:
        """What was written so far."""
        values: dict[str, str | bool] = {}
        for field, entry in zip(self._fields, self.query(".entry").results(Widget), strict=False):
            value = _written(entry)
            if value is not None:
                values[field.name] = value
        return HalfAnswer(
            call_id=self.item.answer_id,
            type=self.item.type,
            is_raw=self.is_raw,
            raw=self.query_one(".raw", TextArea).text,
            values=values,
        )

    @property
    def is_begun(self) -> bool:
        """Whether anything was written or changed."""
        half = self.half()
        if half.raw.strip():
            return True
        defaults = {field.name: _default(field) for field in self._fields}
        return any(value != defaults[name] and value != "" for name, value in half.values.items())

    def finish(self) -> dict[str, Any] | None:
        """The item that answers the call; None, with the objection shown, when it cannot be one yet."""
        try:
            item = answers.finish(self.item, self._with_files(self.half()), self._tools)
        except (answers.AnswerError, OSError) as error:
            self.object_to(str(error))
            return None
        self.object_to("")
        return item

    def _with_files(self, half: HalfAnswer) -> HalfAnswer:
        """The half answer with the files it names read in; one that is kept holds only their paths."""
        values = dict(half.values)
        for field in self._fields:
            path = values.get(field.name)
            if field.kind == "file" and isinstance(path, str) and path.strip() and not _is_address(path):
                media_type = mimetypes.guess_type(path)[0] or "image/png"
                values[field.name] = data_url(Path(path.strip()).expanduser().read_bytes(), media_type)
        return half.model_copy(update={"values": values})

    def object_to(self, sentence: str) -> None:
        """Show what is wrong, or nothing."""
        self.query_one(".objection", Static).update(Content(safe(sentence)))

    def _call(self) -> str:
        arguments = self.item.text("arguments") or self.item.text("input")
        lines = [answers.title(self.item)]
        if arguments:
            lines.append(_pretty(arguments)[:_SHOWN_ARGUMENTS])
        tool = next((one for one in self._tools if one.get("name") == self.item.name), None)
        if tool is not None and arguments:
            lines += _checked(tool, arguments)
        return "\n".join(lines)


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://", "data:", "file-"))


def _checked(tool: Mapping[str, Any], arguments: str) -> list[str]:
    schema = tool.get("parameters")
    try:
        value = json.loads(arguments)
    except ValueError:
        return ["the arguments are not valid JSON (yet)"]
    if not isinstance(schema, Mapping):
        return []
    checked = forms.check_arguments(schema, value)
    if checked.problems:
        return [f"against its schema: {wrong.name}: {wrong.sentence}" for wrong in checked.problems]
    return ["the arguments fit the tool's schema"]


def _pretty(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, indent=2)
    except ValueError:
        return arguments


def _default(field: forms.Field) -> str | bool:
    if field.kind == "boolean":
        return bool(field.default)
    return "" if field.default is None else _shown(field.default)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _entry(field: forms.Field, value: str | bool | None) -> Widget:
    """The widget in which this field is filled in."""
    given = _default(field) if value is None else value
    if field.kind == "boolean":
        return Checkbox("yes", value=bool(given), classes="entry")
    text = given if isinstance(given, str) else str(given)
    if field.kind == "choice":
        names = [(safe_line(choice), choice) for choice in field.choices]
        chosen = text if text in field.choices else Select.NULL
        return Select(names, value=chosen, allow_blank=True, classes="entry", compact=True)
    if field.is_multiline or field.kind == "json":
        area = Area(text, classes="entry", soft_wrap=True)
        area.border_subtitle = Content(safe_line(field.description, 60))
        return area
    kinds = {"integer": "integer", "number": "number"}
    return Line(
        text,
        placeholder=safe_line(field.description or field.kind, 60),
        type=kinds.get(field.kind, "text"),  # type: ignore[arg-type]  # one of the three literals
        classes="entry",
        compact=True,
    )


def _written(entry: Widget) -> str | bool | None:
    if isinstance(entry, Checkbox):
        return entry.value
    if isinstance(entry, Select):
        return str(entry.value) if entry.value is not Select.NULL else ""
    if isinstance(entry, TextArea):
        return entry.text
    return entry.value if isinstance(entry, Input) else None
