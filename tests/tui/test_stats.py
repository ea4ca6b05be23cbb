"""Stats on a screen: rows at the pace of a clock, at the top, of the chosen socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tests.screen import screen_lines
from tui.widgets.stats import Stats


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = [
        "../../tui/widgets/pane.tcss",
        "../../tui/widgets/stats.tcss",
    ]

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.stats = Stats(inspector)

    def compose(self) -> ComposeResult:
        yield self.stats

    def inside(self) -> list[str]:
        return [line[1:-2].rstrip() for line in screen_lines(self)[1:-1]]


async def test_it_counts_when_the_clock_says_so(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1")])
    app = Host(inspector)
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        assert app.inside()[0] == ""
        app.stats.refresh_at(5.0)
        await pilot.pause()
        assert app.inside()[0] == "turns     1   ok 1   not ok 0   live 0"
        inspector.feed_all(wire.turn("resp_2"))
        app.stats.refresh_at(6.0)
        await pilot.pause()
        assert app.inside()[0] == "turns     2   ok 2   not ok 0   live 0"
        assert "c1" in screen_lines(app)[0]


async def test_it_stays_at_the_top_while_rows_come(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed(wire.open())
    app = Host(inspector)
    async with app.run_test(size=(80, 8)) as pilot:
        app.stats.refresh_at(1.0)
        inspector.feed_all(wire.got({"type": f"new.{number}"}) for number in range(60))
        app.stats.refresh_at(2.0)
        await pilot.pause()
        assert app.stats.top == 0
        assert app.inside()[0].startswith("turns")
        assert app.stats.row_count() > 60


async def test_a_chosen_socket_is_told(inspector: Inspector) -> None:
    one, two = make.Wire(1), make.Wire(2)
    inspector.feed_all([one.open(), *one.turn("resp_1"), two.open()])
    app = Host(inspector)
    async with app.run_test(size=(80, 20)) as pilot:
        app.stats.refresh_at(1.0)
        await pilot.pause()
        assert app.inside()[0].startswith("turns     0")
        app.stats.show_session(1)
        app.stats.refresh_at(1.0)
        await pilot.pause()
        assert app.inside()[0].startswith("turns     1")


async def test_names_from_the_wire_are_made_safe(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), wire.got({"type": "evil\x1b[2J.type"})])
    app = Host(inspector)
    async with app.run_test(size=(80, 40)) as pilot:
        app.stats.refresh_at(1.0)
        await pilot.pause()
        assert any("evil␛[2J.type" in row for row in app.inside())
