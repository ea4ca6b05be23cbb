"""The rows of a comparison, and how they stand in two columns."""

from __future__ import annotations

from rich.cells import cell_len

from sessions.compare.alignment import compare
from tests.make import answer, error
from tests.sessions.test_compare_alignment import ONE, side
from tui.compare_rows import Row, detail, explained, line, rows

ERRED = [error("model_not_found")]


def test_turns_stand_beside_each_other_and_differences_below() -> None:
    comparison = compare(side("A", ONE, ONE), side("B", ONE, ONE[1:]))
    found = list(rows(comparison, is_done=True))
    assert [row.label for row in found[:3]] == ["connection", "turn 1", "turn 2"]
    assert found[1].a.startswith("completed")
    assert "Hello there" in found[1].b
    assert {row.difference.turn for row in found if row.difference} == {2}
    assert any(row.label == "  breaking events" and row.a == "response.created" for row in found)


def test_what_only_one_side_has_yet_is_no_difference_while_it_is_asked() -> None:
    comparison = compare(side("A", ONE, ONE), side("B", ONE))
    assert all(row.difference is None for row in rows(comparison, is_done=False))
    (unsent,) = [row.difference for row in rows(comparison, is_done=True) if row.difference]
    assert unsent.what == "unsent"


def test_only_breaking_ones_can_be_asked_for() -> None:
    comparison = compare(side("A", ONE), side("B", answer("resp_1", "Good day")))
    assert len(list(rows(comparison, is_done=True))) == 3
    assert len(list(rows(comparison, is_done=True, only_breaking=True))) == 2


def test_keys_stay_while_the_comparison_grows() -> None:
    early = list(rows(compare(side("A", ONE), side("B", ONE)), is_done=False))
    late = list(rows(compare(side("A", ONE, ERRED), side("B", ONE, ERRED)), is_done=True))
    assert [row.key for row in early] == [row.key for row in late[: len(early)]]


def test_a_line_is_never_wider_than_the_list() -> None:
    row = Row("1", "turn 1", "wide 宽" * 40, "x" * 200)
    for width in (60, 76, 120):
        assert cell_len(line(row, width).plain) <= width


def test_what_a_server_says_is_made_safe() -> None:
    hostile = compare(side("A", ONE), side("B", answer("resp_1", "a\x1b[2J‮b")))
    found = list(rows(hostile, is_done=True))
    for row in found:
        for shown in (row.a, row.b, explained(row), line(row, 100).plain):
            assert "\x1b" not in shown
            assert "‮" not in shown
    assert "harmless text" in detail(found[-1])


def test_what_an_earlier_turn_had_already_takes_one_row_of_each_weight() -> None:
    turns = [answer(f"resp_{number}", "Hello there") for number in (1, 2, 3)]
    comparison = compare(side("A", *turns), side("B", *(bodies[1:] for bodies in turns)))
    found = list(rows(comparison, is_done=True))
    second = [row for row in found if row.key.startswith("2")]
    assert second[1].label == "  breaking again"
    assert second[1].a.endswith("as in turn 1")
    told = [row.difference.title for row in found if row.difference is not None]
    assert len(told) == len(set(told))
    assert "response.created" in explained(second[1])
    assert detail(second[1]).count("A  ") == len(second[1].repeated)
    assert len({row.key for row in found}) == len(found)


def test_a_time_says_what_it_is_the_time_of() -> None:
    comparison = compare(side("A", ONE), side("B", ONE, step=0.2))
    found = [row for row in rows(comparison, is_done=True) if row.label == "  harmless timing"]
    assert {row.a.rpartition(" ")[2] for row in found} == {"ms"}
    assert {row.b.partition(" ")[0] for row in found} == {"first", "whole"}
