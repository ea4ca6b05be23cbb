"""A dialog of choices: the safest working one is marked, digits mark, escape changes nothing."""

from __future__ import annotations

from textual.app import App

from tests.screen import screen_text
from tui.screens.choose import Choice, Choose

CHOICES = (
    Choice("bad", "go on here", "the socket has ended", is_working=False),
    Choice("good", "open a new socket", "nothing sent again"),
    Choice("new", "a new chain", "the model knows nothing"),
)


async def chosen(*pressed: str, choices: tuple[Choice, ...] = CHOICES) -> str | None:
    """What the dialog gives after these keys."""
    app: App[None] = App()
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Choose("ways on", choices, "The socket was lost."), answers.append)
        await pilot.pause()
        await pilot.press(*pressed)
        await pilot.pause()
    return answers[0] if answers else None


async def test_enter_takes_the_first_one_that_works() -> None:
    assert await chosen("enter") == "good"


async def test_f5_takes_the_marked_one() -> None:
    assert await chosen("j", "f5") == "new"


async def test_digits_mark_and_only_enter_goes() -> None:
    assert await chosen("3") is None
    assert await chosen("3", "enter") == "new"
    assert await chosen("1", "enter") == "bad"


async def test_a_digit_without_a_choice_marks_nothing() -> None:
    assert await chosen("9", "enter") == "good"


async def test_escape_chooses_nothing() -> None:
    assert await chosen("escape") == ""


async def test_j_and_k_move() -> None:
    assert await chosen("j", "k", "enter") == "good"


async def test_a_long_note_goes_on_below_its_own_words() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        note = (
            "nothing is sent again, and what was stored is loaded by the server, a little slower than before"
        )
        app.push_screen(Choose("ways on", (Choice("a", "open a new socket and go on from T2", note),)))
        await pilot.pause()
        lines = [line[line.index("│") + 1 :] for line in screen_text(app).splitlines() if "│" in line]
        first = next(n for n, line in enumerate(lines) if "nothing is sent" in line)
        begin = lines[first].index("nothing")
        assert lines[first + 1][:begin].strip() == ""
        assert lines[first + 1][begin] != " "
        assert begin > lines[first - 1].index("open a new")


async def test_what_fails_is_shown_with_its_reason_and_remote_words_are_safe() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(
            Choose("t\x1b[2J", (Choice("a", "[b]title\x1b]52;\x07", "no\x9b"), *CHOICES), "about\x07")
        )
        await pilot.pause()
        shown = screen_text(app)
        assert "the socket has ended" in shown
        assert "[b]title" in shown
        assert not set(shown) & set("\x1b\x07\x9b")
