"""The run behind `turnscope compare`: both sides read or asked, laid beside each other, reported.

Its one rule: everything that can be wrong with the command line or a file is told before anything is opened.
A side that cannot be reached is a result, too: the report says how the other one differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from sessions import redact
from sessions.commands.connection import pair, settings_from
from sessions.commands.sending import write_line
from sessions.compare.alignment import Comparison, compare
from sessions.compare.asking import (
    DEFAULT_PROMPTS,
    Ask,
    asks_of_prompts,
    asks_of_side,
    asks_of_text,
)
from sessions.compare.report import lines, plain
from sessions.compare.run import Party, Run
from sessions.compare.side import Side
from sessions.compose import Create
from sessions.conversation import Silence, refusal
from sessions.errors import ConnectError, UsageError
from sessions.exits import Exit, exit_code
from sessions.inspector import Inspector
from sessions.journal import FORMAT
from sessions.reading import Reading
from sessions.recording import Recording, new_path
from sessions.records import Direction, Kind
from sessions.settings import Settings, known_habits, paths
from sessions.talk import tell
from sessions.tools import Tools, load
from sessions.wire.http_client import list_models
from sessions.wire.plan import Plan, plan_from

Say: TypeAlias = Callable[[str], object]
_LABELS = ("A", "B")


class Comparing:
    """One comparison: its two sides, its script, and what came of it.

    Raises UsageError, SettingsError or RecordingError for what cannot be compared.
    """

    def __init__(self, args: argparse.Namespace, say: Say = tell) -> None:
        self._args = args
        self.say = say  #: takes the sentences that go to stderr where there is no screen
        self.addresses, prompts = _sides(args)
        self._tools = _tools(args.tools, say)
        self._answers = dict(pair(text) for text in args.answer)
        self._read: dict[int, Side] = {}  #: sides that are recordings
        self._settings: dict[int, Settings] = {}
        self._plans: dict[int, Plan] = {}
        for index, address in enumerate(self.addresses):
            if Path(address).expanduser().is_file():
                self._read[index] = read_recording(_LABELS[index], address, say)
            elif "://" in address:
                self._settings[index] = settings = settings_from(_args_of(args, index, address))
                self._plans[index] = plan_from(settings)
            else:
                raise UsageError(
                    f"{address!r} is neither a recording nor an address; write the address as in http://HOST/v1"
                )
        self.asks, self.recorded = self._script(prompts)
        self._check_models()
        self.runs: dict[int, Run] = {}
        self.on_turn: Callable[[], None] = lambda: None

    async def run(self) -> Exit:
        """Ask what is to be asked and print the report; the exit code."""
        comparison = await self.compare()
        if self._args.json:
            self._write_refusals()
            *found, summary = lines(comparison)
            for one in found:
                write_line(one)
            write_line({**summary, "recordings": self.recordings()})
        else:
            for line in plain(comparison):
                sys.stdout.write(line + "\n")
        return self.verdict(comparison)

    async def compare(self) -> Comparison:
        """Ask every side that is an endpoint, A before B, and lay the two beside each other."""
        for index in self._plans:
            run = self.runs[index] = Run(await self._party(index), self._inspector(index))
            self.say(f"{_LABELS[index]}: {self._where(index)}")
            try:
                await run.ask(self.asks, self.recorded, self.on_turn)
            finally:
                self._close(run)
            if run.error is not None:
                self.say(f"{_LABELS[index]}: {run.error}")
        return self.comparison()

    def comparison(self) -> Comparison:
        """What is known so far; a side that has not been asked yet has no turns."""
        a, b = (self._side(index) for index in range(2))
        return compare(a, b)

    def verdict(self, comparison: Comparison) -> Exit:
        """The exit code: a failed opening as the table says, 1 for a breaking difference, else 0."""
        errors = [run.error for run in self.runs.values() if run.error is not None]
        for error in errors:
            if isinstance(error, ConnectError):
                return exit_code(error.failure_class)
        if len(errors) == len(_LABELS) and all(isinstance(error, Silence) for error in errors):
            return Exit.RAN_OUT
        return Exit.FINDINGS if comparison.is_breaking else Exit.DONE

    def recordings(self) -> list[str | None]:
        """The files of both sides, None where none is kept."""
        kept = []
        for index, address in enumerate(self.addresses):
            run = self.runs.get(index)
            path = run.inspector.recording.path if run is not None else Path(address).expanduser()
            kept.append(str(path) if path is not None else None)
        return kept

    # Before anything is opened ---------------------------------------------------------------------------

    def _script(self, prompts: list[str]) -> tuple[tuple[Ask, ...], Side | None]:
        """What is asked, and the recording that it comes from."""
        if not self._plans:
            if prompts or self._args.script:
                raise UsageError("two recordings are compared as they are; leave the script out")
            return (), None
        if prompts and self._args.script:
            raise UsageError("--script and prompts both say what to ask; give one of them")
        if self._args.script:
            path = Path(self._args.script).expanduser()
            if _is_recording(path):
                return _asks_of_recording("script", self._args.script, self.say)
            return asks_of_text(_text(path), str(path)), None
        if prompts:
            return asks_of_prompts(prompts), None
        for index in self._read:
            return _asks_of_recording(_LABELS[index], self.addresses[index], self.say)
        return asks_of_prompts(DEFAULT_PROMPTS), None

    def _check_models(self) -> None:
        if self.recorded is not None or all(ask.payload for ask in self.asks):
            return  # creates name their own
        for index, plan in self._plans.items():
            has_model = self._settings[index].model or plan.endpoint.has_model
            if not has_model and not plan.endpoint.is_loopback:
                flag = "--model-b or --model" if index else "--model"
                raise UsageError(
                    f"name a model with {flag}; {plan.endpoint.authority} has no default one here"
                )

    def _inspector(self, index: int) -> Inspector:
        plan = self._plans[index]
        path = None
        if not self._args.no_record:
            name = f"compare-{_LABELS[index].lower()}-{plan.profile}"
            path = new_path(paths().recordings, name, time.time_ns() // 1000)
        return Inspector(Recording.create(path, source="compare"), plan.secrets, habits=known_habits())

    async def _party(self, index: int) -> Party:
        plan, settings, args = self._plans[index], self._settings[index], self._args
        never_stores = settings.facts.stores == "never"  # such a server refuses a create without `store`
        model = settings.model
        if not model and not plan.endpoint.has_model and any(not ask.payload for ask in self.asks):
            model = await first_model(plan, self.say)
        create = Create(
            model=model,
            instructions=args.instructions,
            effort=args.effort or "",
            max_output_tokens=args.max_output_tokens,
            tools=self._tools.tools,
            store=False if args.store is None and never_stores else args.store,
        )
        return Party(
            _LABELS[index], plan, create, settings.model, self._answers, args.silence, known_habits()
        )

    def _side(self, index: int) -> Side:
        if index in self._read:
            return self._read[index]
        return self.runs[index].side if index in self.runs else Side(_LABELS[index])

    def _where(self, index: int) -> str:
        plan = self._plans[index]
        url = plan.endpoint.http_url if plan.transport == "http" else plan.endpoint.url
        return f"{redact.url(url, plan.secrets).value}  {plan.route.text}"

    # Afterwards ------------------------------------------------------------------------------------------

    def _close(self, run: Run) -> None:
        recording = run.inspector.recording
        recording.close()
        if recording.failure is not None:
            raise recording.failure
        if recording.path is not None:
            self.say(f"{run.party.label}: recorded in {recording.path}")

    def _write_refusals(self) -> None:
        for run in self.runs.values():
            if isinstance(run.error, ConnectError):
                refused = next((one for one in run.inspector.recording if one.kind is Kind.REFUSED), None)
                write_line({"side": run.party.label, **refusal(run.error, refused)})


def read_recording(label: str, name: str, say: Say) -> Side:
    """A side that is a recording; raises RecordingError when it cannot be read."""
    reading = Reading.whole(Path(name).expanduser())
    side = Side(label, known_habits())
    try:
        for record in reading.records(0, reading.known):
            side.add(record)
    finally:
        reading.close()
    for problem in reading.problems[:5]:
        say(f"{name}, line {problem.line}: {problem.reason}; it is left out")
    return side


def _sides(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Both addresses and the prompts; raises UsageError when one is missing."""
    if args.base_url or args.url:
        raise UsageError("compare takes its addresses as A and B; leave --base-url and --url out")
    rest = [*([args.b] if args.b is not None else []), *args.prompts]
    if args.transports:
        if args.transport or args.transport_b:
            raise UsageError("--transports takes both ways; leave --transport and --transport-b out")
        if "://" not in args.a:
            raise UsageError("--transports needs an address: a recording has been made over one of them")
        return [args.a, args.a], rest
    if not rest:
        raise UsageError("compare with what? Give a second address or recording, or --transports")
    return [args.a, rest[0]], rest[1:]


