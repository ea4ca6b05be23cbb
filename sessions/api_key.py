"""The key: from which variable it is taken, and what stands in its place where nobody has set one.

Its one rule: it comes from the environment only, and what is wrong with it is said without any of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sessions.complaint import nearest
from sessions.errors import SettingsError
from sessions.profiles import Profile
from sessions.secret import NO_SECRET, Secret

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: for a server on this machine, which usually wants some key and seldom minds which
LOOPBACK_KEY = "no-key-was-set"
PLACEHOLDER = "a placeholder"  #: how the source of a key begins that nobody has set


def key_from(
    values: Mapping[str, Any], facts: Profile, environ: Mapping[str, str], source: str
) -> tuple[Secret, str]:
    """The key and where it came from; `source` is that of `api_key_env`. Raises SettingsError."""
    if named := str(values.get("api_key_env") or ""):
        if _VARIABLE_NAME.fullmatch(named) is None:
            raise SettingsError(  # it may be the key itself, so it is not repeated
                f"api_key_env wants the name of a variable that holds the key, not the key ({source})",
                key="api_key_env",
            )
        if not environ.get(named):
            raise SettingsError(
                f"the variable {named}, named to hold the key ({source}), is not set",
                key="api_key_env",
                nearest=nearest(named, [one for one in environ if "KEY" in one or "TOKEN" in one]),
            )
        return _sendable(environ[named].strip(), named), f"environment {named}"
    for variable in facts.key_env:
        if environ.get(variable, "").strip():
            return _sendable(environ[variable].strip(), variable), f"environment {variable}"
    if facts.placeholder_key:
        return Secret(facts.placeholder_key), f"{PLACEHOLDER} of the profile"
    return NO_SECRET, f"not set ({', '.join(facts.key_env)})"


def _sendable(key: str, variable: str) -> Secret:
    """The key, if a header can carry it; raises SettingsError without showing any of it."""
    if wrong := re.search(r"[^\x20-\x7e]", key):
        raise SettingsError(
            f"the key in {variable} has a line break or a character outside ASCII at position "
            f"{wrong.start() + 1} of {len(key)}, which no header can carry; set the variable again",
            key="api_key_env",
        )
    return Secret(key)
