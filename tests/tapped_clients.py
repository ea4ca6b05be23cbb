"""What a tap saw of three programs in twenty minutes: Codex, openai-python and the Agents SDK, made by hand.

Its one rule: every connection has the shape that such a client was measured to have: Codex sends its tools
with every turn and ends without a close frame, the others close with 1000.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.records import Direction, Kind, Record
from tests.make import (
    Wire,
    answer,
    completed,
    create,
    created,
    item_added,
    message,
    numbered,
    text_delta,
    usage,
)

NOW_SECONDS = 1_265.0  #: recording time of the last moment

_CODEX: dict[str, Any] = {"client": "codex_cli_rs/0.169.0", "peer": "127.0.0.1:40002", "pair": "019e"}
_CODEX_LATER: dict[str, Any] = {**_CODEX, "pair": "77aa"}
_PYTHON: dict[str, Any] = {"client": "AsyncOpenAI/Python 3.52.0", "peer": "127.0.0.1:40004"}
_AGENTS: dict[str, Any] = {"client": "Agents/Python 0.24.0", "peer": "127.0.0.1:40006"}
_TOOLS = [{"type": "function", "name": "shell", "description": "x" * 18_000}]
_WORDS = "The test fails because the clock of the fixture is read before it is set. " * 6


def tapped_clients() -> list[Record]:
    """All records, in the order of their times."""
    return sorted(_records(), key=lambda record: record.elapsed)


def _records() -> Iterator[Record]:
    lost = Wire(1, at=2.0, step=0.03)
    yield from _codex(lost, "a", ("Find the slow tests", *["Go on"] * 13))
    lost.wait(47.0)
    yield lost.lost()

    closed = Wire(2, at=31.0, step=0.02)
    yield closed.open(**_PYTHON)
    yield from _turns(closed, "b", ("Which tests are slow?", "Why?", "Only the first", "Thanks"), 6.0)
    yield closed.close(by=Direction.CLIENT)
    yield closed.close()
    yield _digest(closed)

    again = Wire(3, at=lost.now + 0.4, step=0.03)
    yield from _codex(again, "d", ("Go on where it broke off", *["Go on"] * 7))
    again.now = NOW_SECONDS - 1.2
    yield from _begun(again, "d9", "Now run them", store=False, tools=_TOOLS, previous_response_id="resp_d8")

    lanes = Wire(4, at=640.0, step=0.02)
    yield lanes.open(**_AGENTS)
    yield from _turns(lanes, "c", ("Plan the change", "Split it in two"), 30.0)
    lanes.now = NOW_SECONDS - 2.6
    for lane, said in (("tests", "Write the tests"), ("code", "Write the code")):
        yield from _begun(lanes, f"c{lane}", said, previous_response_id="resp_c2", stream_id=lane)

    idle = Wire(5, at=905.0, step=0.02)
    yield idle.open(**_PYTHON)
    yield from _turns(idle, "e", ("Read the changelog", "Sum it up", "Shorter", "In French"), 12.0)

    for number, at in enumerate((1_100.0, 1_100.2, 1_100.7, 1_101.6, 1_103.3), 6):
        yield Wire(number, at=at).refused("http_status", status=503, **_CODEX_LATER)
    post = Wire(11, at=1_105.1, step=0.02)
    body = create("Name the three slowest tests", stream=True, store=False, tools=_TOOLS)
    yield post.asked(body, **_CODEX_LATER)
    yield post.answered()
    yield from post.streamed_all(answer("resp_f1", _WORDS, store=False))
    yield post.ended()


def _codex(wire: Wire, prefix: str, prompts: tuple[str, ...]) -> Iterator[Record]:
    """A socket of Codex: its warm-up, then turns on it."""
    warm: dict[str, Any] = {"store": False, "tools": _TOOLS}
    yield wire.open(**_CODEX)
    yield wire.sent(create([], generate=False, **warm))
    yield wire.got(created(f"resp_{prefix}0", store=False))
    yield wire.got(completed(f"resp_{prefix}0", store=False))
    yield from _turns(wire, prefix, prompts, 24.0, previous_response_id=f"resp_{prefix}0", **warm)


def _turns(
    wire: Wire, prefix: str, prompts: tuple[str, ...], pause_seconds: float, **fields: Any
) -> Iterator[Record]:
    """Turns one after the other, each on the one before."""
    for number, prompt in enumerate(prompts, 1):
        parent = fields.get("previous_response_id")
        yield wire.sent(create(prompt, **fields))
        bodies = answer(f"resp_{prefix}{number}", _WORDS, parent=parent, store=fields.get("store", True))
        bodies[-1]["response"]["usage"] = usage(4_000 + 600 * number, 94, cached=3_900 + 600 * (number - 1))
        yield from wire.got_all(bodies)
        fields["previous_response_id"] = f"resp_{prefix}{number}"
        wire.wait(pause_seconds)


def _begun(wire: Wire, name: str, prompt: str, **fields: Any) -> Iterator[Record]:
    """A turn that streams still."""
    lane = {"stream_id": fields["stream_id"]} if "stream_id" in fields else {}
    yield wire.sent(create(prompt, **fields))
    bodies = [
        created(
            f"resp_{name}",
            previous_response_id=fields["previous_response_id"],
            store=fields.get("store", True),
        ),
        item_added(message(f"msg_{name}", status="in_progress")),
        *(text_delta(f"msg_{name}", word) for word in ("I ", "look ", "at ", "the ", "fixture ")),
    ]
    yield from wire.got_all({**body, **lane} for body in numbered(bodies))


def _digest(wire: Wire) -> Record:
    return wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "digest", "agrees": 1})
