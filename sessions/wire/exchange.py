"""One HTTP exchange of a tapped client: its request to the upstream, the answer back, records of a copy.

Its one rule: bytes first. What the upstream sends is handed to the client as it came, status line, headers,
chunk sizes and all, before anything of it is read here. Nothing is added, followed, retried or timed out.
Where a request ends is for its caller to know, who accepts the client's connection and keeps it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum

from sessions.errors import ConnectError
from sessions.records import Record
from sessions.source import Clock
from sessions.wire.dial import Dial
from sessions.wire.exchange_log import ExchangeLog, Request, header_pairs
from sessions.wire.http_client import AnswerBroke, PassingTransport, pass_on
from sessions.wire.idle import Idle
from sessions.wire.plan import Plan
from sessions.wire.splice import break_off
from sessions.wire.stream import ByteStream

__all__ = ["After", "Request", "exchange"]

_WAITING_PIECES = 64  # of a body that is read quicker than the upstream takes it
_CLIENT_GONE = "the client ended the connection before its answer was complete"
_HALF_ENDED = "the client ended its half of the connection; then "


class After(StrEnum):
    """What a client's connection is good for after an exchange."""

    REUSE = "reuse"  #: for another request
    CLOSE = "close"  #: it ends, as the upstream's did or as one side asked
    ABORT = "abort"  #: it is reset, as the upstream's was


async def exchange(
    request: Request,
    body: AsyncIterator[bytes],
    write: Callable[[bytes], Awaitable[None]],
    tell: Callable[[Record], object],
    plan: Plan,
    clock: Clock,
    *,
    idle: Idle | None = None,
    over: Callable[[], Awaitable[bool]] | None = None,
) -> After:
    """Pass one request and its answer on, and tell of both; returns what the client's connection is for.

    `body` yields the request's body without chunk sizes and ends with it; it raises OSError when the client
    is gone, as `write` does. `write` hands bytes to the client and waits while it has too many; interim
    answers (100 Continue) go through it too, so the caller sends none. `tell` takes the records in order:
    REQUEST, then RESPONSE with SSE, then a NOTE `end` or LOST; or REFUSED, after which the client was told
    502. `plan` says which way the upstream is dialled and which session this is. To cancel it with words
    (`task.cancel("the tap was stopped")`) makes them the detail of LOST. With `idle` the upstream's
    connection is taken from there where one waits, and kept there afterwards; else each request has its own.

    `over` waits until the client has ended its connection, and says whether in good order: then it may have
    ended its half only, which ends the same half upstream, and is found out when the answer is written to it.
    One that broke it, or whose upstream has no halves (TLS), ends the exchange.
    """
    log = ExchangeLog(request, tell, plan, clock)
    upload = _Upload(body, log, asyncio.current_task())
    dial = Dial(plan.endpoint, plan.route, plan.trust, clock)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(upload.read())]
        if over is not None:
            tasks.append(group.create_task(upload.follow(over, plan.endpoint.http_url.startswith("http:"))))
        try:
            kept = idle.take() if idle is not None else None
            upload.upstream = stream = kept or await dial.run(plan.open_timeout_seconds)
            is_reusable = False
            try:
                if upload.is_client_gone:
                    raise _ClientGone
                transport = PassingTransport(stream, _relay_to(write), group, upload.sent.set)
                after = await _pass(transport, upload, log, dial)
                is_reusable = after is After.REUSE
            finally:
                if idle is not None and is_reusable:
                    idle.keep(stream)
                else:
                    stream.close()
        except ConnectError as error:
            log.refused(error, dial)
            after = await _answer_502(write, error)
        except _ClientGone:
            log.lost(_CLIENT_GONE)
            after = After.CLOSE
        except asyncio.CancelledError as error:
            log.lost(str(error.args[0]) if error.args and error.args[0] else _CLIENT_GONE)
            if not upload.is_only_given_up():
                raise
            after = After.CLOSE
        finally:
            for task in tasks:
                task.cancel()
    return after


