"""Light Markdown: which columns get which style, and that nothing moves."""

from __future__ import annotations

from tui.light import CAP, Light
from tui.wrap import Fixed, Wrapped


def styled(text: str, width: int = 40) -> list[list[tuple[str, str]]]:
    """For each row its styled pieces."""
    wrapped = Wrapped(Fixed(text), width)
    wrapped.update()
    light = Light(Fixed(text))
    out = []
    for index in range(len(wrapped)):
        row = wrapped.text(index)
        stretches = light.stretches(wrapped.span(index)[0], row)
        out.append(
            [(row[one.start : one.end], one.style.removeprefix("talk--markdown-")) for one in stretches]
        )
    return out


def test_headings_are_whole_rows_also_when_wrapped() -> None:
    assert styled("## one two three", 9) == [[("## one", "heading")], [("two three", "heading")]]


def test_a_hash_without_space_is_no_heading() -> None:
    assert styled("#tag") == [[]]


def test_fences_style_what_is_inside_and_themselves() -> None:
    assert styled("a\n```py\nx = **1**\n```\n**b**") == [
        [],
        [("```py", "code")],
        [("x = **1**", "code")],
        [("```", "code")],
        [("**b**", "strong")],
    ]


def test_an_open_fence_styles_to_the_end() -> None:
    assert styled("```\nx\ny")[2] == [("y", "code")]


def test_bullets_are_styled_at_the_start_of_a_line_only() -> None:
    assert styled("- one two", 6) == [[("- ", "bullet")], []]
    assert styled("12. x") == [[("12. ", "bullet")]]


def test_quotes() -> None:
    assert styled("> said") == [[("> said", "quote")]]


def test_a_very_long_text_stays_plain() -> None:
    light = Light(Fixed("# x" + "y" * CAP))
    assert light.is_plain
    assert light.stretches(0, "# x") == []
