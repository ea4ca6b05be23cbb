"""The fake server inside this program: on loopback, on a thread and a loop of its own.

Its one rule: whoever starts it ends it. A loop of its own keeps a busy screen from slowing the server, so
that the times which a demonstration shows are the server's.
"""

from __future__ import annotations

import asyncio
import threading

from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options


class Embedded:
    """A fake server that runs until `stop`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fake server", daemon=True)
        self.base_url = ""

    def start(self) -> str:
        """Start it and wait until it listens; returns its base URL. Raises what kept it from listening."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self.base_url

    def stop(self) -> None:
        """End it and every connection it has; does nothing when it has ended."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # told to whoever started it, on the other thread
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with FakeServer(self._options) as server:
            self.base_url = server.base_url
            self._ready.set()
            await self._stopping.wait()
