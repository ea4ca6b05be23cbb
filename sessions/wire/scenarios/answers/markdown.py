"""Markdown with everything that a pane has to lay out: code, lists, tables, wide and joined characters."""

from __future__ import annotations

from collections.abc import Iterable

from sessions.wire.scenarios.answer import Ask, Scenario, Step, Text

_PAGE = """# Tides, in short

Two causes, one *slow* dance:

1. the **moon** pulls the near sea most
2. the far sea is left behind
   - so there are two bulges
   - and `two` high waters a day

```python
def high_waters(day: int) -> list[float]:
    \"\"\"Hours of high water; about 50 minutes later each day.\"\"\"
    first = (day * 50 / 60) % 12.4
    return [first, first + 12.4]
```

| port | range |
| --- | ---: |
| Saint-Malo | 12 m |
| 東京 | 2 m |

> 潮の満ち引き。 Ebbe und Flut. Прилив и отлив. المد والجزر

Wide: 漢字かな한글. Joined: 👩‍🚀 👨‍👩‍👧‍👦 🏴‍☠️. Accents: é ñ ǎ (combined), ﬁ ligature, 𝛼 + 𝛽.

A [link](https://example.com/tides), a bare https://example.com and [brackets] that are no markup.
"""


def answer(_: Ask) -> Iterable[Step]:
    """The page."""
    return (Text(_PAGE),)


SCENARIO = Scenario("markdown", "headings, code, lists, a table, wide and joined characters", answer)
