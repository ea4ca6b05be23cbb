"""A program on a terminal in a room: its screen as text, its keys, all through tmux.

tmux's control mode tells when something was painted, so a test waits for what it wants to see and never
sleeps. One rule: the screen is looked at only after it has changed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.peers.room import Room


class Terminal:
    """One program at work on a terminal of its own."""

    def __init__(
        self,
        room: Room,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environ: Mapping[str, str],
        width: int = 120,
        height: int = 40,
    ) -> None:
        socket = folder / "tmux"
        words = shlex.join(map(str, command))
        self._tmux = room.start(
            [
                *("tmux", "-S", str(socket), "-f", "/dev/null", "-C", "new-session"),
                *("-x", str(width), "-y", str(height), words),
            ],
            environ={**environ, "TERM": "xterm-256color"},
            folder=folder,
        )
        self._seen = 0

    def type(self, text: str) -> None:
        """Type this text, letter by letter."""
        self._tmux.say(f"send-keys -l {shlex.quote(text)}")

    def press(self, *keys: str) -> None:
        """Press keys by their names, such as Enter or C-c."""
        self._tmux.say("send-keys " + " ".join(keys))

    def until(self, fits: Callable[[str], bool], seconds: float = 30) -> str:
        """Wait until the screen fits; its text. Raises AssertionError with the last one when it does not."""
        while True:
            screen = self._screen()
            if fits(screen):
                return screen
            try:
                self._seen, _ = self._tmux.line_that(
                    lambda line: line.startswith("%output"), after=self._seen, seconds=seconds
                )
            except AssertionError:
                raise AssertionError(f"the screen stayed at:\n{screen}") from None

    def _screen(self) -> str:
        """What stands on the screen now."""
        self._tmux.say("capture-pane -p")
        self._tmux.say("display-message -p end-of-screen")
        end, _ = self._tmux.line_that("end-of-screen".__eq__, after=self._seen)
        lines = self._tmux.lines()[:end]
        begins = [number for number, line in enumerate(lines) if line.startswith("%begin")]
        self._seen = end
        kept = [line for line in lines[begins[-2] + 1 : begins[-1]] if not line.startswith("%")]
        return "\n".join(line.rstrip() for line in kept).strip("\n")

    def close(self) -> None:
        """End the program and its terminal."""
        self._tmux.say("kill-server")
        self._tmux.finish()
