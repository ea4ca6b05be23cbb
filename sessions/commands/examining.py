"""The run behind `turnscope doctor`: benches from the command line, the battery on each, progress on stderr.

Its one rule: what was found is returned, however the run ends; and a key goes only where its own settings
send it, so the endpoint of --direct has settings of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from sessions.commands.connection import flags_from, settings_from
from sessions.doctor.battery import Battery, every_check, with_needs
from sessions.doctor.bench import SLOW_SECONDS, USUAL_COSTS, Bench
from sessions.doctor.check import Cost
from sessions.doctor.report import Examination, examination, with_direct
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.errors import ConnectError, UsageError
from sessions.recording import Recording
from sessions.secret import Secret
from sessions.settings import Settings, known_habits, load
from sessions.talk import tell, tell_progress
from sessions.wire.http_client import list_models
from sessions.wire.plan import Plan, plan_from

_UPGRADE = "B07"
_SOCKETS = 45  #: of a run on a server whose upgrades take long


class Examining:
    """One run of the verb."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self.say: Callable[[str], None] = tell  #: takes sentences; stderr where there is no screen
        self.on_progress: Callable[[str], None] = tell_progress  #: takes what is tried now; "" at the end
        self.on_result: Callable[[], None] = _nothing
        if args.transport == "http":
            raise UsageError(
                "the doctor examines sockets, --transport http says nothing to it: leave it out; "
                "`turnscope compare URL --transports` looks at HTTP beside the socket"
            )
        settings = settings_from(args)
        plan = plan_from(settings)
        if not args.dry_run and _is_nobodys(settings):
            raise UsageError(
                f"no address is given, and none stands in the environment or the settings: name one, as in "
                f"`turnscope doctor http://127.0.0.1:8080/v1`, or --profile {settings.profile} for "
                f"{plan.endpoint.authority}; nothing was resolved or sent"
            )
        if not settings.model and not plan.endpoint.has_model and not plan.endpoint.is_loopback:
            raise UsageError(f"name a model with --model; {plan.endpoint.authority} has no default one here")
        try:
            checks = with_needs(args.only.replace(",", " ").upper().split()) if args.only else every_check()
        except KeyError as error:
            raise UsageError(f"there is no check {error.args[0]}; --dry-run lists them") from None
        costs = set(USUAL_COSTS)
        if args.only:
            costs.update(Cost)
        if args.slow:
            costs.add(Cost.SLOW)
        if args.intrusive:
            costs.add(Cost.INTRUSIVE)
        self._costs = frozenset(costs)
        self._checks = checks
        recording = None
        if args.record and not args.dry_run:
            recording = Recording.create(Path(args.record).expanduser(), source="doctor")
        self.battery = Battery(self._bench(settings, plan, recording), checks, budget=args.budget)
        self.battery.leaves_out = not args.only
        self._direct: Battery | None = None
        if args.direct:
            beyond = self._direct_settings()
            self._direct = Battery(self._bench(beyond, plan_from(beyond), None), checks, budget=args.budget)
            self.battery.bench.direct = self._direct.bench.plan

    def run(self) -> Examination:
        """Run every check; what was found, also when it was interrupted."""
        is_interrupted = False
        try:
            asyncio.run(self.examine())
        except KeyboardInterrupt:
            is_interrupted = True
        finally:
            self.on_progress("")
            self.battery.bench.inspector.recording.close()
        return self.found(is_interrupted=is_interrupted)

    def found(self, *, is_interrupted: bool = False) -> Examination:
        """What is known so far."""
        found = examination(self.battery, is_interrupted=is_interrupted)
        if self._direct is None:
            return found
        return with_direct(found, examination(self._direct))

    async def examine(self) -> None:
        """Try every check, on the endpoint and then past the proxy; what comes of it stands in `found`."""
        await self._try_all(self.battery, "")
        if self._direct is not None:
            if self._direct.budget is not None:
                self._direct.budget = max(self._direct.budget - self.battery.bench.spent, 0)
            await self._try_all(self._direct, "directly: ")

    async def _try_all(self, battery: Battery, prefix: str) -> None:
        if not battery.bench.model:
            battery.bench.model = await self._first_model(battery.bench.plan)
        count = len(battery.checks)
        bad = 0
        for number, one in enumerate(battery.checks, start=1):
            battery.running = one
            self.on_progress(
                f"{prefix}{number}/{count} {one.id} {one.title}{f', {bad} bad so far' if bad else ''}"
            )
            bad += (await battery.try_one(one)).outcome in (Outcome.FAIL, Outcome.WARN)
            self.on_result()
            if one.id == _UPGRADE:
                self._warn_of_slowness(battery.bench)

    def _warn_of_slowness(self, bench: Bench) -> None:
        if (seconds := bench.upgrade_seconds) > SLOW_SECONDS:
            self.say(
                f"each upgrade takes {seconds:.1f} s here, and some {_SOCKETS} sockets are opened: about "
                f"{seconds * _SOCKETS / 60:.0f} minutes; Ctrl-C keeps what was found"
            )

    def _bench(self, settings: Settings, plan: Plan, recording: Recording | None) -> Bench:
        args = self._args
        facts = settings.facts.forecast_facts(settings.profile, settings.age_limit)
        bench = Bench(
            plan,
            model=settings.model,
            facts=facts,
            rules=RULES[args.rules] if args.rules else None,
            recording=recording,
            costs=self._costs,
            is_deep=args.deep,
            habits=known_habits(),
        )
        if args.second_key_env:
            bench.second_key = Secret(os.environ.get(args.second_key_env, ""))
            if not bench.second_key:
                raise UsageError(f"the variable {args.second_key_env} (--second-key-env) is not set")
        bench.forbidden_model = args.forbidden_model or ""
        bench.is_key_allowed_in_url = args.allow_key_in_url
        return bench

    def _direct_settings(self) -> Settings:
        given = flags_from(self._args)
        kept = ("model", "ca", "insecure", "via", "no_proxy", "compression", "open_timeout")
        flags: dict[str, object] = {name: given[name] for name in kept if name in given}
        flags["base_url"] = self._args.direct
        if self._args.direct_key_env:
            flags["api_key_env"] = self._args.direct_key_env
        return load(flags, os.environ)

    async def _first_model(self, plan: Plan) -> str:
        """The first model that a server on this machine lists, "" when it lists none."""
        try:
            listed = await list_models(plan)
        except ConnectError:
            return ""  # what is wrong with it is what the checks are about to say
        if listed:
            self.say(f"no --model given: {listed[0]}, the first that this server lists")
        return listed[0] if listed else ""


def _is_nobodys(settings: Settings) -> bool:
    """Whether the address is a default that nobody has named, neither by itself nor by its profile."""
    name = "url" if settings.url else "base_url"
    named = ("flag", "environment", "file")
    return not any(settings.source(one).partition(" ")[0] in named for one in (name, "profile"))


def _nothing() -> None:
    """Nobody wants to know."""
