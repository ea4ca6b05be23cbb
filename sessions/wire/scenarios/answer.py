"""What an answer is made of: steps, each of them one output item or one thing that happens to a response.

Its one rule: a step says what the model does, never how it is spelled on the wire; `narration` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from sessions.wire.scenarios.memory import Said
from sessions.wire.scenarios.request import Create, Item


class Text(NamedTuple):
    """A message of the assistant."""

    text: str
    annotations: tuple[Item, ...] = ()
    fragments: Sequence[str] | None = None  #: how it is cut; None: at words


class Refusal(NamedTuple):
    """A message that declines; the response completes all the same."""

    text: str


class Reasoning(NamedTuple):
    """Thinking before the answer: summary parts, and the raw text of models that show it."""

    summaries: tuple[str, ...] = ()
    text: str = ""
    tokens: int = 0  #: spent besides what is shown


class FunctionCall(NamedTuple):
    """A call of a function tool, answered by the client."""

    name: str
    arguments: str
    namespace: str | None = None


class CustomCall(NamedTuple):
    """A call of a custom tool with free text, answered by the client."""

    name: str
    input: str


class Hosted(NamedTuple):
    """Any other item, with the events between its added and its done."""

    prefix: str  #: of its id
    started: Item
    moves: tuple[Item, ...]  #: `item_id` and `output_index` are filled in; a None removes the key
    finished: Item
    call_prefix: str = ""  #: gives the item a call_id


class Loose(NamedTuple):
    """An event that belongs to no item."""

    event: Item


class Failure(NamedTuple):
    """The end of a response that went wrong."""

    code: str
    message: str
    says_error_first: bool = False  #: an `error` event before response.failed


class Successor(NamedTuple):
    """The response ends here, and another one begins that nobody asked for."""

    steps: tuple[Step, ...]  #: of the other one; () when there is none after all
    reason: str = ""  #: of response.incomplete; "" completes
    failure: Failure | None = None  #: fails instead
    after: tuple[Item, ...] = ()  #: events after the terminal one


Step: TypeAlias = (
    Text | Refusal | Reasoning | FunctionCall | CustomCall | Hosted | Loose | Failure | Successor
)


class Ask(NamedTuple):
    """What a scenario is asked to answer."""

    text: str  #: the last user text, "" when there is none
    create: Create
    said: tuple[Said, ...]  #: the earlier turns, oldest first
    outputs: tuple[tuple[str, str], ...]  #: (tool name, output) that this create brings
    tools: tuple[Item, ...]  #: that the model may call: the create's, and those in items of the chain


class Scenario(NamedTuple):
    """A way to answer, with its name and a line for `--help`."""

    name: str
    line: str
    answer: Callable[[Ask], Iterable[Step]]
