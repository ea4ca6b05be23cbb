"""From a command line to the first screen.

Its one rule: the first picture comes before anything slow. What a session needs is loaded behind it.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tui.screens.opening import Opening, Ready

if TYPE_CHECKING:
    from sessions.inspector import Inspector
    from tui.launch import Launch
    from tui.screens.session import SessionScreen


def first_screen(args: argparse.Namespace) -> Screen[Any]:
    """The screen of a verb."""
    if args.verb == "start":
        from tui.screens.start import Start

        return Start(args)
    words = "starting the built-in server …" if args.verb == "demo" else "reading the settings …"
    return Opening(words, partial(prepare, args))


def prepare(args: argparse.Namespace) -> Ready:
    """Load what the session needs; the result makes its screen, on the application's own loop."""
    from tui import launch

    made = launch.launch_demo(args) if args.verb == "demo" else launch.launch_connection(args)
    # Importing the session's screen is slow as well; it belongs behind the first picture.
    import tui.screens.session  # noqa: F401

    return partial(session_screen, args, made)


def session_screen(args: argparse.Namespace, launch: Launch) -> SessionScreen:
    """The session screen of a launch, with an empty recording; raises RecordingError."""
    from sessions.inspector import Inspector
    from sessions.recording import Recording
    from sessions.wire.clock import SystemClock
    from tui.launch import recording_path
    from tui.screens.session import SessionScreen
    from tui.sockets import Sockets

    path = recording_path(args, launch.settings.profile)
    inspector = Inspector(Recording.create(path, source=args.verb), launch.plan.secrets)
    return SessionScreen(
        inspector,
        Sockets(inspector, SystemClock()),
        launch,
        is_read_only=bool(getattr(args, "read_only", False)),
    )


def prepare_recording(name: str) -> Ready:
    """Read a recording; the result makes a screen that only shows it. Raises RecordingError."""
    from sessions.inspector import Inspector
    from sessions.reading import Reading
    from sessions.recording import Recording

    # What is read is copied into a temporary file, so that nothing can be appended to the person's own.
    inspector = Inspector(Recording.create(None, source="replay"))
    source = Reading.whole(Path(name).expanduser())
    try:
        inspector.feed_all(source)
    finally:
        source.close()
    import tui.screens.session  # noqa: F401

    return partial(reading_screen, inspector)


def reading_screen(inspector: Inspector) -> SessionScreen:
    """The session screen of a recording that has ended."""
    from tui.screens.session import SessionScreen
    from tui.sockets import Sockets

    count = len(inspector.recording)
    last = inspector.recording.elapsed_at(count - 1) if count else 0.0
    return SessionScreen(inspector, Sockets(inspector, StoppedClock(last)), None)


class StoppedClock:
    """The time of a recording that has ended: that of its last record."""

    def __init__(self, elapsed: float) -> None:
        self._elapsed = elapsed

    def wall(self) -> int:
        """No moment: nothing is stamped by this clock."""
        return 0

    def elapsed(self) -> float:
        """Seconds from the recording's beginning to its end."""
        return self._elapsed
