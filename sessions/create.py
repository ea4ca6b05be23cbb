"""Create: what a person wants to send, as a value; and the flat object that says it.

Its one rule: nothing is added and nothing is lost, in both directions. What has no field of its own stands
in `extra`. A create is frozen; `model_copy(update=...)` makes the next one.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from sessions.context import user_message
from sessions.contract import ANSWERS

JsonObject: TypeAlias = dict[str, Any]

#: item types that answer a call [SDK]
ANSWER_TYPES = frozenset(ANSWERS.values())


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(_Frozen):
    """An image of a prompt: a URL (a data URL too) or the id of an uploaded file."""

    url: str = ""
    file_id: str = ""
    detail: str = "auto"
    name: str = ""  #: for people; never sent

    @classmethod
    def of_bytes(cls, content: bytes, media_type: str, name: str = "", detail: str = "auto") -> Image:
        """The image in these bytes, as a data URL."""
        return cls(url=data_url(content, media_type), detail=detail, name=name)

    def part(self) -> JsonObject:
        """Its content part [SDK]."""
        source = {"file_id": self.file_id} if self.file_id else {"image_url": self.url}
        return {"type": "input_image", "detail": self.detail, **source}


class File(_Frozen):
    """A file of a prompt: a URL, the id of an uploaded file, or its content as a data URL."""

    url: str = ""
    file_id: str = ""
    content: str = ""
    name: str = ""

    @classmethod
    def of_bytes(cls, content: bytes, media_type: str, name: str) -> File:
        """The file in these bytes, as a data URL; a name is needed by the API."""
        return cls(content=data_url(content, media_type), name=name)

    def part(self) -> JsonObject:
        """Its content part [SDK]."""
        part: JsonObject = {"type": "input_file"}
        if self.name:
            part["filename"] = self.name
        if self.file_id:
            part["file_id"] = self.file_id
        if self.content:
            part["file_data"] = self.content
        if self.url:
            part["file_url"] = self.url
        return part


class Create(_Frozen):
    """One `response.create` as a person means it; change it with `model_copy(update=...)`."""

    text: str = ""  #: the prompt
    images: tuple[Image, ...] = ()
    files: tuple[File, ...] = ()
    history: tuple[JsonObject, ...] | None = ()  #: items before the prompt; None: no `input` key at all
    answers: tuple[JsonObject, ...] = ()  #: outputs of calls; they stand between history and prompt
    model: str = ""
    instructions: str | None = None
    effort: str = ""
    summary: str = ""
    max_output_tokens: int | None = Field(default=None, ge=1)
    text_format: Literal["", "text", "json_object", "json_schema"] = ""
    schema_name: str = ""
    json_schema: JsonObject | None = None
    is_schema_strict: bool | None = None
    verbosity: str = ""
    metadata: dict[str, str] = {}
    tools: tuple[JsonObject, ...] = ()
    tool_choice: str | JsonObject | None = None
    store: bool | None = None  #: None: not sent, which means true
    include: tuple[str, ...] = ()
    parent: str | None = None
    lane: str | None = None
    generate: bool = True  #: false is a warm-up
    extra: JsonObject = {}  #: further keys as they are; a field of its own wins, objects are merged

    @property
    def is_warm_up(self) -> bool:
        """Whether nothing is to be generated."""
        return not self.generate

    @property
    def answered(self) -> tuple[str, ...]:
        """The call ids, or approval ids, that it answers."""
        found = (answered_id(item) for item in self.answers)
        return tuple(call for call in found if call)

    @property
    def is_stored(self) -> bool:
        """Whether the server is asked to keep the response; it is when nothing is said [SDK]."""
        return self.store is not False


def data_url(content: bytes, media_type: str) -> str:
    """Bytes as a data URL."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def answered_id(item: Mapping[str, Any]) -> str:
    """The id that an answer item names, "" when it names none."""
    for key in ("call_id", "approval_request_id", "id"):
        if isinstance(value := item.get(key), str) and value:
            return value
    return ""


def fields(create: Create) -> JsonObject:
    """The flat object of a create, keys in reading order."""
    out: JsonObject = {"type": "response.create"}
    if create.lane is not None:
        out["stream_id"] = create.lane
    if create.model:
        out["model"] = create.model
    if create.parent is not None:
        out["previous_response_id"] = create.parent
    if create.store is not None:
        out["store"] = create.store
    if not create.generate:
        out["generate"] = False
    if create.instructions is not None:
        out["instructions"] = create.instructions
    if (value := _input(create)) is not None:
        out["input"] = value
    if create.tools:
        out["tools"] = list(create.tools)
    if create.tool_choice is not None:
        out["tool_choice"] = create.tool_choice
    reasoning = {
        key: value for key, value in (("effort", create.effort), ("summary", create.summary)) if value
    }
    if reasoning:
        out["reasoning"] = reasoning
    if text := _text(create):
        out["text"] = text
    if create.max_output_tokens is not None:
        out["max_output_tokens"] = create.max_output_tokens
    if create.include:
        out["include"] = list(create.include)
    if create.metadata:
        out["metadata"] = dict(create.metadata)
    for key, value in create.extra.items():
        mine = out.get(key)
        if mine is None:
            out[key] = value
        elif isinstance(mine, dict) and isinstance(value, dict):
            out[key] = {**mine, **{name: one for name, one in value.items() if name not in mine}}
    return out


