"""From a command line to a screen; and a recording opened to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.errors import RecordingError, UsageError
from sessions.playback import Pace
from sessions.reading import Reading
from sessions.recording import Recording
from tests.make import Wire
from tests.scene import arguments
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.entrance import entry, first_screen, prepare_recording, replay_screen
from tui.screens.opening import Opening
from tui.screens.replay import ReplayScreen
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
        assert isinstance(screen, ReplayScreen)
        while screen.playback.is_folding:
            await pilot.pause()
        await pilot.pause(0.1)
        assert screen.is_read_only
        assert not screen.query("Composer")
        assert "Recorded words." in screen_text(app)
        assert "REPLAY" in screen_text(app)
    assert path.read_bytes() == before


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello\n")
    with pytest.raises(RecordingError, match="not a recording"):
        prepare_recording(str(path))


def test_a_recording_is_opened_before_the_terminal_is_taken(tmp_path: Path) -> None:
    assert isinstance(entry(arguments("start"))(), Start)
    path = recorded(tmp_path / "a.jsonl")
    for verb in ("replay", "attach"):
        assert isinstance(entry(arguments(verb, file=str(path)))(), Opening)
        with pytest.raises(RecordingError, match="No such file"):
            entry(arguments(verb, file=str(tmp_path / "none.jsonl")))
    with pytest.raises(UsageError, match="replay what"):
        entry(arguments("replay"))


def test_attach_without_a_name_means_the_recording_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="is being recorded now"):
        entry(arguments("attach"))
    running = Recording.create(tmp_path / "turnscope" / "recordings" / "2026-01-01-a.jsonl")
    args = arguments("attach")
    entry(args)
    assert args.file == str(running.path)
    running.close()


def test_options_of_a_replay_are_those_of_its_playhead(tmp_path: Path) -> None:
    reading = Reading.open(recorded(tmp_path / "a.jsonl"))
    args = arguments("replay", file="a", speed=4.0, shorten_silences=True)
    playback = replay_screen(reading, args, True).playback
    assert (playback.speed, playback.is_shortening, playback.pace) == (4.0, True, Pace.LIVE)
    playback = replay_screen(reading, None, False).playback
    assert (playback.speed, playback.is_shortening, playback.pace) == (1.0, False, Pace.PAUSED)
    playback = replay_screen(reading, args, False).playback
    assert (playback.speed, playback.pace, playback.position) == (4.0, Pace.PLAYING, 0)
    reading.close()
