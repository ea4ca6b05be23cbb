"""The options of every later send: model, instructions, effort, limits, format, store, tools, files.

What is empty is left out of the frame. What cannot be read is told beside its field and nothing is changed.
"""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import ValidationError
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from sessions import contract
from sessions.compose import Create, File, Image
from sessions.errors import SettingsError
from sessions.safe import safe, safe_line
from tui import keys
from tui.widgets import writing

_LARGEST_FILE = 50_000_000  # bytes; beyond it a frame would be larger than any server takes


class Line(NamedTuple):
    """One option: its name, a word for people, what may stand there."""

    name: str
    label: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    is_long: bool = False


LINES: tuple[Line, ...] = (
    Line("model", "model", "as the server knows it"),
    Line("instructions", "instructions", "resent with every turn: they are not inherited", is_long=True),
    Line("effort", "effort", choices=("none", "minimal", "low", "medium", "high", "xhigh")),
    Line("summary", "reasoning summary", choices=("auto", "concise", "detailed")),
    Line("max_output_tokens", "max output tokens", "a number"),
    Line("verbosity", "verbosity", choices=("low", "medium", "high")),
    Line("text_format", "text format", choices=("text", "json_object", "json_schema")),
    Line("json_schema", "schema of the text", "a JSON object, for json_schema", is_long=True),
    Line("store", "store", "left out means on, at the server", choices=("on", "off")),
    Line("tool_choice", "tool choice", "auto, none, required, or a tool's name"),
    Line("include", "include", "comma-separated, such as reasoning.encrypted_content"),
    Line("metadata", "metadata", "name=value, one a line", is_long=True),
    Line("images", "images", "paths, URLs or file ids, separated by spaces"),
    Line("files", "files", "paths, URLs or file ids, separated by spaces"),
    Line("tools", "tools", "a path of a JSON file; empty keeps the ones there are"),
    Line("extra", "anything else", "a JSON object of fields for the frame", is_long=True),
)


