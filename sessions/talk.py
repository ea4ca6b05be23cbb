"""The one door to stderr: what a command says to a person beside its data.

Its one rule: no text leaves unsafe, and a closed stderr ends nothing. stdout is never touched here.
"""

from __future__ import annotations

import sys

from sessions.safe import safe


def tell(text: str) -> None:
    """Write one line or several to stderr, made safe for a terminal."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(safe(text).rstrip("\n") + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody listens any more
