"""Fingerprints: which product answers, guessed from headers, the wording of errors and the shape of ids.

Its one rule: a guess chooses the words of a remedy and nothing else: no verdict, no retry, no dialect hangs
on it. What a model has written is never looked at, so that talking about a product is not being one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from sessions.bodies import event_of
from sessions.events import Event
from sessions.records import Direction, Kind, Record

LIKELY = 0.7  #: from here on it "looks like" a product; below, it "may be"
_HEAD_END = "\r\n\r\n"
_MOST_CHARACTERS = 8192


class Place(Enum):
    """Where a sign is looked for."""

    HEADERS = "headers"  #: of the answer to an upgrade or a POST
    BODY = "body"  #: of a refused upgrade
    PROBE = "probe"  #: what a second try after a refusal has shown
    RESPONSE_ID = "id"
    ERROR = "error"  #: message and code of an error
    EVENT_TYPE = "event"
    CLOSE = "close"  #: the server's close code and reason


class Sign(NamedTuple):
    """One thing that gives a product away."""

    product: str
    place: Place
    pattern: re.Pattern[str]
    weight: float  #: how sure it makes, 0 to 1
    words: str  #: what was seen, for people
    versions: str = ""  #: which versions show it, as far as known


class Fingerprint(NamedTuple):
    """A guess at who answers."""

    product: str
    confidence: float  #: 0 to 1
    signs: tuple[str, ...]  #: what was seen, in words
    versions: str = ""

    @property
    def words(self) -> str:
        """The guess as a clause."""
        verb = "looks like" if self.confidence >= LIKELY else "may be"
        name = f"{self.product} {self.versions}" if self.versions else self.product
        return f"{verb} {name} ({', '.join(self.signs)}; {self.confidence:.0%})"


def _sign(product: str, place: Place, pattern: str, weight: float, words: str, versions: str = "") -> Sign:
    return Sign(product, place, re.compile(pattern, re.IGNORECASE | re.MULTILINE), weight, words, versions)


_HEADERS, _BODY, _ERROR = Place.HEADERS, Place.BODY, Place.ERROR

#: Measured on the product at hand, or told by its own documents.
SIGNS: tuple[Sign, ...] = (
    _sign("LiteLLM", Place.RESPONSE_ID, r"^resp_bGl0ZWxsbT", 0.95, "its response ids", "1.89 or later"),
    _sign("LiteLLM", _ERROR, r"upstream realtime handshake rejected", 0.9, "the wording of its error",
          "1.89 or later"),
    _sign("LiteLLM", Place.CLOSE, r"ssl argument is incompatible with a ws:// URI", 0.8, "its close reason",
          "1.89 or later"),
    _sign("LiteLLM", _HEADERS, r"^x-litellm-[\w-]+:", 0.95, "x-litellm headers"),
    _sign("LiteLLM", Place.PROBE, r"^\?model=.* was accepted", 0.8, "it takes only ?model=", "before 1.89"),
    _sign("nginx", _HEADERS, r"^server:\s*(nginx|openresty)", 0.8, "its server header"),
    _sign("nginx", _BODY, r"<center>(nginx|openresty)", 0.8, "its error page"),
    _sign("haproxy", _BODY, r"No server is available to handle this request", 0.8, "its error page"),
    _sign("Envoy", _HEADERS, r"^(server:\s*envoy|x-envoy-[\w-]+:)", 0.8, "its headers"),
    _sign("Cloudflare", _HEADERS, r"^(server:\s*cloudflare|cf-ray:)", 0.9, "its headers"),
    _sign("squid", _HEADERS, r"^(x-squid-error:|server:\s*squid|via:.*\(squid)", 0.9, "its headers"),
    _sign("tinyproxy", _HEADERS, r"^(server|proxy-agent):\s*tinyproxy|^via:.*\(tinyproxy", 0.9, "headers"),
    _sign("mitmproxy", _HEADERS, r"^server:\s*mitmproxy", 0.9, "its server header"),
    _sign("the Codex back end", Place.EVENT_TYPE, r"^codex\.", 0.8, "events named codex.*"),
    _sign("llm-interactive-proxy", Place.EVENT_TYPE, r"^response\.content_part\.delta$", 0.8,
          "response.content_part.delta"),
    _sign("AI Stats", _ERROR, r"response_already_in_flight|invalid_response_create|model_mismatch", 0.6,
          "its error codes"),
    _sign("orq.ai", _ERROR, r"openai-beta\.responses\.v1", 0.5, "the subprotocol that it names"),
    _sign("ccproxy-api", Place.CLOSE, r"^1011 Internal server error$", 0.3, "how it closes"),
    _sign("a uvicorn application", _HEADERS, r"^server:\s*uvicorn", 0.8, "its server header"),
)  # fmt: skip

_AT = {place: tuple(sign for sign in SIGNS if sign.place is place) for place in Place}
_READ_TIMEOUT = "Raise proxy_read_timeout (3600s) and send pings more often than that."
_STICKY = "Keep one client on one server (balance source, or stick on the API key); timeout tunnel 1h."
_OWN_CA = "Trust its CA (--ca FILE), or leave this host out of the interception."
_ALLOW = "Let it CONNECT to this host and port (an ACL, ConnectPort), or name the host in NO_PROXY."

#: what to change in which product, by the id of a finding or the class of a failure
RECIPES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("LiteLLM", "model-wanted-in-url"): "Upgrade LiteLLM to 1.89.0 or later; until then add ?model=.",
        ("LiteLLM", "forbidden"): "Upgrade LiteLLM to 1.89.0 or later, or check its virtual key.",
        ("LiteLLM", "parent-not-echoed"): "LiteLLM wraps ids; only ids that it gave may come back to it.",
        ("LiteLLM", "error-without-status"): "LiteLLM strips status and code: match on the message, or "
        "ask its maintainers to pass them on.",
        ("LiteLLM", "app-silent"): "LiteLLM keeps quiet when its upstream is gone: look into its log.",
        ("nginx", "upgrade_required"): "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        'proxy_set_header Connection "upgrade".',
        ("nginx", "websocket-off"): "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        'proxy_set_header Connection "upgrade".',
        ("nginx", "idle-limit"): _READ_TIMEOUT,
        ("nginx", "closed-while-idle"): _READ_TIMEOUT,
        ("nginx", "cut-in-answer"): _READ_TIMEOUT,
        ("haproxy", "parent-lost"): _STICKY,
        ("haproxy", "server-unavailable"): "Its servers are down: look at its health checks.",
        ("squid", "proxy_connect"): _ALLOW,
        ("tinyproxy", "proxy_connect"): _ALLOW,
        ("squid", "proxy-failed"): _ALLOW,
        ("tinyproxy", "proxy-failed"): _ALLOW,
        ("mitmproxy", "tls"): _OWN_CA,
        ("mitmproxy", "tls-failed"): _OWN_CA,
        ("Cloudflare", "closed-while-idle"): "It ends idle sockets after 100 s: send pings.",
    }
)


class Suspects:
    """Who may have answered, as the records come."""

    def __init__(self) -> None:
        self._seen: dict[Sign, None] = {}  # in the order in which they were seen

    def look(self, record: Record) -> None:
        """Look at one more record."""
        for place, text in _places(record):
            self._seen.update((one, None) for one in _AT[place] if one.pattern.search(text))

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The surest first; several, where one product stands before another."""
        found = []
        for product in dict.fromkeys(sign.product for sign in self._seen):
            own = [sign for sign in self._seen if sign.product == product]
            doubt = 1.0
            for sign in own:
                doubt *= 1 - sign.weight
            words = tuple(dict.fromkeys(sign.words for sign in own))
            versions = {sign.versions for sign in own if sign.versions}
            version = versions.pop() if len(versions) == 1 else ""  # two contradict one another
            found.append(Fingerprint(product, 1 - doubt, words, version))
        return tuple(sorted(found, key=lambda one: -one.confidence))


