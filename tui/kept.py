"""What is kept of a person's writing: the draft in the box, what was sent before, half-filled answers.

Its one rule: nothing typed is lost, and nothing old stands in the box unless it was asked for. With a folder
it outlives the run; without one it lasts as long as the screen, and what was sent is found in the recording.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sessions import compose
from sessions.answers import HalfAnswer
from sessions.safe import safe_line
from tui.screens.choose import Choice, Choose
from tui.widgets.composer import Chip, Mode

if TYPE_CHECKING:
    from sessions.drafts import Drafts, Unsent
    from tui.screens.session import SessionScreen

_HISTORY = 200  # messages offered at once


class Kept:
    """The draft, the history and the half-filled answers of one session of one's own."""

    def __init__(self, screen: SessionScreen, drafts: Drafts | None) -> None:
        self._screen = screen
        self._drafts = drafts
        self._halves: dict[str, HalfAnswer] = {}
        self._unsent: Sequence[Unsent] = ()  # drafts of ended runs
        self._is_offered = False  # whether they are spoken of beside the box
        self._draft: str | None = None  # what stands in the box since it was saved last; None: nothing new

    # The draft -----------------------------------------------------------------------------------------

    def written(self, text: str) -> None:
        """Take note of what stands in the box now; it is saved by `save_draft`."""
        self._draft = text

    def save_draft(self) -> None:
        """Save what stood in the box last, when it is new; once a second is enough, and at the end."""
        if self._drafts is not None and self._draft is not None:
            self._drafts.save(self._draft)
            self._draft = None

    def look_for_drafts(self) -> None:
        """See what ended runs have left for this endpoint; it is offered, and the box stays empty."""
        drafts = self._drafts
        if drafts is None:
            return
        self._unsent = drafts.unsent()
        self._is_offered = bool(self._unsent)
        for problem in drafts.problems:
            self._screen.tell(problem)

    def chips(self) -> tuple[Chip, ...]:
        """That there is an unsent draft, until one was taken or something was sent."""
        if not self._is_offered:
            return ()
        count = len(self._unsent)
        words = f"draft of {_when(self._unsent[0])}" if count == 1 else f"{count} unsent drafts"
        return (Chip("", f"{words}: ctrl+r", "warn"),)

    def _take_draft(self, unsent: Unsent) -> None:
        is_frame = unsent.text.lstrip().startswith("{") and '"type"' in unsent.text
        composer = self._screen.composer
        composer.set_mode(Mode.JSON if is_frame else Mode.TEXT, unsent.text)
        composer.box.focus()
        self._draft = unsent.text
        self.save_draft()  # as this run's own, before the old one goes
        if self._drafts is not None:
            self._drafts.drop(unsent)
        self._unsent = tuple(one for one in self._unsent if one is not unsent)
        self._is_offered = False
        self._screen.describe()

    # History -------------------------------------------------------------------------------------------

    def remember(self, text: str, mode: Mode) -> None:
        """Keep what was sent, to be taken again."""
        self._is_offered = False
        if self._drafts is not None and text.strip():
            self._drafts.remember(text, "prompt" if mode is Mode.TEXT else "frame")

    async def take_from_history(self) -> None:
        """Put something that was sent before, or an unsent draft, into the box."""
        drafts = self._drafts
        sent = [(one.kind, one.text) for one in reversed(drafts.history())] if drafts else self._sent_here()
        unsent = self._unsent
        if not sent and not unsent:
            self._screen.tell("nothing was sent yet")
            return
        choices = [
            Choice(f"draft {n}", safe_line(one.text, 70), f"unsent draft of {_when(one)}")
            for n, one in enumerate(unsent)
        ]
        choices += [
            Choice(str(n), safe_line(text, 70), "" if kind == "prompt" else "frame")
            for n, (kind, text) in enumerate(sent[:_HISTORY])
        ]
        title = "unsent, and sent before" if unsent else "sent before"
        chosen = await self._screen.app.push_screen_wait(Choose(title, choices))
        if chosen.startswith("draft "):
            self._take_draft(unsent[int(chosen[6:])])
        elif chosen:
            kind, text = sent[int(chosen)]
            self._screen.composer.set_mode(Mode.TEXT if kind == "prompt" else Mode.JSON, text)
            self._screen.composer.box.focus()

    def _sent_here(self) -> list[tuple[str, str]]:
        recording = self._screen.inspector.recording
        found: list[tuple[str, str]] = []
        turns = self._screen.scope.turns(self._screen.inspector.sessions)
        for turn in reversed(turns[-_HISTORY:]):
            if turn.create >= 0:
                text = recording.record(turn.create).payload.decode(errors="replace")
                create = compose.from_frame(text)
                found.append(
                    ("prompt", create.text) if create is not None and create.text else ("frame", text)
                )
        return found

    # Half-filled answers -------------------------------------------------------------------------------

    def halves(self) -> dict[str, HalfAnswer]:
        """What was filled in for calls and has not left yet, by the id of the call."""
        if self._drafts is not None:
            self._halves = {**self._drafts.halves(), **self._halves}
        return self._halves

    def keep_half(self, half: HalfAnswer) -> None:
        """Keep what was filled in for one call."""
        self._halves[half.call_id] = half
        if self._drafts is not None:
            self._drafts.keep_half(half)

    def forget_half(self, call_id: str) -> None:
        """The answer to this call has left."""
        self._halves.pop(call_id, None)
        if self._drafts is not None:
            self._drafts.forget_half(call_id)


def _when(unsent: Unsent) -> str:
    """The time of day of today, else the day."""
    at = time.localtime(unsent.wall / 1_000_000)
    is_today = time.strftime("%Y%m%d", at) == time.strftime("%Y%m%d")
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d", at)
