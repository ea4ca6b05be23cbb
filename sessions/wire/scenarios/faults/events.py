"""Faults in the sequence of events: wrong, missing, doubled, renamed, contradicting each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sessions.wire.scenarios.answer import Failure, Step, Text
from sessions.wire.scenarios.answers.flood import Repeated
from sessions.wire.scenarios.faults.fault import Fault, StepFault, UnitFault
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Batch, Event, Pause, Unit, encode, is_delta, is_terminal


def _error_mid_stream(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    seen = 0
    for unit in units:
        if seen == 3 or is_terminal(unit):
            turn.abandon()
            yield Problem(500, argument or "server_error", "Broken.", None, "server_error")
            return
        yield unit
        seen += is_delta(unit)


def _failed(steps: Iterable[Step], argument: str) -> Iterable[Step]:
    return (Text("I was about to say", ()), Failure(argument or "server_error", "The model has stopped."))


def _error_then_failed(steps: Iterable[Step], argument: str) -> Iterable[Step]:
    return (Failure(argument or "server_is_overloaded", "Try later.", says_error_first=True),)


def _unknown_event(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if is_terminal(unit):
            yield turn.event(argument or "response.sparkle.added", sparkle={"colour": "blue", "count": 3})
        yield unit


def _each_event(
    change: Callable[[Event], Event | None],
) -> Callable[[Iterator[Unit], str, Turn], Iterator[Unit]]:
    def act(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
        for unit in units:
            if not isinstance(unit, dict):
                yield unit
                continue
            changed = change(unit)
            if changed is not None:
                yield changed

    return act


def _without(event: Event, key: str) -> Event:
    return {name: value for name, value in event.items() if name != key}


def _safety_field(event: Event) -> Event:
    return {**event, "safety_buffering": {"use_cases": ["none"]}, "x_new_field": [1, None, {"deep": True}]}


def _gap(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if is_terminal(unit) and isinstance(unit, dict):
            unit = {**unit, "sequence_number": unit["sequence_number"] + 5}
        yield unit


def _regress(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if is_terminal(unit) and isinstance(unit, dict):
            unit = {**unit, "sequence_number": 1}
        yield unit


def _no_created(event: Event) -> Event | None:
    return None if event.get("type") == "response.created" else event


def _no_terminal(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    return (unit for unit in units if not is_terminal(unit))


def _double_terminal(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        yield unit
        if is_terminal(unit) and isinstance(unit, dict):
            yield {**unit, "sequence_number": turn.sequence()}


def _after_end(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    last: Event | None = None
    for unit in units:
        if is_delta(unit) and isinstance(unit, dict):
            last = unit
        yield unit
        if is_terminal(unit) and last is not None:
            yield {**last, "sequence_number": turn.sequence(), "delta": " (late)"}


def _delta_mismatch(event: Event) -> Event:
    if str(event.get("type")).endswith("_text.done"):
        return {**event, "text": f"{event.get('text', '')} (not what was streamed)"}
    return event


def _ids_change(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if is_terminal(unit) and isinstance(unit, dict) and isinstance(unit.get("response"), dict):
            unit = {**unit, "response": {**unit["response"], "id": turn.ids.new("resp")}}
        elif isinstance(unit, dict) and str(unit.get("type")).endswith("_text.done"):
            unit = {**unit, "item_id": turn.ids.new("msg")}
        yield unit


def _usage_missing(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if is_terminal(unit) and isinstance(unit, dict) and isinstance(unit.get("response"), dict):
            unit = {**unit, "response": {**unit["response"], "usage": None}}
        yield unit


def _burst(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    # a proxy that buffers: nothing while the model speaks, then all at once
    held: list[bytes] = []
    for unit in units:
        if is_delta(unit) and isinstance(unit, dict):
            held.append(encode(unit))
            continue
        if held:
            yield Pause(float(argument or 1))
            yield Batch(tuple(held))
            held = []
        yield unit


def _million(steps: Iterable[Step], argument: str) -> Iterable[Step]:
    fragments = Repeated(int(float(argument or 1_000_000)))
    return (Text("".join(fragments), fragments=fragments),)


FAULTS: tuple[Fault, ...] = (
    StepFault("failed", "response.failed (argument: its code)", _failed),
    StepFault(
        "error-then-failed", "an error event, then response.failed for the same response", _error_then_failed
    ),
    UnitFault(
        "error-mid-stream",
        "an error frame after the third delta and nothing more (argument: its code)",
        _error_mid_stream,
    ),
    UnitFault("unknown-event", "an event type that nobody knows (argument: the type)", _unknown_event),
    UnitFault("unknown-field", "fields that nobody knows on every event", _each_event(_safety_field)),
    UnitFault(
        "no-sequence",
        "no sequence_number anywhere",
        _each_event(lambda event: _without(event, "sequence_number")),
    ),
    UnitFault("sequence-gap", "the last sequence_number jumps by five", _gap),
    UnitFault("sequence-regress", "the last sequence_number is 1", _regress),
    UnitFault("no-created", "response.created is missing", _each_event(_no_created)),
    UnitFault("no-terminal", "the terminal event is missing", _no_terminal),
    UnitFault("double-terminal", "the terminal event comes twice", _double_terminal),
    UnitFault("after-end", "a delta comes after the terminal event", _after_end),
    UnitFault("delta-mismatch", "the done text differs from the deltas", _each_event(_delta_mismatch)),
    UnitFault("ids-change", "response and item ids change on the way", _ids_change),
    UnitFault("usage-missing", "the terminal event has no usage", _usage_missing),
    UnitFault(
        "no-lane-echo",
        "events do not carry their stream_id",
        _each_event(lambda event: _without(event, "stream_id")),
    ),
    UnitFault(
        "burst", "deltas are held back and come in one write (argument: seconds held, 1)", _burst, True
    ),
    StepFault("million-deltas", "a million tiny deltas (argument: how many)", _million, True),
)
