"""The start screen: the ways in at the left, a demonstration that already runs at the right.

Its one rule: there is no gate. No key, no network and no settings file are fine; what is resolved is shown,
and no socket of the person's own is opened before a way in is chosen.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sessions.safe import safe, safe_line
from sessions.version import version
from tui import keys
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from tui.launch import Launch

_LISTED = 50  # recordings offered
_TOLD = 3  #: recordings that are told without being asked for
_BY_WIDTH = [(0, "-speck"), (40, "-tiny"), (70, "-normal")]


class WayIn(NamedTuple):
    """One line of the menu."""

    id: str
    title: str
    note: str = ""


WAYS_IN = (
    WayIn("demo", "Demo session", "no key"),
    WayIn("connect", "Connect"),
    WayIn("address", "Proxy or URL", "type it"),
    WayIn("recording", "Open a recording"),
    WayIn("settings", "Settings", "with sources"),
)


class Found(NamedTuple):
    """What was resolved behind the first picture."""

    connect_note: str
    lines: tuple[str, ...]  #: key, base, route, files
    recordings: tuple[Path, ...]
    has_key: bool


class Menu(OptionList, inherit_bindings=False):
    """The list of ways in; its keys are those of the screen, so that the footer tells them."""


class Start(Screen[None]):
    """The ways in."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.START)]
    CSS_PATH = "start.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = _BY_WIDTH

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        self._args = args
        self._preview: Any = None
        self._found: Found | None = None
        self._chosen = False

    def compose(self) -> ComposeResult:
        """The menu stands at once; the preview follows."""
        yield Static(
            Content(f" turnscope {version()}   inspector for Responses over WebSocket"),
            id="title",
            markup=False,
        )
        with Horizontal(id="halves"):
            with Vertical(id="menu") as menu:
                menu.border_title = Content(f"start   {len(WAYS_IN)} ways in")
                yield Menu(*self._options(), id="ways")
                yield Static("", id="resolved", markup=False)
                yield Static(Content(keys.THREE_START_KEYS.replace(":  ", ":\n  ")), id="three", markup=False)
            with Vertical(id="preview") as preview:
                preview.border_title = Content("demo preview")
                yield Static("the built-in server is starting …", id="waiting", markup=False)
        yield Static(
            Content(
                " The preview is a real session with the built-in server, on loopback.\n"
                " Enter takes it over full screen: nothing leaves this machine."
            ),
            id="about",
            markup=False,
        )
        yield Footer()

    def _options(self) -> list[Option]:
        note = self._found.connect_note if self._found else ""
        recordings = ""
        if self._found is not None:
            recordings = f"{len(self._found.recordings)} kept" if self._found.recordings else "none yet"
        notes = {"connect": note, "recording": recordings}
        rows = []
        for number, way in enumerate(WAYS_IN, 1):
            row = Content.assemble(
                f"{number} {way.title:<18}", (safe_line(notes.get(way.id) or way.note, 40), "dim")
            )
            rows.append(Option(row, id=way.id))
        return rows

    def on_mount(self) -> None:
        """Mark the first way in and load what is slow once the picture stands."""
        ways = self.query_one("#ways", OptionList)
        ways.highlighted = 0
        ways.focus()
        self.call_after_refresh(lambda: self.run_worker(self._load(), group="start"))

    # What comes after the first picture ----------------------------------------------------------------

    async def _load(self) -> None:
        await self._begin_preview()
        self._found = await asyncio.to_thread(find, self._args)
        if not self.is_attached:
            return
        self.query_one("#resolved", Static).update(Content(safe("\n".join(self._found.lines))))
        ways = self.query_one("#ways", OptionList)
        marked = ways.highlighted
        ways.clear_options()
        ways.add_options(self._options())
        ways.highlighted = 1 if self._found.has_key and marked == 0 else marked

    async def _begin_preview(self) -> None:
        demo = argparse.Namespace(verb="demo")
        try:
            launch = await asyncio.to_thread(_prepare_preview, demo)
        except OSError as error:
            self.query_one("#waiting", Static).update(
                Content(safe(f"the built-in server cannot start: {error}"))
            )
            return
        from tui.widgets.preview import PREVIEW_STYLES, Preview

        if self._chosen or not self.is_attached:
            launch.release()
            return
        # The styles of the session's widgets are parsed only now: the first picture does without them.
        self.app.stylesheet.read_all(PREVIEW_STYLES)
        self.app.refresh_css(animate=False)
        self._preview = Preview(launch)
        await self.query_one("#waiting", Static).remove()
        box = self.query_one("#preview")
        box.border_title = Content("demo preview, running now")
        await box.mount(self._preview)

    def on_unmount(self) -> None:
        """End the server of a preview that nobody took over."""
        if self._preview is not None:
            self._preview.release()

    # The ways in ---------------------------------------------------------------------------------------

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click on a line."""
        event.stop()
        self._open(event.option.id or "")

    def action_up(self) -> None:
        """Mark the way in before."""
        self.query_one(Menu).action_cursor_up()

    def action_down(self) -> None:
        """Mark the next way in."""
        self.query_one(Menu).action_cursor_down()

    def action_pick(self, number: int) -> None:
        """A digit chooses at once."""
        self._open(WAYS_IN[number - 1].id)

    def action_choose(self) -> None:
        """Open the marked way in."""
        marked = self.query_one("#ways", OptionList).highlighted
        if marked is not None:
            self._open(WAYS_IN[marked].id)

    def _open(self, way: str) -> None:
        match way:
            case "demo":
                self._take_over()
            case "connect":
                self._connect(self._args)
            case "address":
                self.run_worker(self._ask_for_address(), group="ask")
            case "recording":
                self.run_worker(self._ask_for_recording(), group="ask")
            case "settings":
                self.run_worker(self._show_settings(), group="ask")

    def _take_over(self) -> None:
        if self._preview is None:
            self.notify("the built-in server is still starting", markup=False)
            return
        self._chosen = True
        screen = self._preview.take_over()
        self._preview = None
        self._replace(screen)

    def _connect(self, args: argparse.Namespace) -> None:
        from tui.entrance import prepare
        from tui.screens.opening import Opening

        self._chosen = True
        args.verb = "connect"
        self._replace(Opening("reading the settings …", partial(prepare, args)))

    def _replace(self, screen: Screen[Any]) -> None:
        """Show another screen over this one; when it is left, turnscope is."""
        self.app.push_screen(screen)

    async def _ask_for_address(self) -> None:
        from tui.screens.ask import Ask

        about = (
            "A base URL; /responses is appended. http and https mean ws and wss. "
            "Keys are sent as the profile of that host says."
        )
        address = await self.app.push_screen_wait(Ask("which address?", "", about, _refuse_address))
        if address is not None:
            args = argparse.Namespace(**vars(self._args))
            args.base_url, args.url = address.strip(), None
            self._connect(args)

    async def _ask_for_recording(self) -> None:
        from tui.screens.ask import Ask
        from tui.screens.choose import Choice, Choose

        found = self._found.recordings if self._found else ()
        choices = [Choice(str(path), path.name, _size_and_age(path)) for path in found]
        choices.append(Choice("\0path", "another file", "its path"))
        chosen = await self.app.push_screen_wait(Choose("open a recording, to be read", choices))
        if chosen == "\0path":
            typed = await self.app.push_screen_wait(Ask("which file?", refuse=_refuse_file))
            chosen = typed or ""
        if chosen:
            from tui.entrance import prepare_recording
            from tui.screens.opening import Opening

            self._chosen = True
            self._replace(Opening("reading the recording …", partial(prepare_recording, chosen)))

    async def _show_settings(self) -> None:
        from tui.screens.reader import Reader

        text = await asyncio.to_thread(settings_text, self._args)
        await self.app.push_screen_wait(Reader("settings, and where each came from", text))


def _prepare_preview(args: argparse.Namespace) -> Launch:
    from tui.launch import launch_demo

    made = launch_demo(args)
    # Imported here, on the thread, so that mounting it does not hold a key.
    import tui.widgets.preview  # noqa: F401

    return made


def find(args: argparse.Namespace) -> Found:
    """What the settings come to, in lines for the screen; a mistake in them is one of the lines."""
    from sessions.commands.connection import settings_from
    from sessions.errors import SessionsError
    from sessions.settings import paths
    from sessions.wire.plan import plan_from

    folder = paths().recordings
    found = folder.glob("*.jsonl") if folder.is_dir() else ()
    recordings = sorted(found, key=lambda path: path.name, reverse=True)
    try:
        settings = settings_from(args)
        plan = plan_from(settings)
    except SessionsError as error:
        return Found("not yet: see below", (str(error),), tuple(recordings[:_LISTED]), False)
    source = settings.source("base_url") if not settings.url else settings.source("url")
    why = f", {plan.route.source}" if plan.route.is_direct and plan.route.source else ""
    last = tuple(f"{'last' if not n else '':<6} {_told(path)}" for n, path in enumerate(recordings[:_TOLD]))
    lines = (
        f"key    {settings.source('key') if settings.key else 'not set'}",
        f"base   {plan.endpoint.host} ({source})",
        f"route  {plan.route.text}{why}",
        "files  see 5",
        *last,
    )
    note = plan.endpoint.host if settings.key else "key not set"
    return Found(note, lines, tuple(recordings[:_LISTED]), bool(settings.key))


def settings_text(args: argparse.Namespace) -> str:
    """Every setting with its source, as `turnscope info` tells it."""
    from sessions.commands.connection import settings_from
    from sessions.commands.info import as_text, gather
    from sessions.errors import SessionsError

    try:
        return as_text(gather(settings_from(args), os.environ))
    except SessionsError as error:
        return str(error)


def _refuse_address(text: str) -> str:
    from sessions.errors import SettingsError
    from sessions.wire.endpoint import derive

    try:
        derive(text.strip())
    except SettingsError as error:
        return str(error)
    return ""


def _refuse_file(text: str) -> str:
    return "" if Path(text).expanduser().is_file() else f"there is no file {text}"


def _told(path: Path) -> str:
    """A recording in a few words: its day and hour, what it is of, its size."""
    found = re.fullmatch(r"\d{4}-(\d\d-\d\d)-(\d\d)(\d\d)\d\d-(.+)-\d{6}", path.stem)
    name = f"{found[1]} {found[2]}:{found[3]} {found[4]}" if found else path.stem
    try:
        return f"{name[:20]}  {path.stat().st_size / 1000:,.0f} kB"
    except OSError:
        return name[:20]


def _size_and_age(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return "gone"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(stat.st_mtime))
    return f"{stat.st_size / 1000:,.0f} kB   {when}"
