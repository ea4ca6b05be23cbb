"""The remedy for a package that an optional part needs: the command that installs it beside this program.

Its one rule: it names the environment that runs now. Whether that was made by pip from a checkout, by pipx or
by uv, no index need know the program under its own name, so it is never asked for by that.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from shlex import quote


def remedy(package: str, python: str = sys.executable, *, has_pip: bool | None = None) -> str:
    """What to do about a package that is not installed, in a sentence with a command to paste.

    An environment that uv made has no pip of its own; `has_pip` says whether this one has.
    """
    if has_pip is None:
        has_pip = find_spec("pip") is not None
    home = f"{Path.home()}/"
    # the home folder is not written out: a remedy is recorded, and recordings are shown to others
    shown = f"~/{quote(python.removeprefix(home))}" if python.startswith(home) else quote(python)
    command = f"{shown} -m pip install" if has_pip else f"uv pip install --python {shown}"
    return f"Install it into the environment that runs turnscope: {command} {quote(package)}"
