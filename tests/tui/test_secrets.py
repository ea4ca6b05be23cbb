"""Keys, organisations and accounts: on no screen and in no picture, wherever they came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sessions.compose import Create
from sessions.records import Record
from tests import make
from tests.scene import playing
from tests.screen import screen_lines, screen_text

KEY = "sk-proj-0123456789abcdefghijABCDEFGHIJ"
ORGANISATION = "org-AbCdEfGh12345678"
ACCOUNT = "user-Zz9Yy8Xx7Ww6Vv5"
SECRETS = (KEY, ORGANISATION, ACCOUNT)
SAID = f"key {KEY} of {ORGANISATION} and {ACCOUNT}"


def leaking() -> list[Record]:
    """A session whose head, prompt, answer, error and close reason all hold secrets."""
    wire = make.Wire()
    return [
        wire.open(headers={"openai-organization": ORGANISATION}),
        *wire.turn("resp_1", SAID, input=SAID),
        wire.sent(make.create(SAID)),
        wire.got(make.error("invalid_api_key", f"Incorrect API key provided: {KEY}", status=401)),
        wire.close(1008, f"policy of {ORGANISATION}"),
    ]


def files(folder: Path, pattern: str = "*") -> list[Path]:
    """The files below a folder whose names are like this."""
    return [path for path in folder.rglob(pattern) if path.is_file()]


CRASH = """
from textual.screen import Screen
from tui.app import TurnscopeApp

class Broken(Screen):
    def on_mount(self):
        key = "-".join(("sk", "proj", "0123456789abcdefghijABCDEFGHIJ"))
        raise ValueError("no luck with " + key)

TurnscopeApp(Broken).run(headless=True)
"""


def test_a_crash_tells_what_broke_but_no_key_and_no_local_variable() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, check=False, timeout=60
    )
    told = "".join((ended.stdout + ended.stderr).split())
    assert "ValueError:noluckwith" in told
    assert KEY not in told
    assert "locals" not in told


async def test_no_view_shows_them() -> None:
    async with playing(leaking(), size=(200, 60), create=Create(model="gpt-6-astra")) as scene:
        await scene.press("escape")
        for view in "12345":
            await scene.press(view)
            for place in ("g", "j", "G"):
                await scene.press(place)
                shown = screen_text(scene.app)
                assert not [secret for secret in SECRETS if secret in shown], (view, place)
        await scene.press("2", "g", "4")
        for _ in range(4):
            shown = screen_text(scene.app)
            assert not [secret for secret in SECRETS if secret in shown]
            await scene.press("v")


async def test_a_picture_holds_none_of_them_not_even_of_the_message_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing(leaking(), size=(200, 60), create=Create(model="gpt-6-astra")) as scene:
        await scene.write(SAID)
        await scene.press("escape", "1", "S")
        (picture,) = files(tmp_path, "turnscope-*.svg")
        drawn = picture.read_text()
        assert drawn.startswith("<svg")
        assert "message" in drawn
        assert not [secret for secret in SECRETS if secret in drawn.replace("&#160;", " ")]
        assert picture.stat().st_mode & 0o077 == 0


async def test_the_saved_conversation_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing(leaking(), create=Create(model="gpt-6-astra")) as scene:
        await scene.press("escape", "x", "enter")
        (saved,) = files(tmp_path, "conversation-*.md")
        text = saved.read_text()
        assert "T1" in text
        assert not [secret for secret in SECRETS if secret in text]


async def test_the_preview_and_the_history_show_no_key() -> None:
    async with playing(leaking(), create=Create(model="gpt-6-astra")) as scene:
        await scene.write(SAID)
        for key, title in (("f3", "the frame to send"), ("ctrl+r", "sent before")):
            await scene.press(key)
            assert title in screen_text(scene.app)
            # the box behind the dialog holds what is being written, as it is
            shown = [line for line in screen_lines(scene.app) if "┃" not in line]
            assert not [line for line in shown if any(secret in line for secret in SECRETS)]
            await scene.press("escape")
