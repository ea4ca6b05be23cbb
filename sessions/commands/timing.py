"""The run behind `turnscope compare --transports URL --tool-calls N,N`: workflows timed over both transports.

Its one rule: what it will cost is said before it begins. The transports take turns, round by round, so that
a busy minute of the server does not fall on one of them.
"""

from __future__ import annotations

import argparse
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
from sessions.safe import safe_line
from sessions.talk import tell
from sessions.wire.plan import Transport, plan_from

ROUNDS = 3
_TRANSPORTS: tuple[Transport, ...] = ("http", "ws")


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
                    try:
                        one = await run_workflow(
                            self._plan,
                            transport,
                            calls,
                            create,
                            silence_seconds=args.silence,
                            is_fresh=args.fresh_connections,
                        )
                    except (ConnectError, Silence) as error:
                        self._print(timed)
                        return self._failed(transport, error)
                    timed.append(one)
                    told = safe_line(one.problem) if one.problem else f"{one.total_ms:.0f} ms"
                    tell(f"round {number}, {calls} tool calls, {transport}: {told}")
        found = self._print(timed)
        return Exit.FINDINGS if any(not row.rounds for row in found) else Exit.DONE

    def _print(self, timed: list[Timed]) -> tuple[Row, ...]:
        found = rows(timed)
        problems = [one for one in timed if one.problem]
        if self._args.json:
            for row in found:
                write_line(row.plain())
            write_line(
                {
                    "event": "summary",
                    "base_url": self._args.a if not self._plan.secrets else None,
                    "rounds": self._rounds,
                    "fresh_connections": self._args.fresh_connections,
                    "problems": [
                        {"transport": one.transport, "tool_calls": one.tool_calls, "problem": one.problem}
                        for one in problems
                    ],
                }
            )
            return found
        if found:
            out = [*table(found), "", *bars(found), "", *_notes(found, is_fresh=self._args.fresh_connections)]
            out += [f"left out: {one.tool_calls} tool calls over {one.transport}: {safe_line(one.problem)}"
                    for one in problems]  # fmt: skip
            sys.stdout.write("\n".join(out) + "\n")
        return found

    def _failed(self, transport: str, error: ConnectError | Silence) -> Exit:
        tell(f"{transport}: {error}")
        if isinstance(error, Silence):
            return Exit.RAN_OUT
        if self._args.json:
            write_line({"side": transport, **refusal(error)})
        else:
            tell(f"try: {error.remedy}")
        return exit_code(error.failure_class)


def _notes(found: tuple[Row, ...], *, is_fresh: bool) -> list[str]:
    rounds = min(row.rounds for row in found)
    openings = [row.opening_ms for row in found if row.opening_ms is not None]
    notes = [f"Medians of {rounds} round{'' if rounds == 1 else 's'}, connections included."]
    if openings:
        notes.append(f"Opening the socket took {max(openings):.0f} ms at most; it is paid once a session.")
    notes.append(
        "Every HTTP request had a connection of its own."
        if is_fresh
        else "HTTP used its connection again; --fresh-connections times it without."
    )
    return notes
