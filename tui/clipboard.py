"""Copying: by the terminal's own sequence (OSC 52), by a native tool, or into a file; and it says which.

Its one rule: a copy never blocks the screen and never fails in silence. TURNSCOPE_CLIPBOARD chooses the way
(auto, native, osc52, file, off). A terminal does not answer whether it took OSC 52, so that is said as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

VARIABLE = "TURNSCOPE_CLIPBOARD"
TERMINAL_BYTES = 100_000  # what common terminals take by OSC 52; xterm takes less, kitty and tmux more
NATIVE_BYTES = 64_000_000
_TOOL_SECONDS = 2.0


class Way(StrEnum):
    """How to copy."""

    AUTO = "auto"  #: a native tool when the screen is here, else OSC 52, else a file
    NATIVE = "native"
    TERMINAL = "osc52"
    FILE = "file"
    OFF = "off"


class Tool(NamedTuple):
    """A program that takes text on stdin into a clipboard."""

    command: tuple[str, ...]
    needs: str = ""  #: an environment variable without which it cannot work


_TOOLS = (
    Tool(("wl-copy", "--type", "text/plain"), "WAYLAND_DISPLAY"),
    Tool(("xclip", "-selection", "clipboard", "-in"), "DISPLAY"),
    Tool(("xsel", "--clipboard", "--input"), "DISPLAY"),
    Tool(("pbcopy",)),
    Tool(("clip.exe",)),
    Tool(("tmux", "load-buffer", "-w", "-"), "TMUX"),
)


def way_of(environ: Mapping[str, str]) -> Way:
    """The way that the environment asks for, else `auto`; raises ValueError for a wrong word."""
    word = environ.get(VARIABLE, "").strip().lower()
    if not word:
        return Way.AUTO
    if word not in tuple(Way):
        raise ValueError(f"{VARIABLE}={word} is none of {', '.join(Way)}")
    return Way(word)


def native_tools(environ: Mapping[str, str]) -> tuple[Tool, ...]:
    """The tools that are installed here and can work now, best first; over ssh only the multiplexer's."""
    is_remote = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    return tuple(
        tool
        for tool in _TOOLS
        if (not tool.needs or environ.get(tool.needs))
        and (not is_remote or tool.needs == "TMUX")
        and shutil.which(tool.command[0], path=environ.get("PATH"))
    )


async def copy(
    text: str,
    by_terminal: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Copy text and return a sentence that says how, or why not.

    `by_terminal` writes OSC 52 (Textual's `App.copy_to_clipboard`); `folder` is for copies into a file, the
    system's temporary folder when None.
    """
    environ = os.environ if environ is None else environ
    if not text:
        return "Nothing to copy here."
    try:
        way = way_of(environ)
    except ValueError as error:
        return f"Not copied: {error}."
    size = len(text.encode(errors="surrogatepass"))
    problem = ""
    if way is Way.OFF:
        return f"Not copied: {VARIABLE} is off."
    if way in (Way.AUTO, Way.NATIVE):
        tools = native_tools(environ) if size <= NATIVE_BYTES else ()
        for tool in tools:
            problem = await _run(tool, text)
            if not problem:
                return f"Copied {_amount(text, size)} with {tool.command[0]}."
        if way is Way.NATIVE:
            return f"Not copied: {problem or 'no clipboard program was found here'}."
    if way in (Way.AUTO, Way.TERMINAL):
        if size <= TERMINAL_BYTES:
            by_terminal(text)
            return f"Copied {_amount(text, size)} by OSC 52, if your terminal allows it."
        if way is Way.TERMINAL:
            return (
                f"Not copied: {size:,} bytes are more than a terminal takes by OSC 52 ({TERMINAL_BYTES:,})."
            )
    return await asyncio.to_thread(_write, text, size, folder)


async def _run(tool: Tool, text: str) -> str:
    """Hand text to a tool; "" when it took it, else why not."""
    name = tool.command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *tool.command,
            stdin=asyncio.subprocess.PIPE,
            # such tools stay alive as the clipboard's owner; with a pipe we would wait for them for ever
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        return f"{name} did not start: {error.strerror}"
    try:
        async with asyncio.timeout(_TOOL_SECONDS):
            await process.communicate(text.encode(errors="replace"))
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return f"{name} did not answer within {_TOOL_SECONDS:.0f} seconds"
    return "" if process.returncode == 0 else f"{name} ended with code {process.returncode}"


def _write(text: str, size: int, folder: Path | None) -> str:
    try:
        descriptor, name = tempfile.mkstemp(prefix="turnscope-copy-", suffix=".txt", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
    except OSError as error:
        return f"Not copied: no file could be written: {error.strerror}."
    return f"Wrote {_amount(text, size)} to {name}."


def _amount(text: str, size: int) -> str:
    if size < 1_000:
        return "1 character" if len(text) == 1 else f"{len(text)} characters"
    return f"{size / 1_000:.1f} kB" if size < 999_950 else f"{size / 1_000_000:.1f} MB"
