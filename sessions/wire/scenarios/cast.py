"""Who plays what when a recording is the server: recorded sockets for connections, new ids for old.

Its one rule: every recorded opening is played once before any is played again. It sends nothing itself.
"""

from __future__ import annotations

import json
from typing import Any

from sessions.errors import UsageError
from sessions.events import Event, whole
from sessions.records import Kind
from sessions.script import Script, ScriptedSession
from sessions.wire.http1 import HeaderPairs
from sessions.wire.scenarios.ids import Ids

_SAME, _SAME_INPUT = 4, 2
_ID_LETTERS = 16  # of a new id at least, so that two are never the same
#: headers of a 101 that belong to one handshake
_OF_HANDSHAKE = ("sec-websocket-", "upgrade", "connection", "date", "content-length", "transfer-encoding")


class Cast:
    """Who plays what: recorded sockets for connections, in the recorded order, again and again.

    The n-th upgrade gets the n-th recorded opening. An accepted one is looked at again when its first create
    comes: who asks what a recorded client asked is answered as it was, however often that has been played.
    Raises UsageError when the recording has no opening that a server could play.
    """

    def __init__(self, script: Script, new_ids: Ids) -> None:
        self._openings = [one for one in script.sessions.values() if _is_playable(one)]
        if not self._openings:
            raise UsageError("the recording has no WebSocket session that a server could play")
        self.script = script
        self.new_ids = new_ids
        self.recorded: dict[str, str] = {}  #: an id that was handed out -> the recorded one it stands for
        self._served = dict.fromkeys((one.number for one in self._openings), 0)
        self._next = 0
        self._probed: ScriptedSession | None = None  #: the refusal after which the recorder tried ?model=

    def next(self, *, has_model: bool) -> ScriptedSession:
        """The recorded socket of the next upgrade; `has_model`: its URL names one.

        After a 403 turnscope tries `?model=` on a second upgrade, which is in no recording but for what came
        of it: that one is answered as it was, and does not count.
        """
        if has_model and (probed := self._probed) is not None:
            self._probed = None
            is_accepted = "accepted" in str(probed.opening.meta.get("probe")) if probed.opening else False
            return ScriptedSession(probed.number, None, 0.0) if is_accepted else probed
        session = self._openings[self._next % len(self._openings)]
        self._next += 1
        self._served[session.number] += 1
        is_probed = session.opening is not None and "probe" in session.opening.meta
        self._probed = session if is_probed and not has_model else None
        return session

    def choose(self, given: ScriptedSession, create: Event) -> ScriptedSession:
        """The recorded socket that plays on from this first create: one that began with the same words.

        Where several did, or none, it is one of those served least so far, the most like it, `given` at last.
        """

        def rank(one: ScriptedSession) -> tuple[int, int, int, bool]:
            likeness = _likeness(one, create)
            asked = likeness - likeness % _SAME_INPUT
            return asked, -self._count(one, given), likeness, one is given

        free = [one for one in self._openings if one.exchanges and not one.is_refused]
        best = max(free, key=rank, default=given)
        self._served[given.number] -= 1
        self._served[best.number] += 1
        return best

    def _count(self, session: ScriptedSession, given: ScriptedSession) -> int:
        return self._served[session.number] - (session is given)

    def new_names(self, session: ScriptedSession) -> dict[str, str]:
        """New ids for everything that a recorded server named; none of them was given before."""
        names: dict[str, str] = {}
        for old in session.ids:
            prefix = _prefix(old)
            fresh = self.new_ids.new(prefix, max(_ID_LETTERS, len(old) - len(prefix) - 1))
            names[old] = fresh
            self.recorded[fresh] = old
        return names


def refusal(session: ScriptedSession) -> bytes:
    """What answered a refused upgrade, head and body; b"" when nothing did."""
    return session.opening.payload if session.opening is not None else b""


def pause_before(session: ScriptedSession) -> float:
    """Seconds that the recorded server took to answer the upgrade."""
    meta = session.opening.meta if session.opening is not None else {}
    taken = meta.get("upgrade_ms", 0)
    return float(taken) / 1000 if isinstance(taken, int | float) else 0.0


def headers_of(session: ScriptedSession) -> HeaderPairs:
    """What the recorded 101 said beside the handshake; nothing that was masked."""
    if session.opening is None or session.opening.kind is not Kind.OPEN:
        return ()
    _, _, response = session.opening.payload.partition(b"\r\n\r\n")
    pairs = []
    for line in response.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        lower = name.strip().lower()
        if colon and "***" not in value and not lower.startswith(_OF_HANDSHAKE):
            pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def _is_playable(session: ScriptedSession) -> bool:
    if not session.is_refused:
        return True
    assert session.opening is not None  # it was refused
    silent = session.opening.meta.get("failure_class") == "upgrade_silent"
    return silent or session.opening.payload.startswith(b"HTTP/")


def _likeness(session: ScriptedSession, create: Event) -> int:
    """How much the first create of a recorded socket is like this one, from 0, nothing in common, to 4."""
    recorded = whole(session.exchanges[0].payload)
    if not isinstance(recorded, Event):
        return 0
    if recorded.body == create.body:
        return _SAME
    old, new = fields_of(recorded), fields_of(create)
    asked = json.dumps(old.get("input"), sort_keys=True), json.dumps(new.get("input"), sort_keys=True)
    same_input = asked[0] == asked[1] != "null"
    same_kind = old.get("model") == new.get("model") and recorded.stream_id == create.stream_id
    return _SAME_INPUT * same_input + same_kind if same_input or same_kind else 0


def fields_of(create: Event) -> dict[str, Any]:
    """The parameters of a create, flat or nested."""
    nested = create.body.get("response")
    return dict(nested) if isinstance(nested, dict) else dict(create.body)


def _prefix(old: str) -> str:
    head, mark, _ = old.partition("_")
    return head if mark and head.isalnum() and len(head) <= 12 else "id"
