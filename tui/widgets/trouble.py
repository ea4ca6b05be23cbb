"""What went wrong, as cause, evidence and remedy, above the composer; with the key that leads on.

It is there only while something is wrong, takes no focus, and decides nothing. Remote words in it are made
safe here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from sessions import redact
from sessions.safe import safe_line


class Report(NamedTuple):
    """One trouble in words."""

    title: str
    cause: str = ""
    evidence: tuple[str, ...] = ()  #: status and first lines of what came back
    remedy: str = ""
    keys: str = ""  #: which keys lead on

    def text(self) -> str:
        """The report as plain text, to be copied."""
        parts = [self.title, f"cause:    {self.cause}" if self.cause else ""]
        parts += [f"evidence: {line}" for line in self.evidence]
        parts.append(f"remedy:   {self.remedy}" if self.remedy else "")
        return redact.screen("\n".join(part for part in parts if part))


class Trouble(Static):
    """The panel; hidden while there is no report."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"trouble--title", "trouble--name", "trouble--keys"}

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.report: Report | None = None
        self.add_class("-nothing")

    def show(self, report: Report | None) -> None:
        """Show this report, or nothing."""
        if report == self.report:
            return
        self.report = report
        self.set_class(report is None, "-nothing")
        if report is not None:
            self.update(self._words(report))

    def _words(self, report: Report) -> Group:
        title, name, keys = (
            self.get_component_rich_style(f"trouble--{part}") for part in ("title", "name", "keys")
        )
        rows: Sequence[tuple[str, str]] = (
            ("cause", report.cause),
            *(("evidence" if n == 0 else "", line) for n, line in enumerate(report.evidence)),
            ("remedy", report.remedy),
        )
        table = Table.grid(padding=(0, 1, 0, 0))  # a long sentence goes on below its own words
        table.add_column(width=8)
        table.add_column()
        for label, text in rows:
            if text:
                table.add_row(Text(label, name), Text(safe_line(redact.screen(text), 600)))
        if report.keys:
            table.add_row(Text("keys", name), Text(report.keys, keys))
        return Group(Text(safe_line(redact.screen(report.title), 300), title), table)
