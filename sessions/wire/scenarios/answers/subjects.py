"""What the small world can explain: WebSocket mode itself, so that a demonstration tells what it shows.

Its one rule: facts of the protocol as this server keeps them, a paragraph each, long enough to watch.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Subject(NamedTuple):
    """Something that can be asked about."""

    pattern: re.Pattern[str]
    text: str


def _subject(words: str, *sentences: str) -> Subject:
    return Subject(re.compile(rf"\b(?:{words})\b", re.I), " ".join(sentences))


SUBJECTS: tuple[Subject, ...] = (
    _subject(
        "less input|increment\\w*|send less|only the new",
        "Over HTTP every request carries the whole conversation again.",
        "On this socket a turn names its parent, previous_response_id, and sends only what is new:",
        "the server still has the rest in the memory of the connection.",
        "Look at the size of each response.create in the list of events: it stays small while the",
        "input tokens of the answers grow, and most of those are cached.",
        "With twenty tool calls in a task that is where the time goes away.",
    ),
    _subject(
        "fork|branch\\w*",
        "A fork is a second child of one turn.",
        "Any answer that the server still has can be a parent again, so a chain is really a tree:",
        "choose an earlier turn, press b, and ask something else from there.",
        "Both branches live; each turn only knows its own ancestors.",
        "With store off the parent must still be in the memory of this connection.",
    ),
    _subject(
        "lanes?|stream_id|parallel",
        "A lane is a queue with a name, stream_id.",
        "Turns on one lane wait for each other; those on different lanes run at once on one socket,",
        "up to sixteen together and thirty-two names for the life of the connection.",
        "Every event carries the name of its lane, because a delta does not name its response.",
        "Press L to name one for the next turn.",
    ),
    _subject(
        "store|stored|evict\\w*|memory of (?:the|this) connection",
        "With store on a response is kept by the server and can be continued from any connection.",
        "With store off it lives in the memory of this connection only, and only the newest of each lane.",
        "A continuation that fails takes its parent out of that memory: the corrected retry then gets",
        "previous_response_not_found, and the way on is to send the whole context again.",
        "The line under the box says before each send which of these will happen.",
    ),
    _subject(
        "sixty minutes|60 minutes|hour|countdown|how long",
        "A connection lives sixty minutes from the 101, whatever happens on it.",
        "At the limit the server sends an error with the code websocket_connection_limit_reached and closes.",
        "Nothing moves over by itself: a new socket continues what was stored, and what was not is replayed.",
        "The header counts down and warns at ten and at two minutes; start the demo with --age-limit 90",
        "to watch the end of it.",
    ),
    _subject(
        "what (?:is|are) (?:websocket mode|this|you)|what you are|who are you|explain websocket",
        "I am a small server inside this program: I follow a script, on loopback,",
        "and nothing leaves your machine.",
        "What you see is real all the same.",
        "A WebSocket was opened to me with an upgrade request, your text left as one response.create frame,",
        "and this answer comes back as events: created, an item, a part, these deltas one by one, and in the",
        "end completed with the usage.",
        "The list of events shows every frame as it crossed the socket, byte for byte;",
        "the chain grows by one turn with each answer.",
    ),
)


def explained(text: str) -> str | None:
    """A paragraph about what the text asks for; None when it asks for nothing known here."""
    return next((subject.text for subject in SUBJECTS if subject.pattern.search(text)), None)