def _args_of(args: argparse.Namespace, index: int, address: str) -> argparse.Namespace:
    """The options as they count for one side."""
    own = argparse.Namespace(**vars(args))
    own.address = address
    if args.transports:
        own.transport = ("ws", "http")[index]
    if index:
        for name in ("profile", "model", "api_key_env", "transport"):
            if (value := getattr(args, f"{name}_b")) is not None:
                setattr(own, name, value)
    return own


def _asks_of_recording(label: str, name: str, say: Say) -> tuple[tuple[Ask, ...], Side]:
    """The creates of a recording; raises UsageError when there are none or secrets are missing in them."""
    side = read_recording(label, name, say)
    asks = asks_of_side(side)
    if not asks:
        raise UsageError(f"{name} has no creates: there is nothing to ask")
    reading = Reading.whole(Path(name).expanduser())
    try:
        for number, record in enumerate(reading.records(0, reading.known)):
            is_sent = record.direction is Direction.CLIENT and record.kind in (Kind.TEXT, Kind.BINARY)
            if is_sent and record.meta.get("masked"):
                raise UsageError(
                    f"record {number} of {name} has masked secrets ({record.meta['masked']}): it cannot be "
                    "asked again as it was"
                )
    finally:
        reading.close()
    return asks, side


def _is_recording(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'"format":"{FORMAT}"'.encode() in file.readline(4096).replace(b" ", b"")
    except OSError as error:
        raise UsageError(f"cannot read the script {path}: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the script {path}: {error}") from error


async def first_model(plan: Plan, say: Say) -> str:
    """The first model that a server lists; "" when it lists none, because it may serve one all the same."""
    try:
        listed = await list_models(plan)
    except ConnectError:
        return ""
    if listed:
        say(f"no --model given: {listed[0]}, the first that {plan.endpoint.authority} lists")
    return listed[0] if listed else ""


def _tools(path: str | None, say: Say) -> Tools:
    if path is None:
        return Tools((), (), ())
    loaded = load(_text(Path(path).expanduser()), path)
    for sentence in (*loaded.converted, *loaded.notes):
        say(sentence)
    return loaded
