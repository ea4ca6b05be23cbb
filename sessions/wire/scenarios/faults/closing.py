"""Faults that end a connection: close frames at the wrong moment, and no close frame at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sessions.wire.scenarios.faults.fault import Fault, StateFault, UnitFault
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Abort, Close, Hang, Unit, is_delta, is_terminal

_REASONS = {
    1000: "",
    1001: "going away",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    4001: "private reason",
}


def _until_middle(units: Iterator[Unit]) -> Iterator[Unit]:
    # the third delta is somewhere inside an answer; a short one ends before its terminal event
    seen = 0
    for unit in units:
        if is_terminal(unit):
            return
        yield unit
        seen += is_delta(unit)
        if seen == 3:
            return


def _closing(code: int) -> Callable[[Iterator[Unit], str, Turn], Iterator[Unit]]:
    def act(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
        yield from _until_middle(units)
        yield Close(int(argument) if argument else code, _REASONS.get(code, ""))

    return act


def _abort(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    yield from _until_middle(units)
    yield Abort(is_reset=argument != "fin")


def _too_big(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    yield Close(1009, "message too big")


def _silence(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    yield Hang()


FAULTS: tuple[Fault, ...] = (
    StateFault("1008-after-101", "the upgrade is accepted, then closed at once by policy (1008)"),
    *(
        UnitFault(f"close-{code}-mid-stream", f"close frame {code} after the third delta", _closing(code))
        for code in _REASONS
    ),
    UnitFault("close-mid-stream", "the same with any code (argument: the code, 1011)", _closing(1011), True),
    UnitFault(
        "abort-mid-stream",
        "TCP ends after the third delta without a close frame (argument: rst or fin)",
        _abort,
    ),
    UnitFault("1009", "a create is answered by close 1009, message too big", _too_big),
    UnitFault("silence", "a create is accepted and never answered; pongs flow", _silence),
    StateFault("half-open", "pings are not answered"),
    StateFault("keepalive", "keepalive events while a response is open (argument: seconds, 30)", True),
)
