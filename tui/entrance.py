"""From a command line to the first screen.

Its one rule: the first picture comes before anything slow. What a session needs is loaded behind it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from sessions.errors import UsageError
from sessions.talk import tell
from tui.screens.opening import Opening, Ready
from tui.slices import run_in_long_slices

if TYPE_CHECKING:
    from sessions.reading import Reading
    from tui.launch import Launch
    from tui.screens.replay import ReplayScreen
    from tui.screens.session import SessionScreen
    from tui.screens.tap import TapScreen
    from tui.tapping import RunningTap

_STDIN = 0


def entry(args: argparse.Namespace) -> Callable[[], Screen[Any]]:
    """What makes the first screen of a verb; a recording is opened here, before the terminal is taken.

    So is a tap started, and told where it can be found again. Raises RecordingError when a recording cannot
    be read, UsageError when none is meant or the tap does not start.
    """
    if args.verb == "tap":
        return _tap_entry(args)
    if args.verb not in ("replay", "attach"):
        return partial(first_screen, args)
    run_in_long_slices()
    if args.verb == "attach" and not args.file:
        from sessions.commands.attach import any_growing
        from sessions.settings import paths

        found = any_growing(paths().recordings)
        if len(found) > 1:
            return partial(_which, found, args)
        args.file = str(found[0])
    return partial(_opening, _open_reading(args), args)


def _opening(reading: Reading, args: argparse.Namespace) -> Screen[Any]:
    is_live = args.verb == "attach" or args.file == "-"
    return Opening("reading the recording …", partial(prepare_reading, reading, args, is_live=is_live))


def _which(found: tuple[Path, ...], args: argparse.Namespace) -> Screen[Any]:
    from tui.screens.which import Which

    def look(path: Path) -> Screen[Any]:
        return Opening("reading the recording …", partial(prepare_recording, str(path), args))

    return Which(found, look)


def first_screen(args: argparse.Namespace) -> Screen[Any]:
    """The screen of a verb."""
    if args.verb == "start":
        from tui.screens.start import Start

        return Start(args)
    if args.verb == "compare":
        return Opening("reading both sides …", partial(prepare_comparison, args))
    if args.verb == "doctor":
        return Opening("reading the settings …", partial(prepare_examination, args))
    words = "starting the built-in server …" if args.verb == "demo" else "reading the settings …"
    return Opening(words, partial(prepare, args))


def prepare_comparison(args: argparse.Namespace) -> Ready:
    """Read what a comparison needs, its recordings too; the result makes its screen."""
    from sessions.commands.comparing import Comparing
    from tui.screens.compare import CompareScreen

    notes: list[str] = []
    comparing = Comparing(args, notes.append)
    return partial(CompareScreen, comparing, notes)


def prepare_examination(args: argparse.Namespace) -> Ready:
    """Read what the doctor needs; the result makes its screen."""
    from sessions.commands.examining import Examining
    from tui.screens.doctor import DoctorScreen

    return partial(DoctorScreen, Examining(args))


def prepare(args: argparse.Namespace) -> Ready:
    """Load what the session needs; the result makes its screen, on the application's own loop."""
    from tui import launch

    made = launch.launch_demo(args) if args.verb == "demo" else launch.launch_connection(args)
    # Importing the session's screen is slow as well; it belongs behind the first picture.
    import tui.screens.session  # noqa: F401
    from sessions.settings import known_habits

    return partial(session_screen, args, made, known_habits())


def session_screen(
    args: argparse.Namespace, launch: Launch, habits: Mapping[str, frozenset[str]] | None = None
) -> SessionScreen:
    """The session screen of a launch, with an empty recording; raises RecordingError."""
    from sessions.inspector import Inspector
    from sessions.recording import Recording
    from sessions.wire.clock import SystemClock
    from tui.launch import recording_path
    from tui.screens.session import SessionScreen
    from tui.sockets import Sockets

    path = recording_path(args, launch.settings.profile)
    recording = Recording.create(path, source=args.verb)
    inspector = Inspector(recording, launch.plan.secrets, habits=habits)
    return SessionScreen(
        inspector,
        Sockets(inspector, SystemClock()),
        launch,
        is_read_only=bool(getattr(args, "read_only", False)),
    )


