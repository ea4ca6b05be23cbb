"""The run behind `turnscope bridge`: what is opened, what is told, and how it ends.

Its one rule: a recording is never lost on the way out. A signal and a disk that is full take the same way:
sockets closed with 1001, the last records written, the file closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from sessions.commands.connection import plan_for, settings_from
from sessions.commands.creating import recording_path, tidy_recordings
from sessions.errors import RecordingError, UsageError
from sessions.exits import Exit
from sessions.journal import Journal
from sessions.loopback import is_loopback
from sessions.redact import url as redacted_url
from sessions.safe import safe_line
from sessions.secret import NO_SECRET, Secret
from sessions.talk import tell
from sessions.wire.bridge import DEFAULT_PORT, Bridge
from sessions.wire.listener import where_of

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MIN_TOKEN = 16  # characters; a shorter one could be guessed


class Bridging:
    """One run of the verb."""

    def __init__(self, args: argparse.Namespace) -> None:
        if args.base_url is None and args.profile is None:
            raise UsageError("name the server with --upstream, as in --upstream http://127.0.0.1:4000/v1")
        self._args = args
        settings = settings_from(args)
        self._plan = plan_for(args)
        self._host: str
        self._port: int
        self._host, self._port = args.listen or ("127.0.0.1", DEFAULT_PORT)
        self._token = _token(args, self._host)
        for sentence in tidy_recordings(args, settings):
            tell(f"turnscope bridge: {sentence}")
        path = recording_path(args, f"bridge-{self._plan.profile}")
        assert path is not None  # a bridge always records
        self._path: Path = path.absolute()
        self._stop = asyncio.Event()
        self._code = Exit.DONE

    async def run(self) -> int:
        """Bridge until it is stopped; the exit code."""
        asyncio.get_running_loop().set_exception_handler(_tell_defect)
        upstream = redacted_url(self._plan.endpoint.http_url, self._plan.secrets).value
        journal = Journal.create(self._path, "bridge", {"upstream": upstream, "pid": os.getpid()})
        journal.on_failure = self._failed
        try:
            bridge = Bridge(
                self._plan,
                journal,
                host=self._host,
                port=self._port,
                is_port_fixed=self._args.listen is not None,
                path=self._args.path,
                token=self._token,
                max_connections=self._args.max_connections,
                on_trouble=lambda said: tell(f"turnscope bridge: {said}"),
                on_news=lambda said: tell(f"turnscope bridge: {safe_line(said)}"),
            )
            async with bridge:
                await self._work(bridge)
        except UsageError:
            self._path.unlink(missing_ok=True)  # nothing was recorded yet
            raise
        finally:
            journal.close()
        sockets = "1 socket" if bridge.upgrades == 1 else f"{bridge.upgrades} sockets"
        tell(f"turnscope bridge: ended; {sockets} in {self._path}")
        # everything is written: a second signal, on the way out, must not make it look as if it were not
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        return self._code

    async def _work(self, bridge: Bridge) -> None:
        """Say that it is ready, and wait for a signal."""
        loop = asyncio.get_running_loop()
        for number in _STOPPING:
            loop.add_signal_handler(number, self._stop.set)
        ready = {
            "event": "ready",
            "base_url": bridge.base_url,
            "upstream": bridge.shown_url,
            "recording": str(self._path),
            "pid": os.getpid(),
        }
        if self._token and self._args.token_env is None:
            ready["token"] = self._token.reveal()  # it is told once, here, or nobody could come in
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await self._stop.wait()

    def _failed(self, error: RecordingError) -> None:
        """Nothing passes unrecorded in silence: the bridge ends, and says why."""
        tell(f"turnscope bridge: {error}; the bridge ends here")
        self._code = Exit.RECORDING
        self._stop.set()


def _tell_defect(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What failed where nobody waited for it, in one line; asyncio itself would print what was in it."""
    error = context.get("exception")
    what = where_of(error) if isinstance(error, BaseException) else str(context.get("message"))
    tell(f"turnscope bridge: a connection failed: {what}")


def _token(args: argparse.Namespace, host: str) -> Secret:
    """The token that clients must send as their key; none is needed on this machine alone."""
    if not is_loopback(host) and not args.allow_remote:
        raise UsageError(
            f"{host} can be reached from other machines; add --allow-remote to mean that, and clients need a "
            "token"
        )
    if args.token_env is not None:
        token = os.environ.get(args.token_env, "").strip()
        if len(token) < _MIN_TOKEN or not token.isascii() or any(map(str.isspace, token)):
            raise UsageError(
                f"--token-env names {args.token_env}, which must hold at least {_MIN_TOKEN} characters "
                "without spaces"
            )
        return Secret(token)
    return NO_SECRET if is_loopback(host) else Secret(secrets.token_urlsafe())
