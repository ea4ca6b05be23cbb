"""Findings on the screen: counted in the header, marked in place, listed, read, a way to the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from sessions.finding import Finding, Severity
from sessions.recording import Recording
from sessions.records import Record
from tests import make
from tests.scene import playing
from tests.screen import screen_lines, screen_text
from tests.tui.test_replay import opened
from tui.found import suspects_in
from tui.screens.choose import Choose
from tui.screens.reader import Reader
from tui.widgets.events import Events


def faulty() -> list[Record]:
    """A turn with a gap and a renamed end, and one that the socket's end cut."""
    wire = make.Wire(step=0.05)
    turn = wire.turn("resp_1", "One two three four.")
    del turn[5]
    end = make.answer("resp_2", "Five.")
    end[-1]["type"] = "response.done"
    records = [wire.open(), *turn, wire.sent(make.create("And?")), *wire.got_all(end)]
    return [*records, wire.sent(make.create("More?")), wire.got(make.created("resp_3")), wire.lost()]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_what_a_person_reads(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with playing(faulty(), size=size) as scene:
        assert "\n".join(screen_lines(scene.app)) == snapshot
        await scene.press("1", "exclamation_mark")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        assert "\n".join(screen_lines(scene.app)) == snapshot(name="the list")
        await scene.press("1", "enter")
        await scene.until(lambda: isinstance(scene.app.screen, Reader))
        assert "\n".join(screen_lines(scene.app)) == snapshot(name="one of them")


async def test_a_finding_leads_to_its_record_and_back_to_the_list() -> None:
    async with playing(faulty(), size=(120, 40)) as scene:
        await scene.press("1", "exclamation_mark")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("2", "enter")
        await scene.until(lambda: isinstance(scene.app.screen, Reader))
        assert "terminal-renamed" in screen_text(scene.app)
        await scene.press("escape")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("1", "enter")
        await scene.until(lambda: isinstance(scene.app.screen, Reader))
        text = screen_text(scene.app)
        assert "sequence-gap" in text
        assert "who        proxy" in text
        assert "Relay every event, in order, once." in text
        await scene.press("f5")
        await scene.until(lambda: scene.app.screen is scene.screen)
        await scene.pilot.pause()
        events = scene.screen.query_one(Events)
        assert events.has_focus
        assert events.record == 6
        assert "! sequence-gap" in screen_text(scene.app)


async def test_the_header_counts_and_stats_list_them() -> None:
    async with playing(faulty(), size=(160, 40)) as scene:
        assert "! 3 errors" in screen_text(scene.app)
        await scene.press("5")
        await scene.shows("sequence-gap")
        text = screen_text(scene.app)
        assert "errors 3" in text
        assert "! reads them" in text


async def test_where_nothing_is_wrong_the_key_says_so() -> None:
    wire = make.Wire()
    async with playing([wire.open(), *wire.turn("resp_1")], size=(120, 40)) as scene:
        assert "findings" not in screen_lines(scene.app)[-1]
        await scene.press("1", "exclamation_mark")
        await scene.shows("nothing was found to be wrong")
        assert scene.app.screen is scene.screen
        assert "error" not in "".join(screen_lines(scene.app)[:2])


async def test_a_replay_lists_what_stands_before_the_playhead(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "a.jsonl")
    for record in faulty():
        recording.append(record)
    recording.close()
    async with opened(tmp_path / "a.jsonl", size=(160, 40)) as play:
        await play.press("end")
        await play.shows("! 3 errors")
        await play.press("1", "exclamation_mark")
        await play.shows("the terminal event has another name")
        await play.press("escape")


def damaged(path: Path, records: list[Record]) -> Path:
    """A recording with two broken lines, and a beginning of one behind its end."""
    recording = Recording.create(path)
    for record in records:
        recording.append(record)
    recording.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{broken\n", b"[]\n", *lines[3:], b'{"n":7']))
    return path


@pytest.mark.parametrize("size", [(80, 24), (160, 40)])
async def test_damaged_lines_stay_on_the_screen_and_are_listed(tmp_path: Path, size: tuple[int, int]) -> None:
    wire = make.Wire()
    path = damaged(tmp_path / "a.jsonl", [wire.open(), *wire.turn("resp_1"), wire.close()])
    async with opened(path, size=size) as play:
        play.app.clear_notifications()
        await play.until(lambda: "2 file problems" in "".join(screen_lines(play.app)[:2]))
        await play.press("exclamation_mark")
        await play.until(lambda: isinstance(play.app.screen, Reader))
        text = screen_text(play.app)
        assert "line 4 " in text
        assert "line 5   not a record: no object but a list" in text
        assert "the last line is cut" in text
        await play.press("escape")
        assert play.app.screen is play.screen


async def test_damaged_lines_stand_below_the_findings(tmp_path: Path) -> None:
    async with opened(damaged(tmp_path / "a.jsonl", faulty()), size=(160, 40)) as play:
        await play.press("end")
        await play.shows("! 2 errors")
        await play.press("exclamation_mark")
        await play.until(lambda: isinstance(play.app.screen, Choose))
        await play.pilot.press("end", "enter")
        await play.until(lambda: isinstance(play.app.screen, Reader))
        assert "line 4 " in screen_text(play.app)
        await play.pilot.press("escape")
        await play.until(lambda: isinstance(play.app.screen, Choose))


async def test_who_seems_to_have_answered_is_named_where_a_finding_is_read() -> None:
    wire = make.Wire(step=0.05)
    records = [wire.open(headers={"Server": "nginx/1.22.1"}), wire.sent(make.create("Hi?"))]
    records += [wire.got(make.created("resp_1")), wire.lost()]
    async with playing(records, size=(120, 40)) as scene:
        await scene.press("1", "exclamation_mark")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("1", "enter")
        await scene.until(lambda: isinstance(scene.app.screen, Reader))
        text = screen_text(scene.app)
        assert "answered   looks like nginx (its server header; 80%)" in text
        assert "proxy_read_timeout (3600s)" in text


def test_who_answers_is_sought_at_the_beginning_and_in_what_proves_a_finding() -> None:
    recording = Recording.create(None)
    wire = make.Wire()
    for record in [wire.open(), *wire.got_all([make.error("x")] * 2_000)]:
        recording.append(record)
    plain = recording.append(wire.got(make.error("x")))
    telling = recording.append(wire.open(headers={"cf-ray": "8"}))
    finding = Finding("cut-in-answer", Severity.ERROR, 1, (plain,), 0, "proxy", "cut", "one", "mend it")
    assert suspects_in(recording, finding).words == ""
    assert "Cloudflare" in suspects_in(recording, finding._replace(records=(plain, telling))).words
    recording.close()
