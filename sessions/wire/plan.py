"""Everything one opening needs, decided beforehand: so it can be shown, changed and tried again.

Its one rule: a plan is a value. Making one opens nothing, and its repr holds no credential.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from sessions import redact
from sessions.contract import LIFETIME_SECONDS
from sessions.errors import SettingsError
from sessions.secret import NO_SECRET, Secret
from sessions.settings import Settings
from sessions.wire.dial import SYSTEM_TRUST, Trust
from sessions.wire.endpoint import Endpoint, derive, with_query
from sessions.wire.route import DIRECT, Route, route_for

PING_SECONDS = 20.0
Transport: TypeAlias = Literal["ws", "http", "auto"]

OPEN_SECONDS = 15.0  #: for DNS to TLS, and again for the answer to the upgrade; Codex waits as long
_ANY_MODEL = "any"
_ACCOUNT_HEADERS = ("openai-organization", "openai-project", "chatgpt-account-id")  # names, no credentials


@dataclass(frozen=True, slots=True)
class Plan:
    """One opening: where, which way, with what."""

    endpoint: Endpoint
    route: Route = DIRECT
    key: Secret = NO_SECRET
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    trust: Trust = SYSTEM_TRUST
    compression: bool = True
    profile: str = "custom"
    lifetime_seconds: float = LIFETIME_SECONDS
    model: str = ""  #: used only to try `?model=` after a 403
    session: int = 1
    #: numbers the session that an opening may add, its try with `?model=`; None: the one after its own
    spare: Callable[[], int] | None = field(default=None, repr=False, compare=False)
    open_timeout_seconds: float = OPEN_SECONDS
    is_key_placeholder: bool = False  #: whether `key` is nobody's
    name: str = ""  #: what a person calls this session
    transport: Transport = "ws"  #: a WebSocket, HTTP, or a WebSocket with HTTP to fall back on
    ping_seconds: float = PING_SECONDS  #: between two pings of ours

    @property
    def has_login(self) -> bool:
        """Whether anything in it tells the server who asks; a placeholder does not."""
        if self.key and not self.is_key_placeholder:
            return True
        named = {name.lower() for name, _ in self.headers}
        return self.endpoint.userinfo is not None or bool(named & {"authorization", "api-key", "x-api-key"})

    @property
    def secrets(self) -> tuple[str, ...]:
        """The exact texts that must not be stored or shown."""
        login = self.endpoint.userinfo
        known = (self.key, login.password if login else NO_SECRET, self.route.password)
        in_headers = (
            value.rpartition(" ")[2]  # without the scheme of an Authorization header
            for name, value in self.headers
            if name.lower() not in _ACCOUNT_HEADERS and redact.header(name, value).masked
        )
        in_query = redact.in_query(self.endpoint.target)
        revealed = (secret.reveal() for secret in known if secret)
        basic = (self.route.basic,) if self.route.password else ()  # some proxies say it back
        return tuple(dict.fromkeys((*revealed, *basic, *in_headers, *in_query)))


def plan_from(settings: Settings, environ: Mapping[str, str] = os.environ, *, session: int = 1) -> Plan:
    """The plan that settings describe; raises SettingsError when they cannot be one."""
    endpoint = endpoint_from(settings)
    if settings.ca and not Path(settings.ca).expanduser().is_file():
        raise SettingsError(f"there is no file of certificates at {settings.ca} ({settings.source('ca')})")
    return Plan(
        endpoint=endpoint,
        route=route_from(settings, endpoint, environ),
        key=settings.key,
        is_key_placeholder=settings.is_key_placeholder,
        headers=tuple(settings.all_headers().items()),
        trust=Trust(str(Path(settings.ca).expanduser()) if settings.ca else "", settings.insecure),
        compression=settings.compression,
        profile=settings.profile,
        lifetime_seconds=settings.age_limit,
        model=settings.model,
        session=session,
        open_timeout_seconds=settings.open_timeout,
        transport=settings.transport,
    )


def endpoint_from(settings: Settings) -> Endpoint:
    """The endpoint that settings describe; raises SettingsError when there is no address in them."""
    name = "url" if settings.url else "base_url"
    try:
        return _endpoint_at(settings)
    except SettingsError as error:
        source = settings.source(name)
        if error.key or source.partition(" ")[0] not in ("file", "environment"):
            raise
        raise SettingsError(f"{error} ({source})", key=name) from None


def _endpoint_at(settings: Settings) -> Endpoint:
    if settings.url:
        return derive(settings.url, exact=True, query=settings.query_pairs())
    if not settings.base_url:
        raise SettingsError(
            f"the profile {settings.profile!r} has no address of its own; give one with --base-url"
        )
    endpoint = derive(settings.base_url, query=settings.query_pairs())
    if settings.facts.model_in_query and settings.model and not endpoint.has_model:
        return with_query(endpoint, "model", settings.model)
    return endpoint


def route_from(settings: Settings, endpoint: Endpoint, environ: Mapping[str, str] = os.environ) -> Route:
    """The route that settings and the environment give to an endpoint."""
    return route_for(
        endpoint, environ, via=settings.via, no_proxy=settings.no_proxy, source=_short(settings.source("via"))
    )


def retry_with_model(plan: Plan, model: str = "") -> Plan:
    """The same plan with `?model=` at the end of its URL, as some proxies want it."""
    if plan.endpoint.has_model:
        return plan
    return replace(plan, endpoint=with_query(plan.endpoint, "model", model or plan.model or _ANY_MODEL))


def _short(source: str) -> str:
    return source.removeprefix("flag ") or "--via"
