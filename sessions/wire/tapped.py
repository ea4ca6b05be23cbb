"""One client's connection to a tap: request after request, until one of them becomes a socket.

Its one rule: what the upstream says reaches the client as it was said, a refusal to the end of its body
included; only where the upstream cannot be reached at all the tap answers itself, with 502 and the reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.masking import Masks
from sessions.redact import credentials
from sessions.redact import url as redacted_url
from sessions.wire.account import Account, ClientGone, RefusalLog
from sessions.wire.answer import Answer, NotHttp, parse_head
from sessions.wire.dial import Dial
from sessions.wire.exchange import After, Request, exchange
from sessions.wire.head import (
    RequestHead,
    ResponseHead,
    Unreadable,
    is_foreign_host,
    is_foreign_origin,
    read_head,
)
from sessions.wire.lengths import AnswerEnd, RequestBody
from sessions.wire.plan import Plan
from sessions.wire.splice import Splice, break_off
from sessions.wire.stream import ByteStream
from sessions.wire.unread import write_unread
from sessions.wire.watch import Watch

if TYPE_CHECKING:
    from sessions.wire.tap import Tap

_FULL = "too much waits to be written down"
_T = TypeVar("_T")


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
        self._tap.joined(self)
        try:
            while (head := await self._next_head()) is not None:
                if not await self._serve(head):
                    break
        finally:
            self._tap.left(self)
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
            return
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
            if isinstance(head, ResponseHead):
                head = Unreadable(400, "it is an answer")
            if isinstance(head, Unreadable):
                write_unread(self._tap, self._peer, received, head)
                said = f"The tap cannot read this request: {head.said}."
                await self._answer(head.status, "not_http", said)
                return None
            if not more:
                return None

    async def _serve(self, head: RequestHead) -> bool:
        """Serve one request; whether the connection is good for another one."""
        tap = self._tap
        plan = tap.next_plan()
        target = tap.target_for(head.target)
        masks, secrets = self._secrets(head, plan)
        account = Account(tap, self._peer, head, _aimed(plan, target), masks, secrets)
        if target is None:
            said = "the tap refused it: its token is not in the path of the base URL"
            return await self._refuse(account, "token_missing", said)
        if not account.plan.endpoint.target.startswith("/"):
            said = "the tap refused it: it is no proxy; give its address as the client's base URL"
            return await self._refuse(account, "not_a_path", said)
        if not tap.token and is_foreign_host(head.header("Host"), tap.listen, plan.endpoint.authority):
            said = "the tap refused it: its Host is not a name of this machine; use 127.0.0.1 in the base URL"
            return await self._refuse(account, "foreign_host", said)
        if is_foreign_origin(head.origin, tap.listen):
            origin = redacted_url(head.origin).value
            return await self._refuse(
                account, "foreign_origin", f"the tap refused it: foreign Origin {origin}"
            )
        if head.is_upgrade:
            return await self._upgrade(account)
        return await self._pass_on(account)

    def _secrets(self, head: RequestHead, plan: Plan) -> tuple[Masks, tuple[str, ...]]:
        """What must not be stored of this client: the upstream's secrets, the token, its own login."""
        own = credentials(head.raw.decode("latin-1"))
        secrets = tuple(one for one in (*plan.secrets, self._tap.token.reveal(), *own) if one)
        return Masks(secrets), secrets

    async def _refuse(self, account: Account, code: str, said: str) -> bool:
        account.refused(ConnectError(FailureClass.FORBIDDEN, said, status=403), {}, by="tap")
        await self._answer(403, code, f"{said[0].upper()}{said[1:]}.")
        return False

    # Requests that are no upgrade ---------------------------------------------------------------------

    async def _pass_on(self, account: Account) -> bool:
        """Let a request that is no upgrade through; the client's end ends it upstream, too."""
        head, plan, client = account.head, account.plan, self._client
        request = Request(
            method=head.method,
            target=head.target,
            head=head.raw,
            sent=account.sent,
            secrets=account.secrets,
            facts=account.facts,
        )
        body = RequestBody(client, head.raw)
        if body.problem:
            said = f"the tap cannot read this request: {body.problem}"
            account.refused(ConnectError(FailureClass.PROTOCOL, said, status=400), {}, by="tap")
            await self._answer(400, "not_http", f"{said[0].upper()}{said[1:]}.")
            return False
        after = After.CLOSE
        clock = self._tap.clock
        passing = exchange(
            request, body.chunks(), client.send, account.add, plan, clock, over=self._client_over
        )
        try:
            async with asyncio.TaskGroup() as group:
                self._exchange = task = group.create_task(passing)
                with suppress(asyncio.CancelledError):
                    after = await task
        finally:
            self._exchange = None
        if after is After.ABORT:
            break_off(client.transport)
        if after is not After.REUSE or not body.is_whole or self._is_stopped:
            return False
        client.put_back(body.rest)
        return True

    async def _client_over(self) -> bool:
        await self._client.over()
        return self._client.error is None

    # Upgrades ----------------------------------------------------------------------------------------

    async def _upgrade(self, account: Account) -> bool:
        """Ask the upstream for a socket; a 101 makes a splice, anything else is passed on as it is."""
        plan, clock = account.plan, self._tap.clock
        dial = Dial(plan.endpoint, plan.route, plan.trust, clock)
        try:
            server = self._server = await dial.run(plan.open_timeout_seconds)
        except ConnectError as error:
            account.refused(error, dial.timings)
            await self._answer(
                502, error.failure_class.value, f"{error.cause} ({error})", "upstream_unreachable"
            )
            return False
        server.keeps_half_open = server.transport.get_extra_info("ssl_object") is None
        began = clock.elapsed()
        server.write(account.sent)
        received, answer = await self._relaying_its_end(server, self._answer_head(server))
        timings = {**dial.timings, "upgrade_ms": round((clock.elapsed() - began) * 1000, 3)}
        if isinstance(answer, Answer) and answer.status == 101:
            server.put_back(received)
            await self._join(account, server, answer, dial, timings)
            return False
        passing = self._pass_refusal(account, server, received, answer, timings)
        return await self._relaying_its_end(server, passing)

    async def _relaying_its_end(self, server: ByteStream, step: Coroutine[Any, Any, _T]) -> _T:
        """Do something for the client; when it ends meanwhile, it ends upstream in the same way."""
        try:
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(self._relay_end(self._client, server))
                try:
                    return await step
                finally:
                    leaving.cancel()
        except ExceptionGroup as broken:  # one task only can fail: it is as if there were no group
            raise broken.exceptions[0] from None

    async def _relay_end(self, client: ByteStream, server: ByteStream) -> None:
        """A client that ends before it has its answer ends upstream in the same way."""
        await client.over()
        if client.error is not None:
            break_off(server.transport)
        elif server.has_halves:
            server.end_half()
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
                if self._client.is_ended:
                    return received, ClientGone("the client went before it had an answer", received)
                where = "in the middle of its answer" if received else "without an answer"
                return received, NotHttp(f"the server ended the connection {where}", received)

    async def _join(
        self, account: Account, server: ByteStream, answer: Answer, dial: Dial, timings: dict[str, float]
    ) -> None:
        """Join client and upstream until both have ended."""
        tap = self._tap
        extensions = ", ".join(v for name, v in answer.headers if name.lower() == "sec-websocket-extensions")
        account.opened(answer, dial, timings, extensions)
        tap.upgrades += 1
        watch = Watch(account.plan.session, extensions, account.masks)
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
        self._splice = self._server = None
        wall, elapsed = tap.clock.wall(), tap.clock.elapsed()

        def write_end() -> None:
            for record in watch.end(splice, wall, elapsed):
                scribe.write(record)

        scribe.then(write_end)
        for way in (splice.client_way, splice.server_way):
            if not way.is_identical:
                tap.on_trouble(
                    f"connection {account.plan.session}: the bytes that were read from the {way.direction} "
                    "and those that were passed on differ; do not trust this tap"
                )

    async def _pass_refusal(
        self,
        account: Account,
        server: ByteStream,
        received: bytes,
        answer: Answer | NotHttp,
        timings: dict[str, float],
    ) -> bool:
        """Pass on what came instead of a 101, to its end; whether the client's connection can go on."""
        client = self._client
        log = RefusalLog(account, answer, timings, asyncio.get_running_loop())
        end = AnswerEnd(answer) if isinstance(answer, Answer) else None
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
            or account.head.is_last
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


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _aimed(plan: Plan, target: str | None) -> Plan:
    """The plan for another target of the same upstream; one that is no path is not made part of its URLs."""
    endpoint = plan.endpoint
    keep = len(endpoint.target)
    if target is None or not target.startswith("/"):
        return replace(plan, endpoint=replace(endpoint, target=target or "/"))
    aimed = replace(
        endpoint,
        url=endpoint.url[: len(endpoint.url) - keep] + target,
        http_url=endpoint.http_url[: len(endpoint.http_url) - keep] + target,
        target=target,
    )
    return replace(plan, endpoint=aimed)
