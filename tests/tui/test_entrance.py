"""From a command line to a screen; and a recording opened to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.errors import RecordingError
from sessions.recording import Recording
from tests.make import Wire
from tests.scene import arguments
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.entrance import first_screen, prepare_recording
from tui.screens.opening import Opening
from tui.screens.session import SessionScreen
from tui.screens.start import Start


def recorded(path: Path) -> Path:
    """A recording of one turn, with a damaged line in it."""
    recording = Recording.create(path)
    wire = Wire()
    for record in (wire.open(), *wire.turn("resp_1", "Recorded words.")):
        recording.append(record)
    recording.close()
    with path.open("ab") as file:
        file.write(b'{"n": 99, "nonsense"\n')
    return path


def test_each_verb_has_its_first_screen() -> None:
    assert isinstance(first_screen(arguments("start")), Start)
    assert isinstance(first_screen(arguments("demo")), Opening)
    assert isinstance(first_screen(arguments("connect")), Opening)


async def test_a_recording_is_shown_and_its_file_stays_as_it_was(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.jsonl")
    before = path.read_bytes()
    ready = prepare_recording(str(path))
    app = TurnscopeApp(ready)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        assert screen.is_read_only
        assert not screen.query("Composer")
        assert "Recorded words." in screen_text(app)
        assert "READ-ONLY" in screen_text(app)
    assert path.read_bytes() == before


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello\n")
    with pytest.raises(RecordingError, match="not a recording"):
        prepare_recording(str(path))
