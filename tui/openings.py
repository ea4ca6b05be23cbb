"""Openings: with which words each turn was begun, in one line; pure.

Its one rule: they are read once from the create, as it is the same for ever; the newest so many are kept.
"""

from __future__ import annotations

from collections import OrderedDict

from sessions.dialects import create_fields
from sessions.events import Event
from sessions.inspector import Inspector
from sessions.session import Turn
from sessions.wording import Role, asked
from tui.veil import line

_KEPT_WORDS = 512


class Openings:
    """The first words of the turns of one state."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._words: OrderedDict[int, str] = OrderedDict()

    def words(self, turn: Turn) -> str:
        """What this turn was begun with, safe to show."""
        known = self._words.get(turn.number)
        if known is None:
            known = self._words[turn.number] = line(self._read_words(turn), 120)
            if len(self._words) > _KEPT_WORDS:
                self._words.popitem(last=False)
        return known

    def _read_words(self, turn: Turn) -> str:
        if turn.create < 0:
            parent = self._inspector.sessions.turn(turn.parent_turn)
            steers = parent.steers if turn.is_steered and parent is not None else ()
            return f"steer: {steers[-1].text}" if steers else "(nobody asked)"
        if turn.is_warmup:
            return "warm-up"
        event = self._inspector.recording.event(turn.create)
        sayings = asked(create_fields(event.body)[0]) if isinstance(event, Event) else ()
        said = next((one for one in reversed(sayings) if one.role is Role.YOU and one.text), None)
        if said is not None:
            return f"you: {said.text.strip()}"
        replies = sum(1 for one in sayings if one.role is Role.REPLY)
        if replies:
            return f"{replies} output{'s' if replies > 1 else ''}"
        return f"{len(sayings)} items" if sayings else "(no input)"