async def _pass(transport: PassingTransport, upload: _Upload, log: ExchangeLog, dial: Dial) -> After:
    request, plan = log.request, log.plan
    try:
        passage = await pass_on(
            transport,
            plan.endpoint.http_url,
            request.method,
            request.sent,
            header_pairs(request.sent),
            upload.pieces(),
        )
        log.answered(passage, dial)
        async for piece in passage.pieces():
            log.piece(piece)
    except AnswerBroke as broken:
        if upload.is_client_gone:
            raise _ClientGone from None
        if broken.is_foreign:
            log.unparsed(str(broken))
            await transport.pass_rest()
        log.lost(f"{_HALF_ENDED}{broken}" if upload.is_half_ended else str(broken))
        return After.ABORT if broken.is_reset else After.CLOSE
    log.ended()
    is_reusable = passage.is_reusable and upload.is_whole and not _is_last(request.head)
    return After.REUSE if is_reusable else After.CLOSE


def _is_last(head: bytes) -> bool:
    """Whether the client's connection ends after this request (RFC 9112, 9.3)."""
    connection = b",".join(
        value for name, value in header_pairs(head) if name.lower() == b"connection"
    ).lower()
    if head.lstrip(b"\r\n").partition(b"\n")[0].rstrip().endswith(b"HTTP/1.0"):
        return b"keep-alive" not in connection
    return b"close" in connection


class _ClientGone(Exception):
    """The client's connection ended while bytes were on their way to it, or from it."""


def _relay_to(write: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
    async def relay(data: bytes) -> None:
        try:
            await write(data)
        except OSError:
            raise _ClientGone from None

    return relay


async def _answer_502(write: Callable[[bytes], Awaitable[None]], error: ConnectError) -> After:
    """Tell the client what failed, in the API's shape of an error."""
    said = {
        "message": f"The tap could not reach its upstream. {error.cause} ({error})",
        "type": "upstream_unreachable",
        "code": error.failure_class.value,
    }
    body = json.dumps({"error": said}).encode()
    head = (
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        await write(head.encode() + body)
    except OSError:
        pass  # nobody is there to be told; the record says why
    return After.CLOSE


class _Upload:
    """The client's body, read as soon as it comes: a copy for the record, the rest for the upstream."""

    def __init__(
        self, body: AsyncIterator[bytes], log: ExchangeLog, passing: asyncio.Task[After] | None
    ) -> None:
        self._body = body
        self._passing = passing
        self._has_given_up = False
        self._log = log
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_PIECES)
        self.sent = asyncio.Event()  #: all of the request is on its way to the upstream
        self.is_whole = False
        self.is_client_gone = False
        self.is_half_ended = False  #: the client's end was passed on
        self.upstream: ByteStream | None = None

    async def read(self) -> None:
        """Read the body to its end; a client that is gone takes the upstream with it."""
        try:
            async for piece in self._body:
                if piece:
                    self._log.upload(piece)
                    await self._waiting.put(piece)
        except OSError:
            self.is_client_gone = True
            if self.upstream is not None:
                self.upstream.close()
            else:  # nobody needs what is being dialled
                self._give_up()
            return
        self.is_whole = True
        self._log.requested()
        await self._waiting.put(None)

    async def follow(self, over: Callable[[], Awaitable[bool]], has_halves: bool) -> None:
        """End upstream what the client has ended, behind its request; where that is all, end the exchange."""
        is_in_order = await over()
        if is_in_order and has_halves:
            await self.sent.wait()
            if self.upstream is not None and self.upstream.has_halves:
                if self.upstream.end_half():
                    self.is_half_ended = True
                    self._log.half_ended()
                return
        if not is_in_order and self.upstream is not None:
            break_off(self.upstream.transport)
        self._give_up()

    def is_only_given_up(self) -> bool:
        """Whether the exchange was cancelled from here, and by nobody else."""
        passing = self._passing
        return self._has_given_up and passing is not None and not passing.uncancel()

    def _give_up(self) -> None:
        if self._passing is not None:
            self._has_given_up = True
            self._passing.cancel()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body for the upstream."""
        while (piece := await self._waiting.get()) is not None:
            yield piece
