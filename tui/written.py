"""A frame that was written as JSON, read back: its own parent, lane, model and options, not the aimed ones.

Its one rule: what stands beside the box is what would leave. It chooses nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sessions import answers, compose, memory
from sessions.create import ANSWER_TYPES, Create, kind_of
from sessions.inspector import Inspector
from sessions.profile import ProfileFacts
from sessions.session import Session, Turn
from tui.outgoing import Aim, Outgoing


class Written(Outgoing):
    """The next send as a frame says it; made anew for each text."""

    def __init__(self, inspector: Inspector, create: Create, profile: ProfileFacts) -> None:
        super().__init__(inspector, create, profile)
        self.lane = create.lane
        self.is_warm_up = create.is_warm_up
        self.aim = Aim.TURN if create.parent else Aim.NEW

    def parent(self, session: Session | None) -> str | None:
        """The `previous_response_id` that stands in the frame."""
        return self.settings.parent

    def parent_turn(self, session: Session | None) -> Turn | None:
        """The turn that it names, when this recording knows it."""
        sessions = self._inspector.sessions
        response = memory.find(sessions, self.settings.parent, session)
        return sessions.turn(response.turn) if response is not None else None

    def carried(self, session: Session | None) -> Turn | None:
        """None: what was written leaves as it is, with nothing added."""
        return None

    def open_calls(self, session: Session | None) -> tuple[Turn, int] | None:
        """The turn that it names and how many of its calls wait, without those it answers."""
        turn = self.parent_turn(session)
        if turn is None:
            return None
        answered = self._answered_calls() or ()
        left = sum(item.answer_id not in answered for item in answers.pending(self._inspector.sessions, turn))
        return (turn, left) if left else None

    def _answered_calls(self) -> Collection[str] | None:
        items = compose.fields(self.settings).get("input")
        replies = (item for item in items if kind_of(item) in ANSWER_TYPES) if isinstance(items, list) else ()
        return tuple(call for item in replies if isinstance(call := item.get("call_id"), str))


def written(text: str, outgoing: Outgoing, inspector: Inspector) -> Written | None:
    """What this text would send; None when it is no `response.create`, or broken."""
    create = compose.from_frame(text)
    return Written(inspector, create, outgoing.profile) if create is not None else None
