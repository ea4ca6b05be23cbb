"""What one record changed: small frozen facts, the only thing that a screen listens to.

A change names the record and what it touched; it never carries the text, which a reader finds in the state.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class What(StrEnum):
    """What kind of thing changed."""

    SESSION = "session"  #: opened, refused, closing, closed, lost
    TURN = "turn"  #: a create was sent, or a turn ended without a response
    RESPONSE = "response"  #: a response began or moved
    ITEM = "item"
    TEXT = "text"  #: a delta was appended
    REPLACED = "replaced"  #: a done value differed from its deltas
    ANSWER = "answer"  #: a call was answered
    ERROR = "error"
    EVICTED = "evicted"
    STEER = "steer"
    LIMITS = "limits"
    LATENCY = "latency"
    IRREGULAR = "irregular"
    DIALECT = "dialect"
    UNKNOWN = "unknown"
    UNDECODABLE = "undecodable"
    OTHER = "other"


class Change(NamedTuple):
    """One small fact about what a record changed; turn 0 means none."""

    what: What
    record: int
    session: int
    turn: int = 0
    response: str = ""
    item: str = ""
    detail: str = ""
