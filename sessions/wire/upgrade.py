"""The opening handshake on a connected stream: our request, the answer's head, and what a refusal means.

Its one rule: whatever comes back is classified with the bytes it was made of. websockets builds the request
and checks the 101; every other answer is read here, because a bare time-out explains nothing.
It follows no redirect and sends the key to nobody else.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from sessions.contract import FailureClass
from sessions.errors import ConnectError, SettingsError
from sessions.redact import header, text, url
from sessions.settings import HANDSHAKE_HEADERS
from sessions.version import version
from sessions.wire.answer import Answer, NotHttp, read_body, read_head
from sessions.wire.endpoint import Endpoint
from sessions.wire.meter import Meter
from sessions.wire.plan import Plan
from sessions.wire.stream import ByteStream

#: our own ceiling for one message; websockets' default of 1 MiB breaks on images and long answers
MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_CLASSES = {
    401: FailureClass.UNAUTHORIZED,
    403: FailureClass.FORBIDDEN,
    404: FailureClass.NOT_FOUND,
    426: FailureClass.UPGRADE_REQUIRED,
    429: FailureClass.THROTTLED,
}


_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
#: what to do where nothing was answered, and where a 101 is none
_CUT_OFF = (
    "The connection was accepted and dropped when the upgrade came: look in the log of the server, or of the "
    "proxy before it; where plain HTTP is answered, upgrades are cut off on the way."
)
_INVALID_101 = (
    "The server, or a proxy before it, makes up its 101: it must send Upgrade: websocket, Connection: "
    "Upgrade and the Sec-WebSocket-Accept of this very request's key."
)


class UpgradeRefused(ConnectError):
    """The endpoint did not switch protocols; `received` holds what it sent instead."""


class Upgraded(NamedTuple):
    """An accepted upgrade: the protocol state, and both heads as they crossed the wire."""

    protocol: ClientProtocol
    meter: Meter | None  #: set when compression was agreed
    request: bytes
    response: bytes
    status: int
    compression: str


async def upgrade(stream: ByteStream, plan: Plan, timeout_seconds: float) -> Upgraded:
    """Send the upgrade and read the answer; raises UpgradeRefused with its class, status and body."""
    protocol, request = request_for(plan)
    stream.write(request)
    try:
        async with asyncio.timeout(timeout_seconds):
            answer = await read_head(stream)
    except TimeoutError:
        received = stream.take()
        said = f"no answer to the upgrade within {timeout_seconds:g} s"
        raise _refused(FailureClass.UPGRADE_SILENT, said, received) from None
    except NotHttp as error:
        raise _not_http(error) from None
    if answer.status != 101:
        raise refusal(await read_body(stream, answer), plan.endpoint)
    protocol.receive_data(answer.head)
    if protocol.handshake_exc is not None:
        said = f"the 101 is not a valid upgrade: {protocol.handshake_exc}"
        raise _refused(FailureClass.PROTOCOL, said, answer.head, answer.status, _INVALID_101)
    protocol.events_received()
    meter = None
    if protocol.extensions:
        meter = Meter()
        protocol.extensions = [*protocol.extensions, meter]
    agreed = answer.header("Sec-WebSocket-Extensions") if meter else "off"
    return Upgraded(protocol, meter, request, answer.head, answer.status, agreed)


def request_for(plan: Plan) -> tuple[ClientProtocol, bytes]:
    """The protocol state of a new handshake and the head of its request.

    Raises SettingsError for a header that only the handshake itself may set.
    """
    endpoint = plan.endpoint
    path, _, query = endpoint.target.partition("?")
    wanted = Headers(plan.headers)
    subprotocols = [Subprotocol(one.strip()) for one in wanted.get("Sec-WebSocket-Protocol", "").split(",")]
    protocol = ClientProtocol(
        WebSocketURI(endpoint.tls, endpoint.host.partition("%")[0], endpoint.port, path, query),
        extensions=[ClientPerMessageDeflateFactory()] if plan.compression else None,
        subprotocols=[one for one in subprotocols if one] or None,
        max_size=MAX_MESSAGE_BYTES,
    )
    request = protocol.connect()
    request.headers["User-Agent"] = f"turnscope/{version()}"
    if authorization := authorization_for(plan):
        request.headers["Authorization"] = authorization
    for name, value in plan.headers:
        if name.lower() in HANDSHAKE_HEADERS:
            raise SettingsError(f"the header {name} belongs to the handshake and cannot be set", key=name)
        if name in request.headers:
            del request.headers[name]  # one Authorization, one Host: the caller's
        request.headers[name] = value
    protocol.send_request(request)
    return protocol, b"".join(protocol.data_to_send())


def authorization_for(plan: Plan) -> str:
    """The Authorization header: the key as Bearer, or the URL's login as Basic where there is no key."""
    if plan.key:
        return f"Bearer {plan.key.reveal()}"
    if login := plan.endpoint.userinfo:
        pair = f"{login.username}:{login.password.reveal()}"
        return f"Basic {b64encode(pair.encode()).decode()}"
    return ""


def failure_class_for(status: int) -> FailureClass:
    """The class of an HTTP status that is not what was asked for."""
    return _CLASSES.get(status, FailureClass.HTTP_STATUS)


