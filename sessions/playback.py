"""A recording behind a playhead: play, pause, step, seek; on by folding, back by a checkpoint.

Its one rule: the state is always exactly what the records before the playhead add up to. It sleeps never and
works no longer than it is allowed: whoever drives it calls `advance` and is told when to call again. Nothing
is written and nothing can be sent.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from enum import StrEnum
from time import perf_counter

from sessions.changes import Change, What
from sessions.checkpoints import INTERVAL, Checkpoints
from sessions.contract import Status
from sessions.inspector import Follower, Inspector
from sessions.moment import Measure, Moment
from sessions.reading import Reading
from sessions.source import Clock

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, math.inf)
SILENCE_SECONDS = 2.0  #: what remains of a longer silence while silences are shortened
_LOOK_SECONDS = 0.1  # between two looks whether the file has grown
_IDLE_SECONDS = 0.25
_REST_SECONDS = 0.02  # between two slices while the rest of a file is read for nobody in a hurry
_READ_SHARE = 0.3  # of an allowance, for finding records; the rest is for folding them
_END = sys.maxsize  # a target: wherever the end will be
_NEAR = 500  # records
_DUE = 4_096  # records looked at for being due, in one go
_SHORTEST_SECONDS = 0.0005
_FAILED = frozenset(status.value for status in (Status.FAILED, Status.ERRORED, Status.CUT))


class Pace(StrEnum):
    """What the playhead does."""

    PAUSED = "paused"
    PLAYING = "playing"
    LIVE = "live"  #: it stays at the end of a file that grows


class Playback:
    """One reading, a playhead in it, and the state at the playhead."""

    def __init__(
        self,
        reading: Reading,
        clock: Clock,
        *,
        is_live: bool = False,
        is_piped: bool = False,
        habits: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`is_piped`: somebody hands it over, perhaps long after it was recorded, so its own times count."""
        self.reading = reading
        self.inspector = Inspector(
            reading, habits=habits
        )  #: replaced by another one whenever the playhead goes back
        self.pace = Pace.LIVE if is_live else Pace.PAUSED
        self.speed = 1.0
        self.is_shortening = False  #: whether silences are shortened to two seconds
        self.turns = array("q")  #: the record with which each turn began, in the order of the turns
        self.errors = array("q")  #: records that brought an error
        self._clock = clock
        self._checkpoints = Checkpoints()
        self._follower: Follower = self.inspector.follow()
        self._near = -1  # where to keep a state on the way to a place that was gone back to
        self._marked = 0  # records whose marks are known
        self._time = 0.0
        self._driven_at = clock.elapsed()
        self._looked_at = -math.inf
        self._is_piped = is_piped
        self._arrived_at = clock.elapsed()  # when the last record did
        self._has_all = False  # nothing more could be read when it was looked last
        self._is_growing = True
        self._target: int | None = _END  # a number of records to fold up to; None: nowhere to go
        self._target_time = 0.0
        self._sought_time: float | None = None  # where a time is gone to that is not read yet
        self._hunted: tuple[array[int], int] | None = None  # marks, and the index of one that is looked for

    # Where it stands -----------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Records before the playhead."""
        return len(self.reading)

    @property
    def known(self) -> int:
        """Records found in the file so far."""
        return self.reading.known

    @property
    def expected(self) -> int:
        """Records that the file seems to have: its lines are counted long before all of them are known."""
        return self.reading.expected

    @property
    def is_growing(self) -> bool:
        """Whether somebody still writes the file."""
        return self._is_growing

    @property
    def is_complete(self) -> bool:
        """Whether every record that has been written so far is known."""
        return self._has_all

    @property
    def has_all_marks(self) -> bool:
        """Whether every turn and every error that has been written so far is known."""
        return self._has_all and self._marked >= self.known

    @property
    def is_folding(self) -> bool:
        """Whether the playhead is on its way to where it was told to be."""
        return self._target is not None

    @property
    def is_at_end(self) -> bool:
        """Whether nothing stands behind the playhead."""
        return self._has_all and self.position >= self.known

    @property
    def share(self) -> float:
        """How much of the file has been folded, from 0 to 1."""
        if not self.expected:
            return 0.0
        total = self.reading.bytes_total()
        found = 1.0 if self._has_all or not total else min(1.0, self.reading.bytes_found / total)
        return found * self.position / self.expected

    @property
    def duration(self) -> float:
        """Recording time of the last record, in seconds; it is looked up long before all are known."""
        return self.reading.last_elapsed()

    def elapsed(self) -> float:
        """Recording time at the playhead, in seconds; at the live edge it runs on between records."""
        return self._time

    def wall(self) -> int:
        """Wall time at the playhead, in microseconds since the epoch, UTC."""
        if not self.known:
            return self._clock.wall()
        at = max(0, self.position - 1)
        return self.reading.wall_at(at) + round((self._time - self.reading.elapsed_at(at)) * 1_000_000)

    # What a person does --------------------------------------------------------------------------------

    def play(self) -> None:
        """Play from here; from the start when the playhead is at the end, or on its way there."""
        is_on_its_way = self._target == _END and self._hunted is None and self._sought_time is None
        if is_on_its_way or (self.is_at_end and not self._is_growing):
            self.seek(0)
        self.pace = Pace.PLAYING

    def pause(self) -> None:
        """Stay here."""
        self.pace = Pace.PAUSED

    def go_live(self) -> None:
        """To the end, and stay there while the file grows; paused there when it does not."""
        self._come_near(self.known)
        self._hunted, self._sought_time, self._target = None, None, _END
        self.pace = Pace.LIVE if self._is_growing else Pace.PAUSED

    def change_speed(self, steps: int) -> float:
        """Faster or slower by so many steps of `SPEEDS`; returns the speed."""
        near = bisect_right(SPEEDS, self.speed) - 1 if steps > 0 else bisect_left(SPEEDS, self.speed)
        at = min(max(0, near + steps), len(SPEEDS) - 1)
        self.speed = SPEEDS[at]
        return self.speed

    def seek(self, count: int, elapsed: float = 0.0) -> None:
        """Put the playhead behind so many records, and not before `elapsed` seconds.

        A checkpoint on the way is taken up at once; what is left of the way is folded by `advance`, which
        waits for records that are not known yet.
        """
        count = max(0, min(count, self.expected))
        self._come_near(count)
        self._hunted = self._sought_time = None
        self._target, self._target_time = count, elapsed
        if self.pace is Pace.LIVE:
            self.pace = Pace.PAUSED
        self._arrive()

    def seek_time(self, elapsed: float) -> None:
        """Put the playhead at this recording time; beyond the end it is the end."""
        elapsed = max(0.0, min(elapsed, self.duration))
        count = self.reading.number_at(elapsed)
        self.seek(count, elapsed)
        if count == self.known and not self._has_all:  # it is on its way to a time that nobody has read yet
            self._target, self._sought_time = _END, elapsed

    def objection(self, moment: Moment) -> str:
        """Why the recording has no such moment, as far as it is known; "" when it has."""
        if moment.measure is Measure.RECORD and moment.value >= self.expected:
            last = f"the last one known is #{self.expected - 1}" if self.expected else "none is known yet"
            return f"there is no record #{moment.value:.0f}: {last}"
        count = len(self.turns)
        is_later = moment.value > count and not self.has_all_marks  # it may come, and is waited for
        if moment.measure is Measure.TURN and not 0 < moment.value <= count and not is_later:
            known = f"they go from T1 to T{count}" if count else "none is known yet"
            return f"there is no turn T{moment.value:.0f}: {known}"
        return ""

    def go_to(self, moment: Moment) -> None:
        """Put the playhead at a moment; raises ValueError with the objection when there is none such."""
        if objection := self.objection(moment):
            raise ValueError(objection)
        match moment.measure:
            case Measure.END:
                self.go_live()
            case Measure.SECONDS:
                self.seek_time(moment.value)
            case Measure.STEP:
                self.seek_time(self._time + moment.value)
            case Measure.SHARE:
                self.seek_time(moment.value * self.duration)
            case Measure.RECORD:
                self.seek(int(moment.value) + 1)
            case Measure.TURN:
                self._go_to_turn(int(moment.value))

    def _go_to_turn(self, number: int) -> None:
        if number <= len(self.turns):
            self.seek(self.turns[number - 1] + 1)
        else:
            self._hunt(self.turns, number - 1)

    def step_event(self, step: int) -> None:
        """Pause one record on, or back."""
        self.pace = Pace.PAUSED
        self.seek(self.place + step)

    def step_turn(self, step: int, place: int | None = None) -> bool:
        """Pause where the next turn begins, or the one before; False when it is known that there is none.

        The step is made from the playhead, or from `place`, a number of records.
        """
        return self._step_to(self.turns, step, place)

    def step_error(self, step: int, place: int | None = None) -> bool:
        """Pause at the next error, or the one before, as `step_turn` does with turns."""
        return self._step_to(self.errors, step, place)

    @property
    def place(self) -> int:
        """Where the playhead stands, or was sent to: quick keys are steps from there."""
        return self.position if self._target in (None, _END) else self._target

    def _step_to(self, marks: array[int], step: int, place: int | None) -> bool:
        self.pace = Pace.PAUSED
        place = self.place if place is None else place
        at = bisect_left(marks, place - 1) - 1 if step < 0 else bisect_left(marks, place)
        if 0 <= at < len(marks):
            self.seek(marks[at] + 1)
            return True
        if step < 0 or self.has_all_marks:
            return False
        self._hunt(marks, bisect_left(marks, place))
        return True

    def _hunt(self, marks: array[int], index: int) -> None:
        """Fold on until there are more marks than this index; to the end when there never are."""
        self.pace = Pace.PAUSED
        self._come_near(self._marked)
        self._hunted, self._sought_time, self._target = (marks, index), None, _END

    # What time does ------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> float:
        """Read and fold on for at most so many seconds; returns in how many seconds to call again."""
        end = perf_counter() + seconds
        now = self._clock.elapsed()
        passed, self._driven_at = max(0.0, now - self._driven_at), now
        self._read_on(now, seconds)
        limit = self._limit(passed)
        while self.position < limit and perf_counter() < end:
            self._fold(limit, max(_SHORTEST_SECONDS, end - perf_counter()))
            limit = min(limit, self._limit(0.0))
        if self._target is not None:
            self._arrive()
            return 0.0
        return self._wait(limit)

    def _read_on(self, now: float, seconds: float) -> None:
        if self._has_all and now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        # Asked before it is read: who ends in between has written everything that is found now.
        self._is_growing = self.reading.is_growing()
        if self.position and self.reading.find_on(seconds):
            return  # behind the first screen all lines are counted before more of them are read
        found = self.reading.read_on(seconds * _READ_SHARE)
        if found:
            self._arrived_at = now
        self._has_all = not found or self.reading.bytes_known >= self.reading.bytes_total()

    def _limit(self, passed: float) -> int:
        """The number of records up to which to fold; moves the playhead's time while it plays."""
        if self._sought_time is not None:
            count = self.reading.number_at(self._sought_time)
            if count < self.known or self._has_all:
                self._target, self._target_time, self._sought_time = count, self._sought_time, None
            return count
        if self._target is not None:
            return min(self._target, self.known)
        if self.pace is Pace.PAUSED:
            return self.position
        if self.pace is Pace.LIVE or math.isinf(self.speed):
            return self.known
        self._time += passed * self.speed
        return self._due()

    def _due(self) -> int:
        """How many records lie before the playhead's time; a silence ahead of it may be shortened."""
        elapsed_at, position = self.reading.elapsed_at, self.position
        if position >= self.known:
            return position
        following = elapsed_at(position)
        if self.is_shortening and following - self._time > SILENCE_SECONDS:
            self._time = following - SILENCE_SECONDS
        limit = min(self.known, position + _DUE)
        while position < limit and elapsed_at(position) <= self._time:
            position += 1
        return position

    def _fold(self, limit: int, seconds: float) -> None:
        is_before = self.position < self._near
        self.inspector.show_on(min(limit, self._near) if is_before else limit, seconds)
        position = self.position
        if is_before and position == self._near:
            self._checkpoints.keep(self.inspector.sessions, position)
        else:
            self._checkpoints.note(self.inspector.sessions, position)
        changes = self._follower.take().changes
        if position > self._marked:
            self._mark(changes, position)

    def _mark(self, changes: tuple[Change, ...], position: int) -> None:
        for change in changes:
            is_new = change.record >= self._marked and change.record not in self.errors[-1:]
            if is_new and is_error(change):
                self.errors.append(change.record)
        for turn in self.inspector.sessions.turns[len(self.turns) :]:
            first = (
                turn.create
                if turn.create >= 0
                else turn.responses[0].first
                if turn.responses
                else position - 1
            )
            self.turns.append(first)
        self._marked = position
        if self._hunted is not None:
            marks, index = self._hunted
            if index < len(marks):
                self.seek(marks[index] + 1)

    def _arrive(self) -> None:
        """Stop where the playhead was sent to, once it is there."""
        position = self.position
        before = self.reading.elapsed_at(position - 1) if position else 0.0
        is_there = self.is_at_end if self._target is None else position >= self._target or self.is_at_end
        self._time = max(before, self._target_time) if is_there else before
        if is_there:
            self._target, self._hunted, self._target_time = None, None, 0.0
            self._sought_time = None

    def _wait(self, limit: int) -> float:
        """In how many seconds something is due; the playhead waits for work that is late."""
        if self.pace is Pace.LIVE:
            self._run_on()
            return _LOOK_SECONDS
        if self.pace is Pace.PAUSED:
            return _IDLE_SECONDS if self._has_all else _REST_SECONDS
        position = self.position
        if position and (position < limit or math.isinf(self.speed)):
            self._time = self.reading.elapsed_at(position - 1)
        if self.is_at_end:
            self._time = min(self._time, self.duration)
            self.pace = Pace.LIVE if self._is_growing else Pace.PAUSED
            return _LOOK_SECONDS
        if position < limit or position >= self.known or math.isinf(self.speed):
            return 0.0
        return max(0.0, (self.reading.elapsed_at(position) - self._time) / self.speed)

    def _run_on(self) -> None:
        """At the live edge it is as late as the last record's time and what has passed since.

        It never goes back but for what is piped in, which may stop and come at any speed. Where every
        connection has ended nothing ages: a finished recording may come through a pipe.
        """
        if self.known:
            last = self.known - 1
            at = self.reading.elapsed_at(last)
            is_open = any(not one.phase.is_over for one in self.inspector.sessions.sessions.values())
            if self._is_growing and is_open:
                since = (self._clock.wall() - self.reading.wall_at(last)) / 1_000_000
                at += max(0.0, self._clock.elapsed() - self._arrived_at if self._is_piped else since)
            self._time = at if self._is_piped else max(self._time, at)

    def _come_near(self, count: int) -> None:
        """Take up a checkpoint where that is the only way, or spares folding much."""
        if self.position <= count < self.position + INTERVAL:
            return
        sessions, start = self._checkpoints.restore(count)
        if self.position <= count and start <= self.position:
            return
        # Who goes back a step goes back another: that one is to be quicker.
        self._near = count - _NEAR if count - start > 2 * _NEAR else -1
        self._follower.close()
        self.reading.show(start)
        self.inspector = Inspector(self.reading, sessions=sessions, judge=self.inspector.judge)
        self._follower = self.inspector.follow(start)


def is_error(change: Change) -> bool:
    """Whether a change is one that a person who looks for errors means."""
    match change.what:
        case What.ERROR | What.UNDECODABLE:
            return True
        case What.RESPONSE | What.TURN:
            return change.detail.removeprefix("late ") in _FAILED
        case What.SESSION:
            return change.detail in ("refused", "lost")
        case _:
            return False
