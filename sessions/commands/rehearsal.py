"""The run behind `turnscope send --from`: the client half of a recording, played on live sockets.

Its one rule: a frame leaves once, in the recorded order, when what it waited for has happened here too; only
ids that the live server gave anew are replaced in it. Afterwards every answer is compared by its shape.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sessions import ids
from sessions.commands.connection import settings_from
from sessions.commands.sending import Sending, write_line
from sessions.conversation import Conversation, Silence, converse
from sessions.errors import ConnectError, UsageError
from sessions.exits import Exit
from sessions.moves import Exchange, may_close_with, paired_ids
from sessions.safe import safe_json
from sessions.script import After, ClientStep, Frame, Leaving, Script, ScriptedSession
from sessions.session import Phase
from sessions.shape import Difference, differences, ending_difference
from sessions.talk import tell
from sessions.wire.clock import SystemClock
from sessions.wire.connect import connect

#: how long something that followed an ending in the recording is waited for, when nothing comes here
TRAILING_SECONDS = 2.0
_SHOWN = 48  # characters of an id or of sealed content


def print_frames(frames: Iterable[Frame]) -> None:
    """Write what would be sent to stdout, one JSON line a frame, ids as they were recorded."""
    for frame in frames:
        line: dict[str, Any] = {
            "event": "frame",
            "session": frame.session,
            "turn": frame.exchange or None,
            "type": frame.label or None,
            "record": frame.record,
            "after": [number for number, _ in frame.after.endings],
            "masked": frame.masked or None,
        }
        if frame.is_binary:
            line["hex"] = frame.payload.hex()
        else:
            line["raw"] = frame.payload.decode(errors="replace")
        sys.stdout.write(safe_json(json.dumps(line, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


class Rehearsal(Sending):
    """One run of the verb with --from.

    Raises UsageError for frames that cannot be sent as they were (with masked secrets, or not UTF-8), and for
    a way that is not a socket's.
    """

    def __init__(self, args: argparse.Namespace, script: Script, frames: list[Frame]) -> None:
        _check(frames, allows_masked=args.allow_masked)
        if settings_from(args).transport != "ws":
            raise UsageError(
                "--from plays frames on sockets; leave --transport out, or set it to ws. Over HTTP its "
                "creates are asked by: turnscope compare FILE BASE_URL --transport-b http"
            )
        super().__init__(args, sys.stdin)
        self._script = script
        self._plan = replace(self._plan, session=min(script.sessions))
        self._clock = SystemClock()
        self._heard = Script()  #: the live run, read as the recording was
        self._spare = itertools.count(max((*script.state.sessions, 0)) + 1).__next__
        self._counterparts: dict[int, int] = {}  #: number of a recorded exchange -> of the live one
        self._step = 0  #: index of the step that may be taken now
        self._given_up: set[int] = set()  #: sessions whose further steps are not taken
        self._openings: list[Difference] = []
        self._found: list[Difference] = []
        self._ended_lines = 0  #: turns whose text stands on lines of its own
        self._news = asyncio.Event()

    async def _speak(self) -> Exit:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(), name="watch")
            try:
                async with asyncio.TaskGroup() as sockets:
                    for number in self._script.sessions:
                        sockets.create_task(self._play(number), name=f"session {number}")
                self._hear()
            finally:
                watching.cancel()
        return Exit.DONE

    # One socket ------------------------------------------------------------------------------------------

    async def _play(self, number: int) -> None:
        recorded = self._script.sessions[number]
        steps = [(index, step) for index, step in enumerate(self._script.steps) if step.session == number]
        (first, opening), *rest = steps
        await self._until_ready(first, opening.after)
        live = connect(replace(self._plan, session=number, spare=self._spare), clock=self._clock)
        try:
            async with converse(live, self._inspector, number, self._args.silence) as talk:
                while number not in self._heard.sessions:
                    await self._news.wait()
                self._advance(first)
                tell(f"open {talk.session.url}  {talk.session.route}")
                if recorded.is_refused:
                    self._note_opening(recorded, None)
                for index, step in rest:
                    await self._take(talk, index, step)
                if not any(isinstance(step, Leaving) for _, step in rest):
                    await self._finish(talk, recorded)
        except ConnectError as error:
            session = self._inspector.sessions.sessions.get(number)
            if session is not None and session.phase is not Phase.REFUSED:
                return  # the socket ended under a frame; what was not sent is told at the end
            if not recorded.is_refused:
                raise
            self._note_opening(recorded, error)
        finally:
            self._given_up.add(number)
            self._advance(first)

    async def _take(self, talk: Conversation, index: int, step: ClientStep) -> None:
        await self._until_ready(index, step.after)
        if not talk.session.phase.is_over:
            if isinstance(step, Frame):
                await self._send(talk, step)
            elif isinstance(step, Leaving):
                code = step.code if may_close_with(step.code) else 1000
                await talk.close(code, step.reason if code == step.code else "")
        self._advance(index)

    async def _send(self, talk: Conversation, frame: Frame) -> None:
        self._end_lines()
        payload = ids.rewrite(frame.payload, self._live_names(frame))
        before, heard = len(self._heard.exchanges), self._heard.state.sessions[frame.session]
        sent = heard.frames_out
        await talk.send(payload if frame.is_binary else payload.decode())
        while heard.frames_out == sent and not talk.session.phase.is_over:
            await self._news.wait()
        if frame.is_create and len(self._heard.exchanges) > before:
            self._counterparts[frame.exchange] = before + 1

    def _live_names(self, frame: Frame) -> dict[str, str]:
        """What the ids of a frame are called on the live side, as far as it has their counterparts."""
        names: dict[str, str] = {}
        told = [one for one in dict.fromkeys(ids.named(frame.payload)) if self._script.giver(one)]
        for giver in {self._script.giver(one) for one in told}:
            if (live := self._live(giver)) is not None:
                names |= paired_ids(self._script.exchange(giver), live)
        for one in told:
            if one not in names:
                name = one if len(one) <= _SHOWN else f"{one[:_SHOWN]}..."
                tell(
                    f"turn {frame.exchange} names {name}, which has no counterpart here; it leaves as it was"
                )
        return names

    async def _finish(self, talk: Conversation, recorded: ScriptedSession) -> None:
        """Wait until everything is answered that was in the recording, and the end if the server made it."""
        exchanges = recorded.exchanges
        endings = tuple((one.number, one.endings) for one in exchanges)
        trailing = tuple((one.number, one.trailing) for one in exchanges[-1:] if one.trailing)
        messages = tuple((one.number, one.said) for one in exchanges if one.is_cut)
        after = After(endings, messages, trailing, recorded.is_answered)
        await self._until_answered(recorded.number, after)
        if recorded.ending is not None:
            try:
                async with asyncio.timeout(TRAILING_SECONDS + min(recorded.ending.pause_seconds, 60)):
                    while not talk.session.phase.is_over:
                        await self._news.wait()
            except TimeoutError:
                pass  # it stays open here; that is a difference, told at the end

    # Waiting ---------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        follower = self._inspector.follow()
        try:
            while True:
                await follower.wait()
                follower.take()
                self._hear()
        finally:
            follower.close()

    def _hear(self) -> None:
        recording = self._inspector.recording
        for number in range(self._heard.state.records, len(recording)):
            self._heard.add(recording.record(number))
        self._pulse()

    def _pulse(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _advance(self, index: int) -> None:
        """This step is taken; the next may be, past those of sockets that have been given up."""
        self._step = max(self._step, index + 1)
        steps = self._script.steps
        while self._step < len(steps) and steps[self._step].session in self._given_up:
            self._step += 1
        self._pulse()

    async def _until_ready(self, index: int, after: After) -> None:
        while self._step < index:
            await self._news.wait()
        await self._until_answered(self._script.steps[index].session, after)

    async def _until_answered(self, session: int, after: After) -> None:
        """Wait until what had come in the recording has come here; raises Silence when nothing more does."""
        while (lacking := self._lacking(session, after)) is not None:
            is_trailing = lacking.is_over
            seconds = TRAILING_SECONDS if is_trailing else self._args.silence
            try:
                async with asyncio.timeout(seconds or None):
                    await self._news.wait()
            except TimeoutError:
                if is_trailing:
                    return  # it does not come; the comparison will say so
                raise Silence(seconds, lacking.turns[-1]) from None

    def _lacking(self, session: int, after: After) -> Exchange | None:
        """A live exchange that has not come as far as its counterpart had; None when there is none."""
        late = None
        for number, over in after.endings:
            live = self._live(number)
            if live is not None and live.endings < over:
                if not live.is_over:
                    return live
                late = late or live
        for number, count in after.messages:
            live = self._live(number)
            if live is not None and live.said < count and not live.is_over:
                return live
        for number, label in after.trailing:
            live = self._live(number)
            if live is not None and live.trailing != label:
                late = late or live
        heard = self._heard.sessions.get(session)
        if after.is_answered and heard is not None and heard.asked and not heard.is_answered:
            late = late or heard.asked[0]
        if late is not None and self._inspector.sessions.sessions[late.session].phase.is_over:
            return None
        return late

    def _live(self, number: int) -> Exchange | None:
        found = self._counterparts.get(number)
        return self._heard.exchange(found) if found else None

    # The report ------------------------------------------------------------------------------------------

    def _note_opening(self, recorded: ScriptedSession, error: ConnectError | None) -> None:
        meta = recorded.opening.meta if recorded.opening is not None else {}
        was = str(meta.get("status") or meta.get("failure_class"))
        now = str(error.status or error.failure_class.value) if error is not None else "accepted"
        if was != now:
            here = "accepted" if error is None else f"refused with {now}"
            title = f"the opening was {here}; in the recording it was refused with {was}"
            self._openings.append(Difference(recorded.number, 0, "opening", was, now, title))

    def _end_lines(self) -> None:
        """Write what has come of the turns so far, and end the line of each that is over."""
        self._flush()
        turns = self._inspector.sessions.turns
        while self._ended_lines < len(turns) and not turns[self._ended_lines].is_live:
            self._spoken.end_line()
            self._ended_lines += 1

    def _summarise(self) -> None:
        self._hear()
        self._end_lines()
        self._found = list(self._compared())
        for one in self._found:
            where = f"turn {one.turn}" if one.turn else f"session {one.session}"
            tell(f"{where}: {one.title}")
            if not self._args.text:
                write_line({"event": "difference", **one._asdict()})
        if not self._found:
            tell("every answer has the recorded shape")
        super()._summarise()

    def _tally(self) -> dict[str, Any]:
        return {"compared": len(self._counterparts), "differences": len(self._found)}

    def _compared(self) -> Iterable[Difference]:
        yield from self._openings
        for number, recorded in self._script.sessions.items():
            live = self._heard.sessions.get(number)
            was_open = live is not None and not live.is_refused
            for exchange in recorded.exchanges:
                counterpart = self._live(exchange.number)
                if counterpart is None:
                    why = "the socket had ended" if was_open else "there was no socket"
                    title = f"its create was not sent: {why}"
                    yield Difference(number, exchange.number, "unsent", True, False, title)
                else:
                    yield from differences(exchange, counterpart)
            if live is not None and was_open and not recorded.is_refused:
                yield from differences(recorded.prelude, live.prelude)
                if (ending := ending_difference(recorded, live)) is not None:
                    yield ending

    def _verdict(self, code: Exit) -> Exit:
        if code in (Exit.DONE, Exit.FINDINGS):
            return Exit.FINDINGS if self._found else Exit.DONE
        return code


def _check(frames: Iterable[Frame], *, allows_masked: bool) -> None:
    for frame in frames:
        where = f"record {frame.record}, a {frame.label or 'frame'} of session {frame.session},"
        if frame.masked and not allows_masked:
            raise UsageError(
                f"{where} was recorded with secrets masked ({frame.masked}) and cannot be sent as it was; "
                "--allow-masked sends it with *** in their places"
            )
        if not frame.is_binary:
            try:
                frame.payload.decode()
            except UnicodeDecodeError:
                raise UsageError(
                    f"{where} is not UTF-8, as a text frame must be; it cannot be sent"
                ) from None
