"""The selection of a session screen: one turn and one record, the same moment in every view.

Its one rule: choosing in one view moves the others there and never the focus. A step from turn to turn stays
among those that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sessions.session import Turn
from tui.steps import beside, failed_beside
from tui.widgets.events import Events
from tui.widgets.raw import Raw
from tui.widgets.talk import Talk

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen


class Selection:
    """A turn and a record that were chosen, and the ways to others."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self.turn = 0  #: its number; 0: none was chosen
        self.record = -1  #: its number; -1: none was chosen

    def choose_record(self, record: int, source: str) -> None:
        """Choose a record in the view that is its source, and move the other views to the same moment."""
        screen = self._screen
        if not 0 <= record < len(screen.inspector.recording):
            return
        self.record = record
        columns = screen.inspector.sessions.turn_column
        if source == "events" and record < len(columns) and columns[record]:
            self.turn = columns[record]
        screen.query_one(Raw).show_record(record)
        if source != "events":
            screen.query_one(Events).select(record)
        if source == "events":
            screen.query_one(Talk).show_record(record)
        screen.refresh_bindings()

    def choose_turn(self, number: int) -> None:
        """Choose a turn, and the record of its create where it has one."""
        screen = self._screen
        self.turn = number
        screen.query_one(Talk).show_turn(number)
        turn = screen.inspector.sessions.turn(number)
        if turn is not None and turn.create >= 0:
            self.choose_record(turn.create, source="chain")

    def step_turn(self, step: int) -> None:
        """Choose the turn so many steps away."""
        turn = beside(self._turns(), self.turn, step)
        if turn is not None:
            self.choose_turn(turn.number)

    def step_error(self, step: int) -> None:
        """Choose the nearest turn that failed or was cut: after this one, before it for a step below 0."""
        turn = failed_beside(self._turns(), self.turn, step)
        if turn is None:
            self._screen.tell("no failed turn there")
        else:
            self.choose_turn(turn.number)

    def _turns(self) -> Sequence[Turn]:
        return self._screen.scope.turns(self._screen.inspector.sessions)
