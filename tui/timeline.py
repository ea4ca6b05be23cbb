"""The line of time above the footer: what the playhead does, where it stands, where turns begin; pure.

Its one rule: state, time and number are words and stay longest; the bar takes what room is left, at any
width. One cell of the bar is a stretch of time; an error in it is shown before a turn that begins in it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from rich.text import Text

from sessions.playback import SILENCE_SECONDS, Pace, Playback
from tui.figures import clock_words
from tui.fitting import Piece, fit

_SHORTEST_BAR = 10  # cells; in fewer there is none
_SHORT_SECONDS = 600.0  # a recording of which tenths of a second are told
_CROWDED = 0.4  # of the cells; where more of them begin a turn, no turns are drawn
_WIDE = 110  # cells from which the state says what can be done
_AT_END = "AT THE END"
_PLAYED, _REST, _HEAD, _TURN, _ERROR = "━", "─", "█", "┼", "!"


class Line(NamedTuple):
    """The line, and where its bar is, for whoever clicks."""

    text: Text
    bar_start: int  #: column of the bar's first cell
    bar_cells: int  #: 0: there is no bar


def state_words(playback: Playback) -> str:
    """What the playhead does, in words."""
    if playback.is_folding:
        return f"LOADING {int(playback.share * 100)} %"
    match playback.pace:
        case Pace.LIVE:
            return "LIVE" if playback.is_growing else "ENDED"
        case Pace.PLAYING:
            return f"PLAYING {speed_words(playback.speed)}"
        case _:
            return _AT_END if playback.is_at_end and not playback.is_growing else "PAUSED"


def speed_words(speed: float) -> str:
    """A speed: 0.25x, 4x, max."""
    return "max" if math.isinf(speed) else f"{speed:g}x"


def position_words(playback: Playback) -> str:
    """Time at the playhead and of the whole."""
    whole = max(playback.duration, playback.elapsed())
    is_short = whole < _SHORT_SECONDS
    return " / ".join(
        f"{clock_words(seconds)}.{int(seconds * 10) % 10}" if is_short else clock_words(seconds)
        for seconds in (playback.elapsed(), whole)
    )


def bar_cells(
    count: int, duration: float, known: int, number_at: Callable[[float], int], marks: Sequence[int]
) -> tuple[bool, ...]:
    """For each of so many cells whether one of these records, ascending, lies in its stretch of time."""
    if not count or not known:
        return (False,) * count
    bounds = [0, *(number_at(duration * cell / count) for cell in range(1, count)), known]
    return tuple(
        (at := bisect_left(marks, first)) < len(marks) and marks[at] < last
        for first, last in pairwise(bounds)
    )


def time_line(playback: Playback, cells: int) -> Line:
    """The whole line, at most `cells` wide."""
    state = f"timebar--{'loading' if playback.is_folding else playback.pace.value}"
    standing = state_words(playback)
    if standing == _AT_END and cells >= _WIDE:
        standing = f"{_AT_END}, space plays it"
    pieces = [Piece((standing,), state, 100), Piece((position_words(playback),), "", 95)]
    if playback.pace is Pace.PAUSED and playback.speed != 1 and not playback.is_folding:
        pieces.append(Piece((f"at {speed_words(playback.speed)}",), "timebar--dim", 40))
    number = f"#{playback.position - 1:,}" if playback.position else "before #0"
    last = playback.expected - 1
    pieces.append(Piece((number, f"{number} of {last:,}") if last >= 0 else ("no records",), "", 80))
    if playback.turns:
        begun = bisect_left(playback.turns, playback.position)
        more = "" if playback.has_all_marks else "+"
        pieces.append(Piece((f"T{begun} of {len(playback.turns)}{more}",), "", 50))
    if playback.errors:
        count = len(playback.errors)
        pieces.append(Piece((f"{count} error{'' if count == 1 else 's'}",), "timebar--error", 45))
    if playback.is_shortening:
        longer = f"silences cut to {SILENCE_SECONDS:g} s"
        pieces.append(Piece(("no silences", longer), "timebar--dim", 60))
    words = fit(pieces, max(1, cells))
    room = cells - words.cell_len - 3
    if room < _SHORTEST_BAR:
        words = fit([piece._replace(forms=piece.forms[:1]) for piece in pieces], max(1, cells))
        room = cells - words.cell_len - 3
    if room < _SHORTEST_BAR:
        return Line(words, 0, 0)
    words.append("  ")
    start = words.cell_len
    words.append_text(_bar(playback, room))
    return Line(words, start, room)


def _bar(playback: Playback, cells: int) -> Text:
    bar = Text(no_wrap=True, end="")
    if playback.is_folding and not playback.is_complete:  # how long it is is not known yet: how far it is
        done = int(playback.share * cells)
        return bar.append(_PLAYED * done, "timebar--played").append(_REST * (cells - done), "timebar--rest")
    duration, known, number_at = playback.duration, playback.known, playback.reading.number_at
    errors = bar_cells(cells, duration, known, number_at, playback.errors)
    turns = bar_cells(cells, duration, known, number_at, playback.turns)
    if sum(turns) > cells * _CROWDED:
        turns = (False,) * cells
    share = min(1.0, playback.elapsed() / duration) if duration else float(playback.position > 0)
    head = min(cells - 1, int(share * cells))

    def drawn(cell: int) -> tuple[str, str]:
        if cell == head:
            return _HEAD, "timebar--head"
        if errors[cell]:
            return _ERROR, "timebar--error"
        sign, style = (_PLAYED, "timebar--played") if cell < head else (_REST, "timebar--rest")
        return _TURN if turns[cell] else sign, style

    for style, run in groupby(map(drawn, range(cells)), key=itemgetter(1)):
        bar.append("".join(sign for sign, _ in run), style)
    return bar
