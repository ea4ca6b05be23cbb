"""The heads of HTTP/1.1 requests and responses on their raw bytes, and the two changes a tap makes to them.

Its one rule: a head keeps its spelling. Names, order, case and spaces stay as they came; `rewritten` replaces
the request target and the value of Host and not one byte more. A request that a server could read in two ways
is unreadable; of a response only the end must be clear, because it is passed on whatever it says.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from sessions.loopback import is_loopback

#: a head above this is unreadable; the heads of real clients stay below 4 KiB
MAX_HEAD_BYTES = 1 << 16
_START = re.compile(rb"(?:\r?\n)*+")  # empty lines before a request line are to be ignored (RFC 9112, 2.2)
_END = re.compile(rb"\r?\n\r?\n")
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/(\d\.\d)\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?) +(\d{3})(?: ([^\r\n]*))?\r?\n")
_NAME = re.compile(_TOKEN)
#: ends of names that nobody can register (RFC 6761, 6762, 8375; ICANN has set .internal aside)
_PRIVATE_ENDS = (".internal", ".local", ".test", ".home.arpa")
_METHOD_SO_FAR = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*+(?: |$)")


class Field(NamedTuple):
    """One header as it was spelled, and where its value stands in the head."""

    name: str
    value: str  #: without the spaces around it
    start: int
    stop: int


class Unreadable(NamedTuple):
    """Bytes that are no head, with the status a server answers them with."""

    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Head:
    """What requests and responses have in common; text is Latin-1, which keeps every byte."""

    raw: bytes  #: as it came, the empty line at its end included
    version: str
    fields: tuple[Field, ...]

    def header(self, name: str) -> str:
        """The first value of a header; empty when it is missing."""
        wanted = name.lower()
        return next((field.value for field in self.fields if field.name.lower() == wanted), "")

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order."""
        wanted = name.lower()
        return tuple(field.value for field in self.fields if field.name.lower() == wanted)

    def has(self, name: str, token: str) -> bool:
        """Whether a header that is a list has this word in it."""
        return token in (part.strip().lower() for value in self.every(name) for part in value.split(","))

    @property
    def content_length(self) -> int | None:
        """The length of the body as the head says it; None when it does not, or not clearly."""
        lengths = {part.strip() for value in self.every("Content-Length") for part in value.split(",")}
        length = lengths.pop() if len(lengths) == 1 else ""
        return int(length) if re.fullmatch("[0-9]{1,19}", length) else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks, whatever Content-Length says (RFC 9112, 6.3)."""
        codings = ",".join(self.every("Transfer-Encoding")).lower().split(",")
        return codings[-1].strip() == "chunked"

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after this exchange (RFC 9112, 9.3)."""
        if self.has("Connection", "close"):
            return True
        return self.version in ("0.9", "1.0") and not self.has("Connection", "keep-alive")


@dataclass(frozen=True, slots=True)
class RequestHead(Head):
    """The head of a request."""

    method: str
    target: str  #: as on the request line; also an absolute one
    target_start: int

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asks to go on in WebSocket (RFC 6455, 4.1: a GET, and nothing follows it)."""
        is_asking = self.has("Upgrade", "websocket") and self.has("Connection", "upgrade")
        return is_asking and self.method == "GET" and not self.has_body

    @property
    def has_body(self) -> bool:
        """Whether bytes of a body follow."""
        return self.is_chunked or bool(self.content_length)

    @property
    def origin(self) -> str:
        """The Origin header, all of them when there are several; empty when a browser sent none."""
        return ", ".join(self.every("Origin"))

    @property
    def path(self) -> str:
        """The target from its path on; `*`, or a CONNECT's host and port, as they are."""
        return _path(self.target)


@dataclass(frozen=True, slots=True)
class ResponseHead(Head):
    """The head of a response."""

    status: int
    reason: str

    @property
    def is_interim(self) -> bool:
        """Whether another head follows: 100 Continue, 103 Early Hints; not a 101."""
        return 100 <= self.status < 200 and self.status != 101


def read_head(buffer: bytes | bytearray) -> RequestHead | ResponseHead | Unreadable | None:
    """The head at the start of the buffer, `len(head.raw)` bytes long; None while its end is not there."""
    data = bytes(buffer[: MAX_HEAD_BYTES + 1])
    begin = _end_of(_START.match(data))
    found = _END.search(data, begin)
    if found is None or found.end() > MAX_HEAD_BYTES:
        if len(data) > MAX_HEAD_BYTES:
            return Unreadable(431, f"the head is longer than {MAX_HEAD_BYTES} bytes")
        return _no_beginning(data[begin:])
    raw = data[: found.end()]
    if raw.startswith(b"HTTP/", begin):
        return _response(raw, begin)
    return _request(raw, begin)


