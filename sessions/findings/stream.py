"""Rules about the stream of events of a response: numbers, order, items, lanes, how evenly it flows.

What the reducer calls irregular is put into the catalogue's words here; what it has no need to know (numbers
that jump, bursts) is remembered in the turn's track.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.changes import What
from sessions.contract import TERMINAL, Family, Status, family
from sessions.dialects import DONE_EVENT, OBJECT_DELTA, PART_DELTA, SHORT_DELTA
from sessions.findings.seen import Claim, Seen, Track
from sessions.session import Response

_BURST_DELTAS = 8
_BURST_SECONDS = 0.5  # between an item and its first delta, or nobody would notice
_BURST_SHARE = 0.05  # of that wait
_FLOOD = 100_000
_WATCHDOG_SECONDS = 300.0  # how long Codex waits for an application event [CODEX]

#: the reducer's words for what is irregular -> the finding that it proves, the longest first
_IRREGULAR = (
    ("the response's id changed", "id-changed"),
    ("the item's id changed", "id-changed"),
    ("no response.created before it", "created-missing"),
    ("response.created came late", "created-missing"),
    ("response.created came twice", "created-doubled"),
    ("nobody asked for this response", "unasked-response"),
    ("it belongs to no response", "stale-event"),
    ("a response began before the one on its lane had ended", "terminal-missing"),
    ("it came on another lane", "lane-not-echoed"),
    ("the lane was not echoed", "lane-not-echoed"),
    ("the error does not name its lane", "lane-not-echoed"),
    ("the item was not announced", "item-unannounced"),
    ("the item was announced twice", "item-doubled"),
    ("the item was done twice", "item-doubled"),
    ("after its done value", "event-doubled"),
    ("after the response had ended", "terminal-doubled"),
    ("after the end", "event-after-end"),
    (" while ", "illegal-move"),
)


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with the order and the flow of events."""
    if not seen.is_from_server or seen.event is None or seen.reading is None:
        return
    for detail in seen.details(What.IRREGULAR):
        found = next((name for words, name in _IRREGULAR if words in detail), "illegal-move")
        yield Claim(found, f"{seen.event.type or 'an event'}: {detail}")
    for spelling in seen.reading.spellings:
        if spelling == DONE_EVENT:
            yield Claim("terminal-renamed", "response.done stands for the terminal event")
        elif spelling in (PART_DELTA, SHORT_DELTA, OBJECT_DELTA):
            yield Claim("delta-renamed", f"{seen.raw_type}: {spelling}")
    if seen.turn is None:
        return
    track = seen.memory.track(seen.turn.number)
    if family(seen.event.type) in (Family.ERROR, Family.VENDOR, Family.LIMITS, Family.UNKNOWN):
        if seen.event.sequence_number is not None and seen.event.sequence_number == track.expected:
            track.expected += 1  # such an event need not have a number; one that has counts
    else:
        yield from _numbers(seen, track)
    at = seen.record.elapsed
    if track.last_at >= 0:
        track.longest_silence = max(track.longest_silence, at - track.last_at)
    track.last_at = at
    if seen.event.type in TERMINAL and seen.response is not None and track.terminal < 0:
        track.terminal = seen.number
        yield from _flow(seen.response, track)


def _numbers(seen: Seen, track: Track) -> Iterator[Claim]:
    event = seen.event
    assert event is not None  # `look` has asked
    number = event.sequence_number
    if event.type == "response.created":
        track.expected = None
    if number is None:
        track.unnumbered += 1
        if event.type in TERMINAL and not track.numbered:
            yield Claim("sequence-missing", f"none of the {track.unnumbered} events of this turn has one")
        return
    track.numbered += 1
    expected = track.expected
    track.expected = number + 1
    if expected is None or number == expected:
        return
    if number == expected - 1:
        yield Claim("event-doubled", f"sequence_number {number} came twice")
    elif number < expected:
        yield Claim("sequence-regress", f"sequence_number went from {expected - 1} back to {number}")
    else:
        yield Claim(
            "sequence-gap",
            f"sequence_number went from {expected - 1} to {number}: {number - expected} events are missing",
        )


def _flow(response: Response, track: Track) -> Iterator[Claim]:
    if response.deltas > _FLOOD:
        yield Claim("delta-flood", f"{response.deltas} deltas")
    # A model may think long before its first item, but not between an item and its first delta.
    waited = response.first_token - response.first_item if response.first_item >= 0 else 0.0
    spread = response.last_token - response.first_token
    if response.deltas >= _BURST_DELTAS and waited > _BURST_SECONDS and spread < _BURST_SHARE * waited:
        yield Claim(
            "burst",
            f"nothing for {waited:.1f} s, then {response.deltas} deltas within {spread * 1000:.0f} ms",
        )
    if track.longest_silence > _WATCHDOG_SECONDS:
        yield Claim("long-silence", f"{track.longest_silence:.0f} s without an event")
    if response.status in (Status.COMPLETED, Status.INCOMPLETE):
        open_items = [item for item in response.items if item.is_announced and item.done < 0]
        if open_items:
            yield Claim(
                "item-unfinished",
                f"{len(open_items)} items have no response.output_item.done",
                (open_items[0].added,),
            )
