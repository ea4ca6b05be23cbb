"""`turnscope bridge` at work in a room, and what its recording says afterwards.

client -> turnscope bridge -> HTTP server
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sessions.reading import Reading
from sessions.reducer import Sessions, fold
from tests.peers.conftest import ROOT
from tests.peers.room import Finished, Room


class Bridge:
    """One bridge, recording into a folder."""

    def __init__(self, room: Room, upstream: str, folder: Path) -> None:
        self._room = room
        self._home = folder / "bridge-home"
        self._home.mkdir()
        self.recording = folder / "bridge.jsonl"
        command = [sys.executable, "-m", "sessions.cli", "bridge", "--upstream", upstream]
        self._running = room.start(
            [*command, "--listen", "127.0.0.1:0", "--record", self.recording],
            folder=ROOT,
            environ={"HOME": str(self._home)},
        )
        _, line = self._running.line_that(lambda line: '"ready"' in line)
        self.base_url: str = json.loads(line)["base_url"]  #: what the client is given

    def stop(self) -> None:
        """End it as a service manager would, which leaves a whole recording."""
        self._running.stop()
        assert self._running.status() == 0, self._running.last_words()

    def findings(self) -> list[str]:
        """The ids of what `check` finds, notes left out."""
        return [one["id"] for one in self._found() if one["severity"] != "note"]

    def notes(self) -> set[str]:
        """The ids of what it only notes."""
        return {one["id"] for one in self._found() if one["severity"] == "note"}

    def _found(self) -> list[dict[str, Any]]:
        done = self.run("check", "--json", self.recording)
        *found, summary = map(json.loads, done.stdout.splitlines())
        assert summary["event"] == "summary"
        return found

    def records(self) -> list[dict[str, Any]]:
        """Its lines behind the first, as they stand."""
        return [json.loads(line) for line in self.recording.read_text("utf-8").splitlines()[1:]]

    def state(self) -> Sessions:
        """What the recording adds up to."""
        reading = Reading.whole(self.recording)
        try:
            return fold(reading)
        finally:
            reading.close()

    def run(self, *arguments: str | Path, environ: dict[str, str] | None = None) -> Finished:
        """One of our own command lines in the same room."""
        command = [sys.executable, "-m", "sessions.cli", *arguments]
        return self._room.run(command, folder=ROOT, environ={"HOME": str(self._home), **(environ or {})})
