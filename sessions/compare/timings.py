"""When one side is slower than the other, and when a stream is none: the thresholds, and the words for them.

Its one rule: a difference that a person would not notice is none: below twice the time, or below 50 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.compare.difference import Difference, Weight
from sessions.session import Turn

FACTOR = 2.0
LEAST_MS = 50.0
_DELTAS = 8  # below it nothing can be said about a stream
_AT_ONCE, _STREAMED = 0.05, 0.25  # share of a response's time over which its deltas came


def slower(a: str, b: str, was_ms: float, now_ms: float) -> str:
    """`A 12 ms, B 340 ms (28x)` when they differ noticeably, else nothing."""
    low, high = min(was_ms, now_ms), max(was_ms, now_ms)
    if high - low < LEAST_MS or high < FACTOR * low:
        return ""
    times = f" ({high / low:.0f}x)" if low > 0 and high / low < 1000 else ""
    return f"{a} {was_ms:.0f} ms, {b} {now_ms:.0f} ms{times}"


def timing_differences(number: int, a: str, b: str, one: Turn, other: Turn) -> Iterator[Difference]:
    """How much later the first token and the end came on one side, and who did not really stream."""
    first, second = one.time_to_first_token, other.time_to_first_token
    if first is not None and second is not None:
        if words := slower(a, b, first * 1000, second * 1000):
            yield _timing(number, first * 1000, second * 1000, f"first token: {words}",
                          "A person waits that much longer for the first word.")  # fmt: skip
    if one.ended >= 0 and other.ended >= 0:
        was, now = (one.ended - one.sent) * 1000, (other.ended - other.sent) * 1000
        if words := slower(a, b, was, now):
            yield _timing(number, was, now, f"whole turn: {words}",
                          "Tool loops pay it with every call; longer answers take longer.")  # fmt: skip
    was_spread, now_spread = _spread(one), _spread(other)
    if was_spread is None or now_spread is None:
        return
    if min(was_spread, now_spread) < _AT_ONCE and max(was_spread, now_spread) > _STREAMED:
        held = a if was_spread < now_spread else b
        yield Difference(
            number, "streaming", Weight.HARMLESS, round(was_spread, 3), round(now_spread, 3),
            f"{held} gives all deltas at once at the end, the other streams them",
            "Something in its path collects the stream: switch response buffering off there.",
        )  # fmt: skip


def _timing(number: int, was: float, now: float, title: str, meaning: str) -> Difference:
    return Difference(number, "timing", Weight.HARMLESS, round(was, 1), round(now, 1), title, meaning)


def _spread(turn: Turn) -> float | None:
    """Over which share of the turn's time its deltas came; None when they are too few or it took no time."""
    response = turn.response
    if response is None or response.deltas < _DELTAS or response.ended <= turn.sent:
        return None
    if (response.ended - turn.sent) * 1000 < LEAST_MS:
        return None
    return (response.last_token - response.first_token) / (response.ended - turn.sent)
