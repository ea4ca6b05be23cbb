"""What a person takes out of a session: text to the clipboard, the conversation as Markdown, a picture.

Its one rule: secrets stay here; every way out says where it went. Nothing on disk is overwritten.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.transcript import markdown
from tui.clipboard import copy
from tui.picture import picture, picture_name
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose
from tui.widgets.pane import Pane
from tui.widgets.trouble import Trouble

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen


class Saving:
    """The ways out of one session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    async def copy(self) -> None:
        """Ask what to copy, copy it, and say by which way it went."""
        screen = self._screen
        inspector = screen.inspector
        choices: list[Choice] = []
        focused = screen.focused
        value = focused.copy_text() if isinstance(focused, Pane) else ""
        if value:
            choices.append(Choice("value", "what is under the cursor", value))
        if screen.selection.record >= 0:
            name = f"event {screen.selection.record}"
            choices.append(Choice("event", name, "the exact bytes, as text"))
        turn = screen.turn()
        if turn is not None:
            choices.append(Choice("turn", f"turn T{turn.number}", "as Markdown"))
            count = len(screen.scope.turns(inspector.sessions))
            words = f"{count} turn{'' if count == 1 else 's'} as Markdown"
            choices.append(Choice("conversation", "the conversation", words))
            if turn.response_id:
                choices.append(Choice("id", "the response id", turn.response_id))
        report = screen.query_one(Trouble).report
        if report is not None:
            choices.append(Choice("report", "the report of what went wrong", report.title))
        if not choices:
            screen.tell("there is nothing to copy yet")
            return
        chosen = await screen.app.push_screen_wait(Choose("copy", choices))
        match chosen:
            case "value":
                text = value
            case "event":
                text = inspector.recording.record(screen.selection.record).payload.decode(errors="replace")
            case "turn" if turn is not None:
                text = markdown(inspector.sessions, inspector.recording.record, (turn,))
            case "conversation":
                text = self.transcript()
            case "id" if turn is not None:
                text = turn.response_id
            case "report" if report is not None:
                text = report.text()
            case _:
                return
        screen.tell(await copy(text, screen.app.copy_to_clipboard))

    def transcript(self) -> str:
        """The conversation as Markdown."""
        inspector = self._screen.inspector
        turns = self._screen.scope.turns(inspector.sessions)
        return markdown(inspector.sessions, inspector.recording.record, tuple(turns))

    async def export(self) -> None:
        """Ask for a path and write the conversation there."""
        screen = self._screen
        if screen.scope.last_turn(screen.inspector.sessions) is None:
            screen.tell("there is no conversation to save yet")
            return
        usual = f"conversation-{time.strftime('%Y-%m-%d-%H%M%S')}.md"
        about = "The conversation as Markdown, keys masked; every frame is in the recording."
        path = await screen.app.push_screen_wait(Ask("save the conversation as", usual, about, refuse_path))
        if path is None:
            return
        self._write(path, self.transcript())

    def _write(self, name: str, text: str) -> None:
        target = Path(name).expanduser()
        try:
            write_new(target, text)
        except OSError as error:
            self._screen.tell(f"not saved: {error.strerror}: {target}", is_wrong=True)
        else:
            self._screen.tell(f"saved {target.resolve()}")

    def picture(self) -> None:
        """Write what is on the screen as an SVG; what the screen hides is not in it."""
        self._write(picture_name(), picture(self._screen.app))


def refuse_path(text: str) -> str:
    """Why nothing can be written to this path, in a sentence; "" when it can."""
    if not text.strip():
        return "Give a file name."
    path = Path(text).expanduser()
    if path.exists():
        return f"{path} exists already; nothing is overwritten."
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return ""


def write_new(path: Path, text: str) -> None:
    """Write a new file that only its owner can read; raises OSError, also when it exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
