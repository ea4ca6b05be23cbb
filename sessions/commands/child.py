"""A client that runs inside a tap: its terminal, its signals and its exit code stay its own.

Its one rule: we stand beside it, not between. It inherits stdin, stdout and stderr as they are; an interrupt
from the terminal reaches it by itself, the others are passed on.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sessions.errors import UsageError

_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
#: a terminal sends these to everyone in the foreground, the child included; here they are ignored
_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


async def run_child(
    arguments: Sequence[str], leave: asyncio.Event | None = None, environ: Mapping[str, str] | None = None
) -> int:
    """Run a program until it ends; its exit code, or 128 and the signal's number when a signal ended it.

    Its environment is `environ`, or ours as it is. Once `leave` is set it is asked to end, with SIGTERM.
    Raises UsageError when it cannot be started.
    """
    loop = asyncio.get_running_loop()
    started: list[asyncio.subprocess.Process] = []
    early: list[signal.Signals] = []

    def pass_on(number: signal.Signals) -> None:
        if not started:
            early.append(number)
            return
        with suppress(ProcessLookupError):
            started[0].send_signal(number)

    for number in _PASSED_ON:
        loop.add_signal_handler(number, pass_on, number)
    for number in _TERMINAL:
        loop.add_signal_handler(number, lambda: None)
    try:
        try:
            child = await asyncio.create_subprocess_exec(*arguments, env=environ)
        except OSError as error:
            raise UsageError(f"the client {arguments[0]} cannot be started: {error.strerror}") from None
        started.append(child)
        for number in early:
            pass_on(number)
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(_pass_on_when(leave, pass_on)) if leave is not None else None
            code = await child.wait()
            if leaving is not None:
                leaving.cancel()
    finally:
        for number in (*_PASSED_ON, *_TERMINAL):
            loop.remove_signal_handler(number)
    return 128 - code if code < 0 else code


async def _pass_on_when(leave: asyncio.Event, pass_on: Callable[[signal.Signals], None]) -> None:
    await leave.wait()
    pass_on(signal.SIGTERM)


def is_found(program: str) -> bool:
    """Whether a program of this name can be started, before anything else is."""
    import shutil

    return shutil.which(program, path=os.environ.get("PATH")) is not None
