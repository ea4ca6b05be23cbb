"""The rows of an examination: what is most serious, then every check in its group, tried or not yet.

Its one rule: pure; what is known goes in, rows come out, and a row keeps its place while others come to be
known. What came from a server is made safe here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from sessions import redact
from sessions.doctor.battery import most_serious
from sessions.doctor.check import Check, Group
from sessions.doctor.report import Examination
from sessions.doctor.result import Outcome, Result
from sessions.safe import safe_line

WORST = 3  #: rows for what is most serious, filled or not
_OUTCOME = 6  # cells: the longest word and a gap
_ID = 5
_TITLE = 36
_LONGEST = 400  # characters of an evidence that are looked at
_WORDS = {
    Outcome.PASS: "pass",
    Outcome.WARN: "warn",
    Outcome.FAIL: "FAIL",
    Outcome.SKIP: "skip",
    Outcome.INFO: "info",
}


NO_STYLES: Mapping[Outcome, Style] = MappingProxyType({})


class Row(NamedTuple):
    """One line of the list."""

    key: str  #: stays the same while results come
    outcome: str  #: the word that stands beside every colour; "" of a heading
    id: str
    title: str
    said: str
    result: Result | None = None
    check: Check | None = None
    is_heading: bool = False


def rows(
    checks: Sequence[Check],
    found: Examination,
    running: Check | None = None,
    *,
    only_problems: bool = False,
    is_done: bool = False,
) -> Iterator[Row]:
    """The most serious first, then each group; only what failed or warns when that is asked for.

    Until it is done, the places of the most serious are kept free, so that no row moves when one is found.
    """
    results = {one.id: one for one in found.results}
    yield Row("worst", "", "", "most serious", "", is_heading=True)
    worst = most_serious(found.ordered, WORST)
    known = {one.id: one for one in checks}
    for place in range(max(1, len(worst)) if is_done else WORST):
        if place < len(worst):
            serious = worst[place]
            yield _tried(f"worst{place}", serious, known.get(serious.id))
        else:
            yield Row(f"worst{place}", "", "", "nothing failed or warns" if is_done else "", "")
    for group in Group:
        own = [
            one
            for one in sorted(checks, key=lambda one: one.id)
            if one.group is group and (not only_problems or _is_problem(results.get(one.id)))
        ]
        if own:
            yield Row(f"group{group.value}", "", "", group.words, _tally(own, results), is_heading=True)
        for one in own:
            result = results.get(one.id)
            if one is running:
                yield Row(one.id, "...", one.id, one.title, "running", result, one)
            elif result is not None:
                yield _tried(one.id, result, one)
            else:
                yield Row(one.id, "", one.id, one.title, "", None, one)


def _is_problem(result: Result | None) -> bool:
    return result is not None and result.outcome.is_bad


def _tried(key: str, result: Result, check: Check | None) -> Row:
    said = result.evidence
    if result.hop:
        said = f"{result.hop}; {said}"
    return Row(key, _WORDS[result.outcome], result.id, result.title, _safe(said), result, check)


def _tally(checks: Collection[Check], results: Mapping[str, Result]) -> str:
    tried = sum(1 for one in checks if one.id in results)
    return f"{tried} of {len(checks)}"


def line(row: Row, width: int, styles: Mapping[Outcome, Style] = NO_STYLES) -> Text:
    """A row as wide as the list: outcome, id, title, and what was seen as far as there is room.

    `styles` are the theme's; without them weight alone sets outcomes apart, and the word says it anyway.
    """
    text = Text(no_wrap=True, end="")
    if row.is_heading:
        text.append(f"{row.title}  {row.said}".rstrip(), "bold")
        return text
    title = min(_TITLE, max(12, width - _OUTCOME - _ID))
    text.append(set_cell_size(row.outcome, _OUTCOME), _style(row, styles))
    text.append(set_cell_size(row.id, _ID), "dim")
    text.append(set_cell_size(_cut(row.title, title - 1), title))
    if (room := width - _OUTCOME - _ID - title) > 4:
        text.append(_cut(row.said, room), "dim")
    return text


def _style(row: Row, styles: Mapping[Outcome, Style]) -> str | Style:
    if row.result is not None and row.result.outcome in styles:
        return styles[row.result.outcome]
    if row.result is not None and row.result.outcome is Outcome.FAIL:
        return "bold reverse"
    return "bold" if row.result is not None and row.result.outcome is Outcome.WARN else "dim"


def explained(row: Row | None) -> str:
    """A check in words: what came of it, whose it is to mend and how; or what it will try."""
    if row is None or (row.result is None and row.check is None):
        return ""
    one, check = row.result, row.check
    lines = [f"{row.id}  {row.title}"]
    if one is None:
        lines += ["", "running" if row.outcome else "not tried yet"]
    else:
        lines += [f"{_WORDS[one.outcome]}{f'  {one.failure_class}' if one.failure_class else ''}"]
        if one.evidence:
            lines += ["", "evidence", _safe(one.evidence)]
        if one.outcome.is_bad:
            lines += ["", f"who mends it: {one.who}"]
        if one.hop:
            lines += [f"where: {one.hop}"]
        if one.remedy:
            lines += ["", "what to do", _safe(one.remedy)]
        if one.findings:
            lines += ["", f"findings: {', '.join(one.findings)}"]
        if one.suite:
            lines += [f"public test: {', '.join(one.suite)}"]
    if check is not None:
        lines += ["", f"what it does: {check.sends}", _price(check)]
    if one is not None:
        lines += [f"took {one.ms:.0f} ms{f', {one.tokens} tokens' if one.tokens else ''}"]
    return "\n".join(lines)


def _price(check: Check) -> str:
    pieces = [check.cost.words]
    if check.tokens:
        pieces.append(f"up to {check.tokens} tokens")
    if check.waits_seconds:
        pieces.append(f"waits {check.waits_seconds:g} s")
    return f"cost: {', '.join(pieces)}"


def capability_line(found: Examination) -> str:
    """What the server can do, in one line."""
    return "; ".join(f"{name} {_safe(value)}" for name, value in sorted(found.capabilities.items()))


def tally_line(found: Examination, count: int) -> str:
    """How far it is and how it stands."""
    counts = found.counts
    parts = [f"{len(found.results)} of {count} checks"]
    parts += [f"{counts[one.value]} {one.value}" for one in Outcome if counts[one.value]]
    parts.append(f"{found.tokens} tokens")
    return "   ".join(parts)


def _safe(text: str) -> str:
    return safe_line(redact.screen(text[:_LONGEST]))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + "…"
