"""What a tap writes down about one request of a client: who asked, an opened socket, or why there is none.

Its one rule: no credential goes past it. The client's own login, the tap's token and the upstream's secrets
are masked in heads, in URLs and in what came back; the receipt names what was masked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.masking import Masks
from sessions.records import Direction, Kind, Meta, Record
from sessions.redact import text
from sessions.redact import url as redacted_url
from sessions.wire.answer import BODY_BYTES, BODY_SECONDS, Answer, NotHttp
from sessions.wire.dial import Dial
from sessions.wire.head import RequestHead, rewritten
from sessions.wire.plan import Plan
from sessions.wire.upgrade import UpgradeRefused, masked_head, masked_refusal, refusal

if TYPE_CHECKING:
    from sessions.wire.tap import Tap

_PAIRING = ("session-id", "session_id", "x-session-id", "thread-id")


class Account:
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

    def refused(self, error: ConnectError, timings: dict[str, float], *, by: str = "") -> None:
        """Write down an upgrade that failed, with what came instead; `by`: `client` or `tap` ended it."""
        received = error.received or error.body.encode()
        payload, masked = masked_refusal(received, self.secrets) if received else (b"", ())
        meta: dict[str, str | int | float] = {
            **self._route_meta(),
            "method": self.head.method,
            "target": redacted_url(self.head.target, self.secrets).value,
            "failure_class": error.failure_class.value,
            "detail": text(error.detail, self.secrets).value,
            **timings,
        }
        if by:
            meta["by"] = by
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


class ClientGone(NotHttp):
    """There is no answer because the client did not wait for one."""


class RefusalLog:
    """What came instead of a 101, kept to 8 KiB or one second and then written down, once."""

    def __init__(
        self,
        account: Account,
        answer: Answer | NotHttp,
        timings: dict[str, float],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._account = account
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
        by = ""
        if isinstance(self._answer, Answer):
            error: ConnectError = refusal(self._answer._replace(body=self._body[:BODY_BYTES]))
        else:
            said = "the tap was stopped" if is_stopped else str(self._answer)
            by = "tap" if is_stopped else "client" if isinstance(self._answer, ClientGone) else ""
            failure = FailureClass.CLOSED if by else FailureClass.PROTOCOL
            error = UpgradeRefused(failure, said)
            error.received = self._body[:BODY_BYTES]
        self._account.refused(error, self._timings, by=by)
