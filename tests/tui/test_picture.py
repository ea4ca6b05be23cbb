"""Pictures: nothing in them is fetched from anywhere, and every run of text stands in its column."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.scene import playing
from tests.transcripts import plain
from tui.picture import picture, portable, save_picture

RUN = '<text class="r1" x="{x}" y="20" textLength="{length}" clip-path="url(#a)">{text}</text>'


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (("0", "97.6", "&#160;&#160;hello&#160;"), [("24.4", "61", "hello")]),
        (("12.2", "24.4", "ab"), [("12.2", "24.4", "ab")]),
        (("0", "73.2", "&#160;\u65e5&#160;a&#160;"), [("12.2", "24.4", "\u65e5"), ("48.8", "12.2", "a")]),
        (("0", "48.8", "&#160;a&amp;&lt;"), [("12.2", "36.6", "a&amp;&lt;")]),
        (("0", "244", "m" * 20), [("0", "146.4", "m" * 12), ("146.4", "97.6", "m" * 8)]),
        (("0", "61", "\u2500" * 5), [("0", "36.6", "\u2500" * 3), ("36.6", "24.4", "\u2500" * 2)]),
    ],
)
def test_every_word_stands_in_its_own_column(
    run: tuple[str, str, str], expected: list[tuple[str, str, str]]
) -> None:
    keys = ("x", "length", "text")
    given = RUN.format(**dict(zip(keys, run, strict=True)))
    assert portable(given) == "".join(RUN.format(**dict(zip(keys, one, strict=True))) for one in expected)


def test_a_run_of_blanks_is_left_out() -> None:
    assert portable(RUN.format(x="0", length="24.4", text="&#160;&#160;")) == ""


async def test_a_picture_asks_nobody_for_anything() -> None:
    async with playing(plain()) as scene:
        svg = picture(scene.app)
    links = set(re.findall(r"https?://[^\s\"'<)]+", svg))
    assert links == {"https://www.textualize.io", "http://www.w3.org/2000/svg"}  # a comment, and a name
    assert not re.search(r"@font-face|@import|href=|url\((?!#)", svg)
    assert "monospace" in svg


def made(folder: Path) -> list[Path]:
    return list(folder.glob("turnscope-*.svg"))


async def test_a_picture_is_for_its_owner_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing(plain()) as scene:
        said = save_picture(scene.app)
        (saved,) = made(tmp_path)
        assert said == f"saved {saved}"
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        monkeypatch.setattr("time.strftime", lambda form: saved.stem.removeprefix("turnscope-"))
        assert save_picture(scene.app).startswith("not saved: File exists")
