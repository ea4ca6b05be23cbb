"""`turnscope check FILE`: what is wrong with a recording and with what it recorded, a line for each finding.

Its one rule: the file is read once, from its beginning to its end, and only read; what has been looked at is
let go, but for the state that the records add up to. stdout has the findings, stderr how far it is.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from sessions.errors import RecordingError
from sessions.exits import Exit
from sessions.safe import safe_line
from sessions.talk import tell_progress

if TYPE_CHECKING:
    from sessions.finding import Finding
    from sessions.findings.judge import Judge
    from sessions.fingerprint import Suspects
    from sessions.soundness import Soundness

STDIN = "-"
DOCTOR = "doctor"  # the source of a recording that a doctor made of its own probes
RULES = ("profile", "openai", "openresponses", "codex", "lenient")  # as sessions.findings.rules has them
_HOLES = ("damaged-line", "number-jump")  # what makes a turn look wrong that was not
_SHOWN = 20  # findings of one kind that are shown to a person; --json lists all
_CHARACTERS = 600  # of one line of text; a damaged line may name a key of any length
_LOOKS = 2_000  # lines between two looks at the clock
_PROGRESS_SECONDS = 0.2


class Check:
    """Tell what is wrong with a recording."""

    name = "check"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add this verb's options."""
        parser.add_argument("file", metavar="FILE", help="a recording; `-` reads one from stdin")
        face = parser.add_mutually_exclusive_group()
        face.add_argument(
            "--json", action="store_true", help="print a JSON line for each finding, and a summary"
        )
        face.add_argument("--junit", action="store_true", help="print the findings as JUnit XML, for CI")
        parser.add_argument(
            "--rules",
            choices=RULES,
            default=RULES[0],
            help="whose contract to judge by; by that of each socket's profile, when not given",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Run it; returns an exit code."""
        from sessions.findings.judge import Judge
        from sessions.findings.rules import forgiven
        from sessions.fingerprint import Suspects
        from sessions.settings import known_habits
        from sessions.soundness import Soundness

        soundness, suspects = Soundness(), Suspects()
        judge = Judge(soundness.sessions, forgiven(args.rules, known_habits()))
        with _opened(args.file) as source:
            judge.is_probed = source.header.get("source") == DOCTOR
            face = _face(args, source.name)
            for finding in _examined(soundness, judge, suspects, source):
                tell_progress("")
                face.show(suspects.in_words_for(finding))
            tell_progress("")
            face.sum_up(soundness, source, suspects.words)
        return Exit.FINDINGS if face.counts["error"] else Exit.DONE


def _face(args: argparse.Namespace, name: str) -> Face:
    if args.junit:
        from sessions.commands.junit import JunitFace

        return JunitFace(name)
    return JsonFace() if args.json else TextFace(name)


class Source(NamedTuple):
    """A recording as it is read: its header, and the lines behind it."""

    name: str
    header: Mapping[str, Any]
    lines: IO[bytes]
    size: int  #: in bytes, 0 when it is not known
    is_growing: bool  #: somebody still writes it


@contextmanager
def _opened(name: str) -> Iterator[Source]:
    """Raises RecordingError when it cannot be read, Damaged when it is no recording, TooNew."""
    from sessions.reading import Reading, header_of

    if name == STDIN:
        stdin: IO[bytes] = sys.stdin.buffer if isinstance(sys.stdin, io.TextIOWrapper) else io.BytesIO()
        yield Source("stdin", header_of(stdin.readline(), "stdin"), stdin, 0, is_growing=False)
        return
    path = Path(name).expanduser()
    reading = Reading.open(path)
    try:
        lines = path.open("rb", buffering=1 << 20)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    finally:
        is_growing, size = reading.is_growing(), reading.bytes_total()
        reading.close()
    with lines:
        yield Source(str(path), header_of(lines.readline(), path), lines, size, is_growing)


def _lines(source: Source) -> Iterator[bytes]:
    """Raises RecordingError when the file can be read no further."""
    try:
        yield from source.lines
    except OSError as error:
        raise RecordingError(f"cannot read {source.name} to its end: {error.strerror}") from error


def _examined(soundness: Soundness, judge: Judge, suspects: Suspects, source: Source) -> Iterator[Finding]:
    """Every finding about the file and about what crossed the wire, as its line is read.

    How far it is goes to stderr.
    """
    from sessions.soundness import FIRST_LINE

    done, looked = 0, -_PROGRESS_SECONDS
    for place, line in enumerate(_lines(source), FIRST_LINE):
        done += len(line)
        for finding in soundness.take(line, place):
            if finding.id in _HOLES:
                judge.tear(soundness.sessions.records)
            if finding.id != "cut-end" or not source.is_growing:  # the line that is being written
                yield finding
        if (taken := soundness.taken) is not None:
            suspects.look(taken.record, taken.event)
            for finding in judge.judge(*taken):
                yield finding._replace(line=place)
        if not place % _LOOKS and time.monotonic() - looked > _PROGRESS_SECONDS:
            looked = time.monotonic()
            share = f"{min(done / source.size, 1):.0%} " if source.size else ""
            tell_progress(f"{share}{place:,} lines of {source.name}")
    yield from soundness.end(is_growing=source.is_growing)
    if not source.is_growing:
        yield from judge.end()


class Face(Protocol):
    """How findings are told."""

    counts: Counter[str]  #: findings by severity

    def show(self, finding: Finding) -> None:
        """Take one finding."""

    def sum_up(self, soundness: Soundness, source: Source, product: str) -> None:
        """Say what came of it; `product` is who seems to have answered, "" when nothing tells."""


class JsonFace:
    """One JSON object a line: the findings, then `"event": "summary"`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()  #: findings by severity
        self._ids: Counter[str] = Counter()

    def show(self, finding: Finding) -> None:
        """Write one finding."""
        self.counts[finding.severity.value] += 1
        self._ids[finding.id] += 1
        sys.stdout.write(json.dumps(finding.plain()) + "\n")

    def sum_up(self, soundness: Soundness, source: Source, product: str) -> None:
        """Write the summary."""
        told = summary(soundness, source, self.counts)
        told |= {"findings": dict(self._ids), "product": product or None}
        sys.stdout.write(json.dumps({"event": "summary", **told}) + "\n")


class TextFace:
    """One line a finding, as compilers write them, and a sentence at the end."""

    def __init__(self, name: str) -> None:
        self.counts: Counter[str] = Counter()  #: findings by severity
        self._name = name
        self._shown: Counter[str] = Counter()  #: findings by id
        self._errors: set[str] = set()

    def show(self, finding: Finding) -> None:
        """Write one finding, unless there were many of its kind."""
        self.counts[finding.severity.value] += 1
        if finding.severity.value == "error":
            self._errors.add(finding.id)
        self._shown[finding.id] += 1
        if self._shown[finding.id] > _SHOWN:
            return
        where = f"{self._name}:{finding.line}" if finding.line else self._name
        turn = f"T{finding.turn}: " if finding.turn else ""
        what = f"{finding.severity}: {turn}{finding.title} ({finding.evidence})"
        words = f"{what}; {finding.remedy.rstrip('.')} [{finding.id}, {finding.who}]"
        sys.stdout.write(safe_line(f"{where}: {words}", _CHARACTERS) + "\n")

    def sum_up(self, soundness: Soundness, source: Source, product: str) -> None:
        """Write how many there were, and of what."""
        from sessions.soundness import RULES as FILE_RULES

        for name, count in self._shown.items():
            if count > _SHOWN:
                sys.stdout.write(f"and {count - _SHOWN:,} more of {name}; --json lists them all\n")
        if product and self.counts:
            sys.stdout.write(safe_line(f"what answered {product}", _CHARACTERS) + "\n")
        if source.header.get("source") == DOCTOR:
            sys.stdout.write("these are a doctor's probes: what they do wrong as a client is told as notes\n")
        told = summary(soundness, source, self.counts)
        parts = [
            _amount(told["records"], "record"),
            _amount(told["sessions"], "session"),
            _amount(told["turns"], "turn"),
        ]
        counted = [
            _amount(self.counts[severity], severity)
            for severity in ("error", "warning", "note")
            if self.counts[severity]
        ]
        verdict = "sound" if self._errors.isdisjoint(FILE_RULES) else "not sound"
        if verdict == "sound" and self._errors:
            verdict = "the file is sound, what it holds is not"
        still = " so far; it is still being written" if source.is_growing else ""
        sys.stdout.write(f"{verdict}: {', '.join([*parts, *counted])}, {_spanned(told['seconds'])}{still}\n")


def summary(soundness: Soundness, source: Source, counts: Counter[str]) -> dict[str, Any]:
    """What was looked at and what was found, as plain data."""
    sessions = soundness.sessions
    return {
        "recording": source.name,
        "app": source.header.get("app"),
        "source": source.header.get("source"),
        "records": sessions.records,
        "sessions": len(sessions.sessions),
        "turns": len(sessions.turns),
        "seconds": round(soundness.seconds, 6),
        "is_growing": source.is_growing,
        "errors": counts["error"],
        "warnings": counts["warning"],
        "notes": counts["note"],
    }


def _spanned(seconds: float) -> str:
    """How long the recording is; not how long it took to check it."""
    return f"spans {seconds:,.1f} s" if seconds >= 0.05 else f"spans {seconds * 1000:,.0f} ms"


def _amount(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


VERB = Check()
