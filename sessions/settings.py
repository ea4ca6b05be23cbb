"""What a person wants: flag over environment over file over profile over default; each value with its source.

Its one rule: asking creates nothing. A missing file is fine; a wrong one is told by file, line, key and the
nearest valid key. Keys are read from the environment only, never from the file, and never shown.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sessions.api_key import LOOPBACK_KEY, PLACEHOLDER, key_from
from sessions.complaint import key_parts, line_of, nearest, sentence_of
from sessions.contract import LIFETIME_SECONDS
from sessions.errors import SettingsError
from sessions.loopback import is_loopback
from sessions.profiles import Profile, built_in_profiles, habits_of, profiles_from
from sessions.secret import NO_SECRET, Secret

CUSTOM = "custom"
#: headers that only the opening handshake itself may set (RFC 6455, 4.1)
HANDSHAKE_HEADERS = frozenset(
    {"connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Paths(NamedTuple):
    """Where things are kept; nothing of it need exist."""

    config: Path  #: the settings file
    recordings: Path
    state: Path  #: history, drafts, logs

    def as_text(self) -> dict[str, str]:
        """Name and path of each, for people and scripts."""
        return {name: str(path) for name, path in self._asdict().items()}


def paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The places of this user: TURNSCOPE_CONFIG, then XDG folders, then the platform's own."""
    import platformdirs

    def folder(variable: str, usual: str) -> Path:
        chosen = environ.get(variable, "")
        return Path(chosen) / "turnscope" if chosen.startswith("/") else Path(usual)

    platform = platformdirs.PlatformDirs("turnscope", appauthor=False)
    config = folder("XDG_CONFIG_HOME", platform.user_config_dir)
    usual = Path.home() / ".config" / "turnscope"
    if "XDG_CONFIG_HOME" not in environ and usual.is_dir():
        config = usual  # people on macOS who keep ~/.config expect it to be read
    named = environ.get("TURNSCOPE_CONFIG", "")
    return Paths(
        Path(named).expanduser() if named else config / "config.toml",
        folder("XDG_DATA_HOME", platform.user_data_dir) / "recordings",
        folder("XDG_STATE_HOME", platform.user_state_dir),
    )


class Settings(BaseModel):
    """Every setting, with `sources` saying where each came from; frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: str = ""
    url: str = ""  #: an exact address; wins over base_url
    profile: str = ""
    api_key_env: str = ""  #: the variable that holds the key
    model: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str | list[str]] = Field(default_factory=dict)
    organization: str = ""
    project: str = ""
    via: str = ""
    no_proxy: bool = False
    ca: str = ""
    insecure: bool = False
    transport: Literal["ws", "http", "auto"] = "ws"
    compression: bool = True
    age_limit: float = Field(default=LIFETIME_SECONDS, gt=0)  #: seconds a socket lives
    open_timeout: float = Field(default=15.0, gt=0)  #: seconds
    recordings_days: float | None = Field(default=None, gt=0)  #: older recordings go; None: they stay
    recordings_megabytes: float | None = Field(default=None, gt=0)  #: what all of them may take together
    theme: str = ""
    keys: dict[str, str] = Field(default_factory=dict)  #: action id to keys, for the screen
    # Not settings a person writes; filled in by `load`.
    key: Secret = Field(default=NO_SECRET, exclude=True, repr=False)
    facts: Profile = Field(default_factory=Profile, exclude=True, repr=False)
    sources: Mapping[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    file: str = Field(default="", exclude=True)

    @field_validator("keys", mode="before")
    @classmethod
    def _ids_may_stand_without_quotes(cls, keys: object) -> object:
        return own_keys(keys)

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if _HEADER_NAME.fullmatch(name) is None:
                # only the first of several words: what follows may be a key that lost its colon
                shown = f"{name.split()[0]} ..." if len(name.split()) > 1 else name
                raise ValueError(f"{shown!r} is not a header name")
            if name.lower() in HANDSHAKE_HEADERS:
                raise ValueError(f"the header {name} belongs to the handshake and cannot be set")
            if re.search(r"[\r\n\0]", value) or not all(ord(character) < 256 for character in value):
                raise ValueError(f"the value of {name} has a line break or a character outside Latin-1")
        return headers

    def source(self, name: str) -> str:
        """Its origin: `flag --via`, `environment X`, `file PATH:LINE`, `profile xai`, `default`."""
        return self.sources.get(name, "default")

    @property
    def is_key_placeholder(self) -> bool:
        """Whether its key is nobody's: a word sent to servers that want one and do not mind which."""
        return self.source("key").startswith(PLACEHOLDER)

    def all_headers(self) -> dict[str, str]:
        """The headers to send, organisation and project among them."""
        found = {**self.facts.headers, **self.headers}
        for name, value in (("OpenAI-Organization", self.organization), ("OpenAI-Project", self.project)):
            if value and name.lower() not in {key.lower() for key in found}:
                found[name] = value
        return found

    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        """The extra query parameters in their order; a list gives one pair for each value."""
        return tuple(
            (name, value)
            for name, values in self.query.items()
            for value in ([values] if isinstance(values, str) else values)
        )


