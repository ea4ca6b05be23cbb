"""Playbooks: records in, expected changes out, written as they happen and read as a conversation.

    assert Playbook() >> wire.open() << change(What.SESSION, "opened") >> wire.sent(...) << ...

After each `>> record` exactly the changes named by the following `<<` must come, in that order. A list of
records after `>>` is taken without looking at its changes. Only what a `change(...)` names is compared. A
playbook that was never asserted fails the test that forgot it.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import ndiff
from typing import Any, NamedTuple

from sessions.events import Event, decode
from sessions.records import Record
from sessions.reducer import Change, Sessions, What


class Expected(NamedTuple):
    """A change as far as a test names it."""

    what: What
    named: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return " ".join([self.what.value, *(f"{field}={value!r}" for field, value in self.named)])


def change(what: What, detail: str | None = None, *, turn: int | None = None, **named: str | int) -> Expected:
    """An expected change; `detail`, `turn`, `response`, `item` are compared when they are given."""
    fields: dict[str, Any] = dict(named)
    if detail is not None:
        fields["detail"] = detail
    if turn is not None:
        fields["turn"] = turn
    unknown = fields.keys() - set(Change._fields)
    if unknown:
        raise TypeError(f"a change has no {', '.join(sorted(unknown))}")
    return Expected(what, tuple(sorted(fields.items())))


class Step(NamedTuple):
    """One record, or several whose changes nobody looks at, and what is expected of it."""

    records: tuple[Record, ...]
    expected: list[Expected]
    is_checked: bool


class Playbook:
    """A conversation with the reducer; true when every change came as it was written."""

    def __init__(self, sessions: Sessions | None = None) -> None:
        self.sessions = sessions or Sessions()
        self._steps: list[Step] = []
        self._applied = 0
        self._was_asserted = True  # nothing is promised yet

    def __rshift__(self, given: Record | Sequence[Record]) -> Playbook:
        if isinstance(given, Record):
            self._steps.append(Step((given,), [], True))
        else:
            self._steps.append(Step(tuple(given), [], False))
        self._was_asserted = False
        return self

    def __lshift__(self, expected: Expected) -> Playbook:
        if not self._steps or not self._steps[-1].is_checked:
            raise TypeError("an expected change follows one record")
        self._steps[-1].expected.append(expected)
        return self

    def __bool__(self) -> bool:
        """Apply what was not applied yet; raises AssertionError with a readable difference."""
        self._was_asserted = True
        while self._applied < len(self._steps):
            step = self._steps[self._applied]
            self._applied += 1
            for record in step.records:
                changes = self.sessions.apply(record)
                if step.is_checked and not _is_match(changes, step.expected):
                    raise AssertionError(self._difference(record, changes, step.expected))
        return True

    def __del__(self) -> None:
        if not self._was_asserted:
            raise AssertionError(f"a playbook was never asserted; its steps: {len(self._steps)}")

    def _difference(self, record: Record, changes: Sequence[Change], expected: Sequence[Expected]) -> str:
        wanted = [str(one) for one in expected]
        got = [_as_expected(one, expected[n] if n < len(expected) else None) for n, one in enumerate(changes)]
        lines = ["  " + line for line in ndiff(wanted, got) if not line.startswith("?")]
        return "\n".join(
            [f"step {self._applied}: {_title(record)}", "  - expected, + came:", *(lines or ["  nothing"])]
        )


def _is_match(changes: Sequence[Change], expected: Sequence[Expected]) -> bool:
    return len(changes) == len(expected) and all(
        came.what is one.what and all(getattr(came, field) == value for field, value in one.named)
        for came, one in zip(changes, expected, strict=True)
    )


def _as_expected(came: Change, like: Expected | None) -> str:
    fields = [field for field, _ in like.named] if like else ["detail", "item", "response", "turn"]
    return str(Expected(came.what, tuple((field, getattr(came, field)) for field in fields)))


def _title(record: Record) -> str:
    event = decode(record.payload)
    kind = event.type if isinstance(event, Event) else ""
    return f"{record.direction.value} {record.kind.value} {kind or record.payload[:60]!r}"
