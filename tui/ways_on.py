"""What is wrong with the socket of a session screen, and the ways on after it.

Its one rule: it offers, with the cost of each way, and does nothing by itself; even a way that was chosen
leaves the next send to the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions import survivors, ways
from sessions.contract import FAILURES, close_meaning
from sessions.session import Phase, Session, remaining
from sessions.ways import Trouble, Way, WayKind
from tui.figures import left_words
from tui.screens.choose import Choice, Choose
from tui.widgets.composer import Chip
from tui.widgets.trouble import Report
from tui.widgets.trouble import Trouble as Panel

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen

_ALARM_SECONDS = 120.0
_BODY_LINES = 3


class WaysOn:
    """The trouble of one session screen, told, and what can be done about it."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    # What is wrong -------------------------------------------------------------------------------------

    @property
    def trouble(self) -> Trouble | None:
        """What stands in the way of going on, with the socket that the composer speaks to."""
        screen = self._screen
        if screen.launch is None:
            return None
        return screen.outgoing.trouble(screen.session, screen.sockets.now)

    @property
    def is_due(self) -> bool:
        """Whether there is something to choose."""
        return self.trouble is not None

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
                    "",
                    f"{left_words(left)} left: F9 rolls over",
                    "alarm" if left <= _ALARM_SECONDS else "warn",
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
        if session.is_http and (refused := self._refused_over_http(session)) is not None:
            return refused
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
        cause, remedy = "", "Nothing goes on by itself; everything so far is kept."
        if session.failure_class is not None:
            cause, remedy = FAILURES[session.failure_class]
        turn = session.turns[-1] if session.turns else None
        if turn is not None and turn.failure is not None:
            evidence.append(f"T{turn.number}: {turn.failure.code} {turn.failure.message}".strip())
        return Report(
            ways.trouble_sentence(trouble),
            cause,
            tuple(evidence),
            remedy,
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
            where = f" on connection {record.meta['probe_session']}" if "probe_session" in record.meta else ""
            evidence.append(f"tried by itself{where}: {probe}")
        retry = "esc M try again with ?model=   " if self._screen.connecting.can_retry_with_model else ""
        return Report(
            f"The socket was not opened: {session.failure_class or 'refused'}",
            cause,
            tuple(line for line in evidence if line),
            str(record.meta.get("remedy", remedy)),
            f"{retry}esc c connection: try again, another route, another address",
        )

    def _refused_over_http(self, session: Session) -> Report | None:
        """What a server that takes no request at all says; None when it took one, or a turn was at fault."""
        from sessions.wire.http_refusal import refusal_over_http

        turn = session.turns[-1] if session.turns else None
        if turn is None or turn.failure is None or turn.create < 0:
            return None
        recording = self._screen.inspector.recording
        refused = refusal_over_http(session, map(recording.record, range(turn.create, len(recording))))
        if refused is None:
            return None
        evidence = [
            refused.detail,
            *[line for line in refused.body.splitlines() if line.strip()][:_BODY_LINES],
        ]
        if wait := session.limits.get("retry-after"):
            evidence.insert(1, f"Retry-After: {wait}")
        return Report(
            f"The request was refused: {refused.failure_class}",
            refused.cause,
            tuple(evidence),
            refused.remedy,
            "Enter sends again   esc c connection: another route, another address",
        )

    # What can be done ----------------------------------------------------------------------------------

    async def choose(self) -> None:
        """Offer every way on with its cost, and take the one that is chosen."""
        screen = self._screen
        session, outgoing = screen.session, screen.outgoing
        trouble = self.trouble
        if session is not None and session.phase is Phase.REFUSED:
            await screen.menu.choose()
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
        if chosen and self.trouble is not trouble:
            # What was offered, and what it was said to cost, is no longer so: nothing is done by it.
            screen.tell("the connection has changed meanwhile: these are the ways on now")
            await self.choose()
        elif chosen:
            await self._take(found[int(chosen)])

    async def _take(self, way: Way) -> None:
        """Do what a way on says; the next turn is still sent by the person."""
        screen, outgoing = self._screen, self._screen.outgoing
        turn = screen.inspector.sessions.turn(way.turn)
        if way.kind is WayKind.STAY:
            return
        if way.needs_new_socket and not await screen.connecting.reopen():
            return
        if way.kind is WayKind.NEW_CHAIN:
            if not screen.sockets.is_live(screen.number) and not await screen.connecting.reopen():
                return
            outgoing.start_anew()
        elif way.is_replay and turn is not None:
            outgoing.replay(turn)
        elif turn is not None:
            outgoing.branch_from(turn)
        if not screen.is_read_only:
            screen.composer.box.focus()
        screen.describe()


def _cost_and_reason(way: Way) -> str:
    if way.works is False:
        return f"will not work: {way.reason}"
    words = way.cost.words
    return f"{words[:1].upper()}{words[1:]}. {way.reason}" if words else way.reason
