"""How a fake server is to behave: one frozen value, read by everything that plays a part in it.

Its one rule: a value that does not fit is refused when the options are made, with the nearest right name.
It opens nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sessions.script import Script

#: models that the fake server offers; the first is meant when a demo does not say
MODELS = ("gpt-6-astra", "gpt-6-astra-mini", "gpt-5.6")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a `FakeServer` is told before it starts."""

    host: str = "127.0.0.1"
    port: int = 0  #: 0: any free one
    tls: bool = False  #: with a certificate made at start, unless `cert` and `key_file` are given
    cert: Path | None = None  #: PEM chain
    key_file: Path | None = None  #: PEM private key
    seed: int | None = None  #: the same requests get the same bytes; None: ids and times as they come
    rate: float = 0.0  #: tokens per second; 0: as fast as possible
    dialect: str = "openai"
    scenario: str = "conversation"
    faults: Sequence[str] = ()  #: each "name", "name:argument", "name@2" or "name:argument@2"
    age_limit: float | None = None  #: seconds from the 101; None: the dialect's own
    max_connections: int = 100  #: open sockets; one more is refused
    store: bool = True  #: what an absent `store` means
    auth: str = "any"  #: "any": some bearer key; "none": no key needed
    require_key: str | None = field(default=None, repr=False)  #: only this bearer key is accepted
    models: Sequence[str] = MODELS
    delay_ms: float = 0.0  #: before the answer to an upgrade
    handshake_ms: float = 0.0  #: before a new connection is read: the round trips of TCP and TLS
    think_ms: float = 0.0  #: between response.in_progress and the first token
    compression: bool = True  #: accept permessage-deflate when it is offered
    keep_frames: bool = False  #: keep every payload in the log, theirs and ours
    script: Script | None = field(default=None, repr=False)  #: answer as this recording's server did
    pace: Literal["recorded", "max"] = "recorded"  #: of a script, when there is no rate
