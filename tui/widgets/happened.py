"""What happened: what to know about the clients of a tap, in sentences, below the list of their connections.

Its one rule: it says what `sessions.fallback` says and takes no focus; while there is nothing to say it takes
no room. Names of clients are remote text and made safe here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from sessions.fallback import Sentence
from sessions.finding import Severity
from sessions.roster import label
from sessions.state import State
from tui.veil import line

_TOLD = 6  # sentences; the newest ones
_LABELS = 3  # connections that are named
_STYLES: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.ERROR: "happened--error",
        Severity.WARNING: "happened--warning",
        Severity.NOTE: "happened--note",
    }
)


class Happened(Static):
    """A title for every sentence, with what was seen and what to do about it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*_STYLES.values(), "happened--detail"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, classes="-nothing", markup=False)
        self._told: tuple[Sentence, ...] = ()

    def show(self, sentences: tuple[Sentence, ...], state: State) -> None:
        """Say these sentences, the newest first, or nothing."""
        sentences = newest_first(sentences)
        if sentences == self._told:
            return
        self._told = sentences
        self.set_class(not sentences, "-nothing")
        self.border_title = Content(f"what happened {len(sentences)}")
        self.update(self._words(state))

    def _words(self, state: State) -> Text:
        words = Text()
        detail = self.get_component_rich_style("happened--detail")
        for sentence in self._told[:_TOLD]:
            if words:
                words.append("\n")
            style = self.get_component_rich_style(_STYLES[sentence.severity])
            words.append(_title(sentence, state), style)
            words.append(f"\n{line(sentence.detail, 400)}", detail)
            if sentence.remedy:
                words.append(f"\nremedy: {line(sentence.remedy, 400)}", detail)
        return words


def newest_first(told: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """Sentences by the newest connection that they are about."""
    return tuple(sorted(told, key=lambda one: max(one.sessions, default=0), reverse=True))


def full_words(told: Iterable[Sentence], state: State) -> str:
    """All sentences with what was seen and what to do, to be read."""
    out = []
    for sentence in told:
        remedy = f"\nremedy: {line(sentence.remedy, 2_000)}" if sentence.remedy else ""
        out.append(f"{_title(sentence, state)}\n{line(sentence.detail, 2_000)}{remedy}")
    return "\n\n".join(out)


def _title(sentence: Sentence, state: State) -> str:
    known = [state.sessions[number] for number in sentence.sessions if number in state.sessions]
    names = " ".join(label(session) for session in known[:_LABELS])
    more = f" +{len(known) - _LABELS}" if len(known) > _LABELS else ""
    return f"{names}{more}  {line(sentence.title, 200)}"
