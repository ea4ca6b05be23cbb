"""The judge: looks at each record as it passes and says what is wrong, each thing once a turn.

Its one rule: the same records give the same findings, live or replayed, because nothing here keeps time. It
reads the state and writes none of it. A profile's known deviation is told as a note.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from sessions.changes import Change, What
from sessions.events import Event, Undecodable
from sessions.finding import Finding, Severity
from sessions.findings import bodies, chains, costs, errors, frames, openings, sockets, stream
from sessions.findings.catalogue import CATALOGUE, Who
from sessions.findings.seen import Claim, Memory, Seen
from sessions.records import NO_META, Kind, Record
from sessions.session import Session, Turn
from sessions.state import State

NO_DEVIATIONS: Mapping[str, Collection[str]] = MappingProxyType({})

_TEXT, _PLAIN = What.TEXT, Kind.TEXT
_BACKSLASH = 0x5C  # one byte is found twenty times as quickly as two
_SMALL = 1 << 16  # bytes of a message that no rule about size looks at
_MAX_TOLD = 10_000  # findings of one recording; a hostile server could cause one each record

#: every rule: one record in, what it proves out
RULES: tuple[Callable[[Seen], Iterator[Claim]], ...] = (
    openings.look,
    sockets.look,
    frames.look,
    stream.look,
    bodies.look,
    errors.look,
    chains.look,
    costs.look,
)
#: those that need nothing but the record itself
WHOLE_RULES = (openings.look, sockets.look, frames.look)


class Judge:
    """Judges the records of one recording, in their order."""

    def __init__(self, state: State, known: Mapping[str, Collection[str]] = NO_DEVIATIONS) -> None:
        self.findings: list[Finding] = []  #: only grows
        self.counts: dict[str, int] = {}  #: how often each id was met, also where it was told before
        self.judged = 0  #: records
        self.is_probed = False  #: a doctor made it: it provokes on purpose what a client should not do
        self._state = state
        self._known = known  #: ids that each profile is known for; under "" those of any other
        self._memory = Memory()
        self._tracks = self._memory.tracks
        self._told: set[tuple[str, int, int]] = set()
        self._torn = -1  # the newest record before which some are missing
        self._fell = array("q")  # the record with which each finding fell due

    def judge(
        self, record: Record, number: int, event: Event | Undecodable | None, changes: tuple[Change, ...]
    ) -> tuple[Finding, ...]:
        """What this record proves, once the state has taken it. Never raises on what a peer sent.

        A record that was judged before, because a reader has gone back, proves what it proved then.
        """
        if number < self.judged:
            first = bisect_left(self._fell, number)
            return tuple(self.findings[first : bisect_left(self._fell, number + 1)])
        self.judged = number + 1
        change = changes[0] if changes else None
        if change is not None and change[0] is _TEXT and len(changes) == 1 and type(event) is Event:
            # The hot path: a plain delta that has the number which is due. Everything is looked at in place,
            # and fields by their places, which is quicker than by their names.
            track, due, payload = self._tracks.get(change[3]), event[2], record[5]
            if (
                track is not None
                and due is not None
                and track.expected == due
                and record[2] is _PLAIN
                and len(payload) <= _SMALL
                and (_BACKSLASH not in payload or b"\\ud" not in payload.lower())
                and (record[6] is NO_META or "frames" not in record[6])
            ):
                at = record[4]
                track.expected = due + 1
                if at - track.last_at > track.longest_silence:
                    track.longest_silence = at - track.last_at
                track.last_at = at
                return ()
        return self._look(Seen(record, number, event, changes, self._state, self._memory))

    def tear(self, number: int) -> None:
        """Note that records are missing before this one: what ran then is judged no more."""
        self._torn = max(self._torn, number)

    def go_on_with(self, state: State) -> None:
        """Judge by this state from now on: one of its own, of the same records."""
        self._state = state

    def before(self, number: int) -> list[Finding]:
        """The findings that records before this one prove."""
        return self.findings[: bisect_left(self._fell, number)]

    def end(self) -> tuple[Finding, ...]:
        """What is wrong because nothing more comes; for a recording that has ended."""
        return tuple(
            finding
            for session in self._state.sessions.values()
            if not session.phase.is_over
            for claim in sockets.unfinished(self._state, session)
            if (finding := self._finding(claim, session, claim.turn, claim.records)) is not None
        )

    def _is_torn(self, turn: Turn | None) -> bool:
        """Whether a turn may lack records that were there."""
        return self._torn >= 0 and turn is not None and (turn.is_forced or turn.create < self._torn)

    def _habits(self, profile: str) -> Collection[str]:
        return self._known.get(profile) or self._known.get("", ())

    def _look(self, seen: Seen) -> tuple[Finding, ...]:
        before = len(self.findings)
        turn = seen.turn.number if seen.turn is not None else 0
        for rule in RULES if not self._is_torn(seen.turn) else WHOLE_RULES:
            for claim in rule(seen):
                records = (*claim.records, seen.number)
                of = turn if claim.turn < 0 else claim.turn
                if (finding := self._finding(claim, seen.session, of, records)) is not None:
                    self.findings.append(finding)
                    self._fell.append(seen.number)
        return tuple(self.findings[before:])

    def _finding(self, claim: Claim, session: Session, turn: int, records: tuple[int, ...]) -> Finding | None:
        self.counts[claim.id] = self.counts.get(claim.id, 0) + 1
        key = (claim.id, session.number, turn)
        if key in self._told or len(self._told) >= _MAX_TOLD:
            return None
        self._told.add(key)
        entry = CATALOGUE[claim.id]
        remedy = claim.remedy or entry.remedy
        is_known = entry.severity is not Severity.NOTE and claim.id in self._habits(session.profile)
        who = claim.who or entry.who
        is_probe = self.is_probed and who is Who.CLIENT
        if is_probe and not is_known:
            remedy = f"A doctor recorded this, and may have done it on purpose. Else: {remedy}"
        return Finding(
            claim.id,
            Severity.NOTE if is_known or is_probe else entry.severity,
            session.number,
            tuple(dict.fromkeys(records)),
            0,
            (Who.NOBODY if is_known else who).value,
            entry.title,
            claim.evidence,
            f"Known of {session.profile or 'this server'}: {remedy}" if is_known else remedy,
            turn,
        )
