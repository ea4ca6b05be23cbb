"""The form of one answer: fields from what the call wants, raw text beside them, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from sessions.answers import HalfAnswer
from sessions.inspector import Inspector
from sessions.items import Item
from sessions.recording import Recording
from tests import make
from tests.screen import screen_text
from tui.widgets.tool_form import ToolForm

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def call_of(item: make.Body) -> Item:
    """The item of a response that ends with this call."""
    wire = make.Wire()
    inspector = Inspector(Recording.create(None))
    inspector.feed_all(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.got(make.item_added(item)),
            wire.got(make.item_done(item)),
            wire.got(make.completed("resp_1", [item])),
        ]
    )
    return inspector.sessions.turns[0].responses[0].items[0]


class Host(App[None]):
    def __init__(self, form: ToolForm) -> None:
        super().__init__()
        self.form = form

    def compose(self) -> ComposeResult:
        yield self.form


def weather(arguments: str = '{"city":"Oslo"}') -> Item:
    return call_of(make.function_call("fc_1", "call_1", "get_weather", arguments))


async def test_the_call_and_its_fit_to_the_schema_are_shown() -> None:
    app = Host(ToolForm(weather(), [WEATHER], None))
    async with app.run_test(size=(80, 24)):
        shown = screen_text(app)
        assert "get_weather" in shown
        assert "fit the tool's schema" in shown


async def test_arguments_that_do_not_fit_are_told() -> None:
    app = Host(ToolForm(weather('{"town":"Oslo"}'), [WEATHER], None))
    async with app.run_test(size=(80, 24)):
        assert "against its schema" in screen_text(app)


async def test_what_is_written_becomes_the_output() -> None:
    form = ToolForm(weather(), [WEATHER], None)
    app = Host(form)
    async with app.run_test(size=(80, 24)) as pilot:
        before = form.is_begun
        form.focus_entry()
        await pilot.press(*"cold")
        assert (before, form.is_begun) == (False, True)
        assert form.finish() == {"type": "function_call_output", "call_id": "call_1", "output": "cold"}


async def test_raw_text_and_fields_both_stay() -> None:
    form = ToolForm(weather(), [WEATHER], None)
    app = Host(form)
    async with app.run_test(size=(80, 24)) as pilot:
        form.focus_entry()
        await pilot.press(*"cold")
        form.toggle_raw()
        await pilot.pause()
        await pilot.press(*"raw")
        assert form.finish() == {"type": "function_call_output", "call_id": "call_1", "output": "raw"}
        form.toggle_raw()
        finished = form.finish()
        assert finished is not None
        assert finished["output"] == "cold"
        half = form.half()
        assert (half.raw, half.is_raw) == ("raw", False)


async def test_a_half_answer_is_taken_up_again() -> None:
    form = ToolForm(
        weather(), [WEATHER], HalfAnswer(call_id="call_1", type="function_call", is_raw=True, raw="ha")
    )
    app = Host(form)
    async with app.run_test(size=(80, 24)):
        assert form.is_raw
        assert form.half().raw == "ha"


@pytest.mark.parametrize(
    "tool", ["mcp_approval_request", "shell_call", "apply_patch_call", "custom_tool_call"]
)
async def test_other_calls_have_a_form_or_raw_text(tool: str) -> None:
    item = call_of({"type": tool, "id": "it_1", "call_id": "call_1", "name": "x", "status": "completed"})
    form = ToolForm(item, [], None)
    app = Host(form)
    async with app.run_test(size=(80, 24)):
        assert form.is_raw or len(form.query(".entry")) >= 1


async def test_hostile_arguments_are_only_text() -> None:
    app = Host(ToolForm(weather('{"city":"[@click=app.quit]\\u001b[2J"}'), [WEATHER], None))
    async with app.run_test(size=(80, 24)):
        assert "[@click=app.quit]" in screen_text(app)
        assert "\x1b" not in screen_text(app)


async def test_a_screenshot_is_read_from_its_path_and_a_missing_one_is_told(tmp_path: Path) -> None:
    item = call_of(
        {"type": "computer_call", "id": "cu_1", "call_id": "call_1", "action": {"type": "screenshot"}}
    )
    picture = tmp_path / "shot.png"
    for path, wanted in ((tmp_path / "none.png", None), (picture, "data:image/png;base64,iVBORw==")):
        picture.write_bytes(b"\x89PNG")
        half = HalfAnswer(call_id="call_1", type="computer_call", values={"image_url": str(path)})
        form = ToolForm(item, [], half)
        app = Host(form)
        async with app.run_test(size=(80, 24)) as pilot:
            finished = form.finish()
            await pilot.pause()
            if wanted is None:
                assert finished is None
                assert "No such file" in screen_text(app)
            else:
                assert finished is not None
                assert finished["output"]["image_url"] == wanted
