"""Answers one connection as a recorded server did: what was said, when, under new ids.

Its one rule: what it says is what was recorded, with new ids in the places of the old; nothing is made up.
Where the recording has no counterpart it says so, in an error frame and on stderr, and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sessions import ids
from sessions.events import Event, Undecodable, whole
from sessions.moves import LOST, NO_CODE, Ending, Exchange, Heard, Said, may_close_with
from sessions.script import ScriptedSession
from sessions.talk import tell
from sessions.wire.scenarios import steering
from sessions.wire.scenarios.cast import Cast, fields_of
from sessions.wire.scenarios.delivery import CLOSE_SECONDS, Delivery
from sessions.wire.scenarios.log import Visit
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.setting import Setting
from sessions.wire.scenarios.socket import Message, Socket

#: how long an answer waits for a frame that the recorded client had sent by then
HEARD_SECONDS = 5.0
_BREATH = 64  # messages between two looks at the other lanes
_AT_ONCE_SECONDS = 0.0005  # shorter pauses are added up
_NOT_RECORDED = "not_in_recording"


class _Stream:
    """One exchange while it is played on one connection."""

    def __init__(self, exchange: Exchange, lane: str | None) -> None:
        self.exchange = exchange
        self.lane = lane  #: as this client names it
        self.played = 0
        self.is_done = False
        self.is_ending = False
        self.awaited = [move for move in exchange.moves if isinstance(move, Heard)]
        self.heard: set[int] = set()  #: records of the recorded frames whose counterpart has come


class RecordedConnection:
    """One connection that is answered from a recording."""

    def __init__(
        self, socket: Socket, setting: Setting, visit: Visit, cast: Cast, session: ScriptedSession
    ) -> None:
        self._socket = socket
        self._out = Delivery(socket, setting.options, visit)
        self._setting = setting
        self._visit = visit
        self._cast = cast
        self._session = session
        self._names = cast.new_names(session)
        self._lanes: dict[str, str] = {}  #: this client's lane -> the recorded one
        self._streams: dict[int, _Stream] = {}
        self._creates = 0
        self._tasks: asyncio.TaskGroup
        self._playing: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    async def run(self, first: bytes) -> None:
        """Speak until the connection ends; `first` are bytes that came with the upgrade."""
        try:
            async with asyncio.timeout(None) as deadline:
                self._out.deadline = deadline
                if not self._socket.is_open:  # rejected already
                    self._out.end_in(CLOSE_SECONDS)
                await self._converse(first)
        except TimeoutError:
            self._socket.abort(is_reset=False)

    def reject(self, code: int, reason: str) -> None:
        """Close at once what has only just been accepted."""
        self._out.close(code, reason)

    async def shut(self) -> None:
        """Say that the server goes away."""
        self._socket.close(1001, "the fake server stops")

    async def _converse(self, first: bytes) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._begin(self._session.prelude, None)
            try:
                async for message in self._socket.messages(first):
                    self._receive(message)
                    await self._socket.flush()
            except ConnectionError:
                pass  # the client has gone without a word
            finally:
                for task in self._playing:
                    task.cancel()

    # Frames in -------------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        self._visit.received.append(message.payload)
        if not self._socket.is_open:
            return
        event = whole(message.payload)
        if isinstance(event, Event) and event.type == "response.create":
            self._create(event)
        else:
            self._hear(event)

    def _create(self, event: Event) -> None:
        self._creates += 1
        if self._creates == 1 and not self._session.prelude.moves:
            chosen = self._cast.choose(self._session, event)
            if chosen is not self._session:
                self._session = chosen
                self._names = self._cast.new_names(chosen)
        exchange = self._counterpart(event)
        if exchange is None:
            lane = f" on lane {event.stream_id}" if event.stream_id else ""
            told = (
                f"The recording has no counterpart of turn {self._creates}{lane}: session "
                f"{self._session.number} has {_turns(len(self._session.exchanges))}."
            )
            tell(f"connection {self._visit.number}: {told}")
            wrong = Problem(400, _NOT_RECORDED, told)
            self._out.send(self._setting.dialect.error(wrong, event.stream_id, self._setting.ids))
            return
        parent = fields_of(event).get("previous_response_id")
        if exchange.parent and isinstance(parent, str):
            self._names[exchange.parent] = parent
        self._begin(exchange, event.stream_id)

    def _counterpart(self, create: Event) -> Exchange | None:
        """The first exchange of this lane not played yet; before it, one that continues the same parent."""
        lane = self._recorded_lane(create.stream_id)
        waiting = [
            one for one in self._session.exchanges if one.lane == lane and one.number not in self._streams
        ]
        told = fields_of(create).get("previous_response_id")
        parent = self._cast.recorded.get(told) if isinstance(told, str) else None
        for one in waiting:
            if parent is not None and one.parent == parent:
                return one
        return waiting[0] if waiting else None

    def _recorded_lane(self, lane: str | None) -> str | None:
        """The recorded lane that a lane of this client stands for: of its name, else the next named one."""
        if lane is None or lane in self._lanes:
            return self._lanes.get(lane or "")
        names = [one for one in self._session.newest if one is not None]
        free = [one for one in names if one not in self._lanes.values()]
        self._lanes[lane] = lane if lane in names or not free else free[0]
        return self._lanes[lane]

    def _hear(self, event: Event | Undecodable) -> None:
        """Take any other frame: the oldest recorded one of its type that is still awaited has come."""
        label = event.type if isinstance(event, Event) else ""
        for stream in self._streams.values():
            for move in stream.awaited:
                if move.label == label and move.record not in stream.heard:
                    stream.heard.add(move.record)
                    if label == "response.steer" and isinstance(event, Event):
                        self._bind_steer(event)
                    self._pulse()
                    return
        tell(f"connection {self._visit.number}: the recording has no counterpart of {label or 'a frame'}")
        if label == "response.steer" and isinstance(event, Event):
            wrong = Problem(400, _NOT_RECORDED, "The recording has no counterpart of this steer.")
            self._out.send(steering.failed(event.body, wrong))

    def _bind_steer(self, event: Event) -> None:
        target = event.body.get("previous_response_id")
        if isinstance(target, str) and (old := self._cast.recorded.get(target)):
            self._names[old] = target

    # Answers ---------------------------------------------------------------------------------------------

    def _begin(self, exchange: Exchange, lane: str | None) -> None:
        stream = self._streams[exchange.number] = _Stream(exchange, lane)
        task = self._tasks.create_task(self._play(stream))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _play(self, stream: _Stream) -> None:
        try:
            await self._follow(stream)
            await self._say(stream)
        except ConnectionError:
            pass  # the client has gone; reading ends as well
        finally:
            stream.is_done = True
            self._pulse()

    async def _follow(self, stream: _Stream) -> None:
        """Wait for what came before the first answer on the same lane."""
        number, count = stream.exchange.follows
        earlier = self._streams.get(number)
        if earlier is not None:
            await self._until(lambda: earlier.is_done or earlier.played >= count)

    async def _say(self, stream: _Stream) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        moves = stream.exchange.moves
        spoken = max((at for at, move in enumerate(moves) if not isinstance(move, Heard)), default=-1)
        for at, move in enumerate(moves):
            match move:
                case Heard():
                    if at < spoken:  # nothing hangs on a frame after which nothing was said
                        await self._await_frame(stream, move)
                        due = clock()
                case Said():
                    due += self._pause(move)
                    if (ahead := due - clock()) > _AT_ONCE_SECONDS:
                        await self._out.flush()
                        await asyncio.sleep(ahead)
                    self._send(stream, move)
                    if stream.played % _BREATH == 0:
                        await self._out.flush()
                        await asyncio.sleep(0)
                case Ending():
                    await self._end(stream, move)
            stream.played += 1
        await self._out.flush()
        if stream.exchange.is_cut and self._session.ending is None and self._socket.is_open:
            await self._break_off(stream)

    def _pause(self, move: Said) -> float:
        options = self._setting.options
        if options.rate:
            return 1 / options.rate if move.type.endswith(".delta") else 0.0
        return move.pause_seconds if options.pace == "recorded" else 0.0

    def _send(self, stream: _Stream, move: Said) -> None:
        payload = ids.rewrite(move.payload, self._names)
        lane = stream.exchange.lane
        if lane is not None and stream.lane is not None and lane != stream.lane:
            payload = ids.rename_lane(payload, lane, stream.lane)
        if move.is_binary:
            self._socket.send_binary(payload)
        else:
            self._out.send_all([payload])

    async def _await_frame(self, stream: _Stream, move: Heard) -> None:
        await self._out.flush()
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await self._until(lambda: move.record in stream.heard)
        except TimeoutError:
            stream.heard.add(move.record)
            tell(
                f"connection {self._visit.number}: {move.label or 'a frame'} of the recording did not come; "
                "the answer goes on"
            )

    async def _break_off(self, stream: _Stream) -> None:
        """Say that an answer has no end; where the recording breaks off in it, lose the connection."""
        exchange = stream.exchange
        told = f"connection {self._visit.number}: the recording has no more of turn {exchange.number}"
        if not self._session.breaks_off or self._session.newest.get(exchange.lane) is not exchange:
            tell(told)  # its client went, or went on: this one may, too
            return
        tell(f"{told}, nor how its connection ended: this one is lost here")
        await self._others(stream)
        self._socket.abort(is_reset=False)

    async def _others(self, stream: _Stream) -> None:
        """Wait until everything else that was begun has been said."""
        stream.is_ending = True
        await self._out.flush()
        others = [one for one in self._streams.values() if one is not stream]
        await self._until(lambda: all(one.is_done or one.is_ending for one in others))

    async def _end(self, stream: _Stream, move: Ending) -> None:
        """End the socket as the recorded server did, once everything else that was begun has been said."""
        await self._others(stream)
        if self._setting.options.pace == "recorded" and not self._setting.options.rate:
            await asyncio.sleep(move.pause_seconds)
        if move.code == LOST:
            self._socket.abort(is_reset="reset" in move.reason.lower())
        elif move.code == NO_CODE:
            self._out.close(None, "")
        elif may_close_with(move.code):
            self._out.close(move.code, move.reason)
        else:
            tell(
                f"connection {self._visit.number}: no close frame may carry {move.code}; TCP ends without one"
            )
            self._socket.abort(is_reset=False)

    # Waiting ---------------------------------------------------------------------------------------------

    def _pulse(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            await self._news.wait()


def _turns(count: int) -> str:
    return f"{count} turn{'' if count == 1 else 's'}"
