"""The Codex CLI against the fake server: prewarmed and compressed, or over HTTP where WebSocket is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.peers.codex import answer_in, configure, exec_command
from tests.peers.conftest import Fake, start_witness
from tests.peers.room import Room

pytestmark = pytest.mark.peer("codex")


def _exec(room: Room, server: Fake, home: Path, *words: str) -> str:
    """Run `codex exec`; the agent's last message."""
    done = room.run(exec_command(*words), environ=configure(home, server.base_url), folder=home)
    assert done.status == 0, done.stdout + done.stderr
    return answer_in(done.stdout)


def test_codex_prewarms_and_continues(room: Room, tmp_path: Path) -> None:
    """One compressed socket: a warm-up, its continuation, and an end of TCP without a close frame."""
    witness = start_witness(room, home=tmp_path)
    assert "heron" in _exec(room, witness, tmp_path, "Remember the word heron.")
    (visit,) = witness.visits()
    assert visit["requests"] == [["GET", "/v1/responses", 101]]
    assert visit["headers"]["openai-beta"] == "responses_websockets=2026-02-06"
    assert "permessage-deflate" in visit["compression"]
    warm_up, turn = visit["frames"]
    assert warm_up["generate"] is False
    assert turn["previous_response_id"] == visit["response_ids"][0]
    assert (turn["store"], turn["stream"]) == (False, True)
    assert visit["close_received"] is None


def test_codex_resumes_with_its_history(room: Room, tmp_path: Path) -> None:
    """A second run has another socket and replays what was said, which the answer knows."""
    first = start_witness(room, home=tmp_path)
    _exec(room, first, tmp_path, "Remember the word heron.")
    first.visits()
    second = start_witness(room, home=tmp_path)
    assert "heron" in _exec(room, second, tmp_path, "resume", "--last", "What was the word?")
    (visit,) = second.visits()
    assert "heron" in json.dumps(visit["frames"])


def test_codex_without_websocket_falls_back(room: Room, tmp_path: Path) -> None:
    """One handshake answered 426, then the same turn as an event stream."""
    witness = start_witness(room, "426", home=tmp_path)
    assert "heron" in _exec(room, witness, tmp_path, "Remember the word heron.")
    requests = [request for visit in witness.visits() for request in visit["requests"]]
    assert requests == [["GET", "/v1/responses", 426], ["POST", "/v1/responses", 200]]