def rewritten(head: RequestHead, target: str, host: str) -> bytes:
    """The head with another target and another value of Host, all its other bytes as they came.

    A head without Host, which HTTP/1.0 allows, gets none.
    """
    raw = head.raw
    changes = [(head.target_start, head.target_start + len(head.target), target)]
    changes += [(field.start, field.stop, host) for field in head.fields if field.name.lower() == "host"]
    out, done = [], 0
    for start, stop, text in changes:
        out += [raw[done:start], text.encode("latin-1")]
        done = stop
    return b"".join([*out, raw[done:]])


# Where a tap sends a request -------------------------------------------------------------------------------


def upstream_target(target: str, *, token: str = "", query: str = "") -> str | None:
    """The target for the upstream: the token's segment cut off, the base URL's query added; None: no token.

    `query` is the query of the upstream's base URL. Only parameters that the target does not name are added,
    at its end; everything else stays byte for byte.
    """
    path = without_token(_path(target), token)
    return None if path is None else with_query(path, query)


def without_token(path: str, token: str) -> str | None:
    """The path behind its first segment, which must be the token, compared in constant time; else None."""
    if not token:
        return path
    wanted = f"/{token}".encode()
    begun = path.encode("latin-1", "replace")
    is_admitted = secrets.compare_digest(begun[: len(wanted)], wanted)
    rest = path[len(wanted) :]
    if not is_admitted or (rest and rest[0] not in "/?"):
        return None
    return rest if rest.startswith("/") else f"/{rest}"


def with_query(path: str, query: str) -> str:
    """The path with those parameters of a query that it does not name itself."""
    if not query or not path.startswith("/"):
        return path
    _, mark, own = path.partition("?")
    named = {pair.partition("=")[0] for pair in own.split("&")}
    added = [pair for pair in query.split("&") if pair.partition("=")[0] not in named]
    if not added:
        return path
    separator = "?" if not mark else "" if not own or own.endswith("&") else "&"
    return path + separator + "&".join(added)


def is_foreign_origin(origin: str, listen: str) -> bool:
    """Whether an Origin is that of another web page than the one at `listen`, HOST:PORT of the tap.

    No Origin is not foreign: programs send none. Names of this machine are alike when the tap listens on one
    of them; an address is its own when the tap listens on all of them, a name is not: it can lead anywhere.
    """
    if not origin:
        return False
    page, own = _host_and_port(origin), _host_and_port(f"http://{listen}")
    if page is None or own is None or not origin.lower().startswith(("http://", "https://")):
        return True
    if page == own:
        return False
    (host, port), (own_host, own_port) = page, own
    if port != own_port:
        return True
    is_own = is_loopback(host) and (is_loopback(own_host) or _is_every_address(own_host))
    return not (is_own or (_is_every_address(own_host) and _is_address(host)))


def is_foreign_host(host: str, listen: str, upstream: str) -> bool:
    """Whether a Host is a name that a web page may have led here: DNS rebinding, which sends no Origin.

    `listen` is HOST:PORT of the tap, `upstream` the authority behind it, which clients may name on purpose.
    Only a name that somebody could register is foreign, as a page must stand at it: no address, no name of
    this machine or without a dot, none that is reserved for private use, such as host.docker.internal.
    """
    if not host:
        return False
    named = _host_and_port(f"http://{host}")
    if named is None:
        return True
    own = (_host_and_port(f"http://{one}") for one in (listen, upstream))
    if any(one is not None and one[0] == named[0] for one in own):
        return False
    is_private = "." not in named[0] or named[0].endswith(_PRIVATE_ENDS)
    return not (is_private or is_loopback(named[0]) or _is_address(named[0]))


# Parts -----------------------------------------------------------------------------------------------------


