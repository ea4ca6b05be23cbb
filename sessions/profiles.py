"""What is known about servers that speak this protocol: profiles, built in and of one's own.

Its one rule: a profile is facts for defaults and hints, never a verdict. An unknown key in one is an error
that names file, line and the nearest valid key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sessions.complaint import line_of, nearest, sentence_of
from sessions.contract import LIFETIME_SECONDS
from sessions.errors import SettingsError
from sessions.profile import ProfileFacts


class Profile(BaseModel):
    """What is known about one server; facts for defaults and hints."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = ""
    hosts: tuple[str, ...] = ()  #: patterns by which the profile is recognised
    key_env: tuple[str, ...] = ("OPENAI_API_KEY",)
    placeholder_key: str = ""  #: sent when none of the variables is set; for servers that accept anything
    lifetime_seconds: float = Field(default=LIFETIME_SECONDS, gt=0)
    lanes: bool = True
    stores: Literal["both", "never", "always", "unknown"] = "both"  #: which values of `store` it takes
    model_in_query: bool = False
    create_shape: Literal["flat", "nested", "flat or nested"] = "flat"
    dialect: str = "openai"
    socket_after_error: Literal["usable", "dead", "closed", "unknown"] = "usable"
    in_flight: Literal["queue", "reject"] = "queue"  #: a create while another one runs on its lane
    is_model_fixed: bool = False  #: the first model of a socket is its only one
    failure_ends_chain: bool = False  #: after a failure no earlier id of the chain can be used
    headers: dict[str, str] = Field(default_factory=dict)
    deviations: tuple[str, ...] = ()  #: plain sentences
    known: tuple[str, ...] = ()  #: ids of findings that are its habit: noted, not held against it

    def forecast_facts(self, name: str, lifetime_seconds: float = 0.0) -> ProfileFacts:
        """The part that decides what may be sent next; a lifetime set by a person wins."""
        return ProfileFacts(
            name=name,
            lanes=self.lanes,
            lifetime=lifetime_seconds or self.lifetime_seconds,
            stores=self.stores,
            socket_after_error=self.socket_after_error,
            model_in_query=self.model_in_query,
            create_shape="nested" if self.create_shape == "nested" else "flat",
            in_flight=self.in_flight,
            is_model_fixed=self.is_model_fixed,
            failure_ends_chain=self.failure_ends_chain,
        )


@cache
def built_in_profiles() -> Mapping[str, Profile]:
    """The profiles that come with turnscope, in the order of their file."""
    file = Path(__file__).with_name("profiles.toml")
    text = file.read_text(encoding="utf-8")
    return profiles_from(tomllib.loads(text), str(file), text, prefix=())


@cache
def known_deviations() -> Mapping[str, frozenset[str]]:
    """The ids of findings that each built-in profile is known for."""
    return habits_of(built_in_profiles())


def habits_of(profiles: Mapping[str, Profile]) -> Mapping[str, frozenset[str]]:
    """The ids of findings that each of these profiles is known for."""
    return {name: frozenset(profile.known) for name, profile in profiles.items() if profile.known}


def profiles_from(
    tables: object, file: str, text: str, prefix: tuple[str, ...] = ("profiles",)
) -> dict[str, Profile]:
    """The profiles of a decoded TOML table; raises SettingsError with file, line and key."""
    if not isinstance(tables, dict):
        raise SettingsError(
            "profiles must be tables: [profiles.NAME]", file=file, line=line_of(text, "profiles")
        )
    profiles = {}
    for name, table in tables.items():
        try:
            profiles[name] = Profile.model_validate(table)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0]) if first["loc"] else ""
            unknown = first["type"] == "extra_forbidden"
            said = f"there is no key {key!r} in a profile" if unknown else f"{key}: {sentence_of(first)}"
            raise SettingsError(
                f"profile {name!r}: {said}",
                file=file,
                line=line_of(text, *prefix, name, key),
                key=key,
                nearest=nearest(key, Profile.model_fields) if unknown else "",
            ) from None
    return profiles