def own_keys(table: object) -> object:
    """The table of own keys by whole ids: without quotes TOML makes a table of what stands before the dot."""
    if not isinstance(table, dict):
        return table
    flat: dict[object, object] = {}
    for name, value in table.items():
        is_owner = isinstance(value, dict)
        flat.update({f"{name}.{last}": one for last, one in value.items()} if is_owner else {name: value})
    return flat


_FILLED_IN = frozenset({"key", "facts", "sources", "file"})
#: the keys of the settings file, and of flags
NAMES = tuple(name for name in Settings.model_fields if name not in _FILLED_IN)
_FLAGS = {"headers": "header", "compression": "no-compression"}  # where a flag is called otherwise
#: variables people already have; the first that is set wins
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "base_url": ("TURNSCOPE_BASE_URL", "OPENAI_WEBSOCKET_BASE_URL", "OPENAI_BASE_URL"),
    "profile": ("TURNSCOPE_PROFILE",),
    "model": ("TURNSCOPE_MODEL",),
    "organization": ("OPENAI_ORG_ID",),
    "project": ("OPENAI_PROJECT_ID",),
}


def load(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that hold now: flags over environment over file over profile over defaults.

    `flags` are only those that were given, by setting name. A hosted profile brings its own address past one
    that was set further down, so that its key cannot reach a stranger. Raises SettingsError.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    file = paths(environ).config
    in_file = read_file(file)
    profiles = {**built_in_profiles(), **in_file.profiles}
    values: dict[str, Any] = dict(in_file.values)
    sources = {name: f"file {file}:{in_file.line(name)}" for name in values}
    for name, variables in ENVIRONMENT.items():
        if variable := next((one for one in variables if environ.get(one)), ""):
            values[name], sources[name] = environ[variable], f"environment {variable}"
            if name == "base_url":
                values.pop("url", None)
    for name, value in given.items():
        merged = isinstance(value, dict) and isinstance(values.get(name), dict)
        values[name] = {**values[name], **value} if merged else value  # type: ignore[dict-item]  # both are dicts
        sources[name] = f"flag --{_FLAGS.get(name, name).replace('_', '-')}"
    if "base_url" in given and "url" not in given:
        values.pop("url", None)  # a flag outranks the exact address of the file
    if values.get("no_proxy") and sources.get("no_proxy", "").startswith("flag") and "via" not in given:
        values.pop("via", None)
    chosen, facts = _profile(values, profiles, sources, in_file)
    values["profile"] = chosen
    source = f"profile {chosen}"
    for name in ("base_url", "url"):
        if _is_elsewhere(name, values, sources, facts):
            del values[name], sources[name]
    for name in ("organization", "project"):
        if facts.hosts and chosen != "openai" and sources.get(name, "").startswith("environment"):
            del values[name], sources[name]  # OpenAI's account is nobody else's business
    if facts.base_url and "base_url" not in values and "url" not in values:
        values["base_url"], sources["base_url"] = facts.base_url, source
    if "age_limit" not in values and chosen != CUSTOM:
        values["age_limit"], sources["age_limit"] = facts.lifetime_seconds, source
    key, key_source = key_from(values, facts, environ, sources.get("api_key_env", ""))
    if not key and is_loopback(_host_of(str(values.get("url") or values.get("base_url") or ""))):
        # a server on this machine usually wants some key and seldom minds which; nothing leaves the machine
        key, key_source = Secret(LOOPBACK_KEY), f"{PLACEHOLDER} for loopback; {key_source}"
    sources["key"] = key_source
    settings = _validated(values, in_file, sources)
    return settings.model_copy(
        update={"key": key, "facts": facts, "sources": sources, "file": str(file) if in_file.text else ""}
    )


def _profile(
    values: Mapping[str, Any],
    profiles: Mapping[str, Profile],
    sources: dict[str, str],
    in_file: SettingsFile,
) -> tuple[str, Profile]:
    name = str(values.get("profile") or "")
    if name and name != CUSTOM:
        if name not in profiles:
            is_in_file = sources["profile"].startswith("file ")
            raise SettingsError(
                f"there is no profile {name!r} ({sources['profile']}); known: {', '.join(sorted(profiles))}",
                file=str(in_file.path) if is_in_file else "",
                line=in_file.line("profile") if is_in_file else 0,
                key="profile",
                nearest=nearest(name, profiles),
            )
        return name, profiles[name]
    address = str(values.get("url") or values.get("base_url") or "")
    if not address:
        sources["profile"] = "default"
        return "openai", profiles["openai"]
    host = _host_of(address)
    for known, profile in profiles.items():
        if _is_at(host, profile):
            sources["profile"] = f"recognised from {host}"
            return known, profile
    sources.setdefault("profile", "default")
    return CUSTOM, Profile()


def _is_elsewhere(name: str, values: Mapping[str, Any], sources: Mapping[str, str], facts: Profile) -> bool:
    """Whether an address from further down contradicts a hosted profile that was named further up."""
    if name not in values or not (facts.hosts and facts.base_url):
        return False
    ranks = ("flag", "environment", "file")
    named, address = (sources.get(one, "").partition(" ")[0] for one in ("profile", name))
    if named not in ranks or ranks.index(named) >= ranks.index(address):
        return False
    return not _is_at(_host_of(str(values[name])), facts)


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_at(host: str, profile: Profile) -> bool:
    return any(fnmatch(host, pattern) for pattern in profile.hosts)


def _validated(values: dict[str, Any], in_file: SettingsFile, sources: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        where = sources.get(name, "")
        said = f"{name}: {sentence_of(first)}"
        if where.startswith("file "):
            raise SettingsError(said, file=str(in_file.path), line=in_file.line(name), key=name) from None
        raise SettingsError(f"{said} ({where})" if where else said, key=name) from None


# The file ------------------------------------------------------------------------------------------------


class SettingsFile(NamedTuple):
    """A settings file as it was read; empty when there is none."""

    path: Path
    text: str
    values: Mapping[str, Any]
    profiles: Mapping[str, Profile]

    def line(self, *keys: str) -> int:
        """The line of a key, counted from 1; 0 when it is not found."""
        return line_of(self.text, *keys)


def read_file(path: Path) -> SettingsFile:
    """The settings of a file; a missing one is empty. Raises SettingsError with file, line and key."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except FileNotFoundError:
        return SettingsFile(path, "", {}, {})
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings cannot be read: {error}", file=str(path)) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise SettingsError(
            f"this is not TOML: {error}", file=str(path), line=int(found[1]) if found else 0
        ) from None
    profiles = profiles_from(values.pop("profiles", {}), str(path), text)
    _check_known(profiles, path, text)
    for name in values:
        if name not in NAMES:
            raise SettingsError(
                f"there is no setting {name!r}",
                file=str(path),
                line=line_of(text, name),
                key=name,
                nearest=nearest(name, [*NAMES, "profiles"]),
            )
    return SettingsFile(path, text, values, profiles)


def known_habits(environ: Mapping[str, str] = os.environ) -> Mapping[str, frozenset[str]]:
    """The ids of findings that each profile is known for, built in and of one's own; raises SettingsError.

    A profile of one's own stands in the place of the built-in one of its name.
    """
    return habits_of({**built_in_profiles(), **read_file(paths(environ).config).profiles})


def _check_known(profiles: Mapping[str, Profile], path: Path, text: str) -> None:
    """Raise SettingsError for a profile that is known for what no finding is called."""
    if not any(profile.known for profile in profiles.values()):
        return
    from sessions.findings.catalogue import CATALOGUE

    for name, profile in profiles.items():
        for one in profile.known:
            if one not in CATALOGUE:
                raise SettingsError(
                    f"profile {name!r}: known: there is no finding {one!r}",
                    file=str(path),
                    line=line_of(text, "profiles", name, "known"),
                    key="known",
                    nearest=nearest(one, CATALOGUE),
                )


def set_value(path: Path, key: str, value: str | bool | int | float) -> None:
    """Write one setting (dotted for tables) into the file, made if need be; comments and order stay.

    Raises SettingsError for a key that does not exist or a value that does not fit.
    """
    import tomlkit

    keys = key_parts(key)
    if keys[0] not in (*NAMES, "profiles"):
        raise SettingsError(f"there is no setting {key!r}", key=key, nearest=nearest(keys[0], NAMES))
    if path.exists() and not path.is_file():
        raise SettingsError(f"{path} is no regular file; nothing was written", key=key)
    old = read_file(path)
    document = tomlkit.parse(old.text)
    table: Any = document
    for part in keys[:-1]:
        if part not in table:
            table[part] = tomlkit.table()
        table = table[part]
    table[keys[-1]] = value
    text = tomlkit.dumps(document)
    values = tomllib.loads(text)
    values.pop("profiles", None)
    _validated(values, SettingsFile(path, text, values, {}), {name: "file " for name in values})
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
