"""How turns ended, as plain objects for scripts: the summary line of every headless face.

`usage` stands in the contract's names whatever the server called them; times are milliseconds, null
when unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sessions.contract import AGE_LIMIT, Status, close_meaning
from sessions.finding import Finding, Severity
from sessions.reducer import Sessions
from sessions.session import Session, Turn


def turn_outcome(turn: Turn) -> dict[str, Any]:
    """One turn as scripts read it."""
    response = turn.response
    first = turn.time_to_first_token
    return {
        "turn": turn.number,
        "session": turn.session,
        "lane": turn.lane,
        "response_id": turn.response_id or None,
        "previous_response_id": turn.parent,
        "status": turn.status.value,
        "model": (response.model if response else "") or turn.model or None,
        "text": response.text if response else "",
        "refusal": "".join(item.text("refusal") for item in response.items) if response else "",
        "calls": [
            {
                "call_id": item.answer_id,
                "type": item.type,
                "name": item.name,
                "arguments": item.text("arguments") or item.text("input"),
                "answered": item.answered >= 0,
            }
            for item in (response.calls if response else ())
        ],
        "usage": response.usage.plain() if response and response.usage else None,
        "incomplete_reason": (response.incomplete_reason if response else "") or None,
        "error": (
            {
                "code": turn.failure.code,
                "message": turn.failure.message,
                "status": turn.failure.status or None,
            }
            if turn.failure
            else None
        ),
        "ttft_ms": _milliseconds(first),
        "duration_ms": _milliseconds(turn.ended - turn.sent if turn.ended >= 0 else None),
    }


def summary(
    sessions: Sessions,
    session: Session | None,
    recording: str | None = None,
    findings: Iterable[Finding] = (),
) -> dict[str, Any]:
    """The last line of a headless run: every turn, how the socket ended, how much was found to be wrong."""
    found = Counter(finding.severity for finding in findings)
    return {
        "event": "summary",
        "turns": [turn_outcome(turn) for turn in sessions.turns],
        "close": (
            {
                "code": session.close_code,
                "reason": session.close_reason,
                "by": session.closed_by or None,
                "meaning": close_meaning(session.close_code),
            }
            if session is not None and session.close_code
            else None
        ),
        "findings": {severity.value: found[severity] for severity in Severity},
        "recording": recording,
    }


def has_findings(sessions: Sessions) -> bool:
    """Whether a turn failed, was cut, stayed incomplete or was refused with an error frame."""
    return any(turn.status is not Status.COMPLETED for turn in sessions.turns) or any(
        session.errors for session in sessions.sessions.values()
    )


def is_out_of_age(sessions: Sessions) -> bool:
    """Whether a server ended a session because of its age."""
    return any(
        session.failure is not None and session.failure.code == AGE_LIMIT
        for session in sessions.sessions.values()
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
