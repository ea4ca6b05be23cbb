"""The same turns over HTTP: each create a POST with `stream: true`, its answer an event stream, in records.

Its one rule: what goes out is the person's own create, less what a socket alone knows, and what was taken out
is said. A request is sent once: nothing is retried, also when the connection that it would use is gone.
HTTP names no lanes: here a lane is one request at a time, and requests on several lanes run side by side.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple

from sessions.contract import FAILURES, FailureClass
from sessions.errors import ConnectError, LocalProtocolError
from sessions.records import NO_META, Direction, Kind, Meta, Record
from sessions.redact import text
from sessions.redact import url as redacted_url
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.dial import Dial
from sessions.wire.exchange_log import ExchangeLog, Request, header_pairs
from sessions.wire.http_client import AnswerBroke, PassingTransport, pass_on
from sessions.wire.idle import Idle
from sessions.wire.plan import Plan
from sessions.wire.post import Asked, asked_over_http, head_for, removal_sentence
from sessions.wire.stream import ByteStream

MAX_WAITING_RECORDS = 1_024
_NO_PIECES: tuple[bytes, ...] = ()
#: what may end an answer: a stream that stays open after it does not keep its lane busy
_ENDINGS = re.compile(
    rb'response\.(?:completed|failed|incomplete|done|error)\b|event: error|"type": ?"error"|'
    rb'^data: ?\{\s*"(?:error|detail)"', re.MULTILINE
)  # fmt: skip
_ENDING_BYTES = 200
_LINGER_SECONDS = 1.0
_LINGERED = "the answer had ended, but the server kept its stream open: we closed it"
_STOPPED = "we closed this request"


class Fallback(NamedTuple):
    """Why HTTP is spoken although a socket was tried first."""

    failure_class: FailureClass
    detail: str
    cost_ms: float

    @property
    def sentence(self) -> str:
        """The class, what was seen, and what the try cost."""
        said = f": {self.detail}" if self.detail else ""
        return (
            f"WebSocket was not to be had ({self.failure_class.value}{said}); finding out took "
            f"{self.cost_ms:.0f} ms. This session speaks HTTP until it is opened anew."
        )


class HttpStream:
    """A session over HTTP as a `Live` source; somebody must read its records while it is spoken to."""

    def __init__(self, plan: Plan, clock: Clock | None = None, fallback: Fallback | None = None) -> None:
        self.plan = plan
        self._clock = clock or SystemClock()
        self._fallback = fallback
        self._records: deque[Record] = deque()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._open_record: Record | None = None
        self._over = False
        self._group: asyncio.TaskGroup | None = None
        self._is_read = asyncio.Event()
        self._running: dict[str | None, asyncio.Task[None] | None] = {}
        self._dialling: set[asyncio.Timeout] = set()
        self._idle = Idle(self._clock)
        self._ended: set[str | None] = set()  # lanes whose answers have ended, their streams not yet
        self._exchanges = 0
        self._said: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent now."""
        return not self._over

    # Reading ---------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[Record]:
        async for batch in self.batches():
            for record in batch:
                yield record

    async def batches(self) -> AsyncIterator[tuple[Record, ...]]:
        """All records that came since the last look, at least one, again and again until the end."""
        self._begin()
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._is_read.set()
            try:
                while self._records or not self._over:
                    if self._records:
                        batch = tuple(self._records)
                        self._records.clear()
                        self._room.set()
                        yield batch
                    else:
                        self._more.clear()
                        await self._more.wait()
            finally:
                self._group = None
                self._cancel()

    def _begin(self) -> Record:
        if self._open_record is None:
            meta: dict[str, str | int | float] = {"transport": "http", **self._route_meta()}
            if self._fallback is not None:
                meta["failure_class"] = self._fallback.failure_class.value
                meta["cost_ms"] = self._fallback.cost_ms
                meta["said"] = text(self._fallback.sentence, self.plan.secrets).value
            self._open_record = self._record(Kind.OPEN, meta)
            self._deliver(self._open_record)
        return self._open_record

    def _deliver(self, record: Record) -> None:
        self._records.append(record)
        self._more.set()
        if len(self._records) >= MAX_WAITING_RECORDS:
            self._room.clear()

    # Speaking --------------------------------------------------------------------------------------------

    async def opened(self) -> Record:
        """The OPEN record; nothing is dialled for it, because HTTP has a connection only for each request."""
        return self._begin()

    async def send(self, payload: str | bytes) -> None:
        """Ask for one answer: dial, write the request, and leave the answer to whoever reads.

        Raises ConnectError when the server cannot be reached or the session has ended: nothing has left
        then. Raises LocalProtocolError for a frame that only a socket can carry, and for a lane that is busy.
        """
        asked = asked_over_http(payload)
        await self._is_read.wait()
        await self._let_end(asked.lane)
        if asked.lane in self._running:
            lane = "the default lane" if asked.lane is None else f"lane {asked.lane}"
            raise LocalProtocolError(
                f"an answer is running on {lane}: over HTTP a lane carries one request at a time; wait for "
                "it, stop it, or use another lane"
            )
        self._exchanges += 1
        mark: dict[str, str | int | float] = {"exchange": self._exchanges}
        if asked.lane is not None:
            mark["lane"] = asked.lane
        self._running[asked.lane] = None
        try:
            dial = Dial(self.plan.endpoint, self.plan.route, self.plan.trust, self._clock)
            stream = self._idle.take() or await self._dial(dial, mark)
            if self._group is None:
                stream.close()
                raise ConnectError(FailureClass.CLOSED, "nothing can be sent: the session has ended")
            log, head = self._request(asked, mark)
            self._running[asked.lane] = self._group.create_task(
                self._answer(asked.lane, mark, log, head + asked.body, stream, dial, self._group)
            )
            await asyncio.sleep(0)  # so that it is on its way, also when it is stopped at once
        finally:
            if self._running.get(asked.lane, self) is None:
                del self._running[asked.lane]

    async def _let_end(self, lane: str | None) -> None:
        """Give the stream of an answer that has ended a moment to end, too; then close it."""
        task = self._running.get(lane)
        if task is None or lane not in self._ended:
            return
        await asyncio.wait({task}, timeout=_LINGER_SECONDS)
        if not task.done():
            task.cancel(_LINGERED)
            await asyncio.wait({task})

    async def stop(self) -> None:
        """Close the requests that run; the session stays, and the next message is another request."""
        for scope in self._dialling:
            scope.reschedule(asyncio.get_running_loop().time())
        tasks = self._cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session: close what runs, let go of every connection. HTTP has no close codes."""
        self._begin()
        await self.stop()
        if self._over:
            return
        self._over = True
        self._idle.close()
        self._deliver(self._record(Kind.NOTE, {"note": "end", "exchanges": self._exchanges}))
        await asyncio.sleep(0)  # so that whoever reads has it before anybody else goes on

    async def aclose(self) -> None:
        """End the session, unless it has ended; records already made can still be read."""
        await self.close()

    def _cancel(self) -> list[asyncio.Task[None]]:
        tasks = [task for task in self._running.values() if task is not None]
        for task in tasks:
            task.cancel()
        return tasks

    # One exchange ----------------------------------------------------------------------------------------

    async def _dial(self, dial: Dial, mark: Meta) -> ByteStream:
        scope = asyncio.timeout(None)
        self._dialling.add(scope)
        try:
            try:
                async with scope:
                    return await dial.run(self.plan.open_timeout_seconds)
            except TimeoutError:
                raise ConnectError(FailureClass.CLOSED, "given up while the server was dialled") from None
            finally:
                self._dialling.discard(scope)
        except ConnectError as error:
            raise self._unreached(error, dial, mark) from None

    def _unreached(self, error: ConnectError, dial: Dial, mark: Meta) -> ConnectError:
        """Record that the server could not be reached; the same error without secrets."""
        secrets = self.plan.secrets
        detail = text(error.detail, secrets)
        body = text(error.body, secrets, where="body")
        meta: dict[str, str | int | float] = {
            **mark,
            **self._route_meta(),
            "failure_class": error.failure_class.value,
            "detail": detail.value,
            **dial.timings,
        }
        if error.remedy != FAILURES[error.failure_class][1]:
            meta["remedy"] = error.remedy
        self._deliver(self._record(Kind.REFUSED, meta, body.value.encode()))
        return ConnectError(
            error.failure_class, detail.value, status=error.status, body=body.value, remedy=error.remedy
        )

    def _request(self, asked: Asked, mark: Meta) -> tuple[ExchangeLog, bytes]:
        """Record what is sent now: the request, and once for each kind what was taken out of it."""
        head = head_for(self.plan, len(asked.body))
        in_stream = {"lane": mark["lane"]} if "lane" in mark else {}

        def tell(record: Record) -> None:
            extra = in_stream if record.kind is Kind.SSE else mark
            if record.kind is Kind.SSE and _ENDINGS.search(record.payload, 0, _ENDING_BYTES):
                self._ended.add(asked.lane)
            self._deliver(record._replace(meta={**record.meta, **extra}) if extra else record)

        request = Request("POST", self.plan.endpoint.target, head, head)
        log = ExchangeLog(request, tell, self.plan, self._clock)
        log.upload(asked.body)
        log.requested()
        new = [key for key in asked.removed if key not in self._said]
        if new:
            self._said.update(new)
            said = removal_sentence(new)
            note = {**mark, "note": "removed", "fields": ",".join(new), "said": said}
            self._deliver(self._record(Kind.NOTE, note))
        return log, head

    async def _answer(
        self,
        lane: str | None,
        mark: dict[str, str | int | float],
        log: ExchangeLog,
        sent: bytes,
        stream: ByteStream,
        dial: Dial,
        group: asyncio.TaskGroup,
    ) -> None:
        is_reusable = False
        try:
            transport = PassingTransport(stream, _pass_to_nobody, group)
            url = self.plan.endpoint.http_url
            passage = await pass_on(transport, url, "POST", sent, header_pairs(log.request.sent), _nothing())
            log.answered(passage, dial)
            async for piece in passage.pieces():
                log.piece(piece)
                await self._room.wait()
            log.ended()
            is_reusable = passage.is_reusable and self._group is not None
        except AnswerBroke as broken:
            log.lost(str(broken).replace("the upstream", "the server"))
        except asyncio.CancelledError as cancelled:
            mark["by"] = "client"
            log.lost(str(cancelled.args[0]) if cancelled.args and cancelled.args[0] else _STOPPED)
            raise
        finally:
            del self._running[lane]
            self._ended.discard(lane)
            if is_reusable:
                self._idle.keep(stream)
            else:
                stream.close()

    # Records ---------------------------------------------------------------------------------------------

    def _route_meta(self) -> dict[str, str | int | float]:
        plan = self.plan
        meta: dict[str, str | int | float] = {
            "url": redacted_url(plan.endpoint.http_url, plan.secrets).value,
            "route": plan.route.text,
            "profile": plan.profile,
        }
        if plan.name:
            meta["name"] = plan.name
        return meta

    def _record(self, kind: Kind, meta: Meta, payload: bytes = b"") -> Record:
        clock = self._clock
        return Record(
            self.plan.session,
            Direction.LOCAL,
            kind,
            clock.wall(),
            clock.elapsed(),
            payload,
            meta or NO_META,
        )


async def _pass_to_nobody(data: bytes) -> None:
    """Nobody stands behind us who would want the bytes as they came."""


async def _nothing() -> AsyncIterator[bytes]:
    """The body has left with the head."""
    for piece in _NO_PIECES:
        yield piece
