"""From a command line to the first screen.

Its one rule: the first picture comes before anything slow. What a session needs is loaded behind it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tui.screens.opening import Opening, Ready

if TYPE_CHECKING:
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


Prepare = Callable[[argparse.Namespace], Ready]
