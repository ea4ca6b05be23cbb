"""The console script: the command line of `sessions`, with a screen for the verbs that have one.

Its one rule: Textual is imported only when a screen is really opened.
"""

from __future__ import annotations

import argparse
import os
import sys

from sessions import cli
from sessions.talk import tell


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    return cli.main(screen=run_screen)


def run_screen(args: argparse.Namespace) -> int:
    """Open the screen of a verb and stay until it is left; returns an exit code."""
    # Textual reads it when imported: how soon a key may be painted. What arrives is paced by the feed.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    # Keys are read and pictures written by threads of Textual's; each would wait 5 ms for a busy loop.
    sys.setswitchinterval(0.0005)
    from tui.app import TurnscopeApp
    from tui.entrance import entry

    app = TurnscopeApp(entry(args))
    app.run()
    if app.farewell:
        tell(app.farewell)
    return app.return_code or app.return_value or 0


if __name__ == "__main__":
    sys.exit(main())
