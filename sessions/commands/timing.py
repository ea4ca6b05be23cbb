"""The run behind `turnscope compare --transports URL --tool-calls N,N`: workflows timed over both transports.

Its one rule: what it will cost is said before it begins. The transports take turns, round by round, so that
a busy minute of the server does not fall on one of them; one that is not to be had leaves the other's times.
"""

from __future__ import annotations

import argparse
import shutil
import sys

from sessions.commands.comparing import first_model
from sessions.commands.connection import settings_from
from sessions.commands.sending import write_line
from sessions.compare.table import Row, Timed, bars, rows, table
from sessions.compare.workflow import run_workflow
from sessions.compose import Create
from sessions.conversation import Silence, refusal
from sessions.errors import ConnectError, UsageError
from sessions.exits import Exit, exit_code
from sessions.redact import url as redacted_url
from sessions.safe import safe_line
from sessions.talk import tell
from sessions.wire.plan import Transport, plan_from

ROUNDS = 3
_TRANSPORTS: tuple[Transport, ...] = ("http", "ws")
_NAMES = {"http": "HTTP + SSE", "ws": "WebSocket"}


class Timing:
    """One table; raises UsageError or SettingsError for what cannot be timed."""

    def __init__(self, args: argparse.Namespace) -> None:
        if not args.transports or "://" not in args.a:
            raise UsageError("--tool-calls times the transports of one address: compare --transports URL")
        beside = {
            "the prompts": args.b,
            "--script": args.script,
            "--answer": args.answer,
            "--tools": args.tools,
            "--instructions": args.instructions,
            "--base-url": args.base_url,
            "--url": args.url,
            "--transport": args.transport,
        }
        if given := [name for name, value in beside.items() if value]:
            raise UsageError(f"--tool-calls brings its own script; leave out {', '.join(given)}")
        self._args = args
        args.address = args.a
        self._settings = settings_from(args)
        self._plan = plan_from(self._settings)
        endpoint = self._plan.endpoint
        if not self._settings.model and not endpoint.has_model and not endpoint.is_loopback:
            raise UsageError(f"name a model with --model; {endpoint.authority} has no default one here")
        self._missing: dict[Transport, ConnectError | Silence] = {}  #: what could not be had, and why
        self._rounds = args.rounds or (ROUNDS if endpoint.is_loopback else 1)

    async def run(self) -> Exit:
        """Time everything and print the table; the exit code."""
        args = self._args
        model = self._settings.model
        if not model and not self._plan.endpoint.has_model:
            model = await first_model(self._plan, tell)
        create = Create(
            model=model,
            effort=args.effort or "",
            max_output_tokens=args.max_output_tokens,
            store=args.store,
        )
        turns = sum(calls + 1 for calls in args.tool_calls) * len(_TRANSPORTS) * self._rounds
        rounds = f"{self._rounds} round{'' if self._rounds == 1 else 's'}"
        tell(f"{turns} turns in {rounds}, over HTTP + SSE and WebSocket in turn; no recording is kept")
        timed: list[Timed] = []
        for number in range(1, self._rounds + 1):
            for calls in args.tool_calls:
                for transport in _TRANSPORTS:
                    if transport in self._missing:
                        continue
                    one = await self._measured(transport, calls, create)
                    if one is None:
                        tell(f"{_NAMES[transport]}: {safe_line(str(self._missing[transport]))}")
                        continue
                    timed.append(one)
                    told = safe_line(one.problem) if one.problem else f"{one.total_ms:.0f} ms"
                    tell(f"round {number}, {calls} tool calls, {_NAMES[transport]}: {told}")
            if len(self._missing) == len(_TRANSPORTS):
                break
        return self._verdict(self._print(timed))

    async def _measured(self, transport: Transport, calls: int, create: Create) -> Timed | None:
        """One workflow once; None when this way is not to be had, which is not tried again."""
        try:
            return await run_workflow(
                self._plan,
                transport,
                calls,
                create,
                silence_seconds=self._args.silence,
                is_fresh=self._args.fresh_connections,
            )
        except (ConnectError, Silence) as error:
            self._missing[transport] = error
            return None

    def _verdict(self, found: tuple[Row, ...]) -> Exit:
        for error in self._missing.values():
            return Exit.RAN_OUT if isinstance(error, Silence) else exit_code(error.failure_class)
        return Exit.FINDINGS if any(not row.rounds for row in found) else Exit.DONE

    def _print(self, timed: list[Timed]) -> tuple[Row, ...]:
        found = tuple(row for row in rows(timed) if row.is_measured)
        problems = [one for one in timed if one.problem]
        if self._args.json:
            self._write(found, problems)
            return found
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
        out = [*table(found), "", *bars(found, width), ""] if found else []
        out += self._sentences(found)
        for one in problems:
            calls = f"{one.tool_calls} tool calls over {_NAMES[one.transport]}"
            out.append(f"left out: {calls}: {safe_line(one.problem)}")
        sys.stdout.write("".join(f"{line}\n" for line in out))
        return found

    def _write(self, found: tuple[Row, ...], problems: list[Timed]) -> None:
        for row in found:
            write_line(row.plain())
        for transport, error in self._missing.items():
            if isinstance(error, ConnectError):
                write_line({"side": transport, **refusal(error)})
        write_line(
            {
                "event": "summary",
                "base_url": redacted_url(self._args.a, self._plan.secrets).value,
                "rounds": self._rounds,
                "fresh_connections": self._args.fresh_connections,
                "missing": sorted(self._missing),
                "problems": [
                    {"transport": one.transport, "tool_calls": one.tool_calls, "problem": one.problem}
                    for one in problems
                ],
            }
        )

    def _sentences(self, found: tuple[Row, ...]) -> list[str]:
        """What has to be known beside the table; all that there is when nothing could be measured."""
        out = _notes(found, is_fresh=self._args.fresh_connections) if found else []
        for transport, error in self._missing.items():
            if isinstance(error, Silence):
                out.append(f"{_NAMES[transport]} fell silent: {safe_line(str(error)).rstrip('.')}.")
                continue
            others = [_NAMES[other] for other in _TRANSPORTS if other not in self._missing]
            alone = f" The times of {others[0]} stand alone." if others and found else ""
            said = safe_line(str(error)).rstrip(".")
            out.append(f"{_NAMES[transport]} is not to be had here: {said}.{alone}")
            out.append(f"try: {safe_line(error.remedy)}")
        if not found and not self._missing:
            out.append("nothing could be measured")
        return out


def _notes(found: tuple[Row, ...], *, is_fresh: bool) -> list[str]:
    rounds = min(max(row.rounds_over) for row in found)
    openings = [row.opening_ms for row in found if row.opening_ms is not None]
    notes = [f"Medians of {rounds} round{'' if rounds == 1 else 's'}, connections included."]
    if openings:
        notes.append(f"Opening the socket took {max(openings):.0f} ms at most; it is paid once a session.")
    if any(row.http_ms is not None for row in found):
        notes.append(
            "Every HTTP request had a connection of its own."
            if is_fresh
            else "HTTP used its connection again; --fresh-connections times it without."
        )
    return notes
