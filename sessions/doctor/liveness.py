"""Group F, its second half: who stays alive: pings, silence, idle limits, a close that is answered, age.

Its one rule: a wait is named beforehand and watched, never slept through; what takes minutes is only tried
when it is asked for.
"""

from __future__ import annotations

from sessions.doctor.bench import Bench
from sessions.doctor.bout import Bout, Unsteady
from sessions.doctor.check import Cost, check
from sessions.doctor.probes import (
    catalogued,
    end_words,
    knows_refusal,
    parentless,
)
from sessions.doctor.result import Outcome, Verdict, failed, judged, passed, skipped, told, warned
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.records import Direction, Kind

_NEVER = 86_400.0  # between two pings: none while a check runs
_PING_SECONDS, _PINGS, _PONG_SECONDS = 1.0, 3, 5.0
_LISTEN_SECONDS = 45.0
_IDLE_SECONDS, _DEEP_IDLE_SECONDS = 65.0, 110.0
_KEEPALIVE_SECONDS = 20.0
_CLOSE_SECONDS = 5.0
_RECIPES = (
    (60.0, "nginx (proxy_read_timeout) and AWS load balancers (idle timeout) end at 60 s: raise it there."),
    (100.0, "Cloudflare ends at 100 s of silence: send pings, or keep the socket busy."),
)


@check("F07", "pings are answered", Cost.FREE, needs=("B07", "B19"), waits_seconds=_PING_SECONDS * _PINGS,
       findings=("no-pong",))  # fmt: skip
async def pings(bench: Bench) -> Verdict:
    """Three pings, a second apart."""
    if (idle_seconds := bench.facts.notes.get("idle_seconds", _PINGS)) < _PINGS:
        return skipped(f"follows from B19: a socket lives {idle_seconds:.1f} s without a message")
    pause = _PING_SECONDS * bench.pace
    async with bench.open(ping_seconds=pause) as bout:
        waiting = bout.until(lambda: len(_pongs(bout)) >= _PINGS, pause * _PINGS + _PONG_SECONDS)
        await bench.wait(waiting, _PING_SECONDS * _PINGS)
        pongs = _pongs(bout)
        if not pongs and bout.is_over:
            raise Unsteady(f"a socket ended while pings were sent: {bout.ending}")
        is_alive = not pongs and not bout.is_over and await _still_answers(bench, bout)
    if len(pongs) >= _PINGS:
        return passed(f"{len(pongs)} pongs, the slowest after {max(pongs):.0f} ms")
    if pongs:
        return warned(f"{len(pongs)} of {_PINGS} pongs", "Answer every ping.", Who.NETWORK)
    verdict = catalogued("no-pong", f"none within {_PONG_SECONDS:g} s")
    if not is_alive:
        return verdict
    return verdict._replace(
        evidence=f"{verdict.evidence}; but a create on this socket is answered",
        remedy="The way is open: the server or the proxy does not answer pings. Answer each by a pong.",
        who=Who.PROXY,
    )


async def _still_answers(bench: Bench, bout: Bout) -> bool:
    """Whether the socket answers a create that is known to be refused, and free."""
    if not knows_refusal(bench):
        return False
    try:
        return bool(await bout.say(parentless(bench)))
    except ConnectError:
        return False  # it ended meanwhile


def _pongs(bout: Bout) -> list[float]:
    """How long each pong took, in milliseconds."""
    return [
        float(one.meta.get("ms", 0))
        for one in bout.records
        if one.kind is Kind.NOTE and one.meta.get("note") == "latency"
    ]


@check("F08", "the server's own pings", Cost.SLOW, needs=("B07", "B19"), waits_seconds=_LISTEN_SECONDS)
async def server_pings(bench: Bench) -> Verdict:
    """Listens for 45 s."""
    async with bench.open(ping_seconds=_NEVER) as bout:
        await bout.watch(_LISTEN_SECONDS)
        at = [
            one.elapsed for one in bout.records if one.kind is Kind.PING and one.direction is Direction.SERVER
        ]
        opened = bout.session.opened
    if not at:
        return told(f"none within {_LISTEN_SECONDS:g} s")
    gaps = [later - earlier for earlier, later in zip([opened, *at], at, strict=False)]
    return told(f"{len(at)} pings, {min(gaps):.1f} to {max(gaps):.1f} s apart")


@check("F09", "idle without pings", Cost.SLOW, needs=("B07", "B19"), waits_seconds=_IDLE_SECONDS,
       limit_seconds=180.0, findings=("idle-limit",))  # fmt: skip