class Options(ModalScreen[Create | None]):
    """The form; gives the changed options, None when they stay."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DIALOG)]

    def __init__(self, settings: Create) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """A line for each option."""
        with Vertical(classes="dialog options") as frame:
            frame.border_title = Content("options of the next sends")
            frame.border_subtitle = Content("F5 take them   tab next   esc back")
            with VerticalScroll():
                for line in LINES:
                    with Horizontal(classes="field"):
                        yield Static(Content(line.label), markup=False)
                        yield _entry(line, shown(self._settings, line.name))
            yield Static("", markup=False, classes="objection")

    def on_mount(self) -> None:
        """Begin with the model."""
        self.query_one("#option-model").focus()

    def action_accept(self) -> None:
        """Take the options, or say what is wrong with them."""
        texts = {line.name: _text(self.query_one(f"#option-{line.name}")) for line in LINES}
        try:
            changed = apply(self._settings, texts)
        except ValueError as error:
            self.query_one(".objection", Static).update(Content(safe(str(error))))
            return
        self.dismiss(changed)

    def action_close(self) -> None:
        """Leave the options as they were."""
        self.dismiss(None)


def shown(settings: Create, name: str) -> str:
    """The text of an option as it stands in its line."""
    value = getattr(settings, name)
    match name:
        case "store":
            return "" if value is None else "on" if value else "off"
        case "include":
            return ", ".join(value)
        case "metadata":
            return "\n".join(f"{key}={text}" for key, text in value.items())
        case "images" | "files":
            return " ".join(one.name or one.file_id or one.url for one in value)
        case "tools":
            return ""
        case "tool_choice":
            return value if isinstance(value, str) else json.dumps(value) if value else ""
        case "json_schema" | "extra":
            return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
    return "" if value is None else str(value)


def apply(settings: Create, texts: dict[str, str]) -> Create:
    """The settings with these texts; raises ValueError with a sentence that names the option."""
    changes: dict[str, Any] = {}
    for line in LINES:
        text = texts[line.name].strip()
        if text == shown(settings, line.name).strip():
            continue
        changes[line.name] = _value(line, text, settings)
    if isinstance(changes.get("json_schema"), dict) and not texts["text_format"]:
        changes["text_format"] = "json_schema"
    if changes.get("text_format", settings.text_format) == "json_schema" and not settings.schema_name:
        changes["schema_name"] = "answer"
    try:
        return Create.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0] if first['loc'] else 'options'}: {first['msg']}") from None


def _value(line: Line, text: str, settings: Create) -> Any:
    match line.name:
        case "store":
            return {"": None, "on": True, "off": False}[text]
        case "max_output_tokens":
            if text and (not text.isdecimal() or int(text) < 1):
                raise ValueError(f"max output tokens: {text!r} is not a number above 0")
            return int(text) if text else None
        case "instructions":
            return text or None
        case "include":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case "metadata":
            return _metadata(text)
        case "json_schema":
            return _json_object(line, text)
        case "extra":
            return _json_object(line, text) or {}
        case "tool_choice":
            return _tool_choice(text)
        case "images":
            return tuple(_image(part, settings) for part in text.split())
        case "files":
            return tuple(_file(part, settings) for part in text.split())
        case "tools":
            return _tools(text)
    return text


def _json_object(line: Line, text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{line.label}: line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{line.label}: this is not a JSON object")
    return value


def _metadata(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        name, equals, value = row.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"metadata: line {number} is not name=value")
        found[name.strip()] = value.strip()
    if len(found) > contract.METADATA_PAIRS:
        raise ValueError(f"metadata: at most {contract.METADATA_PAIRS} pairs")
    return found


def _tool_choice(text: str) -> str | dict[str, Any] | None:
    if not text or text in ("auto", "none", "required"):
        return text or None
    if text.startswith("{"):
        return _json_object(Line("tool_choice", "tool choice"), text)
    return {"type": "function", "name": text}


def _is_address(part: str) -> bool:
    return part.startswith(("http://", "https://", "data:"))


def _image(part: str, settings: Create) -> Image:
    kept = next((one for one in settings.images if part in (one.name, one.file_id, one.url)), None)
    if kept is not None:
        return kept
    if part.startswith("file-"):
        return Image(file_id=part)
    if _is_address(part):
        return Image(url=part)
    return Image.of_bytes(
        _read(part, "images"), mimetypes.guess_type(part)[0] or "image/png", Path(part).name
    )


def _file(part: str, settings: Create) -> File:
    kept = next((one for one in settings.files if part in (one.name, one.file_id, one.url)), None)
    if kept is not None:
        return kept
    if part.startswith("file-"):
        return File(file_id=part)
    if _is_address(part):
        return File(url=part)
    media_type = mimetypes.guess_type(part)[0] or "application/octet-stream"
    return File.of_bytes(_read(part, "files"), media_type, Path(part).name)


def _read(part: str, label: str) -> bytes:
    path = Path(part).expanduser()
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"{label}: {path} is larger than {_LARGEST_FILE // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{label}: cannot read {path}: {error.strerror}") from None


def _tools(text: str) -> tuple[dict[str, Any], ...]:
    from sessions.tools import load

    try:
        return load(Path(text).expanduser().read_text(encoding="utf-8"), text).tools
    except OSError as error:
        raise ValueError(f"tools: cannot read {text}: {error.strerror}") from None
    except (SettingsError, UnicodeDecodeError) as error:
        raise ValueError(f"tools: {error}") from None


def _entry(line: Line, text: str) -> Widget:
    name = f"option-{line.name}"
    if line.choices:
        choices = dict.fromkeys((*line.choices, *((text,) if text else ())))
        return Select(
            [(safe_line(choice), choice) for choice in choices],
            value=text or Select.NULL,
            prompt="left out",
            allow_blank=True,
            compact=True,
            id=name,
        )
    if line.is_long:
        area = writing.Area(text, soft_wrap=True, id=name, tab_behavior="focus", compact=True)
        area.placeholder = line.hint
        return area
    return writing.Line(text, placeholder=line.hint, compact=True, id=name)


def _text(entry: Widget) -> str:
    if isinstance(entry, Select):
        return "" if entry.value is Select.NULL else str(entry.value)
    if isinstance(entry, (TextArea, Input)):
        return entry.text if isinstance(entry, TextArea) else entry.value
    return ""
