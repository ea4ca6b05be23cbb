"""What is kept of a person's writing: the draft in the box, what was sent before, half-filled answers.

Its one rule: nothing typed is lost. With a folder it outlives the run; without one it lasts as long as the
screen, and what was sent is found in the recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions import compose
from sessions.answers import HalfAnswer
from sessions.safe import safe_line
from tui.screens.choose import Choice, Choose
from tui.widgets.composer import Mode

if TYPE_CHECKING:
    from sessions.drafts import Drafts
    from tui.screens.session import SessionScreen

_HISTORY = 200  # messages offered at once


class Kept:
    """The draft, the history and the half-filled answers of one session of one's own."""

    def __init__(self, screen: SessionScreen, drafts: Drafts | None) -> None:
        self._screen = screen
        self._drafts = drafts
        self._halves: dict[str, HalfAnswer] = {}
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

    def restore_draft(self) -> None:
        """Put back what was being written when turnscope ended last."""
        drafts = self._drafts
        if drafts is None:
            return
        if text := drafts.draft():
            is_frame = text.lstrip().startswith("{") and '"type"' in text
            self._screen.composer.set_mode(Mode.JSON if is_frame else Mode.TEXT, text)
        for problem in drafts.problems:
            self._screen.tell(problem)

    # History -------------------------------------------------------------------------------------------

    def remember(self, text: str, mode: Mode) -> None:
        """Keep what was sent, to be taken again."""
        if self._drafts is not None and text.strip():
            self._drafts.remember(text, "prompt" if mode is Mode.TEXT else "frame")

    async def take_from_history(self) -> None:
        """Put something that was sent before into the box."""
        drafts = self._drafts
        sent = [(one.kind, one.text) for one in reversed(drafts.history())] if drafts else self._sent_here()
        if not sent:
            self._screen.tell("nothing was sent yet")
            return
        choices = [
            Choice(str(n), safe_line(text, 70), "" if kind == "prompt" else "frame")
            for n, (kind, text) in enumerate(sent[:_HISTORY])
        ]
        chosen = await self._screen.app.push_screen_wait(Choose("sent before", choices))
        if chosen:
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
