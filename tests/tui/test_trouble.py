"""The panel of what went wrong: cause, evidence, remedy, keys; safe and without keys of servers."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.screen import screen_text
from tui.widgets.trouble import Report, Trouble

REPORT = Report(
    "The socket was not opened: forbidden",
    "The server refused the upgrade.",
    ("HTTP 403", "<html>\x1b[2J [b]no[/b] sk-proj-abcdefghijklmnopqrstuvwxyz012345"),
    "Read the body.",
    "esc c connection",
)


class Host(App[None]):
    CSS = "Trouble.-nothing { display: none; }"

    def compose(self) -> ComposeResult:
        yield Trouble()


async def test_it_takes_no_room_while_nothing_is_wrong() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        panel = app.query_one(Trouble)
        assert "cause" not in screen_text(app)
        panel.show(REPORT)
        await pilot.pause()
        assert str(panel.report and panel.report.title) in screen_text(app)
        panel.show(None)
        await pilot.pause()
        assert "forbidden" not in screen_text(app)


async def test_cause_evidence_remedy_and_keys_are_told() -> None:
    app = Host()
    async with app.run_test(size=(100, 12)) as pilot:
        app.query_one(Trouble).show(REPORT)
        await pilot.pause()
        shown = screen_text(app)
        for word in ("forbidden", "cause", "HTTP 403", "remedy", "esc c connection", "[b]no[/b]"):
            assert word in shown
        assert "\x1b" not in shown
        assert "sk-proj-abcdefghij" not in shown


def test_the_report_can_be_copied_without_keys() -> None:
    text = REPORT.text()
    assert text.splitlines()[0] == "The socket was not opened: forbidden"
    assert "remedy:   Read the body." in text
    assert "sk-proj-abcdefghij" not in text


async def test_a_long_sentence_goes_on_below_its_own_words() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        remedy = "Read the body; a bare 403 often means no WebSocket route, or a proxy that wants a model."
        app.query_one(Trouble).show(Report("refused", remedy=remedy, keys="esc c"))
        await pilot.pause()
        lines = screen_text(app).splitlines()
        first = next(n for n, line in enumerate(lines) if "remedy" in line)
        begin = lines[first].index("Read")
        assert lines[first + 1][:begin].strip() == ""
        assert lines[first + 1][begin] != " "
