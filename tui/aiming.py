"""Where the next send goes: its parent, its lane, and what goes with it, chosen by a person.

Its one rule: a choice only aims; nothing is sent here. Each parent is offered with what will happen to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.cost import estimate
from sessions.safe import safe_line
from tui.outgoing import Outgoing, refuse_lane
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen

_PARENTS = 100  # turns offered at once
_DEFAULT_LANE, _NEW_LANE = "\0default", "\0new"  # no lane can have these names


class Aiming:
    """The choices of parent, lane and options of one session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    @property
    def _outgoing(self) -> Outgoing:
        return self._screen.outgoing

    def branch(self) -> None:
        """Make the selected turn the parent of the next send."""
        turn = self._screen.turn()
        if turn is None or not turn.response_id:
            self._screen.tell("this turn has no response that could be a parent")
            return
        self._outgoing.branch_from(turn)
        self._screen.composer.box.focus()
        self._screen.describe()

    async def choose_parent(self) -> None:
        """The chain, a new chain, a replay, or any turn."""
        screen, outgoing = self._screen, self._outgoing
        sessions = screen.inspector.sessions
        choices = [
            Choice("chain", "continue the chain", "the newest answer of this lane is the parent"),
            Choice("new", "a new chain", "no parent; the model knows nothing of earlier turns"),
        ]
        selected = screen.turn()
        if selected is not None and selected.response_id:
            cost = estimate(sessions, selected).words
            choices.append(Choice("replay", f"replay T{selected.number} in full", f"a new chain; {cost}"))
        for turn in reversed(screen.scope.turns(sessions)[-_PARENTS:]):
            if turn.response_id:
                forecast = outgoing.forecast_for(turn, screen.session, screen.sockets.now)
                choices.append(
                    Choice(
                        f"T{turn.number}",
                        f"branch from T{turn.number}",
                        forecast.sentence,
                        forecast.works is not False,
                    )
                )
        chosen = await screen.app.push_screen_wait(Choose("parent of the next send", choices))
        if chosen == "chain":
            outgoing.continue_chain()
        elif chosen == "new":
            outgoing.start_anew()
        elif chosen == "replay" and selected is not None:
            outgoing.replay(selected)
        elif chosen.startswith("T") and (turn_chosen := sessions.turn(int(chosen[1:]))) is not None:
            outgoing.branch_from(turn_chosen)
        screen.describe()

    async def choose_lane(self) -> None:
        """One of the lanes of this socket, or a new one."""
        screen, outgoing = self._screen, self._outgoing
        session = screen.session
        choices = [Choice("", "the default lane", "no stream_id in the frame")]
        for name, lane in (session.lanes if session else {}).items():
            if name is not None:
                busy = "busy" if lane.open or lane.waiting else "idle"
                head = f", head T{lane.head.turn}" if lane.head else ""
                choices.append(Choice(name, safe_line(name, 40), f"{busy}{head}"))
        is_http = session is not None and session.is_http
        side_by_side = "a request beside the others; HTTP knows no lanes, the name stays here"
        choices.append(
            Choice(
                _NEW_LANE, "a new lane", side_by_side if is_http else "", outgoing.profile.lanes or is_http
            )
        )
        if not outgoing.profile.lanes and not is_http:
            choices[-1] = choices[-1]._replace(note=f"{outgoing.profile.name} knows no lanes")
        chosen = await screen.app.push_screen_wait(
            Choose("lane of the next send", [c._replace(key=c.key or _DEFAULT_LANE) for c in choices])
        )
        if chosen == _NEW_LANE:
            name = await screen.app.push_screen_wait(
                Ask(
                    "a new lane",
                    about="Letters, digits, _ . - ; empty is the default lane.",
                    refuse=refuse_lane,
                )
            )
            if name is not None:
                outgoing.choose_lane(name or None)
        elif chosen:
            outgoing.choose_lane(None if chosen == _DEFAULT_LANE else chosen)
        screen.describe()

    async def change_options(self) -> None:
        """Everything that goes with a send beside its text."""
        from tui.screens.options import Options

        changed = await self._screen.app.push_screen_wait(Options(self._outgoing.settings))
        if changed is not None:
            self._outgoing.settings = changed
            self._screen.describe()

    def prepare_warm_up(self) -> None:
        """The next send makes state without an answer; pressed again, it does not."""
        self._outgoing.is_warm_up = not self._outgoing.is_warm_up
        self._screen.composer.box.focus()
        self._screen.describe()
