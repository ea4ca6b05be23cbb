"""Runs the benchmarks named on the command line, or all but the long ones."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "reducer",
    "check",
    "pipeline",
    "screen",
    "hostile",
    "startup",
    "memory",
    "opening",
    "kills",
    "tap",
    "tapscreen",
    "doctor",
)
LONG = ("soak", "tapkills")  #: minutes each; they run only when named


def main(names: list[str]) -> int:
    """Run them one after another; 2 when a name is unknown."""
    unknown = [name for name in names if name not in (*NAMES, *LONG)]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are {', '.join((*NAMES, *LONG))}\n")
        return 2
    for name in names or NAMES:
        import_module(f"tests.benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
