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
from sessions.session import Response, Turn

_BURST_DELTAS = 8
_BURST_SECONDS = 0.5  # between an item and its first delta, or nobody would notice
_BURST_SHARE = 0.05  # of that wait
_WHOLE_DELTAS, _WHOLE_SECONDS, _WHOLE_WAIT = 20, 0.1, 2.0  # an answer that comes in one piece, created too
_NEIGHBOURS = 64  # turns of a session among which the one before is looked for
_FLOOD = 100_000  # deltas of one response
_UNSTREAMED_CHARACTERS = 400
_WATCHDOG_SECONDS = 300.0  # how long Codex waits for an application event [CODEX]
#: events that need not have a number, so that only one that follows counts
_ASIDE = (
    Family.ERROR, Family.VENDOR, Family.LIMITS, Family.UNKNOWN, Family.STEER, Family.INJECT, Family.CLIENT
)  # fmt: skip
_LATE = "sequence-late"
_NUMBER_THEM = "Number the events of a response 0, 1, 2 and so on, each once."
_KEEP_APART = "It is another answer's: keep what different requests get apart, or one client reads another's."
_AFTER_END = ("event-after-end", "terminal-doubled")
#: from here on nobody can tell whose an event is, so that its order proves nothing more
_MUDDLES = ("lanes-interleaved", "answer-replayed")
#: told even of a turn whose events are not whole: no lost event explains it
_ALWAYS = ("lane-not-echoed", "terminal-missing")

