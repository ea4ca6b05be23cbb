"""The person's own editor: VISUAL, then EDITOR, then vi, on a file that only its owner can read.

Its one rule: the text comes back whole or the old one stays. The screen must be suspended meanwhile.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from sessions.errors import SessionsError


class EditorError(SessionsError):
    """The editor could not be run, or did not end well."""


def edit(text: str, suffix: str = ".md") -> str:
    """The text as it is after the editor ended; raises EditorError when it did not end with 0."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, name = tempfile.mkstemp(prefix="turnscope-", suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        try:
            ended = subprocess.run([*shlex.split(command), name], check=False).returncode
        except (OSError, ValueError) as error:
            raise EditorError(f"cannot run the editor {command!r}: {error}; set EDITOR") from error
        if ended != 0:
            raise EditorError(f"the editor {command!r} ended with {ended}; the text stays as it was")
        changed = path.read_text(encoding="utf-8", errors="replace")
        # Editors end a file with a newline; the message did not have one.
        return changed.removesuffix("\n") if not text.endswith("\n") else changed
    finally:
        path.unlink(missing_ok=True)
