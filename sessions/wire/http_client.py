"""The only door to httpx: plain HTTP beside the socket, on the same route, with the same trust and key.

Its one rule: a request leaves through our own dialling, so that proxies, certificates and failures are the
same as for the socket. Redirects are not followed, the environment is not read again, nothing is retried.
A request of ours (`list_models`) is read whole; one of a tapped client (`pass_on`) keeps its own bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import h11
import httpx

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.redact import text
from sessions.source import Clock
from sessions.version import version
from sessions.wire.clock import SystemClock
from sessions.wire.dial import Dial
from sessions.wire.plan import Plan
from sessions.wire.stream import ByteStream
from sessions.wire.upgrade import authorization_for, failure_class_for

MAX_BODY_BYTES = 16 * 1024 * 1024
_HEAD_BYTES = 1 << 16

Relay: TypeAlias = Callable[[bytes], Awaitable[None]]
Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]


class DialledTransport(httpx.AsyncBaseTransport):
    """One connection for one request, dialled as a plan says."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and read the whole answer; raises ConnectError."""
        plan = self._plan
        stream = await Dial(plan.endpoint, plan.route, plan.trust, self._clock).run(plan.open_timeout_seconds)
        try:
            async with asyncio.timeout(plan.open_timeout_seconds):
                return await _exchange(stream, request)
        except TimeoutError:
            said = f"no answer to {request.method} within {plan.open_timeout_seconds:g} s"
            raise ConnectError(FailureClass.APP_SILENT, said) from None
        except (h11.RemoteProtocolError, OSError) as error:
            raise ConnectError(FailureClass.PROTOCOL, f"the answer is not HTTP: {error}") from None
        finally:
            stream.close()


