"""Rules about the stream of events of a response: numbers, order, items, lanes, how evenly it flows.

What the reducer calls irregular is put into the catalogue's words here; what it has no need to know (numbers
that jump, bursts) is remembered in the turn's track.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.changes import What
from sessions.contract import TERMINAL, Family, Status, family
from sessions.dialects import DONE_EVENT, OBJECT_DELTA, PART_DELTA, SHORT_DELTA
from sessions.events import Event
from sessions.findings.seen import Claim, Seen, Track
from sessions.session import Response

_BURST_DELTAS = 8
_BURST_SECONDS = 0.5  # between an item and its first delta, or nobody would notice
_BURST_SHARE = 0.05  # of that wait
_FLOOD = 100_000  # deltas of one response
_UNSTREAMED_CHARACTERS = 400
_WATCHDOG_SECONDS = 300.0  # how long Codex waits for an application event [CODEX]
#: events that need not have a number, so that only one that follows counts
_ASIDE = (Family.ERROR, Family.VENDOR, Family.LIMITS, Family.UNKNOWN)
_AFTER_END = ("event-after-end", "terminal-doubled")

#: the reducer's words for what is irregular -> the finding that it proves
_IRREGULAR = (
    ("the response's id changed", "id-changed"),
    ("the item's id changed", "id-changed"),
    ("no response.created before it", "created-missing"),
    ("response.created came late", "created-missing"),
    ("response.created came twice", "created-doubled"),
    ("nobody asked for this response", "unasked-response"),
    ("it belongs to no response", "stale-event"),
    ("a response began before the one on its lane had ended", "lanes-interleaved"),
    ("it came on another lane", "lane-not-echoed"),
    ("the lane was not echoed", "lane-not-echoed"),
    ("the error does not name its lane", "lane-not-echoed"),
    ("the item was not announced", "item-unannounced"),
    ("the item was announced twice", "item-doubled"),
    ("the item was done twice", "item-doubled"),
    ("after its done value", "event-doubled"),
    ("after the response had ended", "terminal-doubled"),
    ("after the end", "event-after-end"),
)


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with the order and the flow of events."""
    event = seen.event
    if not seen.is_streamed or event is None or seen.reading is None:
        return
    is_over = False
    for detail in seen.details(What.IRREGULAR):
        found = next((name for words, name in _IRREGULAR if words in detail), "illegal-move")
        is_over |= found in _AFTER_END
        if found == "lanes-interleaved" and _was_finished(seen):
            found = "terminal-missing"
        if (found == "created-missing" and _is_bare_warmup(seen, event)) or (
            is_over and found == "event-doubled"
        ):
            continue
        yield Claim(found, f"{event.type or 'an event'}: {detail}")
    for spelling in seen.reading.spellings:
        if spelling == DONE_EVENT:
            yield Claim("terminal-renamed", "response.done stands for the terminal event")
        elif spelling in (PART_DELTA, SHORT_DELTA, OBJECT_DELTA):
            yield Claim("delta-renamed", f"{seen.raw_type}: {spelling}")
    if family(event.type) in _ASIDE:
        _count_aside(seen, event)
    if seen.turn is None or is_over:
        return
    track = seen.memory.track(seen.turn.number)
    if family(event.type) not in _ASIDE:
        yield from _numbers(seen, event, track)
    at = seen.record.elapsed
    if track.last_at >= 0:
        track.longest_silence = max(track.longest_silence, at - track.last_at)
    track.last_at = at
    if event.type in TERMINAL and seen.response is not None and track.terminal < 0:
        track.terminal = seen.number
        yield from _flow(seen.response, track)


def _count_aside(seen: Seen, event: Event) -> None:
    """Let the number of an event that is no part of a response count where it continues one's numbers."""
    number = event.sequence_number
    if number is None:
        return
    own = [seen.turn.number] if seen.turn is not None else [one.turn for one in seen.session.live]
    for turn in own:
        track = seen.memory.track(turn)
        if track.expected == number:
            track.expected = number + 1
            return


def _was_finished(seen: Seen) -> bool:
    """Whether the response that another one cut short had finished all its items: only its end is missing."""
    old = next((one.response for one in seen.changes if one.what is What.IRREGULAR), "")
    response = seen.session.responses.get(old)
    return response is not None and bool(response.items) and all(item.done >= 0 for item in response.items)


def _is_bare_warmup(seen: Seen, event: Event) -> bool:
    """Whether this is the only event of a warm-up: some servers answer it with nothing else."""
    is_warmup = seen.turn is not None and seen.turn.is_warmup
    return is_warmup and event.type == "response.completed" and not _items(seen.response)


def _items(response: Response | None) -> int:
    return len(response.items) if response is not None else 0


def _numbers(seen: Seen, event: Event, track: Track) -> Iterator[Claim]:
    number = event.sequence_number
    if event.type == "response.created":
        track.expected, track.terminal = None, -1
        track.numbered = track.unnumbered = 0
    if number is None:
        track.unnumbered += 1
        if event.type in TERMINAL and not track.numbered and not _is_bare_warmup(seen, event):
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
        lack = number - expected
        missing = "1 event is missing" if lack == 1 else f"{lack:,} events are missing"
        yield Claim("sequence-gap", f"sequence_number went from {expected - 1} to {number}: {missing}")


def _flow(response: Response, track: Track) -> Iterator[Claim]:
    if response.deltas > _FLOOD:
        yield Claim("delta-flood", f"{response.deltas:,} deltas")
    # A model may think long before its first item, but not between an item and its first delta.
    waited = response.first_token - response.first_item if response.first_item >= 0 else 0.0
    spread = response.last_token - response.first_token
    if response.deltas >= _BURST_DELTAS and waited > _BURST_SECONDS and spread < _BURST_SHARE * waited:
        said = f"nothing for {waited:.1f} s, then {response.deltas} deltas within {spread * 1000:.0f} ms"
        yield Claim("burst", said)
    if not response.deltas and (size := len(response.text)) >= _UNSTREAMED_CHARACTERS:
        yield Claim("deltas-missing", f"{size:,} characters came without any delta")
    if track.longest_silence > _WATCHDOG_SECONDS:
        yield Claim("long-silence", f"{track.longest_silence:.0f} s without an event")
    if response.status is Status.COMPLETED:
        open_items = [
            item for item in response.items if item.is_announced and item.done in (-1, response.last)
        ]
        if open_items:
            said = f"{len(open_items)} of {len(response.items)} items have no response.output_item.done"
            yield Claim("item-unfinished", said, (open_items[0].added,))
