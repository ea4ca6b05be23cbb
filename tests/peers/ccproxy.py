"""ccproxy-api at work in a room, in bypass mode: it answers by itself, and asks nobody.

Before it listens it looks for newer versions of itself and for the Claude and Codex command lines, which it
would run through npx: where that is found and no internet is, it waits for minutes. Its one rule: it is
started in a room only, with nobody's settings and nobody's programs.
"""

from __future__ import annotations

from pathlib import Path

from tests.peers.environment import folder_of, program
from tests.peers.hops import wait_for
from tests.peers.room import Room

_PORT = 4106  # free, because a room has all ports of its own
_PATIENCE_SECONDS = 300
_CONFIG = """\
enable_plugins = true
enabled_plugins = ["codex", "oauth_codex"]
[server]
host = "127.0.0.1"
port = {port}
bypass_mode = true
"""


def start_ccproxy(room: Room, home: Path) -> str:
    """Start it and wait until it listens, for minutes; the base URL of its Codex route."""
    config = home / "ccproxy.toml"
    config.write_text(_CONFIG.format(port=_PORT), "utf-8")
    alone = f"PATH={folder_of('ccproxy') / 'bin'}"
    room.start(
        ["/usr/bin/env", alone, program("ccproxy", "ccproxy"), "serve", "--config", config],
        environ={"HOME": str(home)},
        folder=home,
    )
    wait_for(room, _PORT, _PATIENCE_SECONDS)
    return f"http://127.0.0.1:{_PORT}/codex/v1"
