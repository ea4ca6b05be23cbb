"""A live Responses session over WebSocket: OPEN or REFUSED first, then every record until the end.

Its one rule: one order, one path. What is sent and what comes take the same queue, stamped where they crossed
the socket; a slow reader pauses the network, it never loses a record. Heads are masked here, payloads are
not: they are what crossed the wire, and whoever stores or shows them masks them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self

from sessions.contract import POLICY_SECONDS, FailureClass
from sessions.errors import ConnectError, SettingsError
from sessions.records import Direction, Kind, Meta, Record
from sessions.redact import text
from sessions.redact import url as redacted_url
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.dial import Dial
from sessions.wire.plan import Plan, plan_from, retry_with_model
from sessions.wire.upgrade import Upgraded, masked_head, masked_refusal, upgrade
from sessions.wire.websocket import WebSocket

__all__ = ["Connection", "Plan", "connect", "is_policy_close", "plan_from", "retry_with_model"]

#: reading pauses when so much is waiting for whoever reads the records
MAX_WAITING_RECORDS = 1_024  # a few milliseconds of work: keys come between
MAX_WAITING_BYTES = 64 * 1024 * 1024
_PROBE_SECONDS = 5.0
_PROBE_NAME = "?model="  # what its session is called
_NO_LOGIN = (
    "No key of yours was sent, which some servers, LiteLLM among them, answer with a 403: set its "
    "environment variable (see `turnscope info`) or name another with --api-key-env."
)

# At DEBUG the library writes request headers, and with them the key, to whoever listens.
_LIBRARY_LOG = logging.getLogger("websockets.client")
_LIBRARY_LOG.setLevel(logging.INFO)
_LIBRARY_LOG.addHandler(logging.NullHandler())  # or warnings would be written across the screen


def connect(plan: Plan, *, clock: Clock | None = None) -> Connection:
    """A connection that is about to be opened: by whoever first waits for it or reads its records."""
    return Connection(plan, clock or SystemClock())


def is_policy_close(records: Iterable[Record]) -> bool:
    """Whether a session was accepted and then closed with 1008 within a second, before any message came."""
    opened = None
    for record in records:
        if record.kind is Kind.OPEN:
            opened = record.elapsed
        elif record.direction is Direction.SERVER and record.kind in (Kind.TEXT, Kind.BINARY):
            return False
        elif record.direction is Direction.SERVER and record.kind is Kind.CLOSE:
            soon = opened is not None and record.elapsed - opened <= POLICY_SECONDS
            return soon and record.meta.get("code") == 1008
    return False


class Probe(NamedTuple):
    """A second upgrade with `?model=`, tried after a 403 without it: a session of its own."""

    query: str
    is_accepted: bool
    session: int
    records: tuple[Record, ...]

    @property
    def text(self) -> str:
        """What came of it."""
        return f"{self.query} was accepted" if self.is_accepted else f"{self.query} was refused, too"

    @property
    def remedy(self) -> str:
        """What it teaches."""
        if self.is_accepted:
            return (
                f"This server wants the model in the URL: with {self.query} it accepts the upgrade. "
                "Try again with that parameter; the specification has it in the first frame."
            )
        return (
            "It is not the model: ?model= in the URL changes nothing. Read the body, and ask whether this "
            "path has a WebSocket route and this key may use it."
        )


class Connection:
    """One socket as a `Live` source; one reader at a time, by records or by batches."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.plan = plan
        self._clock = clock
        self._records: deque[Record] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._is_opening = False
        self._settled = asyncio.Event()
        self._over = asyncio.Event()
        self._scope: asyncio.Timeout | None = None
        self._open_record: Record | None = None
        self._refusal: ConnectError | None = None
        self._socket: WebSocket | None = None

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent now."""
        return self._socket is not None and self._socket.is_open

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # Reading ---------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[Record]:
        while await self._wait():
            while self._records:
                yield self._records.popleft()

    async def batches(self) -> AsyncIterator[tuple[Record, ...]]:
        """All records that came since the last look, at least one, again and again until the end."""
        while await self._wait():
            batch = tuple(self._records)
            self._records.clear()
            yield batch

    async def _wait(self) -> bool:
        """Wait for a record; False when there will be none."""
        await self._settle()
        if not self._records:
            self._waiting_bytes = 0
            if self._socket is not None:
                self._socket.resume_reading()
        while not self._records:
            if self._over.is_set():
                return False
            self._more.clear()
            await self._more.wait()
        return True

    def _deliver(self, records: Sequence[Record], size: int) -> None:
        self._records.extend(records)
        self._waiting_bytes += size
        self._more.set()
        if len(self._records) >= MAX_WAITING_RECORDS or self._waiting_bytes >= MAX_WAITING_BYTES:
            if self._socket is not None:
                self._socket.pause_reading()

    def _end(self) -> None:
        self._over.set()
        self._more.set()

    # Speaking --------------------------------------------------------------------------------------------

    async def opened(self) -> Record:
        """Wait for the OPEN record; raises ConnectError when the opening was refused."""
        await self._settle()
        if self._refusal is not None:
            raise self._refusal
        assert self._open_record is not None
        return self._open_record

    async def send(self, payload: str | bytes) -> None:
        """Send one text (str) or binary (bytes) message; raises ConnectError when the socket has ended."""
        await self.opened()
        assert self._socket is not None
        await self._socket.send(payload)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake and wait for its end, at most five seconds; gives up an opening."""
        if self._is_opening and not self._settled.is_set():
            if self._scope is not None:
                scope, self._scope = self._scope, None
                scope.reschedule(asyncio.get_running_loop().time())
            await self._settled.wait()
        if self._socket is None:
            self._refuse(ConnectError(FailureClass.CLOSED, "given up before it was opened"))
            return
        self._socket.start_close(code, reason)
        # A reader that stopped would leave the answer unread in a paused transport.
        self._socket.resume_reading()
        await self._over.wait()

    async def closed_within(self, seconds: float) -> int | None:
        """Wait at most so long for the end of the socket; its close code, else 1006; None: it is open."""
        await self.opened()
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return None  # it stays open, as it should
        return (self._socket.close_code if self._socket is not None else 0) or 1006

    async def stop(self) -> None:
        """Stop what runs by closing the socket: the protocol has no cancel."""
        await self.close()

    async def aclose(self) -> None:
        """Close the socket, if it is open; records already made can still be read."""
        await self.close()

    # Opening ---------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Open, or wait for whoever opens; returns when there is an OPEN or a REFUSED."""
        if self._settled.is_set():
            return
        if self._is_opening:
            await self._settled.wait()
            return
        self._is_opening = True
        given_up = ConnectError(FailureClass.CLOSED, "given up while it was being opened")
        try:
            async with asyncio.timeout(None) as self._scope:
                await self._open()
        except TimeoutError:
            self._refuse(given_up)
        except SettingsError as error:
            self._refuse(ConnectError(FailureClass.PROTOCOL, str(error)))
        finally:
            self._scope = None
            self._refuse(given_up)  # whoever was waiting here was cancelled, unless it is settled

    async def _open(self) -> None:
        plan, clock = self.plan, self._clock
        dial = Dial(plan.endpoint, plan.route, plan.trust, clock)
        timings: dict[str, float] = {}
        try:
            stream = await dial.run(plan.open_timeout_seconds)
            began = clock.elapsed()
            try:
                upgraded = await upgrade(stream, plan, plan.open_timeout_seconds)
            except BaseException:
                stream.close()
                raise
            finally:
                timings = {"upgrade_ms": round((clock.elapsed() - began) * 1000, 3)}
        except ConnectError as error:
            at = (clock.wall(), clock.elapsed())
            probe = None
            if error.status == 403 and error.failure_class is FailureClass.FORBIDDEN:
                probe = await self._probe()
            self._refuse(error, {**dial.timings, **timings}, probe, at)
            return
        payload, masked = _masked_heads(upgraded, plan)
        meta: dict[str, str | int | float] = {
            **self._route_meta(),
            "status": upgraded.status,
            "lifetime": plan.lifetime_seconds,
            **dial.timings,
            **timings,
            "address": dial.address,
            "compression": upgraded.compression,
        }
        if masked:
            meta["masked"] = ",".join(masked)
        if dial.tls:
            meta["tls"] = dial.tls
        self._open_record = self._record(Kind.OPEN, payload, meta)
        self._deliver((self._open_record,), 0)
        self._socket = WebSocket(
            upgraded.protocol,
            meter=upgraded.meter,
            session=plan.session,
            clock=clock,
            deliver=self._deliver,
            over=self._end,
            ping_seconds=plan.ping_seconds,
        )
        self._settled.set()
        self._socket.take_over(stream)

    async def _probe(self) -> Probe | None:
        """After a 403 without `?model=`: whether the same upgrade with it is accepted; closed at once.

        It is a connection as any other: a session of its own, with every record that it brings.
        """
        if self.plan.endpoint.has_model:
            return None
        number = self.plan.spare() if self.plan.spare is not None else self.plan.session + 1
        plan = replace(
            retry_with_model(self.plan), session=number, name=_PROBE_NAME, open_timeout_seconds=_PROBE_SECONDS
        )
        query = "?" + plan.endpoint.target[len(self.plan.endpoint.target) + 1 :]
        connection = Connection(plan, self._clock)
        try:
            await connection.opened()
        except ConnectError:
            is_accepted = False
        else:
            is_accepted = True
        finally:
            await connection.aclose()
        first, *rest = [record async for record in connection]
        said = f"after the 403 {query} was tried on connection {number}, by itself and once; it was "
        said += "accepted and closed" if is_accepted else "refused, too"
        meta = {**first.meta, "probe_of": self.plan.session, "said": said}
        return Probe(query, is_accepted, number, (first._replace(meta=meta), *rest))

    def _refuse(
        self,
        error: ConnectError,
        timings: Meta | None = None,
        probe: Probe | None = None,
        at: tuple[int, float] | None = None,
    ) -> None:
        """Record the failed opening and end the session, unless it is settled; `at` is when it was known."""
        if self._settled.is_set():
            return
        plan = self.plan
        payload: bytes = b""
        masked: tuple[str, ...] = ()
        if error.received or error.body:
            payload, masked = masked_refusal(error.received or error.body.encode(), plan.secrets)
        meta: dict[str, str | int | float] = {
            **self._route_meta(),
            "failure_class": error.failure_class.value,
            "detail": text(error.detail, plan.secrets).value,
            **(timings or {}),
        }
        if error.status:
            meta["status"] = error.status
        usual = ConnectError(error.failure_class, "").remedy
        remedy = error.remedy
        if probe is not None:
            meta["probe"] = probe.text
            meta["probe_session"] = probe.session
            if probe.is_accepted or remedy == usual:
                remedy = probe.remedy
        is_model_only = probe is not None and probe.is_accepted
        if error.failure_class is FailureClass.FORBIDDEN and not is_model_only and not plan.has_login:
            remedy = f"{_NO_LOGIN} {remedy}"
        self._refusal = ConnectError(
            error.failure_class,
            str(meta["detail"]),
            status=error.status,
            body=text(error.body, plan.secrets).value,
            remedy=remedy,
        )
        if remedy != usual:
            meta["remedy"] = remedy
        if masked:
            meta["masked"] = ",".join(masked)
        refused = self._record(Kind.REFUSED, payload, meta, at)
        self._deliver((refused, *(probe.records if probe is not None else ())), 0)
        self._settled.set()
        self._end()

    def _route_meta(self) -> dict[str, str | int | float]:
        plan = self.plan
        url = redacted_url(plan.endpoint.url, plan.secrets).value
        meta: dict[str, str | int | float] = {
            "url": url,
            "route": plan.route.text,
            "profile": plan.profile,
        }
        if plan.name:
            meta["name"] = plan.name
        return meta

    def _record(self, kind: Kind, payload: bytes, meta: Meta, at: tuple[int, float] | None = None) -> Record:
        wall, elapsed = at or (self._clock.wall(), self._clock.elapsed())
        return Record(self.plan.session, Direction.LOCAL, kind, wall, elapsed, payload, meta)


def _masked_heads(upgraded: Upgraded, plan: Plan) -> tuple[bytes, tuple[str, ...]]:
    request, masked = masked_head(upgraded.request, plan.secrets)
    response, masked_too = masked_head(upgraded.response, plan.secrets)
    return request + response, tuple(dict.fromkeys((*masked, *masked_too)))
