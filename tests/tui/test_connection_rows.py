"""Rows of the list of connections: columns by width, words before colour, no remote trick."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.records import Record
from sessions.reducer import fold
from sessions.roster import Row, row
from tests.escapes import foreign
from tests.make import Wire
from tui.connection_rows import STYLES, columns, heading, pair_signs, row_text


def told(now: float = 61.0, records: list[Record] | None = None, **meta: Any) -> Row:
    """The row of one connection after a turn; `meta` is added to its OPEN."""
    wire = Wire(4, at=1.0, step=0.0)
    state = fold(records if records is not None else [wire.open(**meta), *wire.turn("resp_1")])
    return row(state.sessions[4], now)


@pytest.mark.parametrize("cells", [20, 38, 60, 77, 90, 100, 117, 140, 197, 400])
def test_a_row_takes_the_cells_it_was_given_and_stands_below_its_headings(cells: int) -> None:
    at = columns(cells)
    said, names = row_text(told(client="codex_cli_rs/0.153.4 (linux; x86_64)"), at, "a"), heading(at)
    assert said.cell_len == names.cell_len
    if cells >= 60:
        assert said.cell_len == cells
        assert "idle after T1" in said.plain
        assert names.plain.index("state") == said.plain.index("idle after")


def test_more_room_tells_more() -> None:
    def names(cells: int) -> list[str]:
        return [column.title for _, column, _ in columns(cells).shown]

    assert names(77) == ["id", "", "client", "age", "left", "turns", "state"]
    assert {"lanes", "live", "up", "down", "last"} <= set(names(117))
    assert names(197).count("wire") == 2


def test_sizes_before_and_after_compression_stand_side_by_side() -> None:
    one = told()._replace(bytes_out=12_000, wire_out=402, bytes_in=300, wire_in=300)
    said = row_text(one, columns(197)).plain
    assert "12k   402" in said
    assert "300  same" in said


def test_the_countdown_and_the_state_are_words_with_a_colour_beside_them() -> None:
    near = row_text(told(now=3601.0 - 60), columns(117))
    assert "1:00" in near.plain
    assert "pane--error" in {span.style for span in near.spans}
    wire = Wire(4, at=1.0)
    over = row_text(told(records=[wire.open(), wire.lost()]), columns(117))
    assert " over " in over.plain
    assert "1006 lost" in over.plain
    assert "pane--error" in {span.style for span in over.spans}
    assert all(style == "" or style.startswith("pane--") for style in STYLES.values())


def test_a_client_can_do_nothing_with_its_name() -> None:
    said = row_text(
        told(client="evil\x1b]52;c;aGk=\x07\u202e\nname sk-proj-0123456789abcdefghij"), columns(300)
    )
    assert foreign(said.plain.encode()) == []
    assert "\n" not in said.plain
    assert "0123456789abcdefghij" not in said.plain


def test_the_name_that_a_person_gave_comes_before_the_clients() -> None:
    assert "alpha" in row_text(told(client="codex", name="alpha"), columns(77)).plain
    assert "codex" not in row_text(told(client="codex", name="alpha"), columns(77)).plain


def test_only_those_that_belong_together_get_a_sign() -> None:
    pairs = [(1, "x"), (2, ""), (3, "y"), (4, "x"), (5, "z"), (6, "y")]
    assert pair_signs(pairs) == {1: "a", 4: "a", 3: "b", 6: "b"}
    many = [(number, str(number % 60)) for number in range(120)]
    signs = pair_signs(many)
    assert len(set(signs.values())) == 60
    assert all(len(sign) <= 2 for sign in signs.values())
