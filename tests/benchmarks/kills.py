"""200 writers killed with `kill -9` at random moments: every recording is read, none loses more than 0.1 s.

The loss is the time from the last record that can be read to the last that was appended, by the writer's
own clock. A writer that the machine did not let run in time can lose a little more.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from sessions.journal import FLUSH_SECONDS
from tests.benchmarks.figures import Figure, Ratio, percentile, report
from tests.killed import kill_a_writer

_KILLS = 200


def run() -> None:
    """Measure and report."""
    moments = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        found = [kill_a_writer(Path(folder), moments.uniform(0.02, 0.4)) for _ in range(_KILLS)]
    lost = [one.lost_seconds * 1_000 for one in found]
    damaged = [one for one in found if any("cut" not in problem.reason for problem in one.problems)]
    interval = FLUSH_SECONDS * 1_000
    report(
        f"kills: {_KILLS} writers",
        [
            Figure("lost", "ms", tuple(lost)),
            Figure("records that were kept", "records", tuple(float(one.known) for one in found)),
        ],
        [
            Ratio("recordings with damage before their end", float(len(damaged)), 0.0, False),
            Ratio("99 of 100 lost / the interval", percentile(lost, 0.99) / interval, 1.1, False),
            Ratio("the worst lost / the interval", max(lost) / interval, 1.5, False),
        ],
    )
