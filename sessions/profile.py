"""What is known about how one provider deviates, as far as it changes what a person may send next.

Facts only, no decisions: `continuation` and `ways` read them. Built-in profiles and a user's own fill it
from their tables; this module reads no file.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sessions.contract import LIFETIME_SECONDS


class ProfileFacts(NamedTuple):
    """One provider's answers to the questions that a forecast asks; the defaults are the contract's own."""

    name: str = "openai"
    lanes: bool = True  #: several responses at once on one socket, told apart by `stream_id`
    lifetime: float = float(LIFETIME_SECONDS)  #: seconds from the 101 to the age limit
    stores: Literal["both", "never", "always", "unknown"] = "both"
    socket_after_error: Literal["usable", "dead", "closed", "unknown"] = "usable"
    model_in_query: bool = False  #: the upgrade wants `?model=`
    create_shape: Literal["flat", "nested"] = "flat"
    in_flight: Literal["queue", "reject"] = "queue"  #: what happens to a create while another one runs
    is_model_fixed: bool = False  #: the first model of a socket is its only one
    failure_ends_chain: bool = False  #: after a failed response no earlier id of its chain can be used


OPENAI = ProfileFacts()
