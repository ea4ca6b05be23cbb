"""`check` of 100,000 records costs at most three times reading and decoding them.

The floor reads each line, makes its record and decodes the message in it. Ours is the verb itself without its
printing: soundness, fold, fingerprints and judge, first on a clean recording, then on one where every turn
has something wrong. The judge's own share is the difference to the same with no judge.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sessions.events import decode
from sessions.findings.judge import Judge
from sessions.fingerprint import Suspects
from sessions.recording import Recording
from sessions.records import Kind, from_line
from sessions.soundness import FIRST_LINE, Soundness
from tests.benchmarks.events import conversation
from tests.benchmarks.figures import Figure, Ratio, report

_COUNT, _ROUNDS = 100_000, 7
_GAP_EVERY = 97  # records between two that are left out of the recording with something wrong


def _written(path: Path, *, has_gaps: bool = False) -> Path:
    recording = Recording.create(path)
    for number, record in enumerate(conversation(_COUNT)):
        if not has_gaps or number % _GAP_EVERY or b"delta" not in record.payload[:40]:
            recording.append(record)
    recording.close()
    return path


def _read(path: Path) -> int:
    count = 0
    with path.open("rb", buffering=1 << 20) as lines:
        lines.readline()
        for line in lines:
            record = from_line(line)
            if record.kind is Kind.TEXT:
                decode(record.payload)
            count += 1
    return count


def _checked(path: Path, *, is_judged: bool = True) -> int:
    soundness = Soundness()
    judge, suspects = Judge(soundness.sessions), Suspects()
    found = 0
    with path.open("rb", buffering=1 << 20) as lines:
        lines.readline()
        for place, line in enumerate(lines, FIRST_LINE):
            found += len(soundness.take(line, place))
            if is_judged and (taken := soundness.taken) is not None:
                suspects.look(taken.record, taken.event)
                found += len([suspects.in_words_for(one) for one in judge.judge(*taken)])
    return found


def _seconds(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run() -> None:
    """Measure and report."""
    read, folded, clean, faulty = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        whole = _written(Path(folder) / "clean.jsonl")
        gaps = _written(Path(folder) / "gaps.jsonl", has_gaps=True)
        _checked(whole)
        for _ in range(_ROUNDS):
            read.append(_seconds(lambda: _read(whole)))
            folded.append(_seconds(lambda: _checked(whole, is_judged=False)))
            clean.append(_seconds(lambda: _checked(whole)))
            faulty.append(_seconds(lambda: _checked(gaps)))
    shares = [ours / floor for ours, floor in zip(clean, read, strict=True)]
    worse = [ours / floor for ours, floor in zip(faulty, read, strict=True)]
    report(
        f"check: {_COUNT:,} records",
        [
            Figure("read + decode", "s", tuple(read)),
            Figure("check without the judge", "s", tuple(folded)),
            Figure("check", "s", tuple(clean)),
            Figure("check, gaps in every turn", "s", tuple(faulty)),
        ],
        [
            Ratio("check / read + decode", statistics.median(shares), 3.0, False),
            Ratio("the same with gaps / read + decode", statistics.median(worse), 3.0, False),
        ],
    )
