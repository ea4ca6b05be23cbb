"""The application: own keys and theme, leaving, and what a crash may not show."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sessions.compose import Create
from tests.scene import playing
from tests.transcripts import plain


async def test_own_keys_replace_ours() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        scene.app.use_taste({"session.write": "comma"})
        await scene.press("escape", "i")
        assert scene.screen.focused is not scene.screen.composer.box
        await scene.press("comma")
        assert scene.screen.focused is scene.screen.composer.box


async def test_own_keys_that_clash_are_told_and_not_used() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        scene.app.use_taste({"session.write": "y"})
        await scene.shows("session.copy")
        await scene.press("escape", "i")
        assert scene.screen.focused is scene.screen.composer.box


async def test_one_wrong_id_leaves_the_other_keys_as_they_were_asked_for() -> None:
    async with playing(plain(), create=Create(model="m")) as scene:
        scene.app.use_taste({"wriet": "w", "session.write": "comma"})
        await scene.shows("wriet")
        await scene.press("escape", "comma")
        assert scene.screen.focused is scene.screen.composer.box


async def test_a_theme_is_used_and_an_unknown_one_is_told() -> None:
    async with playing(plain()) as scene:
        scene.app.use_taste({}, "nord")
        assert scene.app.theme == "nord"
        scene.app.use_taste({}, "nrod")
        await scene.shows("nrod")
        assert scene.app.theme == "nord"


async def test_ctrl_c_copies_a_selection_or_says_how_to_leave() -> None:
    async with playing(plain()) as scene:
        await scene.press("ctrl+c")
        await scene.shows("ctrl+q leaves")
        assert scene.app.is_running


async def test_ctrl_q_ends_at_once_where_no_socket_is_open() -> None:
    async with playing(plain()) as scene:
        await scene.press("ctrl+q")
        await scene.until(lambda: scene.app._exit)
    assert scene.app.return_value == 0


async def test_a_crash_shows_no_local_variable() -> None:
    async with playing(plain()) as scene:
        app = scene.app
        try:
            hidden = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
            raise ValueError(f"wrong {len(hidden)}")
        except ValueError:
            app._fatal_error()
        out = io.StringIO()
        for renderable in app._exit_renderables:
            Console(file=out, width=200).print(renderable)
        app._exit_renderables.clear()
    assert "ValueError: wrong 40" in out.getvalue()
    assert "abcdefghijklmnopqrstuvwxyz" not in out.getvalue().replace("\n", "").partition("raise")[0]


async def test_the_settings_file_is_read_behind_the_first_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "gruvbox"\n')
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(file))
    async with playing(plain()) as scene:
        await scene.until(lambda: scene.app.theme == "gruvbox")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_passing_sentence_covers_neither_the_box_nor_what_a_send_would_do(
    size: tuple[int, int],
) -> None:
    async with playing(plain(), size=size, create=Create(model="m")) as scene:
        scene.screen.tell(
            "the picture of this screen was saved in the folder of pictures, secrets hidden " * 2
        )
        await scene.pilot.pause()
        await scene.until(lambda: scene.screen.query("Toast"))
        await scene.pilot.pause()
        told = next(iter(scene.screen.query("Toast"))).region
        assert told.height >= 1
        assert told.bottom <= scene.screen.composer.region.y
        assert told.y >= 2  # the header stays readable, too