async def idle(bench: Bench) -> Verdict:
    """An open socket without any frame for 65 s, with --deep for 110 s."""
    seconds = _DEEP_IDLE_SECONDS if bench.is_deep else _IDLE_SECONDS
    lasted, how = await _idle(bench, seconds, _NEVER)
    bench.facts.notes["idle_drop"] = lasted
    if lasted is None:
        bench.capabilities["idle"] = f"at least {seconds:g} s"
        return told(f"still open after {seconds:g} s")
    bench.capabilities["idle"] = f"{lasted:.0f} s"
    recipe = next((words for limit, words in _RECIPES if abs(lasted - limit) < 3), "")
    return told(
        f"{how} after {lasted:.1f} s", recipe or "Raise the idle limit of the hop that has it, or send pings."
    )._replace(findings=idle.findings)


@check("F10", "idle with pings", Cost.SLOW, needs=("F09",), waits_seconds=_IDLE_SECONDS,
       limit_seconds=180.0, findings=("idle-limit",))  # fmt: skip
async def idle_with_pings(bench: Bench) -> Verdict:
    """The same with a ping every 20 s, when the socket of F09 was dropped."""
    if bench.facts.notes.get("idle_drop") is None:
        return skipped("F09 was not dropped")
    seconds = _DEEP_IDLE_SECONDS if bench.is_deep else _IDLE_SECONDS
    lasted, how = await _idle(bench, seconds, _KEEPALIVE_SECONDS * bench.pace)
    if lasted is None:
        return passed(f"with pings still open after {seconds:g} s")
    return failed(
        f"{how} after {lasted:.1f} s, though pings were sent",
        "Pings do not count on this hop: raise its idle limit.",
    )._replace(findings=idle_with_pings.findings)


async def _idle(bench: Bench, seconds: float, ping_seconds: float) -> tuple[float | None, str]:
    """After how many seconds an idle socket was dropped, and how; None when it was not."""
    async with bench.open(ping_seconds=ping_seconds) as bout:
        await bout.watch(seconds)
        session = bout.session
        if not bout.is_over:
            return None, ""
        return session.ended - session.opened, end_words(bout)


@check("F11", "the longest silence", Cost.TURNS, needs=("D01",), findings=("long-silence",))
async def longest_silence(bench: Bench) -> Verdict:
    """Looks for the longest gap between two events of a turn of this run; sends nothing."""
    verdict = judged(bench.inspector.findings, longest_silence.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    recording, column = bench.inspector.recording, bench.inspector.sessions.turn_column
    last: dict[int, float] = {}
    longest = 0.0
    for place in range(len(recording)):
        number = column[place]
        if number:
            at = recording.record(place).elapsed
            longest = max(longest, at - last.get(number, at))
            last[number] = at
    return told(f"{longest:.2f} s within a turn; clients give up after 300 s")


@check("F12", "a close is answered", Cost.FREE, needs=("B07", "B19"), findings=("close-unanswered",))
async def close_etiquette(bench: Bench) -> Verdict:
    """A close frame of ours, 1000."""
    async with bench.open() as bout:
        began = bench.clock.elapsed()
        await bout.close()
        took = bench.clock.elapsed() - began
        answers = [
            one for one in bout.records if one.kind is Kind.CLOSE and one.direction is Direction.SERVER
        ]
        verdict = judged(bout.findings, close_etiquette.findings)
    if verdict.outcome is not Outcome.PASS:
        return verdict
    if not answers:
        return catalogued("close-unanswered", f"nothing within {_CLOSE_SECONDS:g} s")
    return passed(f"{answers[0].meta.get('code', 1005)} after {took * 1000:.0f} ms")


@check(
    "F15",
    "age of a socket",
    Cost.INTRUSIVE,
    needs=("B07", "B19"),
    waits_seconds=3660.0,
    findings=("age-limit",),
)
async def age(bench: Bench) -> Verdict:
    """One socket, kept open until the server ends it, 61 minutes at most; only with --deep."""
    if not bench.is_deep:
        return skipped("only with --deep: it takes up to 61 minutes")
    lasted, how = await _idle(bench, 3660.0, _KEEPALIVE_SECONDS)
    if lasted is None:
        return told("still open after 61 minutes")
    return told(f"{how} after {lasted / 60:.1f} minutes", "Open a new socket some minutes before that.")