def prepare_recording(name: str, args: argparse.Namespace | None = None) -> Ready:
    """Open a recording; the result makes a screen that only reads it, at its live end for `attach`.

    Raises RecordingError.
    """
    from sessions.reading import Reading

    is_live = args is not None and args.verb == "attach"
    return prepare_reading(Reading.open(Path(name).expanduser()), args, is_live=is_live)


def prepare_reading(
    reading: Reading, args: argparse.Namespace | None = None, *, is_live: bool = False
) -> Ready:
    """Load what a replay needs; the result makes its screen, at the live end of the file or folding it."""
    import tui.screens.replay  # noqa: F401
    from sessions.settings import known_habits

    return partial(replay_screen, reading, args, is_live, known_habits())


def replay_screen(
    reading: Reading,
    args: argparse.Namespace | None,
    is_live: bool,
    habits: Mapping[str, frozenset[str]] | None = None,
) -> ReplayScreen:
    """The screen of a recording that is only read."""
    from sessions.playback import Playback
    from sessions.wire.clock import SystemClock
    from tui.screens.replay import ReplayScreen

    is_piped = args is not None and args.file == "-"
    playback = Playback(reading, SystemClock(), is_live=is_live, is_piped=is_piped, habits=habits)
    playback.speed = getattr(args, "speed", None) or 1.0
    playback.is_shortening = bool(getattr(args, "shorten_silences", False))
    if getattr(args, "speed", None) and not is_live:
        playback.play()  # who names a speed wants to see it go; without one it is opened to be read
    if is_live and reading.header.get("source") == "tap":
        return tap_screen(reading, None, habits)
    return ReplayScreen(playback)


def _tap_entry(args: argparse.Namespace) -> Callable[[], Screen[Any]]:
    """Start the tap, say on stderr where it is, and make the screen that follows it."""
    from sessions.reading import Reading
    from tui.tapping import start_tap

    relay = start_tap(args)
    tell(f"turnscope attach {relay.recording}")  # it stays in the scroll-back, whatever becomes of the screen
    run_in_long_slices()
    reading = Reading.open(relay.recording)
    return partial(Opening, "the tap is ready …", partial(prepare_tap, reading, relay))


def prepare_tap(reading: Reading, relay: RunningTap) -> Ready:
    """Load what the screen of a tap needs; the result makes it."""
    import tui.screens.tap  # noqa: F401
    from sessions.settings import known_habits

    return partial(tap_screen, reading, relay, known_habits())


def tap_screen(
    reading: Reading, relay: RunningTap | None, habits: Mapping[str, frozenset[str]] | None = None
) -> TapScreen:
    """The screen at the live edge of a tap's recording; `relay` when it was started here."""
    from sessions.playback import Playback
    from sessions.wire.clock import SystemClock
    from tui.screens.tap import TapScreen

    return TapScreen(Playback(reading, SystemClock(), is_live=True, habits=habits), relay)


def _open_reading(args: argparse.Namespace) -> Reading:
    from sessions.commands.replay import open_named

    return open_named(args.file, _take_stdin)


def _take_stdin() -> int:
    """The pipe that stdin is, on another descriptor; in its place keys come from the terminal.

    Raises UsageError where there is no terminal, or nothing is piped in.
    """
    if os.isatty(_STDIN):
        raise UsageError("nothing is piped into `replay -`; name a file, or pipe a recording into it")
    pipe = os.dup(_STDIN)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError(f"no terminal for the keys ({error.strerror}); use `replay - --json`") from error
    os.dup2(terminal, _STDIN)
    os.close(terminal)
    return pipe