def from_fields(body: Mapping[str, Any]) -> Create:
    """The create of a flat object; what has no field of its own is kept in `extra`."""
    known: JsonObject = {"history": None}
    for name, (key, kinds) in _PLAIN.items():
        if type(value := body.get(key)) in kinds:
            known[name] = value
    if known.get("max_output_tokens", 1) < 1:
        del known["max_output_tokens"]
    known |= _told_reasoning(body.get("reasoning")) | _told_text(body.get("text"))
    listed: tuple[tuple[str, type], ...] = (("tools", dict), ("include", str))
    for name, kind in listed:
        values = body.get(name)
        if isinstance(values, list) and all(isinstance(one, kind) for one in values):
            known[name] = tuple(values)
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values()):
        known["metadata"] = metadata
    create = Create(**known)
    for told in _told_inputs(body.get("input")):
        candidate = create.model_copy(update=told)
        if is_same(_input(candidate), body["input"]):
            create = candidate
            break
    said = fields(create)
    extra: JsonObject = {}
    for key, value in body.items():
        mine = said.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            value = {name: one for name, one in value.items() if name not in mine}
            if value:
                extra[key] = value
        elif key not in said:
            extra[key] = value
    return create.model_copy(update={"extra": extra})


def is_same(one: object, other: object) -> bool:
    """Whether two values are written as the same JSON, whatever the order of keys."""
    # JSON tells true from 1 and 1 from 1.0, Python's equality does not
    try:
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    except RecursionError:  # nested as deeply as can be read is a little too deep to be written
        return False


_PLAIN: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "model": ("model", (str,)),
    "instructions": ("instructions", (str,)),
    "max_output_tokens": ("max_output_tokens", (int,)),
    "store": ("store", (bool,)),
    "parent": ("previous_response_id", (str,)),
    "lane": ("stream_id", (str,)),
    "generate": ("generate", (bool,)),
    "tool_choice": ("tool_choice", (str, dict)),
}


def _told_reasoning(value: object) -> JsonObject:
    if not isinstance(value, dict):
        return {}
    return {key: value[key] for key in ("effort", "summary") if isinstance(value.get(key), str)}


def _told_text(value: object) -> JsonObject:
    if not isinstance(value, dict):
        return {}
    out: JsonObject = {}
    if isinstance(verbosity := value.get("verbosity"), str):
        out["verbosity"] = verbosity
    form = value.get("format")
    if not isinstance(form, dict):
        return out
    if set(form) == {"type"} and form["type"] in ("text", "json_object"):
        out["text_format"] = form["type"]
    elif form.get("type") == "json_schema" and set(form) <= {"type", "name", "schema", "strict"}:
        name, schema, strict = form.get("name"), form.get("schema"), form.get("strict")
        if (
            isinstance(name, str)
            and isinstance(schema, dict)
            and (strict is None or isinstance(strict, bool))
        ):
            out |= {"text_format": "json_schema", "schema_name": name, "json_schema": schema}
            out["is_schema_strict"] = strict
    return out


def _told_inputs(value: object) -> Iterator[JsonObject]:
    """Readings of an `input`, the best to edit first; the caller takes the first that is exact."""
    if isinstance(value, str):
        yield {"text": value, "history": ()}
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return
    *before, last = value or [{}]
    if last.get("role") == "user" and isinstance(content := last.get("content"), list):
        cut = len(before)
        while cut and kind_of(before[cut - 1]) in ANSWER_TYPES:
            cut -= 1
        told: JsonObject = {"history": tuple(before[:cut]), "answers": tuple(before[cut:])}
        texts = [part.get("text") for part in content if kind_of(part) == "input_text"]
        told["text"] = texts[0] if texts and isinstance(texts[0], str) else ""
        told["images"] = tuple(_image(part) for part in content if kind_of(part) == "input_image")
        told["files"] = tuple(_file(part) for part in content if kind_of(part) == "input_file")
        yield told
    cut = len(value)
    while cut and kind_of(value[cut - 1]) in ANSWER_TYPES:
        cut -= 1
    yield {"history": tuple(value[:cut]), "answers": tuple(value[cut:])}
    yield {"history": tuple(value)}


def kind_of(part: object) -> str:
    """The type of an item or a part, as it says itself; "" when it says none."""
    return _word(part.get("type")) if isinstance(part, dict) else ""


def _image(part: Mapping[str, Any]) -> Image:
    return Image(
        url=_word(part.get("image_url")), file_id=_word(part.get("file_id")), detail=_word(part.get("detail"))
    )


def _file(part: Mapping[str, Any]) -> File:
    return File(
        url=_word(part.get("file_url")),
        file_id=_word(part.get("file_id")),
        content=_word(part.get("file_data")),
        name=_word(part.get("filename")),
    )


def _input(create: Create) -> str | list[JsonObject] | None:
    parts = (*(one.part() for one in create.images), *(one.part() for one in create.files))
    before = [*(create.history or ()), *create.answers]
    if create.text and not before and not parts:
        return create.text
    if create.text or parts:
        return [*before, user_message(create.text, parts)]
    if not before and create.history is None:
        return None
    return before


def _text(create: Create) -> JsonObject:
    out: JsonObject = {}
    if create.text_format == "json_schema":
        out["format"] = {"type": "json_schema", "name": create.schema_name or "answer"}
        if create.is_schema_strict is not None:
            out["format"]["strict"] = create.is_schema_strict
        out["format"]["schema"] = create.json_schema or {}
    elif create.text_format:
        out["format"] = {"type": create.text_format}
    if create.verbosity:
        out["verbosity"] = create.verbosity
    return out


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