class HttpAnswer(NamedTuple):
    """What came back to one request, read whole; credentials in it are not masked."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        """The value of a header, "" when it is missing."""
        return next((value for given, value in self.headers if given.lower() == name.lower()), "")


async def request(
    plan: Plan, method: str, path: str, body: bytes = b"", *, clock: Clock | None = None
) -> HttpAnswer:
    """One request on the plan's route, with its login and headers; raises ConnectError when none is answered.

    `path` stands beside the responses route, as `models` does; "" is that route itself, and one that begins
    with / is taken as it is.
    """
    endpoint = plan.endpoint
    if path.startswith("/"):
        address = f"{endpoint.origin}{path}"
    else:
        address = beside(endpoint.http_url, endpoint.target, path) if path else endpoint.http_url
    headers = {"Host": endpoint.authority, "User-Agent": f"turnscope/{version()}"}
    if body:
        headers["Content-Type"] = "application/json"
    if authorization := authorization_for(plan):
        headers["Authorization"] = authorization
    headers.update(
        (name, value) for name, value in plan.headers if not name.lower().startswith("sec-websocket-")
    )
    transport = DialledTransport(plan, clock or SystemClock())
    async with httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client:
        try:
            answer = await client.request(
                method, address, headers=headers, content=body or None, timeout=None
            )
        except httpx.HTTPError as error:
            raise ConnectError(FailureClass.PROTOCOL, str(error)) from None
    return HttpAnswer(
        answer.status_code, answer.reason_phrase, tuple(answer.headers.multi_items()), answer.text
    )


async def list_models(plan: Plan, *, clock: Clock | None = None) -> tuple[str, ...]:
    """The ids of the models that the server offers, in its order (GET models beside the responses path).

    Raises ConnectError, with the class of an HTTP status where there is one.
    """
    answer = await request(plan, "GET", "models", clock=clock)
    body = text(answer.body[:8192], plan.secrets).value
    if answer.status != 200:
        said = f"GET models: {answer.status} {answer.reason}".rstrip()
        raise ConnectError(failure_class_for(answer.status), said, status=answer.status, body=body)
    try:
        models = _model_ids(json.loads(answer.body))
    except (ValueError, RecursionError):
        models = None
    if models is None:
        said = "GET models answered 200, but not with a list of models"
        raise ConnectError(FailureClass.HTTP_STATUS, said, status=200, body=body)
    return models


def beside(http_url: str, target: str, name: str) -> str:
    """The address beside a target: its last path segment replaced by this name, the query kept."""
    path, mark, query = target.partition("?")
    return f"{http_url[: len(http_url) - len(target)]}{path.rpartition('/')[0]}/{name}{mark}{query}"


def models_url(http_url: str, target: str) -> str:
    """The address of the model list."""
    return beside(http_url, target, "models")


def _model_ids(answer: Any) -> tuple[str, ...] | None:
    listed = answer.get("data", answer.get("models")) if isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        return None
    ids = (one if isinstance(one, str) else _id_of(one) for one in listed)
    return tuple(one for one in ids if one)


def _id_of(model: Any) -> str:
    """The id of one entry; some servers name it `slug` or `name`."""
    if not isinstance(model, dict):
        return ""
    return next((str(model[key]) for key in ("id", "slug", "name") if isinstance(model.get(key), str)), "")


async def _exchange(stream: ByteStream, request: httpx.Request) -> httpx.Response:
    connection = h11.Connection(h11.CLIENT)
    # One request a connection: the answer's end is then always known.
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"connection"]
    headers.append((b"Connection", b"close"))
    head = h11.Request(method=request.method, target=request.url.raw_path, headers=headers)
    body = await request.aread()
    sent = connection.send(head) or b""
    if body:
        sent += connection.send(h11.Data(data=body)) or b""
    sent += connection.send(h11.EndOfMessage()) or b""
    stream.write(sent)
    answer: h11.Response | None = None
    received = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.read_some())
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.Data):
            received += event.data
            if len(received) > MAX_BODY_BYTES:
                raise ConnectError(
                    FailureClass.HTTP_STATUS, f"the answer is longer than {MAX_BODY_BYTES} bytes"
                )
        elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
            break
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectError(FailureClass.PROTOCOL, "the server closed the connection without an answer")
    assert answer is not None
    return httpx.Response(answer.status_code, headers=answer.headers.raw_items(), content=bytes(received))


# A request of somebody else's ----------------------------------------------------------------------------


class AnswerBroke(Exception):
    """An answer that did not come to its end; its text says how."""

    def __init__(self, said: str, *, is_reset: bool = False, is_foreign: bool = False) -> None:
        super().__init__(said)
        self.is_reset = is_reset  #: the connection was reset, not ended
        self.is_foreign = is_foreign  #: what came is not HTTP; more of it may come


class PassingTransport(httpx.AsyncBaseTransport):
    """One request on one connection, each byte of it and of its answer as its sender wrote it.

    What is received goes to `relay` first; httpx then reads a copy. The request's head is the extension
    `head`, because headers alone would lose its spelling. `on_sent` is called when all of it has been sent.
    """

    def __init__(
        self,
        stream: ByteStream,
        relay: Relay,
        group: asyncio.TaskGroup,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = stream
        self._relay = relay
        self._group = group
        self._on_sent = on_sent
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._received = bytearray()  # of the head
        self._is_ended = False

    @property
    def is_reusable(self) -> bool:
        """Whether the answer has ended and left the connection good for another request."""
        is_done = self._protocol.their_state is h11.DONE
        return is_done and not self._protocol.trailing_data[0] and not self._stream.is_ended

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and wait for the head of the answer; raises AnswerBroke."""
        # Only where the answer ends is asked of h11: it needs the method and must not count the body.
        protocol = self._protocol
        protocol.send(h11.Request(method=request.method, target="/", headers=[("Host", "upstream")]))
        protocol.send(h11.EndOfMessage())
        self._stream.write(request.extensions["head"])
        sending = self._group.create_task(self._send(request))
        try:
            while not isinstance(event := await self._event(), h11.Response):
                if isinstance(event, h11.InformationalResponse):
                    del self._received[: len(self._received) - len(protocol.trailing_data[0])]
        except BaseException:
            sending.cancel()
            raise
        head = bytes(self._received[: len(self._received) - len(protocol.trailing_data[0])])
        self._received.clear()
        return httpx.Response(
            event.status_code,
            headers=event.headers.raw_items(),
            stream=_Copy(self._pieces(sending)),
            extensions={"head": head},
        )

    async def pass_rest(self) -> None:
        """Pass on what follows an answer that is not HTTP, until the connection ends."""
        while data := await self._stream.read_some():
            await self._relay(data)

    async def _send(self, request: httpx.Request) -> None:
        is_chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
        assert isinstance(request.stream, httpx.AsyncByteStream)
        try:
            async for piece in request.stream:
                await self._stream.send(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            if is_chunked:
                await self._stream.send(b"0\r\n\r\n")
            self._on_sent()
        except OSError:
            pass  # how the connection ended is told by whoever reads the answer

    async def _pieces(self, sending: asyncio.Task[None]) -> AsyncIterator[bytes]:
        try:
            while not isinstance(event := await self._event(), h11.EndOfMessage):
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
        finally:
            sending.cancel()  # an answer that is complete needs no more of the request

    async def _event(self) -> Any:
        protocol = self._protocol
        while True:
            try:
                event = protocol.next_event()
                if event is not h11.NEED_DATA:
                    return event
                try:
                    data = await self._stream.read_some()
                except OSError as error:
                    said = f"the upstream broke the connection {self._where()}: {error.strerror or error}"
                    raise AnswerBroke(said, is_reset=True) from None
                if data:
                    await self._relay(data)
                elif protocol.their_state is not h11.SEND_BODY:
                    raise AnswerBroke(f"the upstream ended the connection {self._where()}")
                self._is_ended = not data
                if protocol.their_state is h11.SEND_RESPONSE:
                    self._received += data
                protocol.receive_data(data)
            except h11.RemoteProtocolError as error:
                if self._is_ended:
                    raise AnswerBroke(f"the upstream ended the connection {self._where()}") from None
                raise AnswerBroke(f"the answer is not HTTP: {error}", is_foreign=True) from None

    def _where(self) -> str:
        if self._received and not b"HTTP/".startswith(self._received[:5]):
            return "after an answer that is not HTTP"
        is_answering = self._protocol.their_state is not h11.SEND_RESPONSE or bool(self._received)
        return "in the middle of its answer" if is_answering else "without an answer"


class _Copy(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._pieces)


class Passage:
    """An answer on its way to a client: its head, and a copy of its body to read."""

    def __init__(self, response: httpx.Response, transport: PassingTransport) -> None:
        self._response = response
        self._transport = transport
        self.head: bytes = response.extensions["head"]  #: as it came, with its empty line
        self.status = response.status_code

    def header(self, name: str) -> str:
        """The value of a header, joined by commas where it came more than once; "" when it is missing."""
        return str(self._response.headers.get(name, ""))

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it crossed the wire, without chunk sizes; raises AnswerBroke when it has no end."""
        return self._response.aiter_raw()

    @property
    def is_reusable(self) -> bool:
        """Whether the answer has ended and its connection could carry another one."""
        return self._transport.is_reusable


async def pass_on(
    transport: PassingTransport,
    url: str,
    method: str,
    head: bytes,
    headers: Pairs,
    body: AsyncIterable[bytes],
) -> Passage:
    """Send a client's request as its own bytes and wait for the head of the answer; raises AnswerBroke.

    No client of httpx stands between: nothing adds a header, follows a redirect, waits only so long or
    counts connections. `headers` are the head's own, as they tell how the body is framed.
    """
    request = httpx.Request(method, url, headers=list(headers), stream=_Copy(body), extensions={"head": head})
    return Passage(await transport.handle_async_request(request), transport)
