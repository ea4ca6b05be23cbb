"""A Responses server on loopback that follows a script: WebSocket, POST and a list of models on one port.

Its one rule: it behaves as the documents and the captures say, or wrongly in exactly the way that was asked
for by name. It is deterministic under a seed and never speaks to anyone but its clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import ssl
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as WebSocketRequest
from websockets.server import ServerProtocol

from sessions.errors import UsageError
from sessions.wire.http1 import HttpConnection, Request, Unreadable
from sessions.wire.missing import remedy
from sessions.wire.scenarios import http as http_face
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.cast import Cast, headers_of, pause_before, refusal
from sessions.wire.scenarios.connection import Connection
from sessions.wire.scenarios.dialects import DIALECTS
from sessions.wire.scenarios.faults import Opening, OpeningFault, chosen
from sessions.wire.scenarios.ids import Ids
from sessions.wire.scenarios.log import Visit, without_keys
from sessions.wire.scenarios.memory import Storage
from sessions.wire.scenarios.options import MODELS, Options
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.recorded import RecordedConnection
from sessions.wire.scenarios.setting import Setting
from sessions.wire.scenarios.socket import Socket

__all__ = ["MODELS", "FakeServer", "Options", "Visit"]

_CLOSE_SECONDS = 2.0
_BACKLOG = 512
_Named = TypeVar("_Named")


class FakeServer:
    """The server as an async context manager: it listens inside the block.

    `base_url` is the http form that ends in /v1, `port` the port, `log` one Visit per connection, `ca_pem`
    the certificate to trust when TLS made its own. Raises UsageError for options that do not exist.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        _named(SCENARIOS, self.options.scenario, "scenario")
        dialect = _named(DIALECTS, self.options.dialect, "dialect")
        faults = chosen(self.options.faults)
        self._setting = Setting(self.options, dialect, faults, Storage(), Ids(self.options.seed))
        self._cast = Cast(self.options.script, self._setting.ids) if self.options.script else None
        self.log: list[Visit] = []
        self.ca_pem = b""
        self.port = 0
        self._upgrades = 0
        self._posts = 0
        self._open: set[Connection | RecordedConnection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._tasks = asyncio.TaskGroup()
        self._listener: asyncio.Server | None = None
        self._is_closing = False

    @property
    def base_url(self) -> str:
        """Where a client's base URL points."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"{'https' if self.options.tls else 'http'}://{host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        context = self._tls() if self.options.tls else None
        await self._tasks.__aenter__()
        try:
            self._listener = await asyncio.start_server(
                self._accept, self.options.host, self.options.port, ssl=context, backlog=_BACKLOG
            )
        except OSError as error:
            await self._tasks.__aexit__(None, None, None)
            where = f"{self.options.host}:{self.options.port}"
            raise UsageError(f"Cannot listen on {where}: {error.strerror or error}.") from error
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None  # entered
        self._is_closing = True
        self._listener.close()
        for connection in list(self._open):
            await connection.shut()
        if self._open:
            # a moment for the closing handshakes of clients that are still there
            await asyncio.wait(self._serving, timeout=0.2)
        for task in list(self._serving):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._listener.wait_closed()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        if self.options.cert is not None:
            try:
                context.load_cert_chain(self.options.cert, self.options.key_file)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"The certificate {self.options.cert} cannot be used: {error}.") from error
            return context
        try:
            import trustme
        except ImportError as error:
            raise UsageError(
                "TLS needs a certificate: give one with --cert and --key, or let one be made by the package "
                f"trustme. {remedy('trustme')}"
            ) from error
        authority = trustme.CA()
        names = {self.options.host, "localhost", "127.0.0.1", "::1"}
        authority.issue_cert(*sorted(names)).configure_cert(context)
        self.ca_pem = authority.cert_pem.bytes()
        return context

    # Connections --------------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closing:  # accepted just before the listener was closed
            writer.close()
            return
        task = self._tasks.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(len(self.log) + 1)
        if self.options.keep_frames:
            visit.received = deque()
        self.log.append(visit)
        try:
            await self._speak_http(reader, writer, visit)
        except ConnectionError:
            pass  # the client has gone; nobody is left to tell
        except Exception as error:
            # a defect of this server must not end its other connections; tests look at `crash`
            visit.crash = error
        finally:
            visit.is_over = True
            writer.close()
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await writer.wait_closed()
            except (OSError, TimeoutError, ssl.SSLError):
                writer.transport.abort()

    async def _speak_http(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, visit: Visit
    ) -> None:
        if self.options.handshake_ms:
            await asyncio.sleep(self.options.handshake_ms / 1000)
        http = HttpConnection(reader, writer)
        while (request := await http.request()) is not None:
            if isinstance(request, Unreadable):
                visit.requests.append(("?", "?", request.status))
                return
            visit.headers = without_keys(request.headers)
            if request.is_upgrade and request.path.rstrip("/").endswith("/responses"):
                visit.requests.append((request.method, request.target, 0))
                status = await self._upgrade(request, http, reader, writer, visit)
                visit.requests[-1] = (request.method, request.target, status)
                return
            refused = self._refused(request, status=401) or self._unrecorded(request)
            if refused is not None:
                status = await http_face.refuse(http, refused)
            else:
                is_create = request.method == "POST" and request.path.rstrip("/").endswith("/responses")
                self._posts += is_create
                if is_create:
                    visit.received.append(request.body)
                status = await http_face.respond(http, request, self._setting, self._posts)
            visit.requests.append((request.method, request.target, status))
            if not http.is_reusable():
                return

    def _refused(self, request: Request, *, status: int) -> Problem | None:
        if self.options.auth == "none":
            return None
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            message = "You didn't provide an API key: send Authorization: Bearer KEY."
            return Problem(status, None, message)
        if self.options.require_key is not None and key.strip() != self.options.require_key:
            return Problem(status, "invalid_api_key", "Incorrect API key provided.")
        return None

    def _unrecorded(self, request: Request) -> Problem | None:
        if self._cast is None or request.method != "POST":
            return None
        return Problem(404, "not_in_recording", "This server plays a recording of WebSocket sessions only.")

    # Upgrades -----------------------------------------------------------------------------------------

    async def _upgrade(
        self,
        request: Request,
        http: HttpConnection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        visit: Visit,
    ) -> int:
        self._upgrades += 1
        if self.options.delay_ms:
            await asyncio.sleep(self.options.delay_ms / 1000)
        for fault, argument in self._setting.hitting(OpeningFault, self._upgrades):
            status = await _spoil(fault.opening(argument), request, http, reader)
            if status is not None:
                return status
        session = None
        if self._cast is not None:
            session = self._cast.next(has_model=request.query("model") is not None)
        if session is not None:
            if self.options.pace == "recorded":
                await asyncio.sleep(pause_before(session))
            if session.is_refused:
                return await _refuse_as_recorded(refusal(session), reader, writer)
        dialect = self._setting.dialect
        refused = self._refused(request, status=dialect.unauthorized_status)
        if refused is not None:
            return await http_face.refuse(http, refused)
        is_busy = len(self._open) >= self.options.max_connections
        if is_busy and dialect.busy_close_code is None:
            wrong = Problem(503, "too_many_connections", "Too many open connections.", None, "server_error")
            return await http_face.refuse(http, wrong, (("retry-after", "1"),))
        handshake = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if self.options.compression else None
        )
        response = handshake.accept(
            WebSocketRequest(request.target, Headers(request.headers), request.method)
        )
        if response.status_code != 101:
            await http.respond(
                response.status_code, (("content-type", "text/plain"),), bytes(response.body or b"")
            )
            return response.status_code
        for name, value in http_face.ANSWER_HEADERS if session is None else headers_of(session):
            response.headers[name] = value
        writer.write(response.serialize())
        visit.is_websocket = True
        visit.compression = response.headers.get("Sec-WebSocket-Extensions", "")
        socket = Socket(reader, writer, handshake.extensions, max_bytes=dialect.max_message_bytes)
        connection: Connection | RecordedConnection
        if self._cast is not None and session is not None:
            connection = RecordedConnection(socket, self._setting, visit, self._cast, session)
        else:
            connection = Connection(socket, self._setting, visit, url_model=request.query("model"))
        if is_busy and dialect.busy_close_code is not None:
            connection.reject(dialect.busy_close_code, "too many connections")
        await self._converse(connection, socket, visit, http.trailing)
        return 101

    async def _converse(
        self, connection: Connection | RecordedConnection, socket: Socket, visit: Visit, first: bytes
    ) -> None:
        self._open.add(connection)
        try:
            await connection.run(first)
        except Exception:
            # a defect of this server; the client is told, and `_serve` keeps what it was
            socket.close(1011, "the fake server failed")
            raise
        finally:
            self._open.discard(connection)
            visit.sent_count = socket.sent
            visit.close_sent = socket.close_sent
            visit.close_received = socket.close_received


async def _refuse_as_recorded(
    answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int:
    """Give the recorded answer to an upgrade, byte for byte; where there was none, none."""
    if not answer:
        while await reader.read(1 << 16):
            pass
        return 0
    writer.write(answer)
    await writer.drain()
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


async def _spoil(
    opening: Opening, request: Request, http: HttpConnection, reader: asyncio.StreamReader
) -> int | None:
    """Answer an upgrade as a fault says; None when it goes on after all."""
    if opening.unless_model and request.query("model"):
        return None
    if opening.wait_seconds:
        await asyncio.sleep(opening.wait_seconds)
    if opening.goes_on:
        return None
    if not opening.status:
        while await reader.read(1 << 16):
            pass
        return 0
    if opening.stays_open:
        await http.start(opening.status, opening.headers)
        await http.write(opening.body.encode())
        while await reader.read(1 << 16):
            pass
        return opening.status
    await http.respond(opening.status, opening.headers, opening.body.encode())
    return opening.status


def _named(table: Mapping[str, _Named], name: str, noun: str) -> _Named:
    with contextlib.suppress(KeyError):
        return table[name]
    nearest = difflib.get_close_matches(name, table, 1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(table)}."
    raise UsageError(f"There is no {noun} {name!r}. {hint}")
