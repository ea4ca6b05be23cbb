"""The palette: every action that can be done now, by its words, with its key beside it."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui import keys

_NOT_LISTED = frozenset({keys.Where.TYPING, keys.Where.DIALOG, keys.Where.READING, keys.Where.ANSWERING})


class Actions(Provider):
    """The table of actions as commands; only those that the screen below can do now."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for action, run in self._found():
            yield DiscoveryHit(_title(action), run, text=action.label, help=_explained(action))

    async def search(self, query: str) -> Hits:
        """What fits the words."""
        matcher = self.matcher(query)
        for action, run in self._found():
            text = f"{action.label}  {_explained(action)}"
            if (score := matcher.match(text)) > 0:
                yield Hit(score, _title(action), run, text=text, help=_explained(action))

    def _found(self) -> Iterator[tuple[keys.Action, partial[Coroutine[Any, Any, bool]]]]:
        active = {
            one.binding.id: one
            for one in self.screen.active_bindings.values()
            if one.enabled and one.binding.id
        }
        for action in keys.ACTIONS:
            one = active.get(action.id)
            if one is not None and action.where not in _NOT_LISTED:
                yield action, partial(self.app.run_action, one.binding.action, one.node)


def _title(action: keys.Action) -> Content:
    shown = " ".join(keys.display(key) for key in keys.keys_of(action))
    return Content.assemble(action.label, ("   " + shown, "dim"))


def _explained(action: keys.Action) -> str:
    """What it does, and the id by which its keys can be changed."""
    return f"{action.tooltip}  {action.id}"
