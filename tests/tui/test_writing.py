"""Where a person writes: edges stay straight, and what was written is left as it is."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.screen import screen_lines
from tui.widgets.writing import Area, Line, straight

FAMILY, HEART, THUMB = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f44d\U0001f3fd"
UNSTEADY = set("\u200d\ufe0f\U0001f3fd")


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Area("")
        yield Line("")


@pytest.mark.parametrize("sign", [FAMILY, HEART, THUMB])
async def test_joined_signs_are_kept_as_written_and_painted_in_counted_cells(sign: str) -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        area, line = app.query_one(Area), app.query_one(Line)
        area.text = line.value = f"a{sign}b"
        await pilot.pause()
        assert (area.text, line.value) == (f"a{sign}b", f"a{sign}b")
        shown = "".join(screen_lines(app))
        assert not UNSTEADY & set(shown)
        assert shown.count("a" + sign[0]) == 2


@pytest.mark.parametrize("text", [FAMILY, HEART + " " + THUMB, "plain", "\u200d", "e\u0301", FAMILY + HEART])
def test_a_strip_stays_as_wide_as_it_was(text: str) -> None:
    before = Strip([Segment(f"| {text} |")])
    after = straight(before)
    assert after.cell_length == before.cell_length
    if text != "\u200d":
        assert cell_len(after.text) == before.cell_length
