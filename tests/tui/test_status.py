"""The header as a widget: two lines, one line, classes of urgency, what its records and the app tell it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from sessions.inspector import Inspector
from sessions.recording import Recording
from tests import make
from tests.screen import screen_lines
from tui.widgets.status import Status


@pytest.fixture
def inspector(tmp_path: Path) -> Iterator[Inspector]:
    recording = Recording.create(tmp_path / "one.jsonl")
    yield Inspector(recording)
    recording.close()


class Host(App[None]):
    CSS_PATH = "../../tui/widgets/status.tcss"

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.status = Status(inspector)

    def compose(self) -> ComposeResult:
        yield self.status


async def test_two_lines(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1")])
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        app.status.refresh_at(9.0)
        await pilot.pause()
        first, second = screen_lines(app)[:2]
        assert first.startswith(" OPEN wss://api.openai.com/v1/responses direct")
        assert first.endswith("key set")
        assert "REC " in first
        assert second.startswith(" 59:51 left [##########] T1 completed")


async def test_nothing_yet(inspector: Inspector) -> None:
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        await pilot.pause()
        assert screen_lines(app)[0].startswith(" NOT CONNECTED")


async def test_one_line_tells_state_and_time(inspector: Inspector) -> None:
    wire = make.Wire()
    inspector.feed_all([wire.open(), *wire.turn("resp_1")])
    app = Host(inspector)
    async with app.run_test(size=(50, 6)) as pilot:
        app.status.styles.height = 1
        app.status.refresh_at(9.0)
        await pilot.pause()
        first, second = screen_lines(app)[:2]
        assert first.startswith(" OPEN 59:51 left")
        assert second == ""


@pytest.mark.parametrize(("now", "classes"), [(60.0, set()), (3_100.0, {"-warn"}), (3_550.0, {"-alarm"})])
async def test_urgency_is_a_class(inspector: Inspector, now: float, classes: set[str]) -> None:
    inspector.feed(make.Wire().open())
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        app.status.refresh_at(now)
        await pilot.pause()
        assert set(app.status.classes) & {"-warn", "-alarm"} == classes


async def test_a_chosen_session_is_told(inspector: Inspector) -> None:
    inspector.feed(make.Wire(1).open("wss://one.example/v1/responses"))
    inspector.feed(make.Wire(2).open("wss://two.example/v1/responses"))
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        await pilot.pause()
        assert "c2 wss://two.example" in screen_lines(app)[0]
        app.status.show_session(1)
        await pilot.pause()
        assert "c1 wss://one.example" in screen_lines(app)[0]


async def test_badges_and_the_key_are_told(inspector: Inspector) -> None:
    inspector.feed(make.Wire().open(masked=""))
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        await pilot.pause()
        assert screen_lines(app)[0].endswith("no key")
        app.status.show_badges("DEMO", "READ-ONLY", is_key_set=True)
        await pilot.pause()
        assert "DEMO READ-ONLY" in screen_lines(app)[0]
        assert screen_lines(app)[0].endswith("key set")


async def test_the_handshake_is_the_sum_of_its_stages(inspector: Inspector) -> None:
    inspector.feed(make.Wire().open(dns_ms=4.0, tcp_ms=10.0, tls_ms=20.0, upgrade_ms=66.0))
    app = Host(inspector)
    async with app.run_test(size=(200, 6)) as pilot:
        app.status.refresh_at(1.0)
        await pilot.pause()
        assert "handshake 100ms" in screen_lines(app)[1]


async def test_a_connection_that_stands_is_told_before_a_newer_one_that_is_over(inspector: Inspector) -> None:
    first, second = make.Wire(1), make.Wire(2, at=1.0)
    inspector.feed_all([first.open(), second.open(), second.close(1000)])
    app = Host(inspector)
    async with app.run_test(size=(80, 6)) as pilot:
        app.status.refresh_at(9.0)
        await pilot.pause()
        assert screen_lines(app)[0].startswith(" OPEN")
        inspector.feed(first.close(1001))
        app.status.refresh_at(10.0)
        await pilot.pause()
        assert screen_lines(app)[0].startswith(" CLOSED")
