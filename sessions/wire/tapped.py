"""One client's connection to a tap: request after request, until one of them becomes a socket.

Its one rule: what the upstream says reaches the client as it was said, a refusal to the end of its body
included; only where the upstream cannot be reached at all the tap answers itself, with 502 and the reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.masking import Masks
from sessions.records import Direction, Kind, Meta, Record
from sessions.redact import text
from sessions.redact import url as redacted_url
from sessions.wire.answer import BODY_BYTES, BODY_SECONDS, Answer, NotHttp, parse_head
from sessions.wire.dial import Dial
from sessions.wire.exchange import After, Request, exchange
from sessions.wire.head import RequestHead, ResponseHead, Unreadable, is_foreign_origin, read_head, rewritten
from sessions.wire.plan import Plan
from sessions.wire.splice import Splice, break_off
from sessions.wire.stream import ByteStream
from sessions.wire.upgrade import UpgradeRefused, masked_head, masked_refusal, refusal
from sessions.wire.watch import Watch

if TYPE_CHECKING:
    from sessions.wire.tap import Tap

_HEAD_BYTES = 1 << 16
_PAIRING = ("session-id", "session_id", "x-session-id", "thread-id")
_FULL = "too much waits to be written down"


class Tapped:
    """A connection that a tap has accepted; `run` serves it to its end."""

    def __init__(self, tap: Tap, client: ByteStream) -> None:
        self._tap = tap
        self._client = client
        peer = client.transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
        self._server: ByteStream | None = None
        self._splice: Splice | None = None
        self._exchange: asyncio.Task[After] | None = None
        self._is_stopped = False

    async def run(self) -> None:
        """Serve every request of this connection; raises OSError when the client breaks it."""
        try:
            while (head := await self._next_head()) is not None:
                if not await self._serve(head):
                    break
        finally:
            self._client.transport.close()
            if self._server is not None:
                self._server.close()

    def stop(self) -> None:
        """End what goes on, as gently as it can be ended at once."""
        self._is_stopped = True
        if self._splice is not None:
            self._splice.stop()
        else:
            if self._exchange is not None:
                self._exchange.cancel("the tap was stopped")
            self._client.transport.close()
            if self._server is not None:
                self._server.transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self._splice is not None:
            self._splice.abort()
        self._client.close()
        if self._server is not None:
            self._server.close()

    def pause(self) -> None:
        """Let both sides wait: more was copied than could be written down so far."""
        if self._splice is not None:
            self._splice.pause(_FULL)

    def resume(self) -> None:
        """Go on."""
        if self._splice is not None:
            self._splice.resume(_FULL)

    # Requests ----------------------------------------------------------------------------------------

    async def _next_head(self) -> RequestHead | None:
        """The next request's head; None when there is none, or none that can be read."""
        received = b""
        while True:
            more = await self._client.read_some()
            received += more
            head = read_head(received) if received else None
            if isinstance(head, RequestHead):
                self._client.put_back(received[len(head.raw) :])
                return head
            if isinstance(head, Unreadable):
                self._tap.note(f"a request that is not HTTP/1.1: {head.said}", {"peer": self._peer})
                await self._answer(head.status, "not_http", f"The tap cannot read this request: {head.said}.")
                return None
            if not more:
                return None

    async def _serve(self, head: RequestHead) -> bool:
        """Serve one request; whether the connection is good for another one."""
        tap = self._tap
        target = tap.target_for(head.target)
        if target is None:
            tap.note("a request without the token was refused", {"peer": self._peer})
            await self._answer(403, "token_missing", "This tap wants its token in the path of the base URL.")
            return False
        if is_foreign_origin(head.origin, tap.listen):
            origin = redacted_url(head.origin).value
            tap.note(f"foreign Origin {origin} refused", {"peer": self._peer})
            await self._answer(403, "foreign_origin", "This tap serves no pages of other origins.")
            return False
        plan = tap.next_plan()
        endpoint = plan.endpoint
        plan = replace(
            plan,
            endpoint=replace(
                endpoint,
                url=_with_target(endpoint.url, endpoint.target, target),
                http_url=_with_target(endpoint.http_url, endpoint.target, target),
                target=target,
            ),
        )
        masks, secrets = self._secrets(head, plan)
        visit = Visit(self._tap, self._peer, head, plan, masks, secrets)
        if head.is_upgrade:
            return await self._upgrade(visit)
        return await self._pass_on(visit)

    def _secrets(self, head: RequestHead, plan: Plan) -> tuple[Masks, tuple[str, ...]]:
        """What must not be stored of this client: the upstream's secrets, the token, its own login."""
        login = head.header("authorization").partition(" ")[2].strip() or head.header("api-key")
        secrets = tuple(one for one in (*plan.secrets, self._tap.token.reveal(), login) if one)
        return Masks(secrets), secrets

    # Requests that are no upgrade ---------------------------------------------------------------------

    async def _pass_on(self, visit: Visit) -> bool:
        """Let a request that is no upgrade through; the client's end ends it upstream, too."""
        head, plan, client = visit.head, visit.plan, self._client
        request = Request(
            method=head.method,
            target=head.target,
            head=head.raw,
            sent=visit.sent,
            secrets=visit.secrets,
            facts=visit.facts,
        )
        body = _Body(client, head.raw)
        after = After.CLOSE
        try:
            async with asyncio.TaskGroup() as group:
                self._exchange = task = group.create_task(
                    exchange(request, body.chunks(), client.send, visit.add, plan, self._tap.clock)
                )
                leaving = group.create_task(self._cancel_when_gone(task))
                with suppress(asyncio.CancelledError):
                    after = await task
                leaving.cancel()
        finally:
            self._exchange = None
        if after is After.ABORT:
            break_off(client.transport)
        if after is not After.REUSE or not body.is_whole or self._is_stopped:
            return False
        client.put_back(body.rest)
        return True

    async def _cancel_when_gone(self, task: asyncio.Task[After]) -> None:
        await self._client.over()
        task.cancel()

    # Upgrades ----------------------------------------------------------------------------------------

    async def _upgrade(self, visit: Visit) -> bool:
        """Ask the upstream for a socket; a 101 makes a splice, anything else is passed on as it is."""
        plan, clock, client = visit.plan, self._tap.clock, self._client
        dial = Dial(plan.endpoint, plan.route, plan.trust, clock)
        try:
            server = self._server = await dial.run(plan.open_timeout_seconds)
        except ConnectError as error:
            visit.refused(error, dial.timings)
            await self._answer(
                502, error.failure_class.value, f"{error.cause} ({error})", "upstream_unreachable"
            )
            return False
        server.keeps_half_open = not dial.tls
        began = clock.elapsed()
        server.write(visit.sent)
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(self._relay_end(client, server))
            received, answer = await self._answer_head(server)
            leaving.cancel()
        timings = {**dial.timings, "upgrade_ms": round((clock.elapsed() - began) * 1000, 3)}
        if isinstance(answer, Answer) and answer.status == 101:
            server.put_back(received)
            await self._join(visit, server, answer, dial, timings)
            return False
        return await self._pass_refusal(visit, server, received, answer, timings)

    async def _relay_end(self, client: ByteStream, server: ByteStream) -> None:
        """A client that ends before it has its answer ends upstream in the same way."""
        await client.over()
        if client.error is not None:
            break_off(server.transport)
        elif server.transport.can_write_eof():
            server.transport.write_eof()
        else:
            server.transport.close()

    async def _answer_head(self, server: ByteStream) -> tuple[bytes, Answer | NotHttp]:
        """The upstream's final head and what came behind it; every head has gone on to the client."""
        received = b""
        while True:
            try:
                more = await server.read_some()
            except OSError as error:
                return received, NotHttp(f"the server broke the connection: {_words(error)}", received)
            received += more
            while isinstance(head := read_head(received), ResponseHead):
                self._client.write(head.raw)
                received = received[len(head.raw) :]
                if not head.is_interim:
                    return received, parse_head(head.raw.lstrip(b"\r\n"))
            if head is not None:
                return received, NotHttp("the server did not answer in HTTP", received)
            if not more:
                where = "in the middle of its answer" if received else "without an answer"
                return received, NotHttp(f"the server ended the connection {where}", received)

    async def _join(
        self, visit: Visit, server: ByteStream, answer: Answer, dial: Dial, timings: dict[str, float]
    ) -> None:
        """Join client and upstream until both have ended."""
        tap = self._tap
        extensions = ", ".join(v for name, v in answer.headers if name.lower() == "sec-websocket-extensions")
        visit.opened(answer, dial, timings, extensions)
        tap.upgrades += 1
        watch = Watch(visit.plan.session, extensions, visit.masks)
        scribe = tap.scribe
        splice = Splice(
            self._client,
            server,
            lambda direction, chunk: scribe.copy(watch, direction, chunk),
            way=tap.way,
        )
        self._splice = splice
        if self._is_stopped:
            splice.stop()
        splice.start()
        if scribe.is_full:
            splice.pause(_FULL)
        await splice.finished()
        self._splice = None
        wall, elapsed = tap.clock.wall(), tap.clock.elapsed()

        def write_end() -> None:
            for record in watch.end(splice, wall, elapsed):
                scribe.write(record)

        scribe.then(write_end)
        for way in (splice.client_way, splice.server_way):
            if not way.is_identical:
                tap.on_trouble(
                    f"connection {visit.plan.session}: the bytes from the {way.direction} that were read and "
                    "those that were passed on differ; do not trust this tap"
                )

    async def _pass_refusal(
        self,
        visit: Visit,
        server: ByteStream,
        received: bytes,
        answer: Answer | NotHttp,
        timings: dict[str, float],
    ) -> bool:
        """Pass on what came instead of a 101, to its end; whether the client's connection can go on."""
        client = self._client
        log = _RefusalLog(visit, answer, timings, asyncio.get_running_loop())
        end = _AnswerEnd(answer) if isinstance(answer, Answer) else None
        rest = received
        is_reset = False
        try:
            while True:
                if rest:
                    log.add(rest)
                    await client.send(rest)
                    if end is not None:
                        end.feed(rest)
                if end is not None and end.is_reached:
                    break
                try:
                    rest = await server.read_some()
                except OSError:
                    is_reset = True
                    break
                if not rest:
                    break
        finally:
            log.done(is_stopped=self._is_stopped)
        if is_reset:
            break_off(client.transport)
        if (
            end is None
            or not end.is_reusable
            or visit.head.is_last
            or not await self._client_asks_again(server)
        ):
            return False
        server.close()
        self._server = None
        return True

    async def _client_asks_again(self, server: ByteStream) -> bool:
        """Wait until the client sends more or ends, or the upstream ends: which would end the client, too."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._client.read_some())
            leaving = group.create_task(server.over())
            await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
            for task in (asking, leaving):
                task.cancel()
        if asking.cancelled() or not asking.result():
            return False
        self._client.put_back(asking.result())
        return True

    async def _answer(self, status: int, code: str, said: str, kind: str = "tap_refused") -> None:
        """Answer the client ourselves, in the API's shape of an error, and end its connection."""
        body = json.dumps({"error": {"message": said, "type": kind, "code": code}}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with suppress(OSError):
            await self._client.send(head.encode() + body)


class Visit:
    """One request on its way, with what is written down about it."""

    def __init__(
        self,
        tap: Tap,
        peer: str,
        head: RequestHead,
        plan: Plan,
        masks: Masks,
        secrets: tuple[str, ...],
    ) -> None:
        self.head = head
        self.plan = plan
        self.masks = masks
        self.secrets = secrets
        self.sent = rewritten(head, plan.endpoint.target, plan.endpoint.authority)
        self._tap = tap
        facts: dict[str, str | int | float] = {
            "tap": tap.shown_url,
            "peer": peer,
            "client": head.header("user-agent") or head.header("originator"),
            "pair": next((found for name in _PAIRING if (found := head.header(name))), ""),
        }
        if thread := head.header("thread-id"):
            facts["thread"] = thread
        self.facts: Meta = {
            name: text(value, secrets).value if isinstance(value, str) else value
            for name, value in facts.items()
            if value
        }

    def add(self, record: Record) -> None:
        """Write a record after everything that was copied so far."""
        self._tap.scribe.add(record, self.masks)

    def opened(self, answer: Answer, dial: Dial, timings: dict[str, float], extensions: str) -> None:
        """Write down an accepted upgrade."""
        request, in_request = masked_head(self.head.raw, self.secrets)
        response, in_response = masked_head(answer.head, self.secrets)
        meta: dict[str, str | int | float] = {
            **self._route_meta(),
            "status": answer.status,
            "lifetime": self.plan.lifetime_seconds,
            **timings,
            "address": dial.address,
            "compression": extensions or "off",
        }
        if masked := tuple(dict.fromkeys((*in_request, *in_response))):
            meta["masked"] = ",".join(masked)
        if dial.tls:
            meta["tls"] = dial.tls
        self._add(Kind.OPEN, request + response, {**meta, **self.facts})

    def refused(self, error: ConnectError, timings: dict[str, float]) -> None:
        """Write down an upgrade that failed, with what came instead."""
        received = error.received if isinstance(error, UpgradeRefused) else error.body.encode()
        payload, masked = masked_refusal(received, self.secrets) if received else (b"", ())
        meta: dict[str, str | int | float] = {
            **self._route_meta(),
            "method": self.head.method,
            "target": redacted_url(self.head.target, self.secrets).value,
            "failure_class": error.failure_class.value,
            "detail": text(error.detail, self.secrets).value,
            **timings,
        }
        if error.status:
            meta["status"] = error.status
        if error.remedy != ConnectError(error.failure_class, "").remedy:
            meta["remedy"] = error.remedy
        if masked:
            meta["masked"] = ",".join(masked)
        self._add(Kind.REFUSED, payload, {**meta, **self.facts})

    def _route_meta(self) -> dict[str, str | int | float]:
        plan = self.plan
        return {
            "url": redacted_url(plan.endpoint.url, self.secrets).value,
            "route": plan.route.text,
            "profile": plan.profile,
        }

    def _add(self, kind: Kind, payload: bytes, meta: Meta) -> None:
        clock = self._tap.clock
        session, wall, elapsed = self.plan.session, clock.wall(), clock.elapsed()
        self.add(Record(session, Direction.LOCAL, kind, wall, elapsed, payload, meta))


class _RefusalLog:
    """What came instead of a 101, kept to 8 KiB or one second and then written down, once."""

    def __init__(
        self,
        visit: Visit,
        answer: Answer | NotHttp,
        timings: dict[str, float],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._visit = visit
        self._answer = answer
        self._timings = timings
        self._body = b""
        self._is_written = False
        self._timer = loop.call_later(BODY_SECONDS, self.done)

    def add(self, chunk: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_written:
            self._body += chunk
            if len(self._body) >= BODY_BYTES:
                self.done()

    def done(self, *, is_stopped: bool = False) -> None:
        """Write it down, unless that has been done."""
        self._timer.cancel()
        if self._is_written:
            return
        self._is_written = True
        if isinstance(self._answer, Answer):
            error: ConnectError = refusal(self._answer._replace(body=self._body[:BODY_BYTES]))
        else:
            said = "the tap was stopped" if is_stopped else str(self._answer)
            failure = FailureClass.CLOSED if is_stopped else FailureClass.PROTOCOL
            error = UpgradeRefused(failure, said)
            error.received = self._body[:BODY_BYTES]
        self._visit.refused(error, self._timings)


class _AnswerEnd:
    """Finds the end of an answer's body; h11 decides, as lengths are never looked for by hand."""

    def __init__(self, answer: Answer) -> None:
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._protocol.send(h11.Request(method="GET", target="/", headers=[("Host", "upstream")]))
        self._protocol.send(h11.EndOfMessage())
        self._is_strange = False
        self.is_reached = False
        self.feed(answer.head)

    @property
    def is_reusable(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        return self.is_reached and self._protocol.their_state is h11.DONE

    def feed(self, chunk: bytes) -> None:
        """Look at what came; an answer that h11 does not take ends with its connection."""
        if self._is_strange or self.is_reached:
            return
        try:
            self._protocol.receive_data(chunk)
            while (event := self._protocol.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.EndOfMessage):
                    self.is_reached = True
                    return
        except h11.RemoteProtocolError:
            self._is_strange = True


class _Body:
    """The body that follows a request's head, without its chunk sizes; h11 finds its end."""

    def __init__(self, client: ByteStream, head: bytes) -> None:
        self._client = client
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._protocol.receive_data(head)
        self.is_whole = False

    @property
    def rest(self) -> bytes:
        """What came after the body: the next request's first bytes."""
        return bytes(self._protocol.trailing_data[0])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come; raises OSError when the client ends before it."""
        try:
            while not isinstance(event := self._protocol.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    more = await self._client.read_some()
                    if not more:
                        raise ConnectionResetError("the client ended its request in the middle")
                    self._protocol.receive_data(more)
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
        except h11.RemoteProtocolError as error:
            raise ConnectionResetError(f"the client's body is not HTTP: {error}") from None
        self.is_whole = True


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _with_target(url: str, old: str, new: str) -> str:
    return url[: len(url) - len(old)] + new


__all__ = ["Tapped", "Visit"]
