"""The doctor without an endpoint: the checks that a recording can answer, by what the judge finds in it.

Its one rule: the same findings decide as when the checks run, and a check that no record can answer is
skipped, never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sessions.contract import Status
from sessions.doctor.battery import every_check
from sessions.doctor.check import Check, Group
from sessions.doctor.report import Examination
from sessions.doctor.result import Outcome, Result, judged
from sessions.doctor.rules import Rules
from sessions.finding import Finding
from sessions.findings.judge import Judge
from sessions.findings.rules import OF_PROFILE, forgiven
from sessions.inspector import Inspector
from sessions.reading import Reading
from sessions.reducer import Sessions
from sessions.session import Turn

_ALL_SECONDS = float("inf")
#: without their finding these say nothing: only who tries it knows that a limit or a lane is as it should be
_ONLY_BY_TRYING = ("F01", "F02", "F09", "F10", "F13", "F15")


def examine(
    reading: Reading,
    rules: Rules | None,
    name: str,
    habits: Mapping[str, Collection[str]] | None = None,
) -> Examination:
    """What a recording says, check by check; raises RecordingError when it cannot be read."""
    sessions = Sessions()
    forgiving = forgiven(OF_PROFILE if rules is None else rules.name, habits)
    inspector = Inspector(reading, sessions=sessions, judge=Judge(sessions, forgiving))
    while reading.read_on(_ALL_SECONDS):
        while inspector.show_on(reading.known, _ALL_SECONDS):
            pass
    findings = (*inspector.findings, *inspector.judge.end())
    results = _results(every_check(), findings, _seen(inspector), _unshown(inspector))
    profiles = sorted({session.profile for session in sessions.sessions.values() if session.profile})
    used = (response.usage for turn in sessions.turns for response in turn.responses if response.usage)
    return Examination(
        name,
        ", ".join(profiles) or "unknown",
        rules.name if rules is not None else "of the profile",
        results,
        tokens=sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in used),
        seconds=max((turn.ended for turn in sessions.turns), default=0.0),
        is_recorded=True,
    )


def _seen(inspector: Inspector) -> frozenset[Group]:
    """The groups that this recording can say anything about."""
    sessions = inspector.sessions
    groups = set()
    if sessions.sessions:
        groups |= {Group.REACH, Group.SECURITY}
    if any(turn.failure is not None for turn in sessions.turns):
        groups.add(Group.ERRORS)
    if any(turn.responses for turn in sessions.turns):
        groups |= {Group.TURNS, Group.LIMITS}
    if any(turn.parent for turn in sessions.turns):
        groups.add(Group.CHAIN)
    return frozenset(groups)


class _Told:
    """What stands in a recording, so far as a check needs it to say anything."""

    def __init__(self, sessions: Sessions) -> None:
        self.sockets = [one for one in sessions.sessions.values() if not one.is_http]
        self.turns = sessions.turns
        self.responses = [response for turn in sessions.turns for response in turn.responses]
        self.continued = [turn for turn in sessions.turns if turn.parent]
        self._sessions = sessions

    def parent(self, turn: Turn) -> Turn | None:
        """The turn that this one continues, where it is in the recording."""
        return self._sessions.turn(turn.parent_turn)

    def continues(self, *, is_stored: bool, is_here: bool) -> bool:
        """Whether a parent of this kind was continued, on its own socket or on another one."""
        return any(
            parent is not None and parent.store is is_stored and (parent.session == turn.session) is is_here
            for turn in self.continued
            for parent in (self.parent(turn),)
        )

    @property
    def is_called(self) -> bool:
        """Whether a function is called."""
        return any(item.type == "function_call" for one in self.responses for item in one.items)

    @property
    def is_answered(self) -> bool:
        """Whether such a call is answered."""
        return any(
            item.type == "function_call"
            for turn in self.continued
            for parent in (self.parent(turn),)
            for response in (parent.responses if parent is not None else ())
            for item in response.items
        )

    @property
    def is_tried_again(self) -> bool:
        """Whether a parent was continued once more after a continuation of it had failed."""
        failed: set[str] = set()
        for turn in self.continued:
            if turn.parent in failed:
                return True
            if turn.status in (Status.FAILED, Status.ERRORED):
                failed.add(turn.parent or "")
        return False

    @property
    def is_in_flight(self) -> bool:
        """Whether a create left while another one of its lane ran."""
        ends: dict[tuple[int, str | None], float] = {}
        for turn in self.turns:
            if turn.sent < ends.get((turn.session, turn.lane), -1.0):
                return True
            ends[turn.session, turn.lane] = turn.ended if turn.ended >= 0 else float("inf")
        return False

    def is_warmed_up(self, *, is_later: bool) -> bool:
        """Whether there is a warm-up, as the first turn of its socket or as a later one."""
        return any(
            turn.is_warmup and (turn is not session.turns[0]) is is_later
            for session in self.sockets
            for turn in session.turns
        )


_MANY_DELTAS = 8  # of one response, to say that it is streamed
_NEEDS: tuple[tuple[tuple[str, ...], Callable[[_Told], bool], str], ...] = (
    (("B06",), lambda told: any(one.route.startswith("via ") for one in told.sockets),
     "no socket of the recording went through an outbound proxy"),
    (("B03",), lambda told: any(one.url.startswith(("wss:", "https:")) for one in told.sockets),
     "no socket of the recording is encrypted"),
    (("B02", "B07", "B19", "B21"), lambda told: bool(told.sockets), "the recording has no socket"),
    (("C04", "C05"), lambda told: any(one.undecodable for one in told.sockets),
     "nothing unreadable was sent in the recording"),
    (("C12", "G08"), lambda told: any(one.errors or one.status >= 400 for one in told.sockets),
     "the recording has no error"),
    (("D12",), lambda told: any(one.deltas >= _MANY_DELTAS or len(one.text) > 400 for one in told.responses),
     "no answer of the recording is long enough"),
    (("D15",), lambda told: told.is_called, "no function is called in the recording"),
    (("D16",), lambda told: any(not one.text.isascii() for one in told.responses),
     "no answer of the recording goes beyond ASCII"),
    (("E01",), lambda told: told.continues(is_stored=False, is_here=True),
     "nothing that is not stored is continued on its socket in the recording"),
    (("E02",), lambda told: bool(told.continued), "nothing is continued in the recording"),
    (("E03",), lambda told: told.continues(is_stored=False, is_here=False),
     "nothing that is not stored is continued on another socket in the recording"),
    (("E04", "E05"), lambda told: told.continues(is_stored=True, is_here=False),
     "nothing that is stored is continued on another socket in the recording"),
    (("E06",), lambda told: told.is_tried_again,
     "no parent is continued again after a failure in the recording"),
    (("E07",), lambda told: told.is_answered, "no call of a function is answered in the recording"),
    (("E10",), lambda told: told.is_warmed_up(is_later=False),
     "no socket of the recording begins with a warm-up"),
    (("E11",), lambda told: told.is_warmed_up(is_later=True), "the recording has no later warm-up"),
    (("F03",), lambda told: told.is_in_flight, "no create of the recording left while another one ran"),
    (("F06",), lambda told: any(lane is not None for one in told.sockets for lane in one.lanes),
     "the recording has no named lane"),
    (("F07",), lambda told: any(one.last_pong >= 0 for one in told.sockets), "the recording has no ping"),
    (("F12",), lambda told: any(one.closed_by == "client" for one in told.sockets),
     "no socket of the recording was closed by the client"),
)  # fmt: skip


def _unshown(inspector: Inspector) -> Mapping[str, str]:
    """The checks that this recording cannot pass, each with the reason, by id."""
    told = _Told(inspector.sessions)
    unshown = dict.fromkeys(_ONLY_BY_TRYING, "a recording cannot show it: it has to be tried")
    for ids, is_shown, reason in _NEEDS:
        if not is_shown(told):
            unshown.update(dict.fromkeys(ids, reason))
    return unshown


def _results(
    checks: Sequence[Check],
    findings: Sequence[Finding],
    seen: frozenset[Group],
    unshown: Mapping[str, str],
) -> tuple[Result, ...]:
    out = []
    covered: set[str] = set()
    for one in checks:
        if not one.findings:
            continue
        covered.update(one.findings)
        verdict = judged(findings, one.findings, "nothing wrong in this recording")
        if verdict.outcome is Outcome.PASS and one.explains:
            out.append(_result(one, Outcome.SKIP, f"only asked where {one.explains} fails"))
            continue
        if verdict.outcome is Outcome.PASS and one.group not in seen:
            out.append(_result(one, Outcome.SKIP, "the recording has nothing of it"))
            continue
        if verdict.outcome is Outcome.PASS and one.id in unshown:
            out.append(_result(one, Outcome.SKIP, unshown[one.id]))
            continue
        out.append(
            Result(
                one.id, one.name, one.title, one.group.value, *verdict[:3], verdict.who.value,
                verdict.failure_class, verdict.findings, suite=one.suite,
            )
        )  # fmt: skip
    rest = [one for one in findings if one.id not in covered]
    for number, finding_id in enumerate(dict.fromkeys(one.id for one in rest), start=1):
        verdict = judged(rest, (finding_id,))
        first = next(one for one in rest if one.id == finding_id)
        out.append(
            Result(
                f"{Group.TURNS.value}{90 + number}", finding_id, first.title, Group.TURNS.value, *verdict[:3],
                verdict.who.value, "", verdict.findings,
            )
        )  # fmt: skip
    return tuple(out)


def _result(one: Check, outcome: Outcome, evidence: str) -> Result:
    return Result(one.id, one.name, one.title, one.group.value, outcome, evidence)
