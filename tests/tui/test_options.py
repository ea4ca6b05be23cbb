"""The options: what is written becomes a create, what cannot be read is told by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App

from sessions.compose import Create, fields
from tests.screen import screen_text
from tui.screens.options import LINES, Options, apply, shown


def texts(settings: Create, **changed: str) -> dict[str, str]:
    return {**{line.name: shown(settings, line.name) for line in LINES}, **changed}


def test_nothing_changed_gives_the_same_settings() -> None:
    settings = Create(
        model="m", metadata={"a": "b"}, store=False, include=("x",), max_output_tokens=9, extra={"k": 1}
    )
    assert apply(settings, texts(settings)) == settings


def test_every_option_reaches_the_frame() -> None:
    bare = Create()
    made = fields(
        apply(
            bare,
            texts(
                bare,
                model="m",
                instructions="Be brief.",
                effort="low",
                summary="auto",
                max_output_tokens="50",
                verbosity="low",
                json_schema='{"type": "object"}',
                store="off",
                tool_choice="get_weather",
                include="a.b, c.d",
                metadata="run = 7\nwho=me",
                extra='{"seed": 3}',
            ),
        )
    )
    assert made["model"] == "m"
    assert made["instructions"] == "Be brief."
    assert made["reasoning"] == {"effort": "low", "summary": "auto"}
    assert made["max_output_tokens"] == 50
    assert made["text"]["verbosity"] == "low"
    assert made["text"]["format"]["schema"] == {"type": "object"}
    assert made["store"] is False
    assert made["tool_choice"] == {"type": "function", "name": "get_weather"}
    assert made["include"] == ["a.b", "c.d"]
    assert made["metadata"] == {"run": "7", "who": "me"}
    assert made["seed"] == 3


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("max_output_tokens", "many", "not a number"),
        ("metadata", "a=b\nc", "line 2"),
        ("json_schema", '{"a": }', "line 1, column 7"),
        ("extra", "[]", "not a JSON object"),
        ("images", "/no/such/picture.png", "cannot read"),
        ("tools", "/no/such/tools.json", "cannot read"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_place(name: str, text: str, words: str) -> None:
    bare = Create()
    with pytest.raises(ValueError, match=words):
        apply(bare, texts(bare, **{name: text}))


def test_a_picture_from_disk_becomes_a_data_url(tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG")
    made = apply(Create(), texts(Create(), images=str(picture)))
    assert made.images[0].url == "data:image/png;base64,iVBORw=="
    assert made.images[0].name == "dot.png"
    assert apply(made, texts(made)) == made


def test_tools_in_chat_form_are_converted(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text('[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]')
    assert apply(Create(), texts(Create(), tools=str(file))).tools[0]["name"] == "f"


async def test_the_form_changes_only_what_was_written_and_tells_mistakes() -> None:
    app: App[None] = App()
    answers: list[Create | None] = []
    async with app.run_test(size=(100, 40)) as pilot:
        app.push_screen(Options(Create(effort="low")), answers.append)
        await pilot.pause()
        await pilot.press(*"gpt-6", "f5")
        await pilot.pause()
    assert answers == [Create(model="gpt-6", effort="low")]


async def test_a_mistake_keeps_the_form_open() -> None:
    app: App[None] = App()
    answers: list[Create | None] = []
    async with app.run_test(size=(100, 40)) as pilot:
        page = Options(Create())
        app.push_screen(page, answers.append)
        await pilot.pause()
        page.query_one("#option-metadata").load_text("nonsense")  # type: ignore[attr-defined]  # a TextArea
        await pilot.press("f5")
        await pilot.pause()
        assert "line 1 is not name=value" in screen_text(app)
    assert answers == []
