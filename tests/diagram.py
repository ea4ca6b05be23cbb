"""The diagram of a response's legal moves, drawn from the table that the reducer follows.

    python -m tests.diagram          writes it into the README, between its two marks

A test compares the README with what this draws, so that the picture cannot drift from the table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from sessions.contract import CONTENT, MOVES, Status

README = Path(__file__).resolve().parent.parent / "README.md"
_BEGIN, _END = "<!-- legal moves: python -m tests.diagram -->", "<!-- end of legal moves -->"


def draw() -> str:
    """A Mermaid state diagram; one arrow for each pair of states, its events one above the other."""
    arrows: dict[tuple[Status, Status], list[str]] = defaultdict(list)
    for (status, event), then in MOVES.items():
        words = "items, parts, deltas" if event == CONTENT else event.removeprefix("response.")
        arrows[status, then].append(words)
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        "  direction LR",
        f"  [*] --> {Status.SENT.value}: response.create",
    ]
    for (status, then), events in arrows.items():
        lines.append(f"  {status.value} --> {then.value}: {'<br>'.join(events)}")
    return "\n".join([*lines, "```"])


def block(text: str) -> str:
    """What stands between the marks of a README."""
    found = re.search(re.escape(_BEGIN) + r"\n(.*?)\n" + re.escape(_END), text, re.DOTALL)
    return found[1] if found else ""


def main() -> None:
    """Write the diagram into the README."""
    text = README.read_text(encoding="utf-8")
    start, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    README.write_text(f"{text[:start]}\n{draw()}\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
