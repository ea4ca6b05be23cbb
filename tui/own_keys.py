"""A person's own keys: which of them can be used, and what is wrong with the others.

Its one rule: what is wrong takes nothing else with it; every other key means what it did.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from textual.keys import KEY_ALIASES, Keys

from tui.keys import ACTIONS, BY_ID, DISPLAYED, REPLAYED, TOGETHER, Action, Where, display, keys_of


class OwnKeys(NamedTuple):
    """A person's own keys: those that can be used, and a sentence for each of the others."""

    usable: Mapping[str, str]
    problems: tuple[str, ...]


def judged(own: Mapping[str, str]) -> OwnKeys:
    """What of a person's own keys can be used: what is wrong takes nothing else with it."""
    usable: dict[str, str] = {}
    problems: list[str] = []
    for name, text in own.items():
        if name not in BY_ID:
            problems.append(f"{name!r} is not an action{_meant(name)}")
        elif not _can_be_pressed(text):
            problems.append(f"{text!r} is no key for {name}; write it as in {BY_ID[name].keys!r}")
        else:
            usable[name] = text
    while found := [(sentence, pair) for sentence, pair in _clashing(usable) if pair & usable.keys()]:
        for sentence, pair in found:
            problems.append(sentence)
            for name in pair:
                usable.pop(name, None)
    return OwnKeys(usable, tuple(problems))


def _meant(name: str) -> str:
    """`; did you mean X?` for an id that is not in the table: by its method, its label, its letters."""
    from sessions.complaint import nearest

    last = name.rpartition(".")[2]
    close = next((one.id for one in ACTIONS if last in (one.method, one.label)), "") or nearest(name, BY_ID)
    return f"; did you mean {close!r}?" if close else "; `turnscope info --keys` lists them"


def _can_be_pressed(text: str) -> bool:
    """Whether every key of a text is a character or a name that the framework knows."""
    for key in text.split(","):
        *modifiers, last = key.strip().split("+")
        if not set(modifiers) <= {"ctrl", "shift", "alt", "super", "meta", "hyper"}:
            return False
        if len(last) != 1 and last not in _KEY_NAMES and last not in DISPLAYED and not _is_character(last):
            return False
    return True


def _is_character(name: str) -> bool:
    """Whether this is a character's name, as the framework writes it: question_mark."""
    try:
        return bool(unicodedata.lookup(name.replace("_", " ")))
    except KeyError:
        return False


def clashes(own: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A sentence for every key that would mean two things in one place."""
    return tuple(dict.fromkeys(sentence for sentence, _ in _clashing(own)))


def _clashing(own: Mapping[str, str] | None) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each clash in a sentence, with the ids of the two actions."""
    found: dict[str, frozenset[str]] = {}
    for together in TOGETHER:
        owners: dict[str, Action] = {}
        for action in ACTIONS:
            if not _acts_in(action, together):
                continue
            for key in keys_of(action, own):
                if (first := owners.setdefault(key, action)) is not action:
                    sentence = f"{display(key)!r} means both {first.id} and {action.id}"
                    found[sentence] = frozenset({first.id, action.id})
    return tuple(found.items())


def _acts_in(action: Action, together: frozenset[Where]) -> bool:
    """Whether an action's keys act in a context; a replay has only some of the session's."""
    if Where.REPLAY in together and action.where in (Where.SESSION, Where.MOVING):
        return action.id in REPLAYED
    return action.where in together


#: names of keys that are no characters
_KEY_NAMES = frozenset((*(key.value for key in Keys), *KEY_ALIASES))
