"""What a fake server did, for whoever tests against it: one visit per connection.

Its one rule: no key is kept; an Authorization header is remembered by its scheme only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sessions.wire.http1 import HeaderPairs

#: so many messages of a client are kept, the latest, unless the options ask to keep all
RECEIVED = 100


def without_keys(headers: HeaderPairs) -> HeaderPairs:
    """The headers with credentials cut down to their scheme."""
    hidden = {"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"}
    return tuple((name, f"{value.split(' ')[0]} ***" if name in hidden else value) for name, value in headers)


@dataclass
class Visit:
    """One connection, from its first request to its end."""

    number: int  #: from 1
    requests: list[tuple[str, str, int]] = field(default_factory=list)  #: method, target, status
    headers: HeaderPairs = ()  #: of the last request
    received: deque[bytes] = field(
        default_factory=lambda: deque(maxlen=RECEIVED)
    )  #: the client's messages, and the bodies of its creates over HTTP
    sent: list[bytes] = field(default_factory=list)  #: ours, when the options ask to keep them
    sent_count: int = 0
    response_ids: list[str] = field(default_factory=list)
    compression: str = ""  #: the extensions that were agreed
    close_sent: tuple[int, str] | None = None
    close_received: tuple[int, str] | None = None
    is_websocket: bool = False
    is_over: bool = False
    crash: BaseException | None = None  #: a defect of the fake server itself
