"""The one door to stderr: what a command says to a person beside its data.

Its one rule: no text leaves unsafe, and a closed stderr ends nothing. stdout is never touched here.
"""

from __future__ import annotations

import sys

from sessions.safe import safe, safe_line

_PROGRESS_CHARACTERS = 78  # a line that wraps could not be taken back


def tell(text: str) -> None:
    """Write one line or several to stderr, made safe for a terminal."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(safe(text).rstrip("\n") + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody listens any more


def tell_progress(text: str) -> None:
    """Show one line in place of the one before, where a person looks at stderr; "" takes it away."""
    try:
        if sys.stderr is None or not sys.stderr.isatty():
            return
        sys.stderr.write("\r\x1b[K" + safe_line(text, _PROGRESS_CHARACTERS))
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody looks any more
