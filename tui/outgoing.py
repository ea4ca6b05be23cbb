"""What the next send will be: parent, lane, model, options; chosen by a person, described before it goes out.

Its one rule: it sends nothing and changes nothing by itself; only a continued chain moves on to its own
newest turn. It reads the state through the inspector and leaves every rule of the protocol to the core.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from sessions import answers, compose, context, continuation, cost, memory, ways
from sessions.admission import admission
from sessions.compose import Create
from sessions.contract import LANE_PATTERN
from sessions.errors import LocalProtocolError
from sessions.inspector import Inspector
from sessions.profile import OPENAI, ProfileFacts
from sessions.session import Session, Turn
from tui.widgets.composer import Chip

_NO_WARM_UP = "HTTP has no warm-up: generate is left out, so the model answers and bills it."


class Aim(StrEnum):
    """What the next send continues."""

    CHAIN = "the chain"  #: the newest turn of the lane, whatever that is by then
    TURN = "a turn"  #: one that was chosen: a fork
    NEW = "nothing"  #: a new chain
    REPLAY = "a replay"  #: a new chain that begins with everything the chosen turn knew


class Outgoing:
    """The state beside the composer's box."""

    def __init__(
        self,
        inspector: Inspector,
        settings: Create | None = None,
        profile: ProfileFacts = OPENAI,
        *,
        name: str = "",
    ) -> None:
        self._inspector = inspector
        self._name = name  # of the session that it belongs to
        self.settings = (
            settings or Create()
        )  #: model, instructions, tools, store, …; never a parent, a lane or a prompt
        self.profile = profile
        self.aim = Aim.CHAIN
        self.turn = 0  #: the turn that was chosen, for TURN and REPLAY
        self.lane: str | None = None
        self.is_warm_up = False
        self.answered: tuple[dict[str, Any], ...] = ()  #: outputs of calls that go with it
        self.loaded_tools: tuple[dict[str, Any], ...] = ()

    # What a person chooses -----------------------------------------------------------------------------

    def change(self, **values: Any) -> None:
        """Set options by name, for this and every later send."""
        self.settings = self.settings.model_copy(update=values)

    def continue_chain(self) -> None:
        """Go on with the newest turn of the lane."""
        self.aim, self.turn, self.is_warm_up = Aim.CHAIN, 0, False

    def start_anew(self) -> None:
        """Begin a new chain; the options stay."""
        self.aim, self.turn = Aim.NEW, 0

    def branch_from(self, turn: Turn) -> None:
        """Make this turn the parent, with the options that its own create had."""
        self.aim, self.turn = Aim.TURN, turn.number
        self.settings = self._inherited(turn)

    def replay(self, turn: Turn) -> None:
        """Send everything this turn knew once more, as a new chain."""
        self.aim, self.turn = Aim.REPLAY, turn.number
        self.settings = self._inherited(turn)

    def choose_lane(self, lane: str | None) -> None:
        """Send on this lane from now on; None is the default one."""
        self.lane = lane
        if self.aim is not Aim.REPLAY:
            self.continue_chain()

    def sent(self) -> None:
        """It went out: what follows continues it."""
        self.continue_chain()
        self.answered = ()
        self.change(images=(), files=())

    def _inherited(self, turn: Turn) -> Create:
        inherited = compose.inherit(self._inspector.sessions, turn, self._inspector.recording.record)
        from sessions import tools

        return inherited.model_copy(
            update={
                "parent": None,
                "lane": None,
                "model": inherited.model or self.settings.model,
                "tools": tools.unmasked(inherited.tools, self.loaded_tools),
            }
        )

    # What will therefore go out ------------------------------------------------------------------------

    def parent(self, session: Session | None) -> str | None:
        """The `previous_response_id` of the next send."""
        sessions = self._inspector.sessions
        if self.aim is Aim.CHAIN:
            if session is None and self._name:
                return None  # what others answered is no parent here
            lane = session.lanes.get(self.lane) if session is not None else None
            if lane is not None and lane.open is not None and lane.open.id:
                return lane.open.id  # it will have ended by the time its lane is free
            return continuation.next_parent(sessions, session, self.lane)
        if self.aim is Aim.TURN and (turn := sessions.turn(self.turn)):
            return turn.response_id or None
        return None

    def parent_turn(self, session: Session | None) -> Turn | None:
        """The turn that the next send continues or replays."""
        sessions = self._inspector.sessions
        if self.aim in (Aim.TURN, Aim.REPLAY):
            return sessions.turn(self.turn)
        parent = self.parent(session)
        if parent is None:
            return None
        response = sessions.responses.get(parent)
        return sessions.turn(response.turn) if response is not None else None

    def create(self, text: str, session: Session | None) -> Create:
        """The create that a send would make of this text now."""
        updates: dict[str, Any] = {
            "text": text,
            "parent": self.parent(session),
            "lane": self.lane,
            "answers": self.answered,
        }
        create = self.settings.model_copy(update=updates)
        if self.aim is Aim.REPLAY and (turn := self._inspector.sessions.turn(self.turn)):
            replay = context.full_replay(self._inspector.sessions, turn, self._inspector.recording.record)
            create = create.model_copy(update={"history": replay.items})
        create = compose.over_http(
            create,
            self._inspector.sessions,
            session,
            self._inspector.recording.record,
            profile=self.profile,
        )
        if create.store is False or self.profile.stores == "never":
            create = compose.keep_reasoning(create.model_copy(update={"store": False}))
        if self.is_warm_up:
            create = compose.warm_up(create)
        return create

    def frame(self, text: str, session: Session | None, *, indent: int | None = None) -> str:
        """The exact text of the frame; raises LocalProtocolError when it may not be sent."""
        return compose.frame(self.create(text, session), self.profile.create_shape, indent=indent)

    def forecast(self, session: Session | None, now: float) -> continuation.Forecast:
        """Where the parent is, and what will therefore happen."""
        found = continuation.forecast(
            self._inspector.sessions,
            self.parent(session),
            session,
            self.lane,
            store=self._will_store,
            profile=self.profile,
            now=now,
            answers=self._answered_calls(),
        )
        if self.is_warm_up and session is not None and session.is_http:
            found = found._replace(warnings=(*found.warnings, _NO_WARM_UP))
        if turn := self.carried(session):
            return self._carried(turn, session, found)
        turn = self.parent_turn(session) if self.aim is Aim.REPLAY else None
        return found if turn is None or not found.works else self._replayed(turn, found)

    def carried(self, session: Session | None) -> Turn | None:
        """The turn whose whole history goes along instead of its id, because HTTP has nobody who keeps it."""
        return memory.forgotten(self._inspector.sessions, session, self.parent(session), self.profile)

    def _carried(
        self, turn: Turn, session: Session | None, found: continuation.Forecast
    ) -> continuation.Forecast:
        """The forecast of a create over HTTP that brings its history along."""
        if turn.is_live or admission(session, self.lane).refusal:
            return found
        chain = self._inspector.sessions.chain(turn)
        words = cost.estimate(self._inspector.sessions, turn).words
        sentence = (
            f"HTTP remembers nothing between requests and T{turn.number} was not stored: everything up to it "
            f"goes out again instead of its id ({words})."
        )
        works = None if chain[0].parent else True
        warnings = found.warnings
        if chain[0].parent:
            warnings = (*warnings, "The beginning of the chain is not in this recording and will be missing.")
        return found._replace(works=works, sentence=sentence, warnings=warnings)

    def _replayed(self, turn: Turn, found: continuation.Forecast) -> continuation.Forecast:
        """The forecast of a new chain in which all is said again: what is missing, and calls left open."""
        chain = self._inspector.sessions.chain(turn)
        first = f"T{turn.number}" if len(chain) < 2 else f"T{turn.number} and the turns before it"
        sentence = f"A new chain starts, and what {first} said goes out again in it: no parent is needed."
        warnings = []
        if chain[0].parent:
            warnings.append("The beginning of the chain is not in this recording and will be missing.")
        if turn.is_live:
            warnings.append(f"T{turn.number} is still running: what it has not said yet will be missing.")
        answered = self._answered_calls() or ()
        pending = turn.response.pending_calls if turn.response is not None else ()
        if waiting := sum(item.answer_id not in answered for item in pending):
            words = "1 call waits" if waiting == 1 else f"{waiting} calls wait"
            warnings.append(f"{words} for an answer: the answers must follow in the same frame.")
        return found._replace(sentence=sentence, warnings=(*warnings, *found.warnings))

    def trouble(self, session: Session | None, now: float) -> ways.Trouble | None:
        """Whether the chain needs a decision to go on; cheap."""
        if session is None:
            return None
        return ways.trouble(self._inspector.sessions, session, self.lane, now=now, profile=self.profile)

    def forecast_for(self, turn: Turn, session: Session | None, now: float) -> continuation.Forecast:
        """What would happen to a send with this turn as its parent."""
        return continuation.forecast(
            self._inspector.sessions,
            turn.response_id or None,
            session,
            self.lane,
            store=self._will_store,
            profile=self.profile,
            now=now,
        )

    def open_calls(self, session: Session | None) -> tuple[Turn, int] | None:
        """The parent turn and how many of its calls wait for an answer; None when none do."""
        turn = self.parent_turn(session)
        if turn is None:
            return None
        count = len(answers.pending(self._inspector.sessions, turn))
        return (turn, count) if count else None

    def tools_of(self, turn: Turn) -> tuple[dict[str, Any], ...]:
        """The tools that the create of this turn carried."""
        return self._inherited(turn).tools or self.settings.tools

    @property
    def _will_store(self) -> bool:
        return self.settings.store is not False and self.profile.stores != "never"

    def _answered_calls(self) -> Collection[str] | None:
        return tuple(call for item in self.answered if isinstance(call := item.get("call_id"), str)) or None

    # In words ------------------------------------------------------------------------------------------

    def chips(self, session: Session | None, forecast: continuation.Forecast) -> tuple[Chip, ...]:
        """Parent, lane, model, store, tools: the facts beside the box."""
        chips = [self._parent_chip(session, forecast), Chip("lane", self.lane or "default")]
        model = self.settings.model
        chips.append(Chip("model", model or "not set: F2", "" if model else "warn"))
        chips.append(Chip("store", "on" if self._will_store else "off"))
        if self.settings.tools:
            chips.append(Chip("tools", str(len(self.settings.tools))))
        if self.settings.effort:
            chips.append(Chip("effort", self.settings.effort))
        if self.settings.images or self.settings.files:
            chips.append(Chip("files", str(len(self.settings.images) + len(self.settings.files))))
        return tuple(chips)

    def due(self, session: Session | None) -> tuple[Chip, ...]:
        """What should be known before the next send: a warm-up is prepared, calls wait."""
        chips = [Chip("", "warm-up", "warn")] if self.is_warm_up else []
        if waiting := self.open_calls(session):
            words = "1 call waits" if waiting[1] == 1 else f"{waiting[1]} calls wait"
            chips.append(Chip("", f"{words}: F8 answers", "warn"))
        return tuple(chips)

    def _parent_chip(self, session: Session | None, forecast: continuation.Forecast) -> Chip:
        turn = self.parent_turn(session)
        if self.aim is Aim.REPLAY and turn is not None:
            return Chip("replay of", f"T{turn.number}", "warn")
        if turn is None and (unknown := self.parent(session)):
            return Chip("parent", f"{unknown} ({forecast.where.value})", "warn")
        if turn is None:
            return Chip("parent", "none, new chain")
        if self.carried(session) is not None and forecast.works is not False:
            return Chip("history of", f"T{turn.number}", "good" if forecast.works else "warn")
        state = {True: "good", False: "alarm", None: "warn"}[forecast.works]
        is_fork = self.aim is Aim.TURN and bool(self._inspector.sessions.children(turn))
        fork = " fork" if is_fork else ""
        live = " live" if turn.is_live else ""
        where = forecast.where.value
        if forecast.where is continuation.Where.STORED and forecast.works is None:
            where = f"perhaps {where}"  # cut before its end, or stored where another address leads
        return Chip("parent", f"T{turn.number}{fork}{live} ({where})", state)

    def title(self, session: Session | None) -> str:
        """What the box's border says."""
        turn = self.parent_turn(session)
        lane = f" to lane {self.lane}" if self.lane else ""
        after = ", new chain"
        if turn is not None and self.aim is not Aim.REPLAY:
            after = f", after T{turn.number}"
        elif turn is None and (unknown := self.parent(session)):
            after = f", after {unknown}"
        return f"message{lane}{after}"


def refuse_lane(name: str) -> str:
    """Why a text cannot be the name of a lane, in a sentence; "" when it can."""
    import re

    if not name or re.fullmatch(LANE_PATTERN, name):
        return ""
    return "A lane's name has 1 to 256 of A-Z a-z 0-9 _ . - and nothing else; empty means the default lane."


def over_http(frame: str, shown: str) -> str:
    """What of a frame leaves in a request over HTTP, spread over lines; `shown` where it cannot leave so."""
    import json

    from sessions.wire.post import asked_over_http

    try:
        body = json.loads(asked_over_http(frame).body)
    except (LocalProtocolError, ValueError, RecursionError):
        return shown
    return compose.to_text(body, indent=2)


def plain_options(create: Create) -> Mapping[str, Any]:
    """The options that differ from a bare create, by name."""
    return create.model_dump(exclude_defaults=True, exclude={"text", "parent", "lane", "history", "answers"})
