"""The preview of the start screen: a real session with the built-in server, driven by the demonstration.

Whoever takes it over gets its recording, its sockets and its server as they are; only the script ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.worker import Worker

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.wire.clock import SystemClock
from tui.demonstration import Demonstration
from tui.feed import SessionsChanged, feed
from tui.launch import Launch
from tui.sockets import Sockets
from tui.widgets.chain import Chain
from tui.widgets.status import Status
from tui.widgets.talk import Talk

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen


PREVIEW_STYLES = [
    Path(__file__).with_name(f"{name}.tcss") for name in ("pane", "talk", "chain", "status", "preview")
]


class Preview(Vertical):
    """Header, conversation and chain of the running demonstration."""

    def __init__(self, launch: Launch) -> None:
        super().__init__()
        self._launch = launch
        self._inspector = Inspector(Recording.create(None, source="demo"), launch.plan.secrets)
        self._sockets = Sockets(self._inspector, SystemClock())
        self._plan = self._sockets.prepare(launch.plan)
        self._socket: Worker[None] | None = None
        self._script: Worker[None] | None = None
        self._is_taken = False

    def compose(self) -> ComposeResult:
        """Three of the session's own widgets, without the focus."""
        yield Status(self._inspector)
        talk, chain = Talk(self._inspector), Chain(self._inspector, has_parents=False)
        talk.can_focus = chain.can_focus = False
        yield talk
        yield chain

    def on_mount(self) -> None:
        """Open the socket and begin."""
        self.query_one(Status).show_badges("DEMO", is_key_set=None)
        # The socket outlives this widget when somebody takes it over, so the application runs it.
        self._socket = self.app.run_worker(self._sockets.run(self._plan), group="preview socket")
        self.run_worker(feed(self._inspector, self), group="feed")
        script = Demonstration(self._inspector, self._sockets, self._plan.session, self._launch.create)
        self._script = self.run_worker(script.run(), group="script")
        self.set_interval(1.0, self._tick)

    def on_sessions_changed(self, event: SessionsChanged) -> None:
        """Show what came."""
        event.stop()
        self.query_one(Talk).show(event.batch)
        self.query_one(Chain).show(event.batch)
        self._tick()

    def _tick(self) -> None:
        self.query_one(Status).refresh_at(self._sockets.now)
        self.query_one(Talk).refresh_at(self._sockets.now)

    def take_over(self) -> SessionScreen:
        """The session as a screen of its own; the script ends, the answer that runs goes on."""
        from tui.screens.session import SessionScreen

        self._is_taken = True
        if self._script is not None:
            self._script.cancel()
        return SessionScreen(self._inspector, self._sockets, self._launch, adopted=self._plan.session)

    def release(self) -> None:
        """End socket and server, unless somebody took them over."""
        if not self._is_taken:
            if self._socket is not None:
                self._socket.cancel()
            self._launch.release()
            self._inspector.recording.close()
