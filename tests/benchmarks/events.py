"""Records of a long conversation, made quickly: many turns, each an answer of a few hundred deltas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from sessions.records import Direction, Kind, Record

_DELTAS = 493  # with the seven other records of a turn 500
_SECONDS = 0.0005  # between two records


def conversation(count: int) -> Iterator[Record]:
    """So many records of one session."""
    return islice(_turns(), count)


def text_bytes(count: int) -> int:
    """Bytes of the text that so many records show."""
    return count // 500 * sum(len(_word(number)) for number in range(_DELTAS))


def _word(number: int) -> str:
    return f"word{number:03} "


def _turns() -> Iterator[Record]:
    turn = number = 0
    while True:
        for direction, payload in _turn(turn):
            at = number * _SECONDS
            yield Record(1, direction, Kind.TEXT, 1_700_000_000_000_000 + int(at * 1e6), at, payload)
            number += 1
        turn += 1


def _turn(turn: int) -> Iterator[tuple[Direction, bytes]]:
    response, item = f"resp_{turn}", f"msg_{turn}"
    place = f'"item_id":"{item}","output_index":0,"content_index":0'
    create = {"type": "response.create", "model": "bench", "input": "hi", "previous_response_id": None}
    if turn:
        create["previous_response_id"] = f"resp_{turn - 1}"
    yield Direction.CLIENT, json.dumps(create).encode()
    text = "".join(_word(number) for number in range(_DELTAS))
    message = {"id": item, "type": "message", "content": [{"type": "output_text", "text": text}]}
    usage = {"input_tokens": 20, "output_tokens": _DELTAS, "total_tokens": _DELTAS + 20}
    begun = {"id": response, "status": "in_progress", "model": "bench"}
    yield Direction.SERVER, json.dumps({"type": "response.created", "response": begun}).encode()
    added = {"type": "response.output_item.added", "output_index": 0, "item": {"id": item, "type": "message"}}
    yield Direction.SERVER, json.dumps(added).encode()
    part = f'{{"type":"response.content_part.added",{place},"part":{{"type":"output_text","text":""}}}}'
    yield Direction.SERVER, part.encode()
    for number in range(_DELTAS):
        yield (
            Direction.SERVER,
            f'{{"type":"response.output_text.delta","sequence_number":{number + 3},{place},'
            f'"delta":"{_word(number)}","logprobs":[],"obfuscation":"{"x" * (number % 16)}"}}'.encode(),
        )
    yield Direction.SERVER, f'{{"type":"response.output_text.done",{place},"text":"{text}"}}'.encode()
    done = {"type": "response.output_item.done", "output_index": 0, "item": message}
    yield Direction.SERVER, json.dumps(done).encode()
    ended = {"type": "response.completed", "response": {**begun, "status": "completed", "usage": usage}}
    yield Direction.SERVER, json.dumps(ended).encode()
