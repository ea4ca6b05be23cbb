"""Group F, sizes: how large a message may be, and how too much is told.

Its one rule: size is tried with blanks around a create that is refused, so that it costs nothing.
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
_TRIES = 3  #: of one size, where sockets are known to be lost by chance


@check("F01", "size of a message", Cost.FREE, needs=("B07", "B19"), after=("C01",), limit_seconds=300.0,
       findings=("too-big-close", "too-big-hidden"))  # fmt: skip
async def frame_size(bench: Bench) -> Verdict:
    """The create of C01 with blanks around it: 64 KiB, 1, 4 and 15.5 MiB; --record keeps all of it."""
    if not knows_refusal(bench):
        return skipped(NO_REFUSAL)
    text = parentless(bench)
    reached = 0
    for size in (*_LADDER, _DEEP_RUNG) if bench.is_deep else _LADDER:
        said = await _rung(bench, text + " " * (size - len(text.encode())))
        if said is not None:
            bench.facts.notes["too_big"] = (size, said)
            return _bracket(bench, reached, size, said)
        reached = size
    bench.capabilities["frame limit"] = f"at least {_size(reached)}"
    return passed(f"at least {_size(reached)}")


async def _rung(bench: Bench, padded: str) -> str | None:
    """How a message of this size was not taken, None when it was; again where sockets are lost by chance."""
    said = None
    for left in reversed(range(_TRIES)):
        try:
            async with bench.open() as bout:
                said = await _answer_to(bout, padded)
        except Unsteady as error:
            bench.facts.unsteady.append(error.detail)
            if not left:
                raise
            continue
        if said is None or not bench.facts.unsteady:
            break
    return said


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
    remedy = (
        f"Messages over {_size(reached)} are cut, image turns too: raise the limit, or send those over HTTP."
    )
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
    if "1009" in said or said.startswith("an error"):
        return passed(f"{_size(size)}: {said}")
    return catalogued("too-big-hidden", f"{_size(size)}: {said}")
