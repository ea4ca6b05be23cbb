from __future__ import annotations

from sessions.contract import LIFETIME_SECONDS
from sessions.profile import OPENAI, ProfileFacts


def test_the_defaults_are_the_contract() -> None:
    assert ProfileFacts() == OPENAI
    assert OPENAI.lifetime == LIFETIME_SECONDS
    assert OPENAI.lanes
    assert OPENAI.in_flight == "queue"
    assert OPENAI.socket_after_error == "usable"
    assert OPENAI.create_shape == "flat"
    assert not OPENAI.failure_ends_chain


def test_a_profile_says_only_what_differs() -> None:
    codex = ProfileFacts("codex", lanes=False, stores="never", socket_after_error="dead")
    assert codex.lifetime == OPENAI.lifetime
    assert codex != OPENAI
