"""The two lines above a tap's list: where clients go, whether it runs, and whether it bent anything; pure.

Its one rule: what was compared is told as compared, and nothing else: bytes are held against each other when
a socket ends. A difference is said first and stays to the last.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from sessions.reading import Reading
from sessions.records import Kind
from sessions.reducer import Sessions
from sessions.roster import label
from sessions.session import Phase
from tui.cells import cut
from tui.countdown import Urgency, countdown
from tui.figures import bytes_words, left_words
from tui.fitting import Piece, fit
from tui.veil import line

_LOOKED_AT = 20_000  # records in one go
_NAMED = 3  # sessions


class Agreement:
    """How many sockets of a recording were compared at their end, and which of them differed."""

    def __init__(self, reading: Reading) -> None:
        self.compared = 0
        self.differing: tuple[int, ...] = ()
        self._reading = reading
        self._next = 0

    def look(self) -> None:
        """Take up what became known, so much of it as takes no time that a key would notice."""
        reading = self._reading
        stop = min(reading.known, self._next + _LOOKED_AT)
        for number in range(self._next, stop):
            if reading.kind_at(number) is Kind.NOTE:
                meta = reading.record(number).meta
                if meta.get("note") == "digest":
                    self.compared += 1
                    if not meta.get("agrees"):
                        self.differing += (reading.session_at(number),)
        self._next = stop


class TapFacts(NamedTuple):
    """What the state of the sessions does not know of their tap."""

    base_url: str = ""  #: for clients, its token masked; "" when not known
    upstream: str = ""
    file: str = ""
    file_bytes: int = 0
    is_running: bool = True
    fallbacks: int = 0
    compared: int = 0
    differing: tuple[int, ...] = ()
    is_last_word: bool = False  #: nothing more comes, and all that came is shown: what is open has no end


def tap_lines(sessions: Sessions, now: float, cells: int, facts: TapFacts) -> list[Text]:
    """Both lines, each at most `cells` wide; `now` is recording time in seconds."""
    return [fit(_where(sessions, facts), cells), fit(_how(sessions, now, facts), cells)]


def _where(sessions: Sessions, facts: TapFacts) -> list[Piece]:
    if facts.is_running:
        pieces = [Piece(("TAP",), "status--open", 100)]
    else:
        pieces = [Piece(("TAP ENDED",), "status--over", 100)]
    if facts.base_url:
        url = line(facts.base_url, 200)
        pieces.append(Piece((url, f"listening {url}"), "status--url", 95))
    if facts.upstream:
        upstream = line(facts.upstream, 200)
        bare = upstream.partition("://")[2] or upstream
        pieces.append(Piece((f"-> {cut(bare, 24)}", f"-> {cut(upstream, 80)}"), "status--strong", 80))
    routes = list(dict.fromkeys(one.route for one in sessions.sessions.values() if one.route))
    if len(routes) == 1:
        pieces.append(Piece((line(routes[0], 40), f"route {line(routes[0], 60)}"), "status--route", 40))
    size = bytes_words(facts.file_bytes)
    verb = "REC" if facts.is_running else "FILE"
    words = (f"{verb} {size}", f"{verb} {cut(line(facts.file, 80), 44)} {size}")
    pieces.append(Piece(words, "status--rec" if facts.is_running else "status--dim", 60, True))
    return pieces


def _how(sessions: Sessions, now: float, facts: TapFacts) -> list[Piece]:
    known = sessions.sessions.values()
    pieces: list[Piece] = []
    if facts.differing:
        names = " ".join(
            label(sessions.sessions[one]) if one in sessions.sessions else f"c{one}"
            for one in facts.differing[:_NAMED]
        )
        more = f" +{len(facts.differing) - _NAMED}" if len(facts.differing) > _NAMED else ""
        words = f"DIGESTS DISAGREE: {names}{more}"
        pieces.append(Piece((words, f"{words}, bytes were changed on the way"), "status--wrong", 100))
    count = sum(1 for one in known if not one.phase.is_over and not one.is_http)
    if count and facts.is_last_word:  # whoever recorded was killed: nobody knows how these went on
        short = f"{count} without an end"
        long = f"{count} socket{_s(count)} without an end, the recording stopped before"
        pieces.append(Piece((short, long), "status--warning", 95))
    elif count or known:
        state = "status--open" if count else "status--between"
        pieces.append(Piece((f"{count} open", f"{count} socket{_s(count)} open"), state, 95))
    if (live := sum(len(one.live) for one in known)) and not facts.is_last_word:
        pieces.append(Piece((f"LIVE {live}",), "status--live", 90))
    if facts.fallbacks:
        many = f"{facts.fallbacks} fallback{_s(facts.fallbacks)}"
        pieces.append(Piece((many, f"{many} seen"), "status--warning", 85))
    if wrong := sum(1 for one in known if one.phase in (Phase.LOST, Phase.REFUSED)):
        pieces.append(Piece((f"{wrong} lost or refused",), "status--wrong", 70))
    if facts.compared and not facts.differing:
        of = f"digests of {facts.compared} agree"
        forms = ("bytes in = out", f"bytes in = out, {of}", f"bytes in = bytes out, {of}")
        pieces.append(Piece(forms, "status--good", 75))
    elif known and not facts.differing and not facts.is_last_word:
        pieces.append(Piece(("bytes are compared when a socket ends",), "status--dim", 30))
    left = [countdown(one, now) for one in known if one.phase is Phase.OPEN and not one.is_http]
    if left and not facts.is_last_word:
        nearest = min(left, key=lambda one: one.seconds)
        urgency = "" if nearest.urgency is Urgency.CALM else f"-{nearest.urgency}"
        words = f"next limit in {left_words(nearest.seconds)}"
        pieces.append(Piece((words,), f"status--countdown{urgency}", 60))
    if facts.is_running and not count:
        pieces.append(Piece(("waiting for clients",), "status--live", 80))
    return pieces


def _s(count: int) -> str:
    return "" if count == 1 else "s"
