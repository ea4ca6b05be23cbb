"""What happened to the clients of a tap, below the list of their connections."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from sessions.records import Record
from tests.escapes import foreign
from tests.make import Wire
from tests.scene import playing
from tests.screen import screen_text
from tui.widgets.happened import Happened

CODEX = {"client": "codex_cli_rs/0.169.0 (linux)", "peer": "127.0.0.1:50001", "pair": "s-1"}


def fallback(client: dict[str, str]) -> list[Record]:
    """Three refused tries, then the same turn over HTTP."""
    records = []
    for number, at in enumerate((0.0, 0.04, 0.24), 1):
        records.append(Wire(number, at=at).refused("forbidden", status=403, **client))
    post = Wire(4, at=0.9)
    return [*records, post.asked({"model": "m", "input": "Hi"}, **client), post.answered()]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_fallback_is_told_with_its_cause_and_remedy(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with playing(fallback(CODEX), size=size, elapsed=9.0) as scene:
        await scene.press("0")
        shown = screen_text(scene.app)
        assert "c1 c2 c3 +1  Codex fell back to HTTP after 3 tries" in shown
        assert "h4" in shown
        assert shown == snapshot


async def test_it_takes_no_room_while_there_is_nothing_to_say() -> None:
    first, second = Wire(1), Wire(2)
    async with playing([first.open(), second.open()], size=(120, 40)) as scene:
        await scene.press("0")
        assert not scene.screen.query_one(Happened).display
        assert "what happened" not in screen_text(scene.app)


async def test_a_client_can_do_nothing_with_its_name() -> None:
    evil = {**CODEX, "client": "ev\x1b]52;c;aGk=\x07il\u202e[red]"}
    async with playing(fallback(evil), size=(120, 40), elapsed=9.0) as scene:
        await scene.press("0")
        shown = screen_text(scene.app)
        assert "fell back to HTTP" in shown
        assert foreign(shown.replace("\n", "").encode()) == []
