"""The run behind `turnscope tap`: what is opened, in which order, what is told, and how it ends.

Its one rule: a recording is never lost on the way out. Signals, the word `stop`, the end of the client and a
disk that is full all take the same way: connections ended, the last records written, the file closed.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions.commands.child import is_found, run_child
from sessions.commands.connection import settings_from
from sessions.commands.creating import recording_path, tidy_recordings
from sessions.commands.introduction import environment_for, introduction, nothing_came
from sessions.errors import RecordingError, UsageError
from sessions.exits import Exit
from sessions.journal import Journal
from sessions.loopback import is_loopback
from sessions.recipes import Recipe, recipes
from sessions.redact import url as redacted_url
from sessions.secret import NO_SECRET, Secret
from sessions.talk import tell
from sessions.wire.control import Control
from sessions.wire.endpoint import derive
from sessions.wire.listener import where_of
from sessions.wire.plan import Plan, plan_from
from sessions.wire.tap import DEFAULT_PORT, Tap

if TYPE_CHECKING:
    from sessions.settings import Settings

_SWITCH_SECONDS = 0.0005  # a large message is read in a thread; passing bytes on must not wait for it
_LEAVE_SECONDS = 0.3  # for the connections of a client that has just ended
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MIN_TOKEN = 16  # characters; a shorter one could be guessed


class Tapping:
    """One run of the verb."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        settings = _settings(args)
        self._plan = _plan(args, settings)
        self._host: str
        self._port: int
        self._host, self._port = args.listen or ("127.0.0.1", DEFAULT_PORT)
        self._token = _token(args, self._host)
        if args.client and not is_found(args.client[0]):
            raise UsageError(f"there is no program {args.client[0]!r} to run inside the tap")
        for sentence in tidy_recordings(args, settings):
            tell(f"turnscope tap: {sentence}")
        path = recording_path(args, f"tap-{self._plan.profile}")
        assert path is not None  # a tap always records
        self._path: Path = path.absolute()
        self._tap: Tap | None = None
        self._stop = asyncio.Event()
        self._leave = asyncio.Event()  # somebody said `stop`: a client inside is asked to end, too
        self._ended = asyncio.Event()
        self._code = Exit.DONE
        self._last: dict[str, Any] = {}

    async def run(self) -> int:
        """Tap until it ends; the exit code."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        asyncio.get_running_loop().set_exception_handler(_tell_defect)
        journal = Journal.create(self._path, "tap", self._facts())
        journal.on_failure = self._failed
        async with AsyncExitStack() as stack:
            try:
                tap = Tap(
                    self._plan,
                    journal,
                    host=self._host,
                    port=self._port,
                    is_port_fixed=self._args.listen is not None,
                    token=self._token,
                    on_trouble=lambda said: tell(f"turnscope tap: {said}"),
                )
                self._tap = tap
                await self._listen_for_words(stack, tap)
                async with tap:
                    code = await self._work(tap)
                self._last = tap.status()
            except UsageError:
                self._path.unlink(missing_ok=True)  # nothing was recorded yet
                raise
            finally:
                journal.close()
                self._ended.set()
        count = self._last["sessions"]
        tell(f"turnscope tap: ended; {crossed(count)} in {self._path}")
        # everything is written: a second signal, on the way out, must not make it look as if it were not
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        return code

    def _facts(self) -> dict[str, str | int]:
        upstream = redacted_url(self._plan.endpoint.http_url, self._plan.secrets).value
        return {"upstream": upstream, "pid": os.getpid()}

    async def _listen_for_words(self, stack: AsyncExitStack, tap: Tap) -> None:
        async def status() -> dict[str, Any]:
            return tap.status()

        async def stop() -> dict[str, Any]:
            self._stop.set()
            self._leave.set()
            await self._ended.wait()
            return {**self._last, "event": "stopped"}

        try:
            await stack.enter_async_context(Control(self._path, {"status": status, "stop": stop}))
        except RecordingError as error:
            tell(f"turnscope tap: {error}; stop it with a signal to process {os.getpid()}")

    async def _work(self, tap: Tap) -> int:
        """Say that it is ready; wait for the client's end, or for being stopped."""
        if self._args.client:
            self._introduce(tap)
            code = await run_child(self._args.client, self._leave, environment_for(tap.base_url))
            await tap.settled(_LEAVE_SECONDS)
            if not tap.count:
                tell(f"turnscope tap: {nothing_came(tap.shown_url, tap.upstream_url)}")
            return code
        loop = asyncio.get_running_loop()
        for number in _STOPPING:
            loop.add_signal_handler(number, self._stop.set)
        ready = {
            "event": "ready",
            "base_url": tap.base_url,
            "upstream": tap.upstream_url,
            "recording": str(self._path),
            "pid": os.getpid(),
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        if sys.stderr is not None and sys.stderr.isatty():
            tell("\n\n".join(_printed(recipe) for recipe in recipes(tap.base_url)))
        await self._stop.wait()
        return self._code

    def _introduce(self, tap: Tap) -> None:
        """Say on stderr how to look at it, and how the client inside finds it."""
        tell(f"turnscope attach {self._path}")
        again = ["turnscope", "tap", "--upstream", tap.upstream_url, "--listen", tap.listen]
        tell(introduction(self._args.client, tap.base_url, tap.shown_url, again))

    def _failed(self, error: RecordingError) -> None:
        """Traffic never passes unrecorded in silence: the tap ends, and says why."""
        tell(f"turnscope tap: {error}; the tap ends here")
        self._code = Exit.RECORDING
        self._stop.set()
        if self._tap is not None:
            self._tap.stop()


def crossed(count: int) -> str:
    """How much went through a tap: connections, and over HTTP requests."""
    return f"{count:,} {'connection or request' if count == 1 else 'connections and requests'}"


def _tell_defect(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What failed where nobody waited for it, in one line; asyncio itself would print what was in it."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        tell("turnscope tap: too many files are open for another connection; raise the limit (ulimit -n)")
    else:
        what = where_of(error) if isinstance(error, BaseException) else str(context.get("message"))
        tell(f"turnscope tap: a defect of the tap: {what}")


def refuse(args: argparse.Namespace) -> None:
    """Raise UsageError or SettingsError for what is wrong with a command line; nothing is opened for that."""
    _plan(args, _settings(args))
    _token(args, args.listen[0] if args.listen else "127.0.0.1")


def _settings(args: argparse.Namespace) -> Settings:
    if args.base_url is None and args.profile is None:
        raise UsageError("name the server with --upstream, as in --upstream https://api.openai.com/v1")
    return settings_from(args)


def _printed(recipe: Recipe) -> str:
    note = f"\n# {recipe.note}" if recipe.note else ""
    return f"# {recipe.client}: {recipe.title}{note}\n{recipe.text}"


def _plan(args: argparse.Namespace, settings: Settings) -> Plan:
    plan = plan_from(settings)
    if not settings.base_url:
        raise UsageError(
            f"the profile {settings.profile!r} has no address of its own; give it with --upstream"
        )
    return replace(plan, endpoint=derive(settings.base_url, exact=True))


def _token(args: argparse.Namespace, host: str) -> Secret:
    """The token that clients must have in their path; none is needed on this machine alone."""
    if not is_loopback(host) and not args.allow_remote:
        raise UsageError(
            f"{host} can be reached from other machines; add --allow-remote to mean that, and the base URL "
            "gets a token"
        )
    if args.token_env is not None:
        token = os.environ.get(args.token_env, "").strip()
        if len(token) < _MIN_TOKEN or not token.replace("-", "").replace("_", "").isalnum():
            raise UsageError(
                f"--token-env names {args.token_env}, which must hold at least {_MIN_TOKEN} letters, "
                "digits, - or _"
            )
        return Secret(token)
    return NO_SECRET if is_loopback(host) else Secret(secrets.token_urlsafe())
