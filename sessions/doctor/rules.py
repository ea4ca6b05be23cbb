"""The rules that an endpoint is held to: the same observation may be right by one and wrong by another.

Its one rule: rules are facts in a table; no check asks for a product's name. How much a finding weighs
is said in `sessions.findings.rules`, under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple


class Rules(NamedTuple):
    """One contract, as far as contracts differ."""

    name: str
    about: str
    lanes: bool = True  #: several responses at once, told apart by stream_id
    in_flight: Literal["queue", "refuse", "either"] = "queue"  #: a second create while one runs
    must_evict: bool = False  #: a failed continuation has to evict its parent
    needs_warm_up: bool = False  #: generate false has to work
    sends_beta: bool = False  #: the client sends the dated beta header with each upgrade
    forgives: bool = False  #: what most clients survive is told, not held against it


RULES: Mapping[str, Rules] = MappingProxyType(
    {
        rules.name: rules
        for rules in (
            Rules("openai", "the provider's guide: lanes, a second create waits"),
            Rules(
                "openresponses",
                "the open specification of 2026-04-24: one response at a time",
                lanes=False,
                in_flight="either",
                must_evict=True,
            ),
            Rules(
                "codex",
                "what Codex needs: beta header, warm-up, 426 means HTTP",
                lanes=False,
                in_flight="either",
                needs_warm_up=True,
                sends_beta=True,
            ),
            Rules(
                "lenient",
                "what most clients survive; known deviations are told, not held against it",
                lanes=False,
                in_flight="either",
                forgives=True,
            ),
        )
    }
)
#: the rules of a profile that has no rules of its own name
_OF_PROFILE = {"azure": "lenient", "xai": "lenient", "vercel": "lenient", "litellm": "lenient"}


def rules_for(profile: str, name: str = "") -> Rules:
    """The rules of this name, else those that fit a profile; raises KeyError for an unknown name."""
    if name:
        return RULES[name]
    return RULES.get(profile) or RULES[_OF_PROFILE.get(profile, "openai")]