def fingerprints(records: Iterable[Record]) -> tuple[Fingerprint, ...]:
    """Who may have answered, the surest first."""
    suspects = Suspects()
    for record in records:
        suspects.look(record)
    return suspects.fingerprints


def recipe(guesses: Iterable[Fingerprint], *ids: str) -> str:
    """What to change in the likeliest product for these findings or failure classes; "" when unknown."""
    for guess in guesses:
        for name in ids:
            words = RECIPES.get((guess.product, name))
            if words is not None:
                doubt = "" if guess.confidence >= LIKELY else "if it is "
                return f"{doubt}{guess.product}: {words}"
    return ""


def _places(record: Record) -> Iterable[tuple[Place, str]]:
    """What of a record may give a product away."""
    if record.kind in (Kind.OPEN, Kind.REFUSED, Kind.RESPONSE):
        text = record.payload[: 4 * _MOST_CHARACTERS].decode("latin-1")
        if record.kind is Kind.OPEN:  # the request's own head stands before the answer's
            text = text.partition(_HEAD_END)[2]
        head, _, body = text.partition(_HEAD_END)
        yield Place.HEADERS, head.replace("\r", "")
        if record.kind is Kind.REFUSED:
            yield Place.BODY, body[:_MOST_CHARACTERS]
            yield Place.PROBE, str(record.meta.get("probe", ""))
    elif record.kind is Kind.CLOSE and record.direction is Direction.SERVER:
        yield Place.CLOSE, f"{record.meta.get('code', '')} {record.meta.get('reason', '')}".rstrip()
    elif record.direction is Direction.SERVER and record.kind in (Kind.TEXT, Kind.BINARY, Kind.SSE):
        event = event_of(record)
        if isinstance(event, Event):
            yield from _places_of(event)


def _places_of(event: Event) -> Iterable[tuple[Place, str]]:
    yield Place.EVENT_TYPE, event.type
    body = event.body
    response = body.get("response")
    if isinstance(response, dict) and isinstance(response.get("id"), str):
        yield Place.RESPONSE_ID, response["id"]
    if event.type == "error":
        error = body.get("error")
        told = error if isinstance(error, dict) else body
        yield Place.ERROR, f"{told.get('message', '')} {told.get('code', '')}"[:_MOST_CHARACTERS]
