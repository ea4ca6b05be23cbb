"""Where the body of a tapped request or answer ends.

Its one rule: h11 decides; no length is looked for by hand. It looks at copies and changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import h11

from sessions.wire.answer import Answer
from sessions.wire.stream import ByteStream

_HEAD_BYTES = 1 << 16


class AnswerEnd:
    """Finds the end of an answer's body; h11 decides, as lengths are never looked for by hand."""

    def __init__(self, answer: Answer) -> None:
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._protocol.send(h11.Request(method="GET", target="/", headers=[("Host", "upstream")]))
        self._protocol.send(h11.EndOfMessage())
        self._is_strange = False
        self.is_reached = False
        self.feed(answer.head)

    @property
    def is_reusable(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        return self.is_reached and self._protocol.their_state is h11.DONE

    def feed(self, chunk: bytes) -> None:
        """Look at what came; an answer that h11 does not take ends with its connection."""
        if self._is_strange or self.is_reached:
            return
        try:
            self._protocol.receive_data(chunk)
            while (event := self._protocol.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.EndOfMessage):
                    self.is_reached = True
                    return
        except h11.RemoteProtocolError:
            self._is_strange = True


class RequestBody:
    """The body that follows a request's head, without its chunk sizes; h11 finds its end."""

    def __init__(self, client: ByteStream, head: bytes) -> None:
        self._client = client
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._protocol.receive_data(head)
        self.is_whole = False
        self.problem = ""  #: why no body can follow this head, as it breaks HTTP
        try:
            self._protocol.next_event()  # the head itself
        except h11.RemoteProtocolError as error:
            self.problem = str(error)

    @property
    def rest(self) -> bytes:
        """What came after the body: the next request's first bytes."""
        return bytes(self._protocol.trailing_data[0])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come; raises OSError when the client ends before it."""
        try:
            while not isinstance(event := self._protocol.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    more = await self._client.read_some()
                    if not more:
                        raise ConnectionResetError("the client ended its request in the middle")
                    self._protocol.receive_data(more)
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
        except h11.RemoteProtocolError as error:
            raise ConnectionResetError(f"the client's body is not HTTP: {error}") from None
        self.is_whole = True
