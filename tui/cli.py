"""The console script: the command line of `sessions`, with a screen for the verbs that have one.

Its one rule: Textual is imported only when a screen is really opened, or its keys are asked for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from sessions import cli
from sessions.talk import tell


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    return cli.main(screen=run_screen, key_table=key_table)


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


def key_table(own: Mapping[str, str]) -> cli.KeyTable:
    """Every action with its id and the keys that it has now, and what is wrong with a person's own keys."""
    from tui import keys, own_keys

    judged = own_keys.judged(own)
    actions = tuple(
        {
            "id": one.id,
            "keys": [keys.display(key) for key in keys.keys_of(one, judged.usable)],
            "is_own": one.id in judged.usable,
            "where": one.where.value,
            "does": one.tooltip,
        }
        for where in keys.Where
        for one in keys.ACTIONS
        if one.where is where
    )
    return cli.KeyTable(actions, judged.problems)


if __name__ == "__main__":
    sys.exit(main())
