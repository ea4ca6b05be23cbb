"""turnscope's reading of a response against that of openai-python's own accumulator, over the same frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.bodies import text_of
from sessions.records import Direction, Kind, Record
from sessions.reducer import fold
from sessions.session import Response
from tests.make import Wire, create
from tests.peers.conftest import Facts, Fake, run_driver
from tests.peers.library import THERMOMETER
from tests.peers.room import Room
from tests.transcripts import TRANSCRIPTS

pytestmark = pytest.mark.peer("openai")

#: the hostile one is left out: the library's reader of JSON stops at its depth
NAMES = [name for name in TRANSCRIPTS if name != "hostile"]
PROMPTS: dict[str, dict[str, Any]] = {
    "plain": {"input": "What is the capital of Peru?"},
    "reasoning": {
        "input": "Think about the sum 17 * 23.",
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
    "call": {"input": "How warm is it in Oslo? Use read_thermometer.", "tools": [THERMOMETER]},
    "refusal": {"input": "Please refuse this."},
    "length": {"input": "/long 50", "max_output_tokens": 40},
    "markdown": {"input": "/markdown"},
    "hostile": {"input": "/hostile"},
}


@pytest.fixture(scope="module")
def theirs(room: Room, fake: Fake, home: Path) -> Facts:
    """The library's reading of every transcript of the protocol."""
    frames = {name: [_text(record) for record in TRANSCRIPTS[name]() if _came(record)] for name in NAMES}
    return run_driver(
        room,
        "openai",
        "openai_accumulated.py",
        "given",
        fake.base_url,
        home=home,
        stdin=json.dumps(frames),
    )


@pytest.fixture(scope="module")
def live(room: Room, fake: Fake, home: Path) -> Facts:
    """Frames of the fake server, with the library's reading of them."""
    return run_driver(
        room,
        "openai",
        "openai_accumulated.py",
        "live",
        fake.base_url,
        home=home,
        stdin=json.dumps(PROMPTS),
    )


@pytest.mark.parametrize("name", NAMES)
def test_transcripts_read_alike(theirs: Facts, name: str) -> None:
    """Every transcript: the same responses, texts and arguments; the library raises on none of them."""
    sessions = fold(TRANSCRIPTS[name]())
    ours = {one.id: one for turn in sessions.turns for one in turn.responses}
    assert theirs[name]
    for reading in theirs[name]:
        assert "raised" not in reading
        _assert_alike(ours[reading["id"]], reading)


@pytest.mark.parametrize("name", PROMPTS)
def test_live_frames_read_alike(live: Facts, name: str) -> None:
    """What the fake server sends is read alike, and by the library without raising."""
    frames, (reading,) = live[name]["frames"], live[name]["responses"]
    assert "raised" not in reading
    wire = Wire()
    records = [wire.open(), wire.sent(create(PROMPTS[name]["input"]))]
    records += [wire.got(json.loads(frame)) for frame in frames]
    (response,) = fold(records).turns[0].responses
    assert response.id == reading["id"]
    _assert_alike(response, reading)


def _assert_alike(response: Response, reading: Facts) -> None:
    texts: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for item in response.items:
        for part in item.texts("output_text"):
            texts[f"{item.output_index}.{part.index}"] = str(part.text)
        if item.type == "function_call":
            arguments[str(item.output_index)] = item.text("arguments")
    assert reading["texts"] == {place: texts[place] for place in reading["texts"]}
    assert reading["arguments"] == {place: arguments[place] for place in reading["arguments"]}
    if reading["final"] is not None:
        assert response.status.value == reading["final"]["status"]
        assert response.text == reading["final"]["final_text"]
        assert [item.type for item in response.items] == reading["final"]["items"]


def _came(record: Record) -> bool:
    is_message = record.kind is Kind.TEXT and record.direction is Direction.SERVER
    return is_message or (record.kind is Kind.SSE and bool(text_of(record)))


def _text(record: Record) -> str:
    return text_of(record).decode()
