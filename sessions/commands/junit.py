"""Findings as JUnit XML: a test case for every id, so that a CI shows the same cases each time.

Its one rule: only an error fails a case; warnings and notes stand in its output. All of it is written at the
end, because the counts stand in the first line.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from sessions.safe import safe_line

if TYPE_CHECKING:
    from sessions.commands.check import Source
    from sessions.finding import Finding
    from sessions.soundness import Soundness

_CHARACTERS = 600  # of one finding
_SHOWN = 100  # findings of one id
_NO_XML = {0xFFFE: "\N{REPLACEMENT CHARACTER}", 0xFFFF: "\N{REPLACEMENT CHARACTER}"}


class JunitFace:
    """One suite for the file, one for what crossed the wire."""

    def __init__(self, name: str) -> None:
        self.counts: Counter[str] = Counter()  #: findings by severity
        self._name = name
        self._found: dict[str, list[Finding]] = {}
        self._met: Counter[str] = Counter()

    def show(self, finding: Finding) -> None:
        """Keep one finding."""
        self.counts[finding.severity.value] += 1
        self._met[finding.id] += 1
        kept = self._found.setdefault(finding.id, [])
        if len(kept) < _SHOWN:
            kept.append(finding)

    def sum_up(self, soundness: Soundness, source: Source, product: str) -> None:
        """Write the whole document."""
        from sessions.findings.catalogue import CATALOGUE
        from sessions.soundness import RULES

        write = sys.stdout.write
        write('<?xml version="1.0" encoding="utf-8"?>\n')
        write(f'<testsuites name="turnscope check" tests="{len(RULES) + len(CATALOGUE)}"')
        write(f' failures="{self._failures([*RULES, *CATALOGUE])}" time="{soundness.seconds:.3f}">\n')
        for suite, names in (("file", [*RULES]), ("wire", [*CATALOGUE])):
            write(f'  <testsuite name="turnscope.{suite}" tests="{len(names)}"')
            write(f' failures="{self._failures(names)}" errors="0" skipped="0"')
            write(f" file={_attribute(self._name)}>\n")
            if product and suite == "wire":
                guess = f'<property name="product" value={_attribute(product)}/>'
                write(f"    <properties>{guess}</properties>\n")
            for name in names:
                write(self._case(suite, name))
            write("  </testsuite>\n")
        write("</testsuites>\n")

    def _failures(self, names: list[str]) -> int:
        return sum(any(one.severity.value == "error" for one in self._found.get(name, ())) for name in names)

    def _case(self, suite: str, name: str) -> str:
        found = self._found.get(name, [])
        start = f'    <testcase classname="turnscope.{suite}" name="{name}"'
        if not found:
            return f"{start}/>\n"
        lines = [_legal(_told(self._name, one)) for one in found]
        if (left := self._met[name] - len(found)) > 0:
            lines.append(f"and {left:,} more")
        text = escape("\n".join(lines))
        failed = [one for one in found if one.severity.value == "error"]
        if failed:
            told = f"<failure type={_attribute(name)} message={_attribute(failed[0].title)}>{text}</failure>"
        else:
            told = f"<system-out>{text}</system-out>"
        return f"{start}>{told}</testcase>\n"


def _told(name: str, finding: Finding) -> str:
    where = f"{name}:{finding.line}" if finding.line else name
    turn = f"T{finding.turn}: " if finding.turn else ""
    what = f"{finding.severity}: {turn}{finding.title} ({finding.evidence})"
    return f"{where}: {what}; {finding.remedy.rstrip('.')} [{finding.who}]"


def _legal(text: str) -> str:
    """One line without what a terminal would act on, nor the two characters that XML cannot write."""
    return safe_line(text, _CHARACTERS).translate(_NO_XML)


def _attribute(value: str) -> str:
    return quoteattr(_legal(value))
