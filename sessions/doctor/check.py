"""A check: one thing that can be tried, with what it costs and what must have worked before.

Its one rule: a check is a value, so that the battery can be shown, counted and put in order before anything
is opened. The function behind it is the check's name; its docstring says what is sent.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from sessions.doctor.result import Verdict

if TYPE_CHECKING:
    from sessions.doctor.bench import Bench

Trial: TypeAlias = "Callable[[Bench], Awaitable[Verdict]]"

#: no answer is ever limited to fewer: servers refuse or cut fewer without a word
LEAST_OUTPUT_TOKENS = 16

#: tests of the public Open Responses suite by the check that looks at the same, so that results can be quoted
#: there
SUITE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "C01": ("missing parent",),
        "D01": ("single response",),
        "D10": ("sequential",),
        "E01": ("continuation",),
        "E03": ("store-off reconnect recovery",),
        "E06": ("failed continuation evicts cache",),
        "E14": ("compact starts a new chain",),
    }
)


class Group(StrEnum):
    """What a check looks at; the letter begins its id."""

    LOCAL = "A"
    REACH = "B"
    ERRORS = "C"
    TURNS = "D"
    CHAIN = "E"
    LIMITS = "F"
    SECURITY = "G"

    @property
    def words(self) -> str:
        """The group's heading."""
        return _WORDS[self]


_WORDS = {
    Group.LOCAL: "this side, before anything is sent",
    Group.REACH: "reachability and handshake",
    Group.ERRORS: "first frame and errors",
    Group.TURNS: "one turn",
    Group.CHAIN: "chain and cache",
    Group.LIMITS: "limits and liveness",
    Group.SECURITY: "security",
}


class Cost(StrEnum):
    """What a check costs; the last two are only run when they are asked for."""

    LOCAL = "L"
    FREE = "F"  #: free on a conforming endpoint: an upgrade, or refused before anything is generated
    TURNS = "T"
    SLOW = "S"  #: long idle waits
    INTRUSIVE = "X"

    @property
    def words(self) -> str:
        """What it costs, for a person."""
        return _COSTS[self]


_COSTS = {
    Cost.LOCAL: "local",
    Cost.FREE: "free",
    Cost.TURNS: "tokens",
    Cost.SLOW: "slow",
    Cost.INTRUSIVE: "intrusive",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try; calling it tries it on a bench."""

    id: str
    title: str
    cost: Cost
    trial: Trial
    needs: tuple[str, ...] = ()  #: ids of checks without whose success nothing can be known here
    explains: str = ""  #: id of a check; this one is only run when that one has failed
    after: tuple[str, ...] = ()  #: ids of checks that are tried before it, whatever comes of them
    turns: int = 0  #: at most so many creates that can cost
    tokens: int = 0  #: at most so many tokens, in and out together
    at_risk: int = 0  #: so many more where a server answers what it should refuse or not generate
    waits_seconds: float = 0.0  #: idle waiting, whatever the endpoint does
    limit_seconds: float = 60.0  #: beyond its waits; then it has failed
    findings: tuple[str, ...] = ()  #: ids of findings that decide it, also in a recording
    is_last: bool = False  #: it looks at what all others left behind
    is_minor: bool = False  #: left out where each upgrade takes long, unless it was named
    seen_by: str = ""  #: name of a note; where it stands, this one sends nothing more and says what is known

    @property
    def follows(self) -> tuple[str, ...]:
        """Ids of all checks that are tried before it."""
        return (*self.needs, *self.after, *([self.explains] if self.explains else ()))

    @property
    def suite(self) -> tuple[str, ...]:
        """Names of tests of the public Open Responses suite that look at the same."""
        return SUITE.get(self.id, ())

    @property
    def group(self) -> Group:
        """The group that its id begins with."""
        return Group(self.id[0])

    @property
    def name(self) -> str:
        """Its stable name in words: that of its function."""
        return self.trial.__name__.replace("_", "-")

    @property
    def sends(self) -> str:
        """What it does, in one sentence."""
        return (inspect.getdoc(self.trial) or "").partition("\n")[0]

    async def __call__(self, bench: Bench) -> Verdict:
        """Try it; raises ConnectError or Silence where the endpoint does not play along."""
        return await self.trial(bench)


def check(
    check_id: str,
    title: str,
    cost: Cost,
    *,
    needs: tuple[str, ...] = (),
    explains: str = "",
    after: tuple[str, ...] = (),
    turns: int = 0,
    tokens: int = 0,
    at_risk: int = 0,
    waits_seconds: float = 0.0,
    limit_seconds: float = 60.0,
    findings: tuple[str, ...] = (),
    is_last: bool = False,
    is_minor: bool = False,
    seen_by: str = "",
) -> Callable[[Trial], Check]:
    """Make a check of a function; the decorated name is the Check."""

    def of(trial: Trial) -> Check:
        return Check(
            check_id,
            title,
            cost,
            trial,
            needs,
            explains,
            after,
            turns,
            tokens,
            at_risk,
            waits_seconds,
            limit_seconds,
            findings,
            is_last,
            is_minor,
            seen_by,
        )

    return of
