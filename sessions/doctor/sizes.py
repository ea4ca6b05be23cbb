"""Group F, sizes: how large a message may be, and how too much is told.

Its one rule: size is tried with blanks around a create that is refused, so that it costs nothing, and without
compression, so that each of them crosses the wire. A socket that would have ended anyway proves no limit.
"""

from __future__ import annotations

from sessions.conversation import Silence
from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout, Unsteady
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import NO_REFUSAL, catalogued, end_words, failure_words, knows_refusal, parentless
from sessions.doctor.result import Verdict, failed, passed, skipped, told, warned
from sessions.errors import ConnectError

_KIB, _MIB = 1 << 10, 1 << 20
_LADDER = (64 * _KIB, _MIB, 4 * _MIB, 15 * _MIB + 512 * _KIB)
_DEEP_RUNG = 16 * _MIB + 512 * _KIB
_LONGER_SECONDS, _WAIT_SECONDS = 0.3, 30.0  #: beyond the life of a socket that ended, and at most
_TRIES = 3  #: of one size, where sockets are known to be lost by chance


@check("F01", "size of a message", Cost.FREE, needs=("B07", "B19"), after=("C01",), limit_seconds=300.0,
       findings=("too-big-close", "too-big-hidden"))  # fmt: skip
async def frame_size(bench: Bench) -> Verdict:
    """The create of C01 with blanks after it, not compressed: 64 KiB, 1, 4, 15.5 MiB; --record keeps all."""
    if not knows_refusal(bench):
        return skipped(NO_REFUSAL)
    text = parentless(bench)
    reached = 0
    for size in (*_LADDER, _DEEP_RUNG) if bench.is_deep else _LADDER:
        said, lasted = await _rung(bench, text + " " * (size - len(text.encode())))
        if said is not None:
            if not _names_size(said) and await _ends_anyway(bench, lasted, text):
                return _hidden_by_another_end(bench, reached, size, said, lasted)
            bench.facts.notes["too_big"] = (size, said)
            return _bracket(bench, reached, size, said)
        reached = size
    bench.capabilities["frame limit"] = f"at least {_size(reached)}"
    return passed(f"at least {_size(reached)}")


async def _rung(bench: Bench, padded: str) -> tuple[str | None, float]:
    """How a message of this size was not taken, None when it was, and how many seconds its socket lasted.

    It is tried again where sockets are lost by chance.
    """
    said, lasted = None, 0.0
    for left in reversed(range(_TRIES)):
        try:
            async with bench.open(compression=False) as bout:
                said = await _answer_to(bout, padded)
                lasted = bout.records[-1].elapsed - bout.records[0].elapsed
        except Unsteady as error:
            bench.facts.unsteady.append(error.detail)
            if not left:
                raise
            continue
        if said is None or not bench.facts.unsteady:
            break
    return said, lasted


def _names_size(said: str) -> bool:
    """Whether a server says itself that it was too much."""
    return "1009" in said or said.startswith("an error")


async def _ends_anyway(bench: Bench, seconds: float, text: str) -> bool:
    """Whether a socket ends as soon when nothing large is sent on it: waits as long, then sends it small."""
    wait = min(seconds + _LONGER_SECONDS, _WAIT_SECONDS)
    try:
        async with bench.open(compression=False) as bout:
            await bench.wait(bout.until(lambda: bout.is_over, wait), wait)
            return bout.is_over or await _answer_to(bout, text) is not None
    except ConnectError:
        return True


def _hidden_by_another_end(bench: Bench, reached: int, size: int, said: str, seconds: float) -> Verdict:
    """A size that was not tried in time: sockets end whatever is sent on them."""
    if reached:
        bench.capabilities["frame limit"] = f"at least {_size(reached)}"
    known = f"at least {_size(reached)}; {_size(size)}" if reached else _size(size)
    idle = bench.facts.notes.get("idle_seconds") is not None
    return told(
        f"{known} is not known: its socket ended after {seconds:.1f} s ({said}), as one with a small message "
        "on it does",
        "See B19: the socket is closed whatever is sent." if idle else "The size is not why: see B20.",
    )


async def _answer_to(bout: Bout, text: str) -> str | None:
    """How a message was not taken, None when it was."""
    try:
        turn = await bout.ask(text)
    except Silence as silence:
        return str(silence)
    except Unsteady:
        raise
    except ConnectError as error:
        return error.detail or str(error)
    failure = turn.failure
    if failure is None:
        return end_words(bout) if bout.is_over else None
    is_about_size = failure.status == 413 or any(
        word in f"{failure.code} {failure.message}".lower()
        for word in ("too large", "too big", "size", "limit")
    )
    return f"an error: {failure_words(failure)}" if is_about_size else None


def _bracket(bench: Bench, reached: int, size: int, said: str) -> Verdict:
    between = (
        f"more than {_size(reached)}, less than {_size(size)}" if reached else f"less than {_size(size)}"
    )
    bench.capabilities["frame limit"] = between
    evidence = f"{between}: {said}"
    cut = f"Messages over {_size(reached)}" if reached else f"Messages of {_size(size)} already"
    remedy = f"{cut} are cut, image turns too: raise the limit, or send those over HTTP."
    if reached < _MIB:
        return failed(evidence, remedy)
    if reached < 4 * _MIB:
        return warned(evidence, remedy)
    return told(evidence, remedy)


def _size(size: int) -> str:
    return f"{size / _MIB:g} MiB" if size >= _MIB else f"{size // _KIB} KiB"


@check(
    "F02",
    "how too much is told",
    Cost.FREE,
    needs=("B07", "B19"),
    after=("F01",),
    findings=("too-big-hidden",),
)
async def honest_size(bench: Bench) -> Verdict:
    """Looks how F01 was stopped; sends nothing."""
    found = bench.facts.notes.get("too_big")
    if found is None:
        return skipped("F01 has met no limit")
    size, said = found
    if _names_size(said):
        return passed(f"{_size(size)}: {said}")
    return catalogued("too-big-hidden", f"{_size(size)}: {said}")
