"""What the fake server says: the table of scenarios, one file each.

A scenario is chosen for the whole server, or for one prompt by a leading slash: `/markdown`, `/flood 5000`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sessions.wire.scenarios.answer import Ask, Scenario, Step
from sessions.wire.scenarios.answers import conversation, demo, every, flood, hostile, long, markdown

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            conversation.SCENARIO,
            demo.SCENARIO,
            flood.SCENARIO,
            long.SCENARIO,
            markdown.SCENARIO,
            hostile.SCENARIO,
            every.SCENARIO,
        )
    }
)


def answer(ask: Ask, name: str) -> Iterable[Step]:
    """The steps that answer; a leading slash word that names a scenario wins over `name`."""
    if ask.text.startswith("/"):
        word, _, rest = ask.text[1:].partition(" ")
        if word in SCENARIOS:
            return SCENARIOS[word].answer(ask._replace(text=rest.strip()))
    return SCENARIOS[name].answer(ask)
