"""What a screen hides: keys and account ids, in place; and terminal controls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.veil import line, veiled


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("sk-abcdefghijklmnop", "*******************"),
        ("my org-abcdef123 here", "my org-********* here"),
        ('{"k":"sk-abcdefghijklmnop"},', '{"k":"*******************"},'),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_hiding_stars_out_in_place(text: str, hidden: str) -> None:
    assert veiled(text) == hidden


@given(
    st.text(max_size=80),
    st.sampled_from(["sk-abcdefghijklmnop", "org-abcdef123456", "proj_abcdef123456"]),
    st.text(max_size=80),
)
def test_hiding_keeps_the_length(before: str, secret: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    assert len(veiled(text)) == len(text)
    assert secret not in veiled(text)


def test_a_line_is_one_row() -> None:
    assert line("a\nb\tc\x1b[0m") == "a↵b c␛[0m"
    assert len(line("x" * 100, 10)) == 10
