"""The findings of a session screen: a list, each to be read with its evidence, each a way to its record.

Its one rule: it looks and jumps, nothing else; what it lists is what the views show, the worst first, and the
lines of the file that nobody can show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.finding import Finding, Severity
from sessions.fingerprint import Suspects
from sessions.reading import Reading
from sessions.recording import Recording
from tui.screens.choose import Choice, Choose
from tui.screens.reader import Reader

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
_DAMAGED = "damaged"
_LISTED = 200  # more than anybody reads in a dialog
_LOOKED_AT = 1_000  # records from the first on in which a product is sought; openings and first answers tell


class Found:
    """The way from a count in the header to the record that proves it."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    async def show(self) -> None:
        """List what was found; reading one leads to its record, or back to the list."""
        screen = self._screen
        lines = damaged_lines(screen.inspector.recording)
        if not self._findings():
            if lines:
                await self._read_lines(lines)
            else:
                screen.tell("nothing was found to be wrong")
            return
        while findings := self._findings():
            listed = findings[:_LISTED]
            choices = [Choice(str(place), _title(one), _place(one)) for place, one in enumerate(listed)]
            if lines:
                choices.append(Choice(_DAMAGED, "what is wrong with the file", "damaged lines"))
            left = len(findings) - len(listed)
            about = f"The {len(listed)} worst; {left:,} more are listed by `check`." if left else ""
            foot = "Enter read   esc back"
            chosen = await screen.app.push_screen_wait(Choose("findings", choices, about, foot))
            if not chosen:
                return
            if chosen == _DAMAGED:
                await self._read_lines(lines)
                continue
            finding = listed[int(chosen)]
            told = suspects_in(screen.inspector.recording, finding)
            reader = Reader(
                finding.id, report(told.in_words_for(finding), told.words), "F5 to the record   esc back"
            )
            if await screen.app.push_screen_wait(reader):
                screen.show_record(finding.records[-1])
                return

    async def _read_lines(self, lines: list[str]) -> None:
        """Show which lines of the file could not be read, and why."""
        about = "A line that cannot be read is left out of every view; `check` tells what follows from that."
        text = "\n".join((about, "", *lines))
        await self._screen.app.push_screen_wait(Reader("what is wrong with the file", text))

    def _findings(self) -> list[Finding]:
        """Those of the connections that are shown, the worst first."""
        scope = self._screen.scope
        shown = [one for one in self._screen.inspector.findings if scope.has(one.session)]
        return sorted(shown, key=lambda one: _ORDER.index(one.severity))


def _title(finding: Finding) -> str:
    return f"{finding.severity.value:<7}  {finding.title}"


def _place(finding: Finding) -> str:
    turn = f"T{finding.turn} " if finding.turn else ""
    return f"{turn}#{finding.records[-1]}"


def damaged_lines(recording: Recording) -> list[str]:
    """What is wrong with the file of a recording that is read, a line of words for each."""
    if not isinstance(recording, Reading):
        return []
    problems = list(recording.problems)
    left = recording.damaged - len(problems)
    # a file that still grows ends in the line that is being written, and one that is half read nowhere yet
    is_whole = recording.known == recording.expected and not recording.is_growing()
    if is_whole and (cut := recording.end_problem()) is not None:
        problems.append(cut)
    said = [f"line {problem.line:,}   {problem.reason}" for problem in problems]
    return [*said, f"and {left:,} more, which `check` lists"] if left > 0 else said


def suspects_in(recording: Recording, finding: Finding) -> Suspects:
    """Which products seem to have answered, by how a recording begins and by what proves a finding."""
    suspects = Suspects()
    for number in (*range(min(len(recording), _LOOKED_AT)), *finding.records):
        suspects.look(recording.record(number))
    return suspects


def report(finding: Finding, product: str = "") -> str:
    """All that is known about a finding, as lines to read; `product` says who seems to have answered."""
    records = ", ".join(f"#{number}" for number in finding.records)
    where = f"connection {finding.session}" + (f", T{finding.turn}" if finding.turn else "")
    return "\n".join(
        (
            f"{finding.severity.value}: {finding.title}",
            "",
            f"evidence   {finding.evidence}",
            f"where      {where}",
            f"records    {records}",
            f"who        {finding.who}",
            *([f"answered   {product}"] if product else []),
            "",
            finding.remedy,
        )
    )
