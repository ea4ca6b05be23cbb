"""A listening address of ours and the connections that come to it: each is a guest, served in a task.

Its one rule: a defect while one guest is served is told and ends that guest alone. What a guest says is not
its business. Used by the tap and by the bridge.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import Protocol

from sessions.errors import UsageError
from sessions.loopback import is_loopback
from sessions.wire.endpoint import Endpoint
from sessions.wire.stream import ByteStream

_BACKLOG = 512
_END_SECONDS = 1.0  # for the last words of guests that are ended by us, and again for their last bytes


class Guest(Protocol):
    """A connection that is served to its end."""

    async def run(self) -> None:
        """Serve it; raises OSError when the other side breaks it."""

    def stop(self) -> None:
        """End what goes on, as gently as it can be ended at once."""

    def abort(self) -> None:
        """End it at once."""


class Listener:
    """One address that is listened on; `port` is the real one once it is open.

    `name` says what listens, in words; `on_trouble` is told what a person should know at once. Where the port
    is not fixed and in use, another one is taken.
    """

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        guest: Callable[[ByteStream], Guest],
        *,
        is_port_fixed: bool = True,
        keeps_half_open: bool = False,
        on_trouble: Callable[[str], None] = lambda said: None,
    ) -> None:
        self.host = host
        self.port = port
        self.is_stopping = False
        self.guests: set[Guest] = set()  #: those that are there now
        self._name = name
        self._guest = guest
        self._is_port_fixed = is_port_fixed
        self._keeps_half_open = keeps_half_open
        self._on_trouble = on_trouble
        self._tasks = asyncio.TaskGroup()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT where it listens."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """`http://HOST:PORT` as clients reach it: this machine's name where it listens on every address."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def open(self, upstream: Endpoint, shown_upstream: str, *, is_guarded: bool) -> None:
        """Begin to listen, in front of this upstream; raises UsageError when it cannot or must not.

        Unless a token guards it, it must not be reached from other machines; and it never leads to itself.
        """
        await self._tasks.__aenter__()
        try:
            self._server = await self._bound()
        except OSError as error:
            await self._tasks.__aexit__(None, None, None)
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise UsageError(
                f"cannot listen on {self.address}: {said}; end what listens there, or give another address "
                "with --listen HOST:PORT"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        if wrong := self._wrong_place(upstream, shown_upstream, is_guarded=is_guarded):
            self._server.close()
            await self._tasks.__aexit__(None, None, None)
            raise UsageError(wrong)

    async def _bound(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: _Accepted(self), self.host, self.port, backlog=_BACKLOG)
        except OSError as error:
            if self._is_port_fixed or error.errno != errno.EADDRINUSE:
                raise
        server = await loop.create_server(lambda: _Accepted(self), self.host, 0, backlog=_BACKLOG)
        found = server.sockets[0].getsockname()[1]
        self._on_trouble(f"port {self.port} is in use, so clients find it on port {found} this time")
        return server

    def _wrong_place(self, upstream: Endpoint, shown: str, *, is_guarded: bool) -> str:
        """Why it must not serve where it listens; "" when it may. A name may lead anywhere."""
        assert self._server is not None  # it listens
        hosts = [str(one.getsockname()[0]) for one in self._server.sockets]
        reached = next((host for host in hosts if not is_loopback(host)), "")
        if reached and not is_guarded:
            return (
                f"{self.host} leads to {reached}, which other machines can reach; add --allow-remote and a "
                "token to mean that, or listen on 127.0.0.1"
            )
        if upstream.is_loopback and not upstream.unix and upstream.port == self.port:
            return f"the upstream {shown} is this {self._name} itself; name the server behind it"
        return ""

    def accept(self, stream: ByteStream) -> None:
        """Serve a connection that was accepted."""
        if self.is_stopping:
            stream.close()
            return
        stream.keeps_half_open = self._keeps_half_open
        task = self._tasks.create_task(self._serve(self._guest(stream)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, guest: Guest) -> None:
        self.guests.add(guest)
        try:
            await guest.run()
        except OSError:
            pass  # the client has gone
        except Exception as error:
            # a defect of ours must not take the other connections with it; it is told, not hidden
            self._on_trouble(f"a connection was dropped by a defect of the {self._name}: {where_of(error)}")
            guest.abort()
        finally:
            self.guests.discard(guest)

    def stop(self) -> None:
        """Accept nobody any more and ask every guest to end; what waits to be sent still goes."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for guest in list(self.guests):
            guest.stop()

    async def settled(self, seconds: float) -> None:
        """Wait until no guest is left, at most this long."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=seconds)

    async def close(self) -> None:
        """Stop, and wait until every guest has gone; those that stay longer than a moment are ended."""
        assert self._server is not None  # it was opened
        self.stop()
        await self.settled(_END_SECONDS)
        for guest in list(self.guests):
            guest.abort()
        await self.settled(_END_SECONDS)
        for task in list(self._serving):
            task.cancel(f"the {self._name} was stopped")
        await self._tasks.__aexit__(None, None, None)
        await self._server.wait_closed()


def where_of(error: BaseException) -> str:
    """What failed and in which line; without its words, which may hold what a client sent."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = extract_tb(error.__traceback__)
    place = f" in {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return type(error).__name__ + place


class _Accepted(ByteStream):
    """A client's connection at the moment it is accepted."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        with suppress(RuntimeError):  # the task group is closing: nobody is served any more
            self._listener.accept(self)
