"""A long answer in paragraphs: `long 200` says two hundred sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sessions.wire.scenarios.answer import Ask, Scenario, Step, Text

_SENTENCES = (
    "The harbour wakes before the town does.",
    "A bell rings twice, and then waits.",
    "Somebody counts crates and loses count.",
    "The tide takes its time, as it always has.",
    "By noon the fog has gone where fog goes.",
)
_DEFAULT, _MOST = 60, 100_000


def answer(ask: Ask) -> Iterable[Step]:
    """Numbered sentences, five to a paragraph."""
    found = re.search(r"\d+", ask.text)
    count = min(int(found[0]), _MOST) if found else _DEFAULT
    lines = []
    for number in range(1, count + 1):
        gap = "\n\n" if number % 5 == 0 else " "
        lines.append(f"{number}. {_SENTENCES[number % len(_SENTENCES)]}{gap}")
    return (Text("".join(lines).rstrip()),)


SCENARIO = Scenario("long", "N numbered sentences in paragraphs: “long 200”", answer)
