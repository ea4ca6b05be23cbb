"""Which turns of a conversation read differently after a change.

Its one rule: rather one turn too many than one too few; a turn that waits is told anew whenever its socket
or another turn moves.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.changes import Change, What
from sessions.reducer import Sessions


def turns_touched(sessions: Sessions, change: Change) -> Iterator[int]:
    """The numbers of the turns that may read differently after this change; some may come twice."""
    if change.turn:
        yield change.turn
        turn = sessions.turn(change.turn)
        if change.what is What.ANSWER and turn is not None and turn.parent_turn:
            yield turn.parent_turn
    if change.what in (What.TURN, What.RESPONSE, What.SESSION, What.ERROR):
        session = sessions.sessions.get(change.session)
        for lane in session.lanes.values() if session is not None else ():
            yield from (waiting.number for waiting in lane.waiting)
        if change.what is What.SESSION and session is not None and session.phase.is_over:
            yield from (turn.number for turn in session.turns if turn.ended == session.ended)
