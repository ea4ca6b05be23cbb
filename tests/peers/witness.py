"""The fake server with a memory of its visitors: what each client sent, told as JSON when it ends.

    python -m tests.peers.witness [FAULT ...]

It prints a ready line as `turnscope fake` does, serves until its standard input is closed, and then prints
one line with every visit. Keys are not in it: the server's log does not keep them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from sessions.wire.fake import FakeServer, Options, Visit


async def serve(options: Options) -> None:
    """Serve until standard input is closed, then tell of all visits."""
    async with FakeServer(options) as server:
        _write({"event": "ready", "base_url": server.base_url})
        await asyncio.to_thread(sys.stdin.read)
    _write({"event": "visits", "visits": [_told(visit) for visit in server.log]})


def _told(visit: Visit) -> dict[str, Any]:
    return {
        "requests": visit.requests,
        "headers": dict(visit.headers),
        "frames": [json.loads(frame) for frame in visit.received],
        "response_ids": visit.response_ids,
        "compression": visit.compression,
        "close_received": visit.close_received,
        "is_websocket": visit.is_websocket,
        "crash": repr(visit.crash) if visit.crash else None,
    }


def _write(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Options(seed=7, faults=tuple(sys.argv[1:]))))
