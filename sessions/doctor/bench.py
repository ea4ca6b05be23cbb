"""The bench: what a check works with: fresh sockets, plain HTTP, one recording and one judge for the run.

Its one rule: everything that crosses a socket here is recorded and judged, nothing is sent twice, and no
answer is limited to fewer than sixteen tokens. What a later check wants to know stands in `facts`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from sessions import redact
from sessions.compose import frame, to_text
from sessions.conversation import converse
from sessions.create import Create
from sessions.doctor.bout import Bout
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, Cost
from sessions.doctor.facts import Facts
from sessions.doctor.rules import Rules, rules_for
from sessions.errors import ConnectError
from sessions.findings.judge import Judge
from sessions.findings.rules import OF_PROFILE, forgiven
from sessions.fingerprint import Suspects
from sessions.inspector import Inspector
from sessions.profile import OPENAI, ProfileFacts
from sessions.recording import Recording
from sessions.records import Kind, Record
from sessions.reducer import Sessions
from sessions.safe import safe_line
from sessions.secret import NO_SECRET
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.connect import connect
from sessions.wire.http_client import HttpAnswer, request
from sessions.wire.plan import Plan

#: what runs unless more is asked for
USUAL_COSTS = frozenset({Cost.LOCAL, Cost.FREE, Cost.TURNS})
PATIENCE_SECONDS = 15.0
_EVIDENCE_CHARACTERS = 400
SLOW_SECONDS = 2.0  #: an upgrade that takes longer is worth a warning, and some sixty of them minutes
_PROMPT = "Reply with the single word: ready"


class Knock(NamedTuple):
    """One upgrade that was dropped at once: how it was answered."""

    record: Record  #: OPEN or REFUSED
    error: ConnectError | None

    @property
    def is_open(self) -> bool:
        """Whether it was accepted."""
        return self.error is None

    @property
    def status(self) -> int:
        """The HTTP status, 0 when there was none."""
        return int(self.record.meta.get("status", 0))

    @property
    def words(self) -> str:
        """The answer in words."""
        return "101" if self.error is None else self.error.detail


class Bench:
    """Everything one run of the doctor shares."""

    def __init__(
        self,
        plan: Plan,
        *,
        model: str = "",
        facts: ProfileFacts = OPENAI,
        rules: Rules | None = None,
        recording: Recording | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        costs: frozenset[Cost] = USUAL_COSTS,
        is_deep: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
        pace: float = 1.0,
        habits: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.plan = plan
        self.model = model
        self.profile = facts
        self.rules = rules or rules_for(plan.profile)
        self.create_shape: Literal["flat", "nested"] = facts.create_shape  #: as far as it is known
        self.lists_input = False  #: send the input as a list of items, where a string is not taken
        self.has_profile_rules = rules is None  #: what the profile is known for is not held against it
        self.environ = environ
        self.direct: Plan | None = None  #: the way past the proxy, where one was given
        self.second_key = NO_SECRET  #: of somebody else, to see whether they are kept apart
        self.forbidden_model = ""  #: that the key must not use
        self.is_key_allowed_in_url = False
        self.costs = costs
        self.is_deep = is_deep  #: larger sizes, more tries
        self.patience_seconds = patience_seconds  #: how long an answer may be silent
        self.pace = pace  #: 1.0; tests shorten every named wait by it
        self.clock: Clock = clock or SystemClock()
        sessions = Sessions()
        forgiving = forgiven(OF_PROFILE if rules is None else rules.name, habits)
        self.inspector = Inspector(
            Recording.create(None, source="doctor") if recording is None else recording,
            plan.secrets,
            sessions=sessions,
            judge=Judge(sessions, forgiving),
        )
        self.facts = Facts()
        self.suspects = Suspects()  #: which product answers
        self.capabilities: dict[
            str, str
        ] = {}  #: terminal name, lanes, frame limit ... for the report's last line
        self.tokens = 0  #: spent over HTTP; those of sockets are read from the turns
        self.waited_seconds = 0.0  #: in named waits
        self._opened = 0

    # Sockets -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[Bout]:
        """A fresh socket; `changes` replace fields of the plan. Raises ConnectError when it is refused."""
        plan = self._next(changes)
        first = len(self.inspector.recording)
        live = connect(plan, clock=self.clock)
        async with converse(live, self.inspector, plan.session, self.patience_seconds) as talk:
            yield Bout(self, talk, first)

    async def knock(self, **changes: Any) -> Knock:
        """One upgrade, closed at once when it is accepted."""
        first, number = len(self.inspector.recording), self._opened + 1
        refusal: ConnectError | None = None
        try:
            async with self.open(**changes):
                pass
        except ConnectError as error:
            refusal = error
        recording = self.inspector.recording
        records = map(recording.record, range(first, len(recording)))
        answers = (Kind.OPEN, Kind.REFUSED)
        return Knock(next(one for one in records if one.session == number and one.kind in answers), refusal)

    def headers_without_login(self) -> tuple[tuple[str, str], ...]:
        """The plan's headers but those that say who asks."""
        login = {"authorization", "api-key", "x-api-key", "cookie"}
        return tuple((name, value) for name, value in self.plan.headers if name.lower() not in login)

    def _next(self, changes: Mapping[str, Any]) -> Plan:
        return replace(self.plan, session=self._number(), spare=self._number, transport="ws", **changes)

    def _number(self) -> int:
        self._opened += 1
        return self._opened

    # Frames ------------------------------------------------------------------------------------------

    def create(self, text: str = _PROMPT, **fields: Any) -> Create:
        """A create as small as may be; `fields` are those of `Create`, and keys of the wire in `extra`."""
        limit = fields.pop("max_output_tokens", LEAST_OUTPUT_TOKENS)
        if limit is not None and limit < LEAST_OUTPUT_TOKENS:
            raise ValueError(
                f"never fewer than {LEAST_OUTPUT_TOKENS} output tokens: servers refuse or cut them"
            )
        if "store" not in fields and self.profile.stores == "never":
            fields["store"] = False
        return Create(text=text, model=self.model, max_output_tokens=limit, **fields)

    def frame(self, text: str = _PROMPT, *, shape: Literal["flat", "nested", ""] = "", **fields: Any) -> str:
        """The frame of such a create, in the shape that is read here."""
        return self.framed(self.create(text, **fields), shape)

    def framed(self, create: Create, shape: Literal["flat", "nested", ""] = "") -> str:
        """A create in this shape, else in the one that is read here."""
        text = frame(create, shape or self.create_shape)
        return _with_listed_input(text) if self.lists_input else text

    # Beside the socket -------------------------------------------------------------------------------

    async def http(self, method: str, path: str, body: bytes | str = b"", **changes: Any) -> HttpAnswer:
        """One plain HTTP request to a path beside the responses route, such as `models`; raises ConnectError.

        A path that begins with / is taken as it is; "" is the responses route itself.
        """
        plan = replace(self.plan, **changes) if changes else self.plan
        return await request(plan, method, path, body.encode() if isinstance(body, str) else body)

    async def wait(self, awaited: Any, seconds: float) -> None:
        """Await something that is idle waiting of at most so many seconds, and count it as such."""
        began = self.clock.elapsed()
        try:
            await awaited
        finally:
            self.waited_seconds += min(self.clock.elapsed() - began, seconds)

    async def pause(self, seconds: float) -> None:
        """A named wait."""
        await self.wait(asyncio.sleep(seconds * self.pace), seconds)

    def spend(self, tokens: int) -> None:
        """Count tokens that no turn of a socket shows."""
        self.tokens += tokens

    @property
    def upgrade_seconds(self) -> float:
        """How long the bare upgrade took from the name to the 101; 0 while it is not known."""
        meta = self.facts.opened.meta if self.facts.opened is not None else {}
        stages = ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms")
        return sum(float(meta.get(name, 0)) for name in stages) / 1000

    @property
    def opened(self) -> int:
        """How many sockets were tried so far."""
        return self._opened

    @property
    def secrets(self) -> tuple[str, ...]:
        """The exact texts that must not be stored or shown."""
        second = self.second_key.reveal()
        return (*self.plan.secrets, second) if second else self.plan.secrets

    @property
    def spent(self) -> int:
        """All tokens so far, as the server counted them."""
        return self.tokens + self.spent_since(0)

    def spent_since(self, turns: int) -> int:
        """The tokens of all turns but the first so many, as the server counted them."""
        used = (
            response.usage
            for turn in self.inspector.sessions.turns[turns:]
            for response in turn.responses
            if response.usage is not None
        )
        return sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in used)

    def clean(self, text: str) -> str:
        """A text from elsewhere in one line, without any credential."""
        return safe_line(redact.text(text, self.secrets).value, _EVIDENCE_CHARACTERS)

    def __repr__(self) -> str:
        return f"<Bench at {self.plan.endpoint.authority}>"


def _with_listed_input(text: str) -> str:
    """The same create with its input as a list of items: none where it was an empty string."""
    body = json.loads(text)
    inner = body.get("response", body)
    words = inner.get("input")
    if isinstance(words, str):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}
        inner["input"] = [item] if words else []
    return to_text(body)
