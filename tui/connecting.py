"""Opening, ending and changing the sockets behind a session screen, always by a person's hand.

Its one rule: it offers, with the cost of each way, and does nothing by itself. A new socket is the next
session of the same recording.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions import survivors, ways
from sessions.contract import FAILURES, close_meaning
from sessions.errors import RecordingError, SettingsError
from sessions.inspector import Batch
from sessions.safe import safe_line
from sessions.session import Phase, Session, remaining
from sessions.ways import Trouble, Way, WayKind
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose
from tui.widgets.composer import Chip
from tui.widgets.trouble import Report
from tui.widgets.trouble import Trouble as Panel

if TYPE_CHECKING:
    from sessions.wire.plan import Plan
    from tui.screens.session import SessionScreen

_ALARM_SECONDS, _WARN_SECONDS = 120.0, 600.0
_BODY_LINES = 3


class Connecting:
    """The flows around the sockets of one session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._opened: dict[int, asyncio.Event] = {}
        self._dismissed: tuple[int, Trouble | None] = (0, None)

    # Opening -------------------------------------------------------------------------------------------

    def open(self, plan: Plan) -> int:
        """Open a socket by this plan; from now on the composer speaks to it. Returns its session's number."""
        prepared = self._screen.sockets.prepare(plan)
        self._screen.number = prepared.session
        self._opened[prepared.session] = asyncio.Event()
        self._screen.run_worker(self._run(prepared), group="sockets", name=f"socket {prepared.session}")
        return prepared.session

    def adopt(self, number: int) -> None:
        """Take over a socket that somebody else opened on the same inspector."""
        self._opened[number] = asyncio.Event()
        self._opened[number].set()

    async def _run(self, plan: Plan) -> None:
        try:
            await self._screen.sockets.run(plan)
        except RecordingError as error:
            self._screen.tell(f"the session was ended: {error}", is_wrong=True)
        finally:
            self._opened[plan.session].set()
            if self._screen.is_attached:
                self._screen.describe()

    def look(self, batch: Batch) -> None:
        """See whether a socket that somebody waits for has been opened."""
        for number, opened in self._opened.items():
            session = self._screen.inspector.sessions.sessions.get(number)
            if session is not None and session.phase is not Phase.OPENING:
                opened.set()

    async def _wait(self, number: int) -> bool:
        await self._opened[number].wait()
        session = self._screen.inspector.sessions.sessions.get(number)
        return session is not None and session.phase is Phase.OPEN

    # What is wrong -------------------------------------------------------------------------------------

    @property
    def trouble(self) -> Trouble | None:
        """What stands in the way of going on, with the socket that the composer speaks to."""
        screen = self._screen
        if screen.launch is None:
            return None
        return screen.outgoing.trouble(screen.session, screen.sockets.now)

    @property
    def has_ways_on(self) -> bool:
        """Whether there is something to choose."""
        return self.trouble is not None

    @property
    def can_retry_with_model(self) -> bool:
        """Whether the server was seen to accept the upgrade with `?model=` in the URL."""
        session = self._screen.session
        if session is None or session.phase is not Phase.REFUSED or session.handshake < 0:
            return False
        probe = self._screen.inspector.recording.record(session.handshake).meta.get("probe", "")
        return str(probe).endswith("was accepted")

    def chips(self) -> tuple[Chip, ...]:
        """What should be known before the next send: the age of the socket, and that a choice is due."""
        session = self._screen.session
        trouble = self.trouble
        if trouble is None or session is None:
            return ()
        if trouble is Trouble.NEAR_LIMIT:
            left = remaining(session, self._screen.sockets.now)
            return (
                Chip(
                    "", f"{_minutes(left)} left: F9 rolls over", "alarm" if left <= _ALARM_SECONDS else "warn"
                ),
            )
        return (Chip("", "F9 ways on", "alarm"),)

    def describe(self) -> None:
        """Show the trouble as cause, evidence and remedy, or nothing."""
        self._screen.query_one(Panel).show(self._report())

    def _report(self) -> Report | None:
        session = self._screen.session
        if session is None or self._screen.launch is None:
            return None
        if session.phase is Phase.REFUSED:
            return self._refusal(session)
        trouble = self.trouble
        if trouble is None or trouble is Trouble.NEAR_LIMIT:
            return None
        evidence = []
        if session.phase is Phase.CLOSED:
            who = f" by the {session.closed_by}" if session.closed_by else ""
            evidence.append(f"closed{who}: {session.close_code} {close_meaning(session.close_code)}")
            if session.close_reason:
                evidence.append(f"reason: {session.close_reason}")
        elif session.phase is Phase.LOST:
            evidence.append(f"1006, no close frame; {session.close_reason}".rstrip("; "))
        turn = session.turns[-1] if session.turns else None
        if turn is not None and turn.failure is not None:
            evidence.append(f"T{turn.number}: {turn.failure.code} {turn.failure.message}".strip())
        return Report(
            ways.trouble_sentence(trouble),
            evidence=tuple(evidence),
            remedy="Nothing goes on by itself; everything so far is kept.",
            keys="F9 ways on, with their cost   esc c connection",
        )

    def _refusal(self, session: Session) -> Report:
        record = self._screen.inspector.recording.record(session.handshake)
        cause, remedy = FAILURES[session.failure_class] if session.failure_class else ("", "")
        evidence = [str(record.meta.get("detail", ""))]
        if status := record.meta.get("status"):
            evidence[0] = f"HTTP {status}  {evidence[0]}".rstrip()
        body = record.payload.partition(b"\r\n\r\n")[2].decode(errors="replace")
        evidence += [line for line in body.splitlines() if line.strip()][:_BODY_LINES]
        if probe := record.meta.get("probe"):
            evidence.append(f"tried: {probe}")
        retry = "esc M try again with ?model=   " if self.can_retry_with_model else ""
        return Report(
            f"The socket was not opened: {session.failure_class or 'refused'}",
            cause,
            tuple(line for line in evidence if line),
            str(record.meta.get("remedy", remedy)),
            f"{retry}esc c connection: try again, another route, another address",
        )

    # Ways on -------------------------------------------------------------------------------------------

    async def choose_way_on(self) -> None:
        """Offer every way on with its cost, and take the one that is chosen."""
        screen = self._screen
        session, outgoing = screen.session, screen.outgoing
        trouble = self.trouble
        if session is not None and session.phase is Phase.REFUSED:
            await self.choose()
            return
        found = ways.ways_on(
            screen.inspector.sessions,
            session,
            outgoing.lane,
            read_record=screen.inspector.recording.record,
            now=screen.sockets.now,
            profile=outgoing.profile,
        )
        choices = [
            Choice(str(number), way.title, _cost_and_reason(way), way.works is not False)
            for number, way in enumerate(found)
        ]
        about = ways.trouble_sentence(trouble) if trouble else "How should the chain go on?"
        if trouble is Trouble.NEAR_LIMIT and session is not None:
            kept = survivors.survivors(screen.inspector.sessions, session, profile=outgoing.profile)
            about = "\n".join((about, *(one.sentence for one in kept)))
        about += f"\nThe recording has {len(screen.inspector.recording):,} records; all are kept."
        chosen = await screen.app.push_screen_wait(Choose("ways on", choices, about))
        if chosen:
            await self._take(found[int(chosen)])

    async def _take(self, way: Way) -> None:
        """Do what a way on says; the next turn is still sent by the person."""
        screen, outgoing = self._screen, self._screen.outgoing
        turn = screen.inspector.sessions.turn(way.turn)
        if way.kind is WayKind.STAY:
            return
        if way.needs_new_socket and not await self.reopen():
            return
        if way.kind is WayKind.NEW_CHAIN:
            if not screen.sockets.is_live(screen.number) and not await self.reopen():
                return
            outgoing.start_anew()
        elif way.is_replay and turn is not None:
            outgoing.replay(turn)
        elif turn is not None:
            outgoing.branch_from(turn)
        if not screen.is_read_only:
            screen.composer.box.focus()
        screen.describe()

    async def reopen(self, plan: Plan | None = None) -> bool:
        """A new socket, by the plan of the one before; True when it was opened."""
        screen = self._screen
        plan = plan or screen.sockets.plan(screen.number) or (screen.launch.plan if screen.launch else None)
        if plan is None:
            return False
        old = screen.number
        number = self.open(plan)
        is_open = await self._wait(number)
        if is_open and screen.sockets.is_live(old):
            screen.tell(f"socket {old} stays open until you close it; the composer speaks to socket {number}")
        return is_open

    async def retry_with_model(self) -> None:
        """Open once more with `?model=` in the URL; asks for the model first where none is set.

        A proxy that wants the parameter takes its word over the frame's, so a guess would choose the model.
        """
        from sessions.wire.plan import retry_with_model

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        if plan is None or not self.can_retry_with_model:
            return
        if not screen.outgoing.settings.model and not await self.ask_for_model():
            return
        self.open(retry_with_model(plan, screen.outgoing.settings.model))

    # Stopping, closing ---------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Close the socket that the composer speaks to, after saying what that costs."""
        screen = self._screen
        session = screen.session
        if session is None or not screen.sockets.is_live(screen.number):
            screen.tell("no socket is open")
            return
        running = screen.sending.steerable
        costs = survivors.what_stopping_costs(
            screen.inspector.sessions, running, session=session, profile=screen.outgoing.profile
        )
        title = f"stop T{running.turn}" if running is not None else f"close socket {screen.number}"
        choices = (
            Choice("stay", "leave it open", "nothing changes"),
            Choice("close", "close the socket", "with a closing handshake, 1000"),
        )
        if await screen.app.push_screen_wait(Choose(title, choices, costs)) == "close":
            await screen.sockets.close(screen.number)

    async def leave(self) -> None:
        """Leave this session; asks first while a socket is open."""
        screen = self._screen
        if screen.sockets.open_sessions and not await self.may_close_all("leave this session"):
            return
        await screen.sockets.close_all()
        screen.app.exit(0)

    async def may_close_all(self, title: str) -> bool:
        """Ask whether the open sockets may be closed; says what is kept."""
        screen = self._screen
        sessions = screen.inspector.sessions.sessions
        lines = [
            survivors.what_stopping_costs(
                screen.inspector.sessions, session=sessions[number], profile=screen.outgoing.profile
            )
            for number in screen.sockets.open_sessions
            if number in sessions
        ]
        path = screen.inspector.recording.path
        kept = (
            f"Kept: the recording {path}"
            if path
            else "Not kept: this session has no recording file (x saves it)."
        )
        choices = (
            Choice("stay", "stay", "nothing changes"),
            Choice("close", "close and go", "1000, normal end"),
        )
        about = "\n".join((*lines, kept))
        return await screen.app.push_screen_wait(Choose(title, choices, about)) == "close"

    # The connection menu -------------------------------------------------------------------------------

    async def choose(self) -> None:
        """What can be done with the connection."""
        screen = self._screen
        is_live = screen.sockets.is_live(screen.number)
        other = self._other_plan()
        choices = []
        if self.can_retry_with_model:
            choices.append(
                Choice("model", "try again with ?model= in the URL", "the server was seen to accept it")
            )
        if is_live:
            choices.append(
                Choice("roll", "roll over", "a new socket beside this one; which lanes survive is shown")
            )
        else:
            choices.append(Choice("again", "open a new socket", "the same address and route"))
        choices.append(
            Choice(
                "other", "the other route", other.route.text if other else "there is none", other is not None
            )
        )
        choices.append(Choice("via", "through another proxy", "an HTTP or SOCKS proxy's address"))
        choices.append(Choice("address", "another address", "a base URL; the same recording"))
        for number in screen.sockets.open_sessions:
            choices.append(Choice(f"use {number}", f"speak to socket {number}", "", number != screen.number))
        if is_live:
            choices.append(Choice("close", "close this socket", "says first what that costs"))
        chosen = await screen.app.push_screen_wait(Choose("connection", choices, self._about()))
        if chosen == "model":
            await self.retry_with_model()
        elif chosen == "roll":
            await self._roll_over()
        elif chosen == "again":
            await self.reopen()
        elif chosen == "other":
            await self.take_other_route()
        elif chosen == "via":
            await self._ask_for_proxy()
        elif chosen == "address":
            await self._ask_for_address()
        elif chosen == "close":
            await self.stop()
        elif chosen.startswith("use "):
            screen.number = int(chosen[4:])
        screen.describe()

    def _about(self) -> str:
        session = self._screen.session
        if session is None:
            return ""
        lines = [f"{session.url}   {session.route}", f"socket {session.number}: {session.phase.value}"]
        if session.opened >= 0:
            lines[-1] += f", {_minutes(remaining(session, self._screen.sockets.now))} left"
        return "\n".join(safe_line(line, 200) for line in lines)

    async def _roll_over(self) -> None:
        screen = self._screen
        session = screen.session
        if session is None:
            return
        kept = survivors.survivors(screen.inspector.sessions, session, profile=screen.outgoing.profile)
        about = "\n".join(one.sentence for one in kept) or "Nothing was said on this socket yet."
        choices = (
            Choice("both", "open a new socket, keep this one", "close it when its answers have ended"),
            Choice("close", "open a new socket, close this one", "what lives in its memory only is lost"),
            Choice("stay", "stay", "nothing changes"),
        )
        chosen = await screen.app.push_screen_wait(Choose("roll over", choices, about))
        old = screen.number
        if chosen in ("both", "close") and await self.reopen() and chosen == "close":
            await screen.sockets.close(old)

    async def take_other_route(self) -> None:
        """Open a socket over the other route; the chain's next turn goes there."""
        screen = self._screen
        other = self._other_plan()
        if other is None:
            await self._ask_for_proxy()
            return
        turn = screen.outgoing.parent_turn(screen.session)
        if await self.reopen(other) and turn is not None and turn.response_id:
            screen.outgoing.branch_from(turn)
        screen.describe()

    def _other_plan(self) -> Plan | None:
        """The plan of another route that was used here last; or this one without its proxy."""
        from sessions.wire.route import Route

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        if plan is None:
            return None
        for number in range(screen.number - 1, 0, -1):
            before = screen.sockets.plan(number)
            if before is not None and (before.route, before.endpoint) != (plan.route, plan.endpoint):
                return before
        return None if plan.route.is_direct else replace(plan, route=Route(source="chosen by hand"))

    async def _ask_for_proxy(self) -> None:
        from sessions.wire.route import route_for

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        if plan is None:
            return

        def refuse(text: str) -> str:
            try:
                route_for(plan.endpoint, {}, via=text.strip(), source="typed")
            except SettingsError as error:
                return str(error)
            return "" if text.strip() else "Give the proxy's address."

        about = "http://host:port, https://…, socks5h://…; the chain's next turn goes through it."
        address = await screen.app.push_screen_wait(Ask("through which proxy?", "http://", about, refuse))
        if address is not None:
            turn = screen.outgoing.parent_turn(screen.session)
            route = route_for(plan.endpoint, {}, via=address.strip(), source="typed")
            if await self.reopen(replace(plan, route=route)) and turn is not None and turn.response_id:
                screen.outgoing.branch_from(turn)
                screen.describe()

    async def _ask_for_address(self) -> None:
        from sessions.wire.endpoint import derive

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        if plan is None:
            return

        def refuse(text: str) -> str:
            try:
                derive(text.strip())
            except SettingsError as error:
                return str(error)
            return ""

        about = (
            "A base URL; /responses is appended. The key of this session goes to the same origin only: "
            "another one is opened without it."
        )
        address = await screen.app.push_screen_wait(Ask("which address?", "", about, refuse))
        if address is not None:
            await self.reopen(elsewhere(plan, address.strip()))
            screen.describe()

    # Models --------------------------------------------------------------------------------------------

    async def ask_for_model(self) -> bool:
        """Let the person choose a model, from the server's list where it has one; True when one is set."""
        from tui.screens.models import choose_model

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        model = await choose_model(screen.app, plan)
        if model:
            screen.outgoing.change(model=model)
            screen.describe()
        return bool(model)


def elsewhere(plan: Plan, address: str) -> Plan:
    """The plan for another address; a key never goes to another origin."""
    from sessions.secret import NO_SECRET
    from sessions.wire.endpoint import derive

    endpoint = derive(address)
    if endpoint.origin == plan.endpoint.origin:
        return replace(plan, endpoint=endpoint)
    return replace(plan, endpoint=endpoint, key=NO_SECRET, headers=(), profile="custom")


def _cost_and_reason(way: Way) -> str:
    words = way.cost.words
    return f"{words}; {way.reason}" if words else way.reason


def _minutes(seconds: float) -> str:
    if seconds <= _WARN_SECONDS:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f"{int(seconds) // 60} min"
