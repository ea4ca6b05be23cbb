"""Unread: frames that came as an answer, of which not one can be read as an event.

Its one rule: a server that says something is not silent; what it says is shown as it came.
"""

from __future__ import annotations

from typing import Any

from sessions.contract import FailureClass
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout
from sessions.doctor.probes import heard
from sessions.doctor.result import Verdict, failed
from sessions.events import Undecodable
from sessions.finding import Severity
from sessions.records import Direction, Kind

#: why what needs answers that can be read is not tried
UNREAD = "follows from C01: no frame that comes can be read as an event"
_KEYS = 6
_CHARACTERS = 60


def unread(bench: Bench, bout: Bout) -> Verdict | None:
    """The verdict where frames came and none of them has a type; None where one has, or none came."""
    messages = heard(bout)
    if not messages or any(not isinstance(one, Undecodable) and one.type for one in messages):
        return None
    bench.facts.notes["unread"] = True
    named = [one for one in bout.findings if one.severity is Severity.ERROR]
    remedy = "Send each event as a JSON object of its own, with its type at the top level."
    first = messages[0]
    shape = f"the first is {_shown(bout)}" if isinstance(first, Undecodable) else _keys(first.body)
    count = "1 frame" if len(messages) == 1 else f"{len(messages)} frames"
    verdict = failed(
        f"no answer that can be read, though {count} came: {shape}",
        named[0].remedy if named else remedy,
        failure_class=FailureClass.PROTOCOL.value,
    )
    return verdict._replace(findings=tuple(dict.fromkeys(one.id for one in named)))


def _keys(body: Any) -> str:
    names = list(body)
    said = ", ".join(map(str, names[:_KEYS])) + (", …" if len(names) > _KEYS else "")
    return f"the first is an object without a type, its keys are {said}" if names else "the first is {}"


def _shown(bout: Bout) -> str:
    payload = next(
        one.payload
        for one in bout.records
        if one.direction is Direction.SERVER and one.kind in (Kind.TEXT, Kind.BINARY)
    )
    text = payload[: 4 * _CHARACTERS].decode("utf-8", "replace")
    return f"no object: {text[:_CHARACTERS]!r}"
