"""The rows of an examination: every check in its place from the start, words beside weight, safe text."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style

from sessions.doctor.battery import every_check
from sessions.doctor.report import Examination
from sessions.doctor.result import Outcome, Result
from tui.doctor_rows import WORST, capability_line, explained, line, rows, tally_line

CHECKS = every_check()


def result(check_id: str, outcome: Outcome, evidence: str = "seen", **more: object) -> Result:
    """What came of one check."""
    one = next(one for one in CHECKS if one.id == check_id)
    base = Result(one.id, one.name, one.title, one.group.value, outcome, evidence, "mend it", "proxy")
    return base._replace(**more)  # type: ignore[arg-type]  # named fields of a tuple


def found(*results: Result, **capabilities: str) -> Examination:
    """An examination with these results."""
    return Examination("proxy.test/v1/responses", "openai", "openai", results, capabilities, 12, 1.5)


def test_every_row_keeps_its_place_while_results_come() -> None:
    before = [row.key for row in rows(CHECKS, found())]
    after = [row.key for row in rows(CHECKS, found(result("D05", Outcome.FAIL), result("A01", Outcome.PASS)))]
    assert before == after
    assert [row for row in before if row.startswith("group")] == [f"group{one}" for one in "ABCDEFG"]
    assert len(set(before)) == len(before)


def test_the_most_serious_stand_first_failures_before_warnings() -> None:
    shown = list(
        rows(
            CHECKS,
            found(
                result("C02", Outcome.WARN),
                result("D05", Outcome.FAIL),
                result("D06", Outcome.INFO),
                result("D01", Outcome.PASS),
            ),
        )
    )
    assert shown[0].is_heading
    assert [(row.outcome, row.id) for row in shown[1 : 1 + WORST]] == [
        ("FAIL", "D05"),
        ("warn", "C02"),
        ("", ""),
    ]


def test_places_that_stayed_free_are_gone_when_it_is_done() -> None:
    def worst(is_done: bool, *results: Result) -> list[str]:
        return [
            row.title for row in rows((), found(*results), is_done=is_done) if row.key.startswith("worst")
        ]

    assert worst(False) == ["most serious", "", "", ""]
    assert worst(True) == ["most serious", "nothing failed or warns"]
    assert len(worst(True, result("B07", Outcome.FAIL))) == 2


def test_an_outcome_has_the_style_that_it_is_given() -> None:
    row = next(one for one in rows((), found(result("B07", Outcome.FAIL))) if one.result is not None)
    shown = line(row, 80, {Outcome.FAIL: Style(color="red")})
    assert shown.spans[0].style == Style(color="red")
    assert shown.plain.startswith("FAIL")


def test_only_problems_leaves_out_the_rest() -> None:
    some = found(result("C02", Outcome.WARN), result("D01", Outcome.PASS))
    left = [row for row in rows(CHECKS, some, only_problems=True) if not row.key.startswith("worst")]
    assert [(row.key, row.is_heading) for row in left] == [("groupC", True), ("C02", False)]


def test_what_runs_and_what_waits_is_said() -> None:
    running = next(one for one in CHECKS if one.id == "B07")
    by_key = {row.key: row for row in rows(CHECKS, found(), running)}
    assert by_key["B07"].outcome == "..."
    assert "running" in explained(by_key["B07"])
    assert "not tried yet" in explained(by_key["D01"])
    assert "up to" in explained(by_key["D01"]), "what it can cost"
    assert explained(None) == ""


def test_a_line_fits_its_width_and_says_the_outcome() -> None:
    row = next(
        row for row in rows(CHECKS, found(result("C01", Outcome.FAIL, "界" * 300))) if row.key == "C01"
    )
    for width in (30, 76, 196):
        text = line(row, width)
        assert cell_len(text.plain) <= width
        assert text.plain.startswith("FAIL")


def test_an_explanation_names_evidence_who_where_and_remedy() -> None:
    one = result(
        "D05", Outcome.FAIL, "#7", findings=("sequence-gap",), hop="between: only past the proxy it works"
    )
    row = next(row for row in rows(CHECKS, found(one)) if row.key == "D05")
    words = explained(row)
    for piece in ("FAIL", "#7", "who mends it: proxy", "between:", "mend it", "sequence-gap"):
        assert piece in words


def test_hostile_text_is_made_safe() -> None:
    one = result("C01", Outcome.FAIL, "\x1b]52;c;aGk=\x07 \u202e[red]x")
    row = next(row for row in rows(CHECKS, found(one)) if row.key == "C01")
    shown = line(row, 190).plain + explained(row)
    assert not set(shown) & set("\x1b\x07\u202e")
    assert "[red]x" in shown


def test_the_lines_around_the_list() -> None:
    some = found(result("C02", Outcome.WARN), lanes="full", end="response.completed")
    assert capability_line(some) == "end response.completed; lanes full"
    assert tally_line(some, 90) == "1 of 90 checks   1 warn   12 tokens"
