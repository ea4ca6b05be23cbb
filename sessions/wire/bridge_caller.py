"""One connection that the bridge has accepted: request after request, until one of them becomes a socket.

Its one rule: who may not come in is told why, in the API's shape of an error. Requests that are no upgrade go
to the upstream as they are, so that one base URL serves clients that use both.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as WebSocketRequest
from websockets.server import ServerProtocol

from sessions.context import ENCRYPTED_REASONING
from sessions.contract import FailureClass
from sessions.exchanges import BRIDGE
from sessions.masking import Masks
from sessions.records import Direction, Kind, Meta, Record
from sessions.redact import credentials, text
from sessions.redact import url as redacted_url
from sessions.wire.bridge_heads import passed_head, post_head
from sessions.wire.bridge_session import BridgeSession
from sessions.wire.bridge_socket import BridgeSocket
from sessions.wire.exchange import After, Request, exchange
from sessions.wire.head import RequestHead, Unreadable, is_foreign_host, is_foreign_origin, read_head
from sessions.wire.lengths import RequestBody
from sessions.wire.plan import Plan
from sessions.wire.splice import break_off
from sessions.wire.stream import ByteStream
from sessions.wire.upgrade import masked_head
from sessions.wire.watch import Watch

if TYPE_CHECKING:
    from sessions.wire.bridge import Bridge


class Caller:
    """A client's connection; `run` serves it to its end."""

    def __init__(self, bridge: Bridge, client: ByteStream) -> None:
        self.bridge = bridge
        self.clock = bridge.clock
        self.login = ""  #: whose stored responses it may go on from
        self.model = ""  #: from `?model=`
        self._client = client
        peer = client.transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
        self._head: RequestHead
        self._plan = bridge.plan
        self._secrets: tuple[str, ...] = ()
        self._masks = Masks()
        self._session: BridgeSession | None = None
        self._exchange: asyncio.Task[After] | None = None

    async def run(self) -> None:
        """Serve every request of this connection; raises OSError when the client breaks it."""
        try:
            while (head := await self._next_head()) is not None:
                if not await self._serve(head):
                    break
        finally:
            self._client.transport.close()

    def stop(self) -> None:
        """End what goes on, as gently as it can be ended at once."""
        if self._session is not None:
            self._session.stop("the bridge was stopped")
            return
        if self._exchange is not None:
            self._exchange.cancel("the bridge was stopped")
        self._client.transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._client.close()

    # Requests -----------------------------------------------------------------------------------------

    async def _next_head(self) -> RequestHead | None:
        """The next request's head; None when there is none, or none that can be read."""
        received = b""
        while more := await self._client.read_some():
            received += more
            head = read_head(received)
            if isinstance(head, RequestHead):
                self._client.put_back(received[len(head.raw) :])
                return head
            if isinstance(head, Unreadable):
                await self._answer(head.status, "not_http", f"This request cannot be read: {head.said}.")
                return None
        return None

    async def _serve(self, head: RequestHead) -> bool:
        """Serve one request; whether the connection is good for another one."""
        bridge = self.bridge
        self._head, self._plan = head, bridge.next_plan()
        scheme, _, key = head.header("authorization").partition(" ")
        self.login = key.strip() if scheme.lower() == "bearer" else head.header("authorization")
        known = (*bridge.plan.secrets, bridge.token.reveal(), *credentials(head.raw.decode("latin-1")))
        self._secrets = tuple(dict.fromkeys(one for one in known if one))
        self._masks = Masks(self._secrets)
        if bridge.token and not secrets.compare_digest(self.login.encode(), bridge.token.reveal().encode()):
            said = "the bridge wants its own token: send it as Authorization: Bearer TOKEN"
            return await self._refuse(401, FailureClass.UNAUTHORIZED, "invalid_api_key", said)
        if not bridge.token and is_foreign_host(
            head.header("Host"), bridge.listen, bridge.plan.endpoint.authority
        ):
            said = "the bridge's Host is no name of this machine; use 127.0.0.1 in the base URL"
            return await self._refuse(403, FailureClass.FORBIDDEN, "foreign_host", said)
        if is_foreign_origin(head.origin, bridge.listen):
            said = f"the bridge refused a page of another origin: {redacted_url(head.origin).value}"
            return await self._refuse(403, FailureClass.FORBIDDEN, "foreign_origin", said)
        path = head.path.partition("?")[0].rstrip("/")
        if head.is_upgrade and path == bridge.path.rstrip("/"):
            return await self._upgrade()
        target = bridge.target_for(head.path)
        if head.is_upgrade or target is None:
            said = f"the bridge has no such path; its socket is at {bridge.path}"
            return await self._refuse(404, FailureClass.NOT_FOUND, "unknown_path", said)
        return await self._pass_on(target)

    async def _refuse(
        self, status: int, failure: FailureClass, code: str, said: str, headers: Iterable[str] = ()
    ) -> bool:
        head = self._head
        meta: dict[str, str | int | float] = {
            **self._place(),
            "method": head.method,
            "target": redacted_url(head.target, self._secrets).value,
            "failure_class": failure.value,
            "detail": text(said, self._secrets).value,
            "status": status,
        }
        self._record(Kind.REFUSED, b"", meta)
        await self._answer(status, code, f"{said[0].upper()}{said[1:]}.", headers)
        return False

    async def _answer(self, status: int, code: str, said: str, headers: Iterable[str] = ()) -> None:
        """Answer in the API's shape of an error, and end the connection."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"message": said, "type": kind, "param": None, "code": code}
        body = json.dumps({"error": error}).encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
            "Connection: close",
        ]
        with suppress(OSError):
            await self._client.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    # The socket ---------------------------------------------------------------------------------------

    async def _upgrade(self) -> bool:
        bridge, head = self.bridge, self._head
        if bridge.open_count >= bridge.max_connections:
            said = f"all {bridge.max_connections} connections of the bridge are taken"
            return await self._refuse(
                503, FailureClass.HTTP_STATUS, "too_many_connections", said, ["Retry-After: 1"]
            )
        handshake = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if bridge.plan.compression else None
        )
        headers = Headers((field.name, field.value) for field in head.fields)
        response = handshake.accept(WebSocketRequest(head.target, headers, head.method))
        if response.status_code != 101:
            said = bytes(response.body or b"").decode(errors="replace").strip().rstrip(".")
            return await self._refuse(
                response.status_code, FailureClass.PROTOCOL, "no_upgrade", said or "this is no upgrade"
            )
        answer = response.serialize()
        self._client.write(answer)
        extensions = response.headers.get("Sec-WebSocket-Extensions", "")
        self._opened(answer, extensions)
        watch = Watch(self._plan.session, extensions, self._masks)
        scribe = bridge.scribe
        socket = BridgeSocket(
            self._client, handshake.extensions, lambda way, chunk: scribe.copy(watch, way, chunk)
        )
        self.model = dict(reversed(parse_qsl(head.path.partition("?")[2]))).get("model", "")
        self._session = session = BridgeSession(self, socket, bridge.plan.lifetime_seconds)
        bridge.joined(self)
        try:
            await session.run()
        except Exception:
            socket.close(1011, "the bridge failed")
            raise
        finally:
            bridge.left(self)
            if not socket.is_close_sent:
                self._record(Kind.LOST, b"", {"code": 1006, "detail": session.ending})
        return False

    def _opened(self, answer: bytes, extensions: str) -> None:
        request, masked = masked_head(self._head.raw, self._secrets)
        meta: dict[str, str | int | float] = {
            **self._place(),
            "status": 101,
            "lifetime": self.bridge.plan.lifetime_seconds,
            "compression": extensions or "off",
        }
        if masked:
            meta["masked"] = ",".join(masked)
        self._record(Kind.OPEN, request + answer, meta)

    # Upstream -----------------------------------------------------------------------------------------

    def post(self, length: int) -> tuple[Plan, Request, Masks]:
        """What a POST with a body of this length needs: its plan, its head, and what its records hide."""
        plan = self.bridge.next_plan()
        head = post_head(self._head, plan, length, is_login_ours=bool(self.bridge.token))
        facts: Meta = {"client": BRIDGE, "for": self._plan.session}
        request = Request("POST", plan.endpoint.target, head, head, self._secrets, facts)
        return plan, request, self._masks

    def note_left_out(self, session: int, response_id: str) -> None:
        """Write down that a response cannot be sent again as a whole, and tell it once a run."""
        said = (
            f"reasoning of {response_id} has no encrypted_content and is left out when its chain goes on; "
            f"clients get it with include {ENCRYPTED_REASONING}"
        )
        clock = self.clock
        meta: Meta = {"note": "removed", "fields": "reasoning", "said": said}
        self._add(Record(session, Direction.LOCAL, Kind.NOTE, clock.wall(), clock.elapsed(), b"", meta))
        self.bridge.say_once("reasoning", said)

    async def _pass_on(self, target: str) -> bool:
        """Let a request that is no upgrade through; the client's end ends it upstream, too."""
        head, client = self._head, self._client
        body = RequestBody(client, head.raw)
        if body.problem:
            said = f"this request cannot be read: {body.problem}"
            return await self._refuse(400, FailureClass.PROTOCOL, "not_http", said)
        request = Request(
            method=head.method,
            target=head.target,
            head=head.raw,
            sent=passed_head(head, self._plan, target, is_login_ours=bool(self.bridge.token)),
            secrets=self._secrets,
            facts=self._facts(),
        )
        after = After.CLOSE
        try:
            async with asyncio.TaskGroup() as group:
                self._exchange = task = group.create_task(
                    exchange(
                        request,
                        body.chunks(),
                        client.send,
                        self._add,
                        self._plan,
                        self.clock,
                        idle=self.bridge.idle,
                    )
                )
                leaving = group.create_task(self._cancel_when_gone(task))
                with suppress(asyncio.CancelledError):
                    after = await task
                leaving.cancel()
        finally:
            self._exchange = None
        if after is After.ABORT:
            break_off(client.transport)
        if after is not After.REUSE or not body.is_whole:
            return False
        client.put_back(body.rest)
        return True

    async def _cancel_when_gone(self, task: asyncio.Task[After]) -> None:
        await self._client.over()
        task.cancel()

    # Records ------------------------------------------------------------------------------------------

    def _place(self) -> dict[str, str | int | float]:
        asked = redacted_url(f"ws://{self.bridge.listen}{self._head.path}", self._secrets).value
        return {"url": asked, "route": "direct", "profile": self.bridge.plan.profile, **self._facts()}

    def _facts(self) -> Meta:
        head = self._head
        facts = {
            "bridge": self.bridge.shown_url,
            "peer": self._peer,
            "client": head.header("user-agent") or head.header("originator"),
        }
        return {name: text(value, self._secrets).value for name, value in facts.items() if value}

    def _record(self, kind: Kind, payload: bytes, meta: Meta) -> None:
        clock = self.clock
        self._add(
            Record(self._plan.session, Direction.LOCAL, kind, clock.wall(), clock.elapsed(), payload, meta)
        )

    def _add(self, record: Record) -> None:
        self.bridge.scribe.add(record, self._masks)
