"""One side asked live: the script's turns one after another, each awaited to its end.

Its one rule: every create is sent once and in the script's order; what the connection does not survive is
not sent, and the comparison says so. A tool is answered only as the caller said beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sessions.answers import answer, answers_create, pending
from sessions.compare.asking import Ask, names_on, payload_frame
from sessions.compare.side import Side
from sessions.compose import Create, frame, from_frame, over_http
from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation, Silence, converse
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.memory import forgotten
from sessions.profiles import known_deviations
from sessions.session import Turn
from sessions.wire.connect import is_policy_close
from sessions.wire.http_refusal import refusal_over_http
from sessions.wire.plan import Plan
from sessions.wire.transport import live

SILENCE_SECONDS = 120.0
_GOES_ON = (Status.COMPLETED, Status.INCOMPLETE)


@dataclass(frozen=True)
class Party:
    """One side that is asked live: where, and what every create carries beside its prompt."""

    label: str
    plan: Plan
    create: Create = field(default_factory=Create)
    model: str = ""  #: also of recorded creates; "": they keep their own
    answers: Mapping[str, str] = field(default_factory=dict)  #: tool name -> output
    silence_seconds: float = SILENCE_SECONDS
    habits: Mapping[str, Collection[str]] = field(default_factory=known_deviations)  #: of profiles


class Run:
    """One party and what came of asking it; `side` grows with every turn."""

    def __init__(self, party: Party, inspector: Inspector) -> None:
        self.party = party
        self.inspector = inspector
        self.side = Side(party.label, party.habits)
        self.error: ConnectError | Silence | None = None  #: what ended it early
        self._last: Turn | None = None  #: the newest that can be continued
        self._counterparts: dict[int, int] = {}

    async def ask(
        self, asks: Iterable[Ask], recorded: Side | None = None, on_turn: Callable[[], None] = lambda: None
    ) -> None:
        """Open the connection and ask everything; `error` says what ended it before.

        `on_turn` is called after each turn. Raises UsageError for a script that cannot be asked.
        """
        plan = self.party.plan
        try:
            async with converse(live(plan), self.inspector, plan.session, self.party.silence_seconds) as talk:
                for ask in asks:
                    if talk.session.phase.is_over:
                        break
                    await self._ask(talk, ask, recorded)
                    on_turn()
                    if self._is_refused(talk):
                        break
        except (ConnectError, Silence) as error:
            self.error = error
        self._hear()
        is_just_closed = (
            isinstance(self.error, ConnectError) and self.error.failure_class is FailureClass.CLOSED
        )
        if (self.error is None or is_just_closed) and is_policy_close(self.inspector.recording):
            self.error = policy_close()

    def _is_refused(self, talk: Conversation) -> bool:
        """Whether a server that is asked over HTTP takes no turn at all."""
        self.error = refusal_over_http(talk.session, self.inspector.recording)
        return self.error is not None

    async def _ask(self, talk: Conversation, ask: Ask, recorded: Side | None) -> None:
        party = self.party
        if ask.payload:
            names = names_on(self.side, recorded, self._counterparts)
            last = self._last.response_id if self._last is not None else None
            text = self._without_lost_parent(talk, payload_frame(ask, names, last, party.model))
        else:
            text = frame(going_on(party.create, talk, self.inspector, self._last, text=ask.prompt))
        before = len(self.side.exchanges)
        turn = await talk.ask(text)
        self._hear()
        if ask.recorded and len(self.side.exchanges) > before:
            self._counterparts[ask.recorded] = before + 1
        if not ask.payload:
            turn = await self._answer_calls(talk, turn)
        if turn is not None and turn.status in _GOES_ON and turn.response_id:
            self._last = turn

    def _without_lost_parent(self, talk: Conversation, text: str) -> str:
        """A create that names what nobody keeps over HTTP brings its history along, as clients do there."""
        create = from_frame(text)
        state = self.inspector.sessions
        if create is None or forgotten(state, talk.session, create.parent) is None:
            return text
        return frame(over_http(create, state, talk.session, self.inspector.recording.record))

    async def _answer_calls(self, talk: Conversation, turn: Turn | None) -> Turn | None:
        party = self.party
        while turn is not None and (calls := pending(self.inspector.sessions, turn)):
            if any(call.name not in party.answers for call in calls):
                return turn  # the next prompt goes on without; the server says what it thinks of that
            answered = [(call, answer(call, party.answers[call.name])) for call in calls]
            carried = going_on(party.create, talk, self.inspector, turn)
            turn = await talk.ask(frame(answers_create(carried, answered)))
            self._hear()
        return turn

    def _hear(self) -> None:
        recording = self.inspector.recording
        for number in range(self.side.state.records, len(recording)):
            self.side.add(recording.record(number))


def policy_close() -> ConnectError:
    """What a socket that was opened only to be closed by policy is: a refusal."""
    return ConnectError(FailureClass.POLICY_CLOSE, "the socket was accepted and closed at once")


def going_on(
    create: Create, talk: Conversation, inspector: Inspector, turn: Turn | None, *, text: str = ""
) -> Create:
    """The create that goes on from a turn: by its id, or with all that was said where nobody keeps it."""
    parent = turn.response_id if turn is not None else None
    asked = create.model_copy(update={"text": text, "parent": parent})
    return over_http(asked, inspector.sessions, talk.session, inspector.recording.record)
