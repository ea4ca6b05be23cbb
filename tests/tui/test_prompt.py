"""The line at the foot: enter keeps, esc takes back, and both are told by message."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tui.widgets.prompt import Prompt


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield Prompt("filter", "type:x", placeholder="what to show")

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        self.told.append(f"kept {event.value}")

    def on_prompt_given_up(self, event: Prompt.GivenUp) -> None:
        self.told.append(f"took back {event.control.purpose}")


async def test_enter_keeps_and_esc_takes_back() -> None:
    app = Host()
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        assert prompt.value == "type:x"
        prompt.focus()
        await pilot.press("end", "y", "enter")
        await pilot.press("escape")
        await pilot.pause()
        assert app.told == ["kept type:xy", "took back filter"]