def _request(raw: bytes, begin: int) -> RequestHead | Unreadable:
    line = _REQUEST_LINE.match(raw, begin)
    if line is None:
        return _no_request_line(raw[begin:])
    if line[3] not in (b"1.0", b"1.1"):
        return Unreadable(505, f"HTTP/{line[3].decode()} cannot be spoken here, only HTTP/1.1")
    fields: list[Field] = []
    for start, stop in _lines(raw, line.end()):
        if raw[start : start + 1] in (b" ", b"\t"):
            return Unreadable(400, "a header is continued on a second line, which is no longer allowed")
        field = _field(raw, start, stop)
        if field is None:  # its text is not told: it may be a credential that went astray
            return Unreadable(400, "a header line has no colon")
        if _NAME.fullmatch(field.name.encode("latin-1")) is None:
            word = "".join(re.findall(r"^\S*\s?", field.name))  # behind it a credential may have gone astray
            return Unreadable(400, f"{word[:40]!r} is no name of a header")
        if "\r" in field.value or "\0" in field.value:
            return Unreadable(400, f"the value of {field.name} has a character that no header may have")
        fields.append(field)
    method, target = line[1].decode("ascii"), line[2].decode("latin-1")
    head = RequestHead(raw, line[3].decode("ascii"), tuple(fields), method, target, line.start(2))
    return _ambiguous(head) or head


def _ambiguous(head: RequestHead) -> Unreadable | None:
    """Why two servers could read this request differently; None when they cannot."""
    if len(head.every("Host")) > 1:
        return Unreadable(400, "there is more than one Host header")
    lengths = head.every("Content-Length")
    if lengths and head.every("Transfer-Encoding"):
        return Unreadable(400, "there are both Content-Length and Transfer-Encoding")
    if lengths and head.content_length is None:
        return Unreadable(400, f"Content-Length {', '.join(lengths)[:60]!r} is not one number")
    if head.every("Transfer-Encoding") and not head.is_chunked:
        return Unreadable(501, "the body's Transfer-Encoding does not end in chunked")
    return None


def _response(raw: bytes, begin: int) -> ResponseHead | Unreadable:
    line = _STATUS_LINE.match(raw, begin)
    if line is None:
        return Unreadable(502, "the answer has no status line")
    fields: list[Field] = []
    for start, stop in _lines(raw, line.end()):
        if fields and raw[start : start + 1] in (b" ", b"\t"):
            name, _, begun, _ = fields[-1]
            fields[-1] = Field(name, " ".join(raw[begun:stop].decode("latin-1").split()), begun, stop)
        elif (field := _field(raw, start, stop)) is not None:
            fields.append(field._replace(name=field.name.strip()))  # a line without a colon says nothing
    reason = (line[3] or b"").decode("latin-1")
    return ResponseHead(raw, line[1].decode("ascii"), tuple(fields), int(line[2]), reason)


def _lines(raw: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each header line begins and ends, without its line end, up to the empty one."""
    while (newline := raw.find(b"\n", at)) >= 0:
        stop = newline - 1 if raw[newline - 1 : newline] == b"\r" else newline
        if stop <= at:
            return
        yield at, stop
        at = newline + 1


def _field(raw: bytes, start: int, stop: int) -> Field | None:
    """The header on a line; None when it has no colon."""
    colon = raw.find(b":", start, stop)
    if colon < 0:
        return None
    rest = raw[colon + 1 : stop]
    begun = stop - len(rest.lstrip(b" \t"))
    value = rest.strip(b" \t")
    return Field(raw[start:colon].decode("latin-1"), value.decode("latin-1"), begun, begun + len(value))


def _no_beginning(data: bytes) -> Unreadable | None:
    """Why bytes without an end can never become a head; None when they still may."""
    line, newline, _ = data.partition(b"\n")
    if data.startswith(b"HTTP/") or b"HTTP/".startswith(data):
        return None
    begins = _REQUEST_LINE.match(line + newline) if newline else _METHOD_SO_FAR.match(line)
    return None if begins else _no_request_line(data)


def _no_request_line(data: bytes) -> Unreadable:
    if data[:2] == b"\x16\x03":
        return Unreadable(400, "this is TLS; plain HTTP is spoken here, use http:// or ws://")
    if data.startswith(b"PRI * HTTP/2.0"):
        return Unreadable(505, "HTTP/2 cannot be spoken here, only HTTP/1.1")
    first = re.split(rb"[\s/]", data[:30])[0].decode("latin-1")  # a target may hold a token
    return Unreadable(400, f"this is not HTTP/1.1: it starts with {first!r}")


def _path(target: str) -> str:
    """A target from its path on; an absolute one loses its scheme and authority (RFC 9112, 3.2.2)."""
    scheme, separator, rest = target.partition("://")
    if not separator or not scheme.isalpha():
        return target
    cut = re.search(r"[/?]", rest)
    if cut is None:
        return "/"
    return rest[cut.start() :] if cut[0] == "/" else f"/{rest[cut.start() :]}"


def _host_and_port(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_every_address(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _end_of(found: re.Match[bytes] | None) -> int:
    return found.end() if found else 0
