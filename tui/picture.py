"""A picture of the screen: an SVG that needs nothing else, hides what the screen hides and keeps its columns.

Its one rule: whoever opens it asks nobody for anything. Its font is one that the machine has.
"""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.app import App

from sessions import redact

_FONT_FACE = re.compile(r"\s*@font-face\s*\{[^}]*\}")
_TEXT = re.compile(r'<text([^>]*?)x="([\d.]+)"([^>]*?)textLength="([\d.]+)"([^>]*)>([^<]*)</text>')
#: a word; a long one in pieces and lines in short ones, so that no font can carry an end far from its column
_WORD = re.compile(r"[!-~]{1,12}|[\u2500-\u259f]{1,3}|[^ \xa0!-~\u2500-\u259f]+[^ \xa0]*")
_FAMILY = "Fira Code, monospace"
_FAMILIES = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"


def picture(app: App[Any], title: str = "turnscope") -> str:
    """What is on the screen, as an SVG."""
    return portable(redact.screen(app.export_screenshot(title=title)))


def portable(svg: str) -> str:
    """An SVG of Rich's without the font that it would load, and with every word of it in its own column.

    Some converters drop blanks at the start of a run, and none knows how wide another font draws it.
    """
    return _TEXT.sub(_placed, _FONT_FACE.sub("", svg).replace(_FAMILY, _FAMILIES))


def _placed(found: re.Match[str]) -> str:
    """A run of text as its words, each in its own column; what is between them is painted by nobody."""
    before, x, between, length, rest, content = found.groups()
    text = html.unescape(content)
    cell = float(length) / max(1, cell_len(text))  # a mark by itself has no width
    words = []
    for word in _WORD.finditer(text):
        at = float(x) + cell * cell_len(text[: word.start()])
        wide = cell * cell_len(word[0])
        shown = html.escape(word[0], quote=False)
        words.append(f'<text{before}x="{at:g}"{between}textLength="{wide:g}"{rest}>{shown}</text>')
    return "".join(words)


def picture_name() -> str:
    """A dated name for a picture."""
    return f"turnscope-{time.strftime('%Y-%m-%d-%H%M%S')}.svg"


def save_picture(app: App[Any]) -> str:
    """Write a picture beside where turnscope was started; what came of it, in a sentence."""
    from tui.saving import write_new

    target = Path(picture_name())
    try:
        write_new(target, picture(app))
    except OSError as error:
        return f"not saved: {error.strerror}: {target}"
    return f"saved {target.resolve()}"
