"""States of a recording kept along the way, so that going back does not begin at zero.

Its one rule: a restored state is one of its own, equal to a fold of the same records. A checkpoint holds the
small objects as they were; what only grows (texts, columns) and what never changes (bodies of items) it
holds by reference and length. The number of checkpoints, and what they cost, are bounded.
"""

from __future__ import annotations

import io
import pickle
import zlib
from array import array
from bisect import bisect_right
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from sessions.items import Item, Part
from sessions.reducer import Sessions
from sessions.session import Lane, Response, Turn
from sessions.text import Mark, Text

INTERVAL = 10_000  # records from one checkpoint to the next, while the state is small
_BUDGET = 1 << 20  # bytes of all checkpoints together, about, and as many more for each record:
_BUDGET_PER_RECORD = 1
#: bytes of a checkpoint that cost about as much as one record that is folded; ten times that is fair
_DEAR = 40
_REFERENCE_BYTES = 8


class _Kept:
    """Something that is not copied: it stands at this index beside the checkpoint."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Checkpoint(NamedTuple):
    """The state after `seen` records."""

    seen: int
    objects: bytes  #: compressed, to about a tenth
    kept: list[Any]
    lengths: dict[str, int]  #: of the columns
    weight: int  #: bytes, about


class Checkpoints:
    """States at some of the records of one recording, thinned when they become heavy."""

    def __init__(self, interval: int = INTERVAL, budget: int = _BUDGET) -> None:
        self._interval = interval
        self._budget = budget
        self._checkpoints: list[Checkpoint] = []  #: ascending by what they have seen
        self._due = interval
        #: of the longest state so far; those of a shorter one begin as these do, for the records are the same
        self._columns: dict[str, array[Any] | list[str]] = {}

    def __len__(self) -> int:
        return len(self._checkpoints)

    @property
    def weight(self) -> int:
        """Bytes of all checkpoints, about."""
        return sum(one.weight for one in self._checkpoints)

    def note(self, sessions: Sessions, count: int) -> None:
        """Remember the state after `count` records, when a checkpoint is due; else cost nothing.

        To be called while a recording is folded forward, as often as one likes. The larger the state, the
        further apart checkpoints are, so that they never cost more than a fraction of the folding.
        """
        if count >= self._due:
            self.keep(sessions, count)

    def keep(self, sessions: Sessions, count: int) -> None:
        """Remember the state after `count` records now, for a place that is about to be visited again."""
        place = bisect_right(self._checkpoints, count, key=_seen_by)
        if place and self._checkpoints[place - 1].seen == count:
            return
        try:
            made, size = _made(sessions, count)
        except RecursionError:
            return  # something in it is nested too deeply; the next one up, or zero, is further to go
        self._checkpoints.insert(place, made)
        for name, column in _columns(sessions).items():
            if len(column) >= len(self._columns.get(name, ())):
                self._columns[name] = column
        self._due = max(self._due, count + max(self._interval, size // _DEAR))
        if self.weight > self._budget + _BUDGET_PER_RECORD * count:
            # what is nearest to the end is wanted most often, so the newest stays
            self._checkpoints = [*self._checkpoints[:-1][1::2], self._checkpoints[-1]]
            self._interval *= 2

    def restore(self, count: int) -> tuple[Sessions, int]:
        """A state of its own at the nearest checkpoint up to `count`, and how many records it has seen.

        Without one it is an empty state, and 0. The caller folds the records from there.
        """
        place = bisect_right(self._checkpoints, count, key=_seen_by)
        if not place:
            return Sessions(), 0
        found = self._checkpoints[place - 1]
        sessions = Sessions()
        vars(sessions).update(_Unpickler(io.BytesIO(zlib.decompress(found.objects)), found.kept).load())
        for name, length in found.lengths.items():
            setattr(sessions, name, self._columns[name][:length])
        sessions._type_ids = {name: index for index, name in enumerate(sessions.type_names)}
        return sessions, found.seen


def _seen_by(checkpoint: Checkpoint) -> int:
    return checkpoint.seen


def _columns(sessions: Sessions) -> dict[str, array[Any] | list[str]]:
    """What a state has for each record or each type, by name; it only grows."""
    columns: dict[str, array[Any] | list[str]] = {"type_names": sessions.type_names}
    return columns | {name: one for name, one in vars(sessions).items() if type(one) is array}


def _made(sessions: Sessions, count: int) -> tuple[Checkpoint, int]:
    """A checkpoint, and the size of its objects before they were compressed."""
    columns = _columns(sessions)
    aside = {*columns, "_type_ids"}  # the ids are made from the names
    kept: list[Any] = []
    file = io.BytesIO()
    _Pickler(file, kept).dump({name: one for name, one in vars(sessions).items() if name not in aside})
    objects = zlib.compress(file.getbuffer(), 1)
    lengths = {name: len(column) for name, column in columns.items()}
    weight = len(objects) + _REFERENCE_BYTES * len(kept)
    return Checkpoint(count, objects, kept, lengths, weight), file.tell()


def _place(kept: list[Any], one: Any) -> int:
    kept.append(one)
    return len(kept) - 1


def _again(index: int) -> Any:
    raise NotImplementedError(f"kept thing {index} is only found by the checkpoint's own reader")


#: the values of an object's slots in their order; plain tuples, because all of them live until the end
_READ = {kind: attrgetter(*kind.__slots__) for kind in (Turn, Response, Lane, Item, Part)}
_ANNOTATIONS, _BODY = Part.__slots__.index("annotations"), Item.__slots__.index("body")


def _values(one: Any) -> tuple[Any, tuple[type, tuple[Any, ...]]]:
    kind = type(one)
    return _filled, (kind, _READ[kind](one))


def _filled(kind: Any, values: tuple[Any, ...]) -> Any:
    one = kind.__new__(kind)
    for name, value in zip(kind.__slots__, values, strict=True):
        setattr(one, name, value)
    return one


class _Pickler(pickle.Pickler):
    """Writes small objects, and the place of what is kept beside them."""

    def __init__(self, file: io.BytesIO, kept: list[Any]) -> None:
        super().__init__(file, protocol=5)

        # Functions and no methods: nothing here refers back, so all of it goes at once when it is written.
        def written_text(text: Text) -> tuple[Any, ...]:
            return _again, (_place(kept, text.mark()),)

        def written_part(part: Part) -> tuple[Any, ...]:
            return without(part, _ANNOTATIONS, len(part.annotations))

        def written_item(item: Item) -> tuple[Any, ...]:
            return without(item, _BODY, 0)

        def without(one: Part | Item, slot: int, length: int) -> tuple[Any, ...]:
            """How to make an object again, with one slot, whose values nobody changes, kept beside it."""
            make, (kind, values) = _values(one)
            if value := values[slot]:
                place = _place(kept, (value, length) if length else value)
                values = (*values[:slot], _Kept(place), *values[slot + 1 :])
            return make, (kind, values)

        self.dispatch_table = {
            _Kept: lambda one: (_again, (one.index,)),
            Text: written_text,
            Part: written_part,
            Item: written_item,
            **dict.fromkeys((Turn, Response, Lane), _values),
        }


class _Unpickler(pickle.Unpickler):
    """Reads only what `_Pickler` has written in this process."""

    def __init__(self, file: io.BytesIO, kept: list[Any]) -> None:
        super().__init__(file)
        self._kept = kept

    def find_class(self, module: str, name: str) -> Any:
        """The class of a small object, or the way to what is kept."""
        return partial(_found, self._kept) if name == _again.__name__ else super().find_class(module, name)


def _found(kept: list[Any], index: int) -> Any:
    one = kept[index]
    if type(one) is Mark:
        return one.restore()
    if type(one) is tuple:
        grown, length = one
        return grown[:length]
    return one
