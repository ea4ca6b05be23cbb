"""The run behind `turnscope send`: frames out in order, records and answers to stdout, talk to stderr.

Its one rule: a frame from stdin leaves as it was written; only the word `@last` in the place of a
`previous_response_id` is replaced, and that is said.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any, Literal, TextIO

from sessions import compose, outcome
from sessions.answers import answer, answers_create, pending
from sessions.commands.connection import settings_from
from sessions.commands.creating import recording_path, tidy_recordings
from sessions.commands.spoken import Spoken
from sessions.commands.stdin import StdinLines
from sessions.compose import Create, frame
from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation, Silence, converse, refusal
from sessions.errors import ConnectError, RecordingError, UsageError
from sessions.exits import Exit, exit_code
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind, Record
from sessions.safe import safe_json
from sessions.session import Turn
from sessions.settings import known_habits
from sessions.summary import summarize
from sessions.talk import tell
from sessions.tools import Tools, load
from sessions.wire.connect import is_policy_close
from sessions.wire.http_client import list_models
from sessions.wire.http_refusal import refusal_over_http
from sessions.wire.plan import plan_from
from sessions.wire.transport import live

_ASIDE = frozenset({Kind.OPEN, Kind.REFUSED, Kind.NOTE})  # records that may say something to a person
_ENDINGS = frozenset({Kind.CLOSE, Kind.LOST})
_LAST = re.compile(r'("previous_response_id"\s*:\s*)"@last"')


class Sending:
    """One run of the verb."""

    def __init__(self, args: argparse.Namespace, stdin: TextIO) -> None:
        self._args = args
        self._stdin = stdin
        self._settings = settings_from(args)
        self._plan = plan_from(self._settings)
        self._shape: Literal["flat", "nested"] = (
            "nested" if self._settings.facts.create_shape == "nested" else "flat"
        )
        self._tools = _tools(args.tools)
        self._answers = dict(_pair(text) for text in args.answer)
        if args.script is None:
            self._check_model()
        for sentence in tidy_recordings(args, self._settings):
            tell(sentence)
        recording = Recording.create(recording_path(args, self._settings.profile), source="send")
        self._inspector = Inspector(recording, self._plan.secrets, habits=known_habits())
        self._model = self._settings.model
        self._printed = 0
        self._has_told_history = False
        self._spoken = Spoken(self._inspector.sessions)

    async def run(self) -> Exit:
        """Send everything and wait for its end; the exit code."""
        code = Exit.DONE
        try:
            async with asyncio.TaskGroup() as group:
                printing = group.create_task(self._print(), name="print")
                try:
                    code = await self._speak()
                finally:
                    printing.cancel()
        except* (ConnectError, Silence, RecordingError) as group_error:
            code = self._failed(group_error)
        else:
            if code is Exit.FINDINGS and self._args.script is None:
                code = self._refused_at_once() or code
        finally:
            try:
                self._flush()
                self._summarise()
            finally:
                code = self._close_recording(code)
        return self._verdict(code)

    def _verdict(self, code: Exit) -> Exit:
        """The exit code, what the turns came to included."""
        if code in (Exit.DONE, Exit.FINDINGS) and outcome.is_out_of_age(self._inspector.sessions):
            code = Exit.RAN_OUT
        if code is Exit.DONE and outcome.has_findings(self._inspector.sessions):
            code = Exit.FINDINGS
        return code

    # Speaking ----------------------------------------------------------------------------------------

    async def _speak(self) -> Exit:
        """Open the socket and send everything on it."""
        way = live(self._plan)
        async with converse(way, self._inspector, self._plan.session, self._args.silence) as talk:
            return await self._talk(talk)

    async def _talk(self, talk: Conversation) -> Exit:
        tell(f"open {talk.session.url}  {talk.session.route}")
        if self._args.prompts == ["-"]:
            lines = StdinLines(self._stdin)
            while line := await talk.unless_ended(lines.next()):
                await self._ask(talk, self._with_last(line))
            if line is None:
                tell("the socket has ended; the rest of stdin was not sent")
                return Exit.FINDINGS
            return Exit.DONE
        self._model = await self._chosen_model()
        prompts = self._args.prompts * (self._args.turns or 1)
        parent: str | None = None
        for number, prompt in enumerate(prompts, start=1):
            if talk.session.phase.is_over:
                tell(f"the socket has ended; {_turns(len(prompts) - number + 1)} not sent")
                return Exit.FINDINGS
            turn = await self._ask(talk, frame(self._create(prompt, parent), self._shape))
            turn = await self._answer(talk, turn)
            if turn is None:
                return Exit.FINDINGS
            parent = turn.response_id or parent
            if turn.status not in (Status.COMPLETED, Status.INCOMPLETE):
                left = len(prompts) - number
                if left:
                    tell(f"turn {turn.number} ended {turn.status}; {_turns(left)} not sent")
                return Exit.FINDINGS
        return Exit.DONE

    def _check_model(self) -> None:
        """Raise UsageError when no model was named and none can be looked up, before anything is opened."""
        endpoint = self._plan.endpoint
        if self._args.prompts == ["-"] or self._settings.model or endpoint.has_model or endpoint.is_loopback:
            return
        raise UsageError(f"name a model with --model; {endpoint.authority} has no default one here")

    async def _chosen_model(self) -> str:
        """The model that was named; on loopback the first one that the server lists."""
        if self._settings.model or self._plan.endpoint.has_model:
            return self._settings.model
        try:
            listed = await list_models(self._plan)
        except ConnectError:
            return ""  # it may serve one model and list none
        if listed:
            tell(f"no --model given: {listed[0]}, the first that this server lists")
        return listed[0] if listed else ""

    def _create(self, prompt: str, parent: str | None) -> Create:
        args = self._args
        never_stores = self._settings.facts.stores == "never"  # such a server refuses a frame without `store`
        create = Create(
            text=prompt,
            model=self._model,
            instructions=args.instructions,
            effort=args.effort or "",
            max_output_tokens=args.max_output_tokens,
            tools=self._tools.tools,
            store=False if args.store is None and never_stores else args.store,
            lane=args.lane,
            parent=parent,
        )
        session = self._inspector.sessions.sessions.get(self._plan.session)
        facts = self._settings.facts.forecast_facts(self._settings.profile, self._settings.age_limit)
        read_record = self._inspector.recording.record
        carried = compose.over_http(create, self._inspector.sessions, session, read_record, profile=facts)
        if carried.parent != parent and not self._has_told_history:
            self._has_told_history = True
            tell(
                "HTTP remembers nothing and the last turn was not stored: the whole history goes along "
                "instead of a previous_response_id"
            )
        return carried

    async def _answer(self, talk: Conversation, turn: Turn | None) -> Turn | None:
        """Answer the calls of a turn as the command line says; None when one has no answer there."""
        while turn is not None and (calls := pending(self._inspector.sessions, turn)):
            unknown = [call for call in calls if call.name not in self._answers]
            if unknown:
                names = ", ".join(sorted({call.name or call.type for call in unknown}))
                tell(f"turn {turn.number} waits for {names}; give --answer NAME=OUTPUT for each")
                return None
            answered = [(call, answer(call, self._answers[call.name])) for call in calls]
            base = self._create("", turn.response_id)
            turn = await self._ask(talk, frame(answers_create(base, answered), self._shape))
        return turn

    async def _ask(self, talk: Conversation, text: str) -> Turn | None:
        first, errors = len(self._inspector.recording), talk.session.errors
        turn = await talk.ask(text)
        if turn is None:
            await talk.listen()
        self._flush()
        self._spoken.end_line()
        if turn is not None:
            _tell_turn(turn)
        elif talk.session.errors > errors:
            failure = talk.session.failure
            said = f"{failure.code} {failure.message}".strip() if failure is not None else ""
            tell(f"a frame began no turn, and the server answered with an error: {said or 'without a word'}")
        if turn is None or turn.status is Status.CUT:
            self._tell_ending(first)
        return turn

    def _tell_ending(self, first: int) -> None:
        """How the connection ended, where it did so since this record, and by whom."""
        recording = self._inspector.recording
        for number in range(first, len(recording)):
            if recording.kind_at(number) in _ENDINGS:
                by = recording.direction_at(number)
                is_lost = recording.kind_at(number) is Kind.LOST
                verb = "was lost" if is_lost else f"was closed by the {by}"
                tell(f"the connection {verb}: {summarize(recording, self._inspector.sessions, number).note}")
                return

    def _with_last(self, line: str) -> str:
        turns = [turn for turn in self._inspector.sessions.turns if turn.response_id]
        if not _LAST.search(line):
            return line
        if not turns:
            raise UsageError("a frame asks for @last, but no response has come yet")
        last = turns[-1].response_id
        tell(f"@last is {last}")
        return _LAST.sub(lambda found: found[1] + json.dumps(last), line)

    # Printing ----------------------------------------------------------------------------------------

    async def _print(self) -> None:
        follower = self._inspector.follow()
        try:
            while True:
                await follower.wait()
                follower.take()
                self._flush()
        finally:
            follower.close()

    def _flush(self) -> None:
        recording = self._inspector.recording
        if self._args.text:
            self._spoken.write()
        else:
            out = sys.stdout
            for number in range(self._printed, len(recording)):
                out.write(recording.line(number).decode())
            out.flush()
        for number in range(self._printed, len(recording)):
            if recording.kind_at(number) in _ASIDE and (said := recording.record(number).meta.get("said")):
                tell(str(said))
        self._printed = len(recording)

    def _failed(self, group: BaseExceptionGroup[Exception]) -> Exit:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        self._flush()
        self._spoken.end_line()
        if isinstance(error, RecordingError):
            tell(str(error))
            return Exit.RECORDING
        if isinstance(error, Silence):
            tell(str(error))
            if not self._has_spoken():
                silent = ConnectError(FailureClass.APP_SILENT, str(error))
                if self._speaks_http():
                    silent.cause = "The request was sent, and nothing has come back."
                self._tell_refusal(silent)
            return Exit.RAN_OUT
        assert isinstance(error, ConnectError)
        if self._is_policy_close():
            return self._refused_by_policy()
        ours = (one for one in self._inspector.recording if one.session == self._plan.session)
        refusals = [one for one in ours if one.kind is Kind.REFUSED]
        refused = refusals[-1] if refusals else None
        tell(str(error))
        self._tell_refusal(error, refused)
        return exit_code(error.failure_class)

    def _refused_at_once(self) -> Exit | None:
        """The exit code of a server that took no turn at all, told as a failed opening; None when it did."""
        if self._is_policy_close():
            return self._refused_by_policy()
        session = self._inspector.sessions.sessions.get(self._plan.session)
        refused = refusal_over_http(session, self._inspector.recording) if session is not None else None
        if refused is None:
            return None
        tell(str(refused))
        self._tell_refusal(refused)
        return exit_code(refused.failure_class)

    def _refused_by_policy(self) -> Exit:
        session = self._inspector.sessions.sessions[self._plan.session]
        error = ConnectError(FailureClass.POLICY_CLOSE, session.close_reason)
        tell(str(error))
        self._tell_refusal(error)
        return exit_code(error.failure_class)

    def _tell_refusal(self, error: ConnectError, refused: Record | None = None) -> None:
        plain = refusal(error, refused)
        tell(f"cause: {plain['cause']}")
        if error.body:
            tell("body: " + "\n      ".join(error.body.splitlines()[:6]))
        tell(f"try: {plain['remedy']}")
        if not self._args.text and (refused is not None or error.failure_class is not FailureClass.CLOSED):
            self._flush()
            write_line(plain)

    def _has_spoken(self) -> bool:
        """Whether the server has sent a message at all."""
        session = self._inspector.sessions.sessions.get(self._plan.session)
        return session is not None and session.frames_in > 0

    def _is_policy_close(self) -> bool:
        """Whether the server accepted the socket only to close it by policy."""
        is_silent = not self._speaks_http() and not self._has_spoken()
        return is_silent and is_policy_close(self._inspector.recording)

    def _speaks_http(self) -> bool:
        session = self._inspector.sessions.sessions.get(self._plan.session)
        return session is not None and session.is_http

    def _summarise(self) -> None:
        sessions = self._inspector.sessions
        path = self._inspector.recording.path
        if not self._args.text:
            session = sessions.sessions.get(self._plan.session)
            told = outcome.summary(sessions, session, str(path) if path else None, self._inspector.findings)
            write_line({**told, **self._tally()})

    def _tally(self) -> dict[str, Any]:
        """What the summary says beside the turns."""
        return {}

    def _close_recording(self, code: Exit) -> Exit:
        """Close the recording and say where it is; a write that failed at the very end counts like any."""
        recording = self._inspector.recording
        recording.close()
        if recording.failure is not None:
            if code is not Exit.RECORDING:
                tell(str(recording.failure))
            return Exit.RECORDING
        if recording.path is not None:
            count = len(recording)
            tell(f"recorded {count} record{'' if count == 1 else 's'} in {recording.path}")
        return code


def write_line(value: dict[str, Any]) -> None:
    """Write one object to stdout as a line of JSON."""
    sys.stdout.write(safe_json(json.dumps(value, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def _tell_turn(turn: Turn) -> None:
    response = turn.response
    usage = response.usage if response else None
    pieces = [f"turn {turn.number} {turn.status}"]
    if turn.time_to_first_token is not None:
        pieces.append(f"first token {turn.time_to_first_token * 1000:.0f} ms")
    if usage is not None:
        pieces.append(
            f"in {usage.input_tokens} ({usage.cached_tokens or 0} cached) out {usage.output_tokens}"
        )
    if turn.failure is not None:
        pieces.append(f"{turn.failure.code} {turn.failure.message}".strip())
    tell("  ".join(pieces))


def _turns(count: int) -> str:
    return "1 more turn was" if count == 1 else f"{count} more turns were"


def _tools(path: str | None) -> Tools:
    if path is None:
        return Tools((), (), ())
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the tools of {path}: {error}") from error
    loaded = load(text, path)
    for sentence in (*loaded.converted, *loaded.notes):
        tell(sentence)
    return loaded


def _pair(text: str) -> tuple[str, str]:
    name, equals, output = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--answer wants NAME=OUTPUT, not {text!r}")
    return name, output
