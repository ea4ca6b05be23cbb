"""What to show of many records: words typed into the filter line -> a test of one record by its number.

Its one rule: columns in memory are asked before the file is read. Terms stand side by side and all must hold;
`!` before a term turns it round. A term that cannot be read is told in words, and nothing is hidden by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import translate
from typing import NamedTuple

from sessions.records import Direction, Kind
from sessions.reducer import Sessions
from sessions.summary import Log, Tone, gap_before, summarize

Test = Callable[[int], bool]

FIELDS = ("type", "lane", "turn", "dir", "size", "gap", "kind", "conn", "text", "is")
HELP = "words, *.delta, !not, type: lane: turn: dir:c|s size:>1k gap:>1s kind: conn: text: is:error|odd"

_DIRECTIONS = {
    "c": Direction.CLIENT, "c>s": Direction.CLIENT, "client": Direction.CLIENT, "sent": Direction.CLIENT,
    "s": Direction.SERVER, "s>c": Direction.SERVER, "server": Direction.SERVER, "received": Direction.SERVER,
    "-": Direction.LOCAL, "local": Direction.LOCAL,
}  # fmt: skip
_BOUND = re.compile(r"([<>]=?|=)?(\d+(?:\.\d+)?)(ms|s|m|b|kb?|mb?)?", re.IGNORECASE)
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}
_SIZES = {"": 1, "b": 1, "k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000}


class FilterError(ValueError):
    """A term that cannot be read; its message says which and what would work."""


class Filter(NamedTuple):
    """A filter that was understood."""

    text: str
    test: Test


def parse(text: str, log: Log, sessions: Sessions) -> Filter | None:
    """The filter in these words, None for no words; raises FilterError when a term cannot be read."""
    tests = [_negated(term, log, sessions) for term in text.split()]
    if not tests:
        return None
    if len(tests) == 1:
        return Filter(text, tests[0])
    return Filter(text, lambda number: all(test(number) for test in tests))


def _negated(term: str, log: Log, sessions: Sessions) -> Test:
    if not term.startswith("!"):
        return _term(term, log, sessions)
    test = _term(term[1:], log, sessions)
    return lambda number: not test(number)


def _term(term: str, log: Log, sessions: Sessions) -> Test:
    name, colon, value = term.partition(":")
    if not term:
        raise FilterError("! wants a term after it, such as !*.delta")
    if not colon or not name.isalpha():
        return _word(term, log, sessions)
    match name.lower():
        case "type":
            return _type(value, sessions)
        case "lane":
            return _lane(value, sessions)
        case "turn":
            return _turn(value, sessions)
        case "dir":
            if value.lower() == "both":
                return lambda number: log.direction_at(number) is not Direction.LOCAL
            direction = _DIRECTIONS.get(value.lower())
            if direction is None:
                raise FilterError(f"dir:{value} is none of dir:c, dir:s, dir:-, dir:both")
            return lambda number: log.direction_at(number) is direction
        case "size":
            over = _bound(term, value, _SIZES)
            return lambda number: over(log.size_at(number))
        case "gap":
            over = _bound(term, value, _TIMES)
            return lambda number: over(gap_before(log, number))
        case "kind":
            if value not in tuple(Kind):
                raise FilterError(f"kind:{value} is none of {', '.join(Kind)}")
            kind = Kind(value)
            return lambda number: log.kind_at(number) is kind
        case "conn" if value.isdecimal():
            session = int(value)
            return lambda number: log.session_at(number) == session
        case "conn":
            raise FilterError(f"conn:{value} wants the number of a connection, such as conn:1")
        case "text":
            return _text(value, log)
        case "is":
            if value not in tuple(Tone):
                raise FilterError(f"is:{value} is none of {', '.join(Tone)}")
            tone = Tone(value)
            return lambda number: summarize(log, sessions, number).tone is tone
        case _:
            raise FilterError(f"{name}: is no field; there are {', '.join(field + ':' for field in FIELDS)}")


def _type(value: str, sessions: Sessions) -> Test:
    folded = value.lower()
    is_match = re.compile(translate(folded)).match if "*" in value or "?" in value else None
    known: dict[int, bool] = {}  # there are few types and many records
    column, names = sessions.type_column, sessions.type_names

    def test(number: int) -> bool:
        code = column[number]
        found = known.get(code)
        if found is None:
            name = names[code].lower()
            found = known[code] = is_match(name) is not None if is_match else folded in name
        return found

    return test


def _word(word: str, log: Log, sessions: Sessions) -> Test:
    by_type = _type(word, sessions)
    if "*" in word or "?" in word:
        return by_type
    in_text = _text(word, log)
    return lambda number: by_type(number) or in_text(number)


def _text(value: str, log: Log) -> Test:
    needle = payload_needle(value)
    return lambda number: needle(log.record(number).payload)


def payload_needle(text: str) -> Callable[[bytes], bool]:
    """A test whether payload bytes hold this text, case not counting, also where JSON escapes it."""
    variants = {text, text.lower(), text.upper()}  # for letters that bytes have no case for
    spellings = variants | {
        json.dumps(one, ensure_ascii=is_ascii)[1:-1] for one in variants for is_ascii in (True, False)
    }
    search = re.compile(
        b"|".join(re.escape(one.encode(errors="surrogatepass")) for one in sorted(spellings)), re.IGNORECASE
    ).search
    return lambda payload: search(payload) is not None


def _lane(value: str, sessions: Sessions) -> Test:
    wanted = None if value in ("", "default", "-") else value

    def test(number: int) -> bool:
        turn = sessions.turn(sessions.turn_column[number])
        return turn is not None and turn.lane == wanted

    return test


def _turn(value: str, sessions: Sessions) -> Test:
    first, dash, last = value.upper().replace("T", "").partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise FilterError(f"turn:{value} wants a number, such as turn:4 or turn:4-7")
    low, high = int(first), int(last) if dash else int(first)
    column = sessions.turn_column
    return lambda number: low <= column[number] <= high


def _bound(term: str, value: str, units: dict[str, float] | dict[str, int]) -> Callable[[float], bool]:
    found = _BOUND.fullmatch(value)
    unit = (found[3] or "").lower() if found else ""
    if found is None or unit not in units:
        raise FilterError(f"{term} wants a bound, such as {term.partition(':')[0]}:>1")
    bound = float(found[2]) * units[unit]
    match found[1]:
        case "<":
            return lambda amount: amount < bound
        case "<=":
            return lambda amount: amount <= bound
        case ">=":
            return lambda amount: amount >= bound
        case "=":
            return lambda amount: amount == bound
        case _:
            return lambda amount: amount > bound