def refusal(answer: Answer, asked: Endpoint | None = None) -> UpgradeRefused:
    """An answer that is not a 101, as the failure it is; the detail names status, kind of body and hints.

    `asked` is the endpoint that answered, to tell how the address of a redirect differs from it.
    """
    status = answer.status
    said = f"{status} {answer.reason}".rstrip()
    if kind := answer.header("Content-Type").partition(";")[0].strip():
        said += f" ({kind})"
    if wait := answer.header("Retry-After"):
        said += f"; Retry-After: {wait}"
    if place := answer.header("Location"):
        said += f"; it points to {_place(place)}{_difference(place, asked)}, redirects are not followed"
    error = UpgradeRefused(
        failure_class_for(status),
        said,
        status=status,
        body=answer.text,
        remedy=_remedy(answer, asked),
    )
    error.received = answer.head + answer.body
    return error


def masked_head(head: bytes, secrets: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """A head without credentials, its other bytes as they were, and the names of what was masked."""
    masked: list[str] = []
    lines = head.split(b"\n")  # a head may also be written without carriage returns
    for number, whole in enumerate(lines):
        line = whole.removesuffix(b"\r")
        end = whole[len(line) :]
        name, colon, value = line.partition(b":")
        if number == 0:
            clean = url(line.decode("latin-1"), secrets)
            lines[0] = clean.value.encode("latin-1") + end
        elif colon:
            rest = value.decode("latin-1")
            kept = rest[: len(rest) - len(rest.lstrip())]
            clean = header(name.decode("latin-1").strip(), rest.strip(), secrets)
            if clean.masked:
                lines[number] = name + b":" + (kept + clean.value).encode("latin-1") + end
        else:
            continue
        masked.extend(clean.masked)
    return b"\n".join(lines), tuple(dict.fromkeys(masked))


def masked_refusal(received: bytes, secrets: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """What came back instead of a 101, head and body, without credentials."""
    head, blank, body = received.partition(b"\r\n\r\n")
    clean_head, masked = masked_head(head, secrets)
    try:
        clean = text(body.decode(), secrets, where="body")
    except UnicodeDecodeError:
        # Latin-1 keeps every byte, so the parts that are not secret stay exact.
        latin = text(body.decode("latin-1"), secrets, where="body")
        return clean_head + blank + latin.value.encode("latin-1"), (*masked, *latin.masked)
    return clean_head + blank + clean.value.encode(), (*masked, *clean.masked)


def _remedy(answer: Answer, asked: Endpoint | None) -> str:
    body = answer.text.lower()
    server = answer.header("Server").lower()
    if 300 <= answer.status < 400:
        place = answer.header("Location")
        if asked is not None and place and _difference(place, asked):
            return (
                f"The server takes another path than {_path(asked.target)}: give the whole address by --url, "
                "or have the server answer here without a redirect; clients do not follow one."
            )
        return "Give the address it points to as the base URL, if you trust it with the key."
    if answer.status in (200, 405, 501):
        return "The server has Responses over HTTP only on this path, or WebSocket is switched off there."
    if answer.status >= 500:
        return (
            "The server, or a proxy before it, is failing or busy: the body may say which; try again later."
        )
    if (
        answer.status == 403
        and (answer.header("CF-Ray") or answer.header("cf-mitigated"))
        and "<html" in body
    ):
        return "Blocked at the edge before the API saw it: open fewer sockets, or try another network."
    if answer.status == 404 and "uvicorn" in server:
        return "Check the path; a uvicorn without a WebSocket library also answers 404 (uvicorn[standard])."
    return ""


def _place(location: str) -> str:
    """Where a redirect leads, its path too, without query and login, as they may hold credentials."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an address that cannot be read"
    path = text(parts.path, where="url").value
    if not parts.netloc:
        return path or "the same address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def _difference(location: str, asked: Endpoint | None) -> str:
    """In how far a redirect leads elsewhere on the same server; "" where it leads to another server."""
    if asked is None:
        return ""
    try:
        here, there = urlsplit(asked.http_url), urlsplit(urljoin(asked.http_url, location))
        ports = [one.port or _PORTS.get(one.scheme) for one in (here, there)]
    except ValueError:
        return ""
    schemes = {"ws": "http", "wss": "https"}
    is_alike = schemes.get(there.scheme, there.scheme) == here.scheme and ports[0] == ports[1]
    if not is_alike or here.hostname != there.hostname or here.path == there.path:
        return ""
    if here.path.rstrip("/") == there.path.rstrip("/"):
        return " (only the slash at the end of the path differs)"
    return " (only the path differs)"


def _path(target: str) -> str:
    return target.partition("?")[0]


def _not_http(error: NotHttp) -> UpgradeRefused:
    """No answer at all, or one that is not HTTP."""
    if error.received:
        return _refused(FailureClass.PROTOCOL, _with_start(str(error), error.received), error.received)
    said = "the connection ended at the upgrade without an answer"
    if "without an answer" not in str(error):
        said = f"{said}: {error}"
    return _refused(FailureClass.PROTOCOL, said, b"", remedy=_CUT_OFF)


def _refused(
    failure: FailureClass, said: str, received: bytes, status: int = 0, remedy: str = ""
) -> UpgradeRefused:
    error = UpgradeRefused(failure, said, status=status, remedy=remedy)
    error.received = received
    return error


def _with_start(said: str, received: bytes) -> str:
    start = received[:40].split(b"\n")[0].decode("latin-1").strip()
    return f"{said}; it starts with {start!r}" if start else said