#: the reducer's words for what is irregular -> the finding that it proves
_IRREGULAR = (
    ("the response's id changed", "id-changed"),
    ("the item's id changed", "id-changed"),
    ("the call's id changed", "id-changed"),
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
    if not seen.is_streamed:
        return
    if event is None or seen.reading is None:
        if seen.is_frame:
            manners = seen.memory.manners(seen.record.session)
            manners.unread, manners.unread_at = manners.unread + 1, seen.record.elapsed
        return
    for spelling in seen.reading.spellings:
        if spelling == DONE_EVENT:
            yield Claim("terminal-renamed", "response.done stands for the terminal event")
        elif spelling in (PART_DELTA, SHORT_DELTA, OBJECT_DELTA):
            named = seen.raw_type if spelling == seen.raw_type else f"{seen.raw_type}: {spelling}"
            yield Claim("delta-renamed", named)
    track = seen.track
    told = [_irregular(seen, event, detail) for detail in seen.details(What.IRREGULAR)]
    after = next((claim for claim in told if claim.id in _AFTER_END), None)
    is_aside = family(event.type) in _ASIDE
    if is_aside:
        _count_aside(seen, event)
    if after is not None:
        is_more = after.id == "terminal-doubled" and track is not None and track.broken >= 0
        if not is_more and (track is None or track.muddled < 0):
            yield after
        return
    if track is not None and (foreign := _foreign(seen, event, track, told)) is not None:
        if track.muddled < 0 and track.broken < 0:
            yield foreign
        track.broken = seen.number
        return
    is_again = any("response.created came twice" in one for one in seen.details(What.IRREGULAR))
    out_of_order = _numbers(seen, event, track, is_again) if track is not None and not is_aside else None
    yield from _ordered(seen, track, told, out_of_order)
    if track is None:
        return
    at = seen.record.elapsed
    if track.last_at >= 0:
        track.longest_silence = max(track.longest_silence, at - track.last_at)
    track.last_at = at
    if event.type in TERMINAL and seen.response is not None and track.terminal < 0:
        track.terminal = seen.number
        yield from _flow(seen, seen.response, track)


def _ordered(
    seen: Seen, track: Track | None, told: list[Claim], out_of_order: Claim | None
) -> Iterator[Claim]:
    """What is told of the order of events: a cause once, and nothing that only follows from it."""
    is_muddle = any(claim.id in _MUDDLES for claim in told)
    if out_of_order is not None and out_of_order.id == "sequence-missing":
        yield out_of_order
    elif track is not None and out_of_order is not None and (track.is_stuck or out_of_order.id == _LATE):
        if track.muddled < 0 and not is_muddle:  # nothing was lost, doubled or replayed
            yield out_of_order
    elif track is not None and out_of_order is not None and track.muddled < 0:
        yield out_of_order
        track.broken = seen.number
    for claim in told:
        if claim.id in _MUDDLES or (claim.id == "created-doubled" and claim.records):
            yield claim
            _muddle(seen)
        elif track is None or claim.id in _ALWAYS or (track.muddled < 0 and track.broken < 0):
            yield claim


def _irregular(seen: Seen, event: Event, detail: str) -> Claim:
    """The finding that an irregular move proves."""
    found = next((name for words, name in _IRREGULAR if words in detail), "illegal-move")
    said = f"{event.type or 'an event'}: {detail}"
    if found == "terminal-doubled" and event.type not in TERMINAL:
        found = "event-after-end"
    elif found == "unasked-response" and (asked := _asked_elsewhere(seen)):
        waits = ", ".join(f"T{one.number} waits on lane {_lane(one.lane)}" for one in asked[:3])
        came = seen.turn.lane if seen.turn is not None else None
        said = f"{waits}; the response came on lane {_lane(came)}"
        turn = asked[0].number if len(asked) == 1 else -1
        return Claim("lane-not-echoed", said, tuple(one.create for one in asked[:3]), turn)
    elif found == "lanes-interleaved":
        if _was_finished(seen):
            found = "terminal-missing"
        elif seen.turn is not None and len(seen.turn.responses) > 1 and not seen.session.waiting:
            return _replayed(seen.turn.responses[-2], seen.turn.responses[-1])
    return Claim(found, said)


def _asked_elsewhere(seen: Seen) -> list[Turn]:
    """The creates that wait on other lanes, when a response came on a lane on which none does."""
    own = seen.turn
    waiting = [turn for lane in seen.session.lanes.values() for turn in lane.waiting if turn.create >= 0]
    return [turn for turn in waiting if own is not None and turn.lane != own.lane]


def _lane(name: str | None) -> str:
    return "main" if name is None else f"{name[:40]!r}"


def _foreign(seen: Seen, event: Event, track: Track, told: list[Claim]) -> Claim | None:
    """An event of an item that is another response's: what its number says follows from that."""
    is_renamed = any("the item's id changed" in claim.evidence for claim in told)
    if not is_renamed and not any(claim.id == "item-unannounced" for claim in told):
        return None
    if event.type.startswith("response.output_item.") or not event.item_id:
        return None
    item_id = event.item_id
    owner = next(
        (
            one
            for session in list(seen.state.sessions.values())[-_NEIGHBOURS:]
            for turn in session.turns[-_NEIGHBOURS:]
            for one in turn.responses
            if one is not seen.response
            and (item := one.by_id.get(item_id)) is not None
            and item.is_announced
            and item.id == item_id  # not one that an event of another item has renamed
        ),
        None,
    )
    number, due = event.sequence_number, track.expected
    is_out_of_turn = number is not None and due is not None and number != due
    if owner is None and (not is_out_of_turn or (not is_renamed and (number or 0) > (due or 0))):
        return None  # it may be one of its own that was not announced, or was renamed
    if not is_out_of_turn and number is not None:
        track.expected = number + 1
    whose = f"an item of {owner.id[:80]}" if owner is not None else "an item that this response does not have"
    said = f"{event.type} for {item_id[:80]}, {whose}"
    return Claim("item-unannounced", said, remedy=_KEEP_APART)


def _replayed(old: Response, new: Response) -> Claim:
    """Two responses for one create: harmless for a reader only while the first has shown nothing."""
    how = f"{new.id[:80] or 'a response'} began for the create that {old.id[:80] or 'another'} answered"
    if old.items or old.deltas:
        return Claim("answer-replayed", f"{how}, after {old.deltas:,} deltas of that", (old.first,))
    return Claim("created-doubled", f"{how}, before any output", (old.first,))


def _muddle(seen: Seen) -> None:
    """Remember whose events may now be taken for another's."""
    turns = {change.turn for change in seen.changes if change.what is What.IRREGULAR}
    for turn in turns | ({seen.turn.number} if seen.turn is not None else set()):
        if turn:
            seen.memory.track(turn).muddled = seen.number


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


def _numbers(seen: Seen, event: Event, track: Track, is_again: bool) -> Claim | None:
    """What its number says about an event; `is_again`: it announces a response that was announced."""
    number = event.sequence_number
    if event.type == "response.created" and not is_again:
        track.expected, track.terminal = None, -1
        track.numbered = track.unnumbered = 0
        track.lacking = range(0)
        track.is_stuck = False
    if number is None:
        track.unnumbered += 1
        if event.type in TERMINAL and not track.numbered and not _is_bare_warmup(seen, event):
            return Claim("sequence-missing", f"none of the {track.unnumbered} events of this turn has one")
        return None
    track.numbered += 1
    expected = track.expected
    before, before_hash = track.last_number, track.last_hash
    track.last_number, track.last_hash = number, hash(seen.record.payload)
    if track.is_stuck:
        return None
    if number in track.lacking:
        return Claim("sequence-late", f"sequence_number {number} came after {(expected or 1) - 1}")
    track.expected = number + 1
    if expected is None or number == expected:
        return None
    if number == expected - 1:
        if before == number and before_hash != track.last_hash:
            track.is_stuck = True
            said = f"two events that differ have the number {number}, the second is {event.type[:80]}"
            return Claim("sequence-regress", said, remedy=_NUMBER_THEM)
        return Claim("event-doubled", f"sequence_number {number} came twice")
    if number < expected:
        return Claim("sequence-regress", f"sequence_number went from {expected - 1} back to {number}")
    lack = number - expected
    track.lacking = range(expected, number)
    missing = "1 event is not there" if lack == 1 else f"{lack:,} events are not there"
    manners = seen.memory.manners(seen.record.session)
    unread = manners.unread if manners.unread_at >= track.last_at else 0
    manners.unread = 0
    if unread >= lack:  # they came, and nobody could read them, which was told
        track.broken = seen.number
        return None
    unreadable = f", {unread:,} of them may be among what could not be read" if unread else ""
    said = f"sequence_number went from {expected - 1} to {number}: {missing}{unreadable}"
    return Claim("sequence-gap", said)


def _flow(seen: Seen, response: Response, track: Track) -> Iterator[Claim]:
    if response.deltas > _FLOOD:
        yield Claim("delta-flood", f"{response.deltas:,} deltas")
    if burst := _burst(seen, response):
        yield Claim("burst", burst)
    if not response.deltas and (size := len(response.text)) >= _UNSTREAMED_CHARACTERS:
        yield Claim("deltas-missing", f"{size:,} characters came without any delta")
    if track.longest_silence > _WATCHDOG_SECONDS:
        yield Claim("long-silence", f"{track.longest_silence:.0f} s without an event")
    if response.status is Status.COMPLETED and track.broken < 0 and track.muddled < 0:
        open_items = [
            item for item in response.items if item.is_announced and item.done in (-1, response.last)
        ]
        if open_items:
            said = f"{len(open_items)} of {len(response.items)} items have no response.output_item.done"
            yield Claim("item-unfinished", said, (open_items[0].added,))


def _burst(seen: Seen, response: Response) -> str:
    """How its deltas were held back; "" when they were not."""
    spread = response.last_token - response.first_token
    # A model may think long before its first item, but not between an item and its first delta.
    waited = response.first_token - response.first_item if response.first_item >= 0 else 0.0
    if response.deltas >= _BURST_DELTAS and waited > _BURST_SECONDS and spread < _BURST_SHARE * waited:
        return f"nothing for {waited:.1f} s, then {response.deltas} deltas within {spread * 1000:.0f} ms"
    # A whole answer in a moment, its beginning too, which says nothing about the model and need not wait.
    turn = seen.turn
    whole = response.ended - response.created
    if turn is None or turn.create < 0 or response.deltas < _WHOLE_DELTAS or whole > _WHOLE_SECONDS:
        return ""
    ended = (one.ended for one in seen.session.turns[-_NEIGHBOURS:] if one is not turn)
    waited = response.created - max([turn.sent, *(at for at in ended if at <= response.created)])
    if waited < _WHOLE_WAIT:
        return ""
    return f"nothing for {waited:.1f} s, then the whole answer of {response.deltas} deltas at once"
