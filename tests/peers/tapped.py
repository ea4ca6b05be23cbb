"""A tap at work in a room, with a passage on either side of it that keeps every byte.

    client -> passage -> turnscope tap -> passage -> fake server

One rule: what is compared here are bytes that the tap did not write down itself. Heads may differ in the
request target and in `Host` and in nothing else; after the 101 no byte may differ, in either direction.
"""

from __future__ import annotations

import json
import operator
import re
import sys
from base64 import b64decode
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h11
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from sessions.reading import Reading
from sessions.reducer import Sessions, fold
from tests.peers.conftest import ROOT, Facts, start_witness
from tests.peers.passage import Spoken, spoken_in
from tests.peers.room import Finished, Room

PORT = 8790  # of the tap, in a room that nobody else is in
_HEAD_END = b"\r\n\r\n"
#: headers of one hop, which a tap that passes a request on by itself writes anew
_OF_ONE_HOP = {b"host", b"connection", b"keep-alive", b"te", b"transfer-encoding", b"content-length"}


class Passage:
    """A passage at work."""

    def __init__(self, room: Room, port: int, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        command = [sys.executable, "-m", "tests.peers.passage", str(port), str(folder)]
        self._running = room.start(command, folder=ROOT)
        _, line = self._running.line_that(lambda line: line.startswith("listening"))
        self.port = int(line.split()[-1])

    def until_quiet(self) -> None:
        """Wait until every connection that began has ended."""
        for line in self._running.lines():
            word, number = line.split(maxsplit=1)
            if word == "began":
                self._running.line_that(partial(operator.eq, f"ended {number}"))

    def finish(self) -> list[Spoken]:
        """End it; every connection that it passed on, in the order in which they came."""
        assert self._running.finish() == 0, self._running.last_words()
        return spoken_in(self._folder)


class Exchange(NamedTuple):
    """One HTTP request and its answer."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]  #: of the request, those of one hop left out
    body: bytes
    status: int
    answer: bytes
    is_whole: bool  #: else the client left before its end came, as it may once it has heard enough


class Seen(NamedTuple):
    """What was seen of a conversation at every place of the line."""

    visits: list[Facts]  #: by the server
    before: list[Spoken]  #: between client and tap
    behind: list[Spoken]  #: between tap and server
    recording: Path


class Tapped:
    """A fake server that remembers its visitors, and a tap before it; both between passages."""

    def __init__(self, room: Room, folder: Path, *faults: str) -> None:
        self.room = room
        self._home = folder / "tap-home"
        self._home.mkdir()
        self._witness = start_witness(room, *faults, home=self._home)
        self._behind = Passage(room, int(_port_in(self._witness.base_url)), folder / "behind")
        self._before = Passage(room, PORT, folder / "before")
        self.recording = folder / "tap.jsonl"
        #: for a tap that is started from elsewhere
        self.environ = {"PYTHONPATH": str(ROOT)}
        self.base_url = f"http://127.0.0.1:{self._before.port}/v1"  #: what the client is given

    def command(self, *more: str | Path) -> list[str | Path]:
        """The command line of the tap."""
        upstream = f"http://127.0.0.1:{self._behind.port}/v1"
        return [
            *(sys.executable, "-m", "sessions.cli", "tap", "--upstream", upstream),
            *("--listen", f"127.0.0.1:{PORT}", "--record", self.recording, *more),
        ]

    def start(self, *more: str, environ: Mapping[str, str] | None = None) -> None:
        """Start the tap and wait until it listens; clients are given the base URL that it says."""
        self._tap = self.room.start(
            self.command("--headless", *more),
            folder=ROOT,
            environ={"HOME": str(self._home), **(environ or {})},
        )
        _, line = self._tap.line_that(lambda line: '"ready"' in line)
        ready = json.loads(line)
        assert ready["recording"] == str(self.recording)
        there, here = f"http://127.0.0.1:{PORT}/", f"http://127.0.0.1:{self._before.port}/"
        assert ready["base_url"].startswith(there)
        assert ready["base_url"].endswith("/v1")
        self.base_url = here + ready["base_url"].removeprefix(there)

    def stop(self) -> None:
        """Tell the tap to stop, as `tap --stop` does from another terminal, once its clients have gone."""
        self._before.until_quiet()
        told = self._run("tap", "--stop", self.recording)
        assert told.status == 0, told.stderr
        assert self._tap.finish() == 0, self._tap.last_words()

    def finish(self) -> Seen:
        """End all of it, the tap first; what every place has seen."""
        before, behind = self._before.finish(), self._behind.finish()
        return Seen(self._witness.visits(), before, behind, self.recording)

    def checked(self, *expected: str) -> dict[str, Any]:
        """The summary of `check`, which must find nothing wrong but what is expected."""
        done = self._run("check", "--json", self.recording)
        *findings, summary = map(json.loads, done.stdout.splitlines())
        assert {finding["id"] for finding in findings} == set(expected), done.stdout + done.stderr
        assert done.status == any(finding["severity"] == "error" for finding in findings), done.stderr
        assert summary["event"] == "summary"
        return dict(summary)

    def replayed(self) -> list[dict[str, Any]]:
        """The turns that `replay --json` sums up; its other lines must be the recording's own."""
        done = self._run("replay", "--json", self.recording)
        assert done.status == 0, done.stderr
        *lines, summary = done.stdout.splitlines()
        assert lines == self.recording.read_text("utf-8").splitlines()[1:]
        turns: list[dict[str, Any]] = json.loads(summary)["turns"]
        return turns

    def state(self) -> Sessions:
        """What the recording adds up to."""
        reading = Reading.whole(self.recording)
        try:
            return fold(reading)
        finally:
            reading.close()

    def _run(self, *arguments: str | Path) -> Finished:
        command = [sys.executable, "-m", "sessions.cli", *arguments]
        return self.room.run(command, folder=ROOT, environ={"HOME": str(self._home)})


def assert_same_bytes(seen: Seen) -> None:
    """What left one side of the tap is what came to the other, sockets byte for byte.

    HTTP exchanges that are no upgrades are compared by what they say: a tap passes them on by itself.
    """
    before, behind = (dict(_sockets(side)) for side in (seen.before, seen.behind))
    assert before.keys() == behind.keys()
    for key, here in before.items():
        there = behind[key]
        assert here.server == there.server, f"{key!r}: the client did not get what the server sent"
        (head, _, sent), (head_there, _, arrived) = (
            side.client.partition(_HEAD_END) for side in (here, there)
        )
        assert _neutral(head) == _neutral(head_there)
        assert sent == arrived, f"{key!r}: the server did not get what the client sent"
    said = list(_exchanges(seen.behind))
    for heard in sorted(_exchanges(seen.before), key=lambda one: not one.is_whole):
        same = [one for one in said if one == heard or (not heard.is_whole and _begins_as(one, heard))]
        assert same, f"nothing behind the tap is like this before it: {heard}"
        said.remove(same[0])
    assert not said, f"nothing before the tap is like this behind it: {said}"


def assert_recorded(seen: Seen) -> None:
    """The recording has every message and every event with the bytes that were heard beside the tap."""
    records: dict[int, list[dict[str, Any]]] = {}
    for line in seen.recording.read_text("utf-8").splitlines()[1:]:
        record = json.loads(line)
        records.setdefault(record["conn"], []).append(record)
    told = [
        {side: [_payload(one) for one in session if one["dir"] == side and one["kind"] in _MESSAGES]}
        for session in records.values()
        if session[0]["kind"] == "open"
        for side in ("client", "server")
    ]
    heard = [
        {side: list(_messages(spoken, side))}
        for _, spoken in _sockets(seen.before)
        for side in ("client", "server")
    ]
    assert sorted(map(repr, told)) == sorted(map(repr, heard))
    # what the tap passed on last may not have reached a client that was leaving
    answers = {(one.body, one.answer) for one in _exchanges(seen.behind) if one.status == 200}
    exchanges = [session for session in records.values() if session[0]["kind"] == "request"]
    assert len(exchanges) >= len(answers)
    for request, *rest in exchanges:
        whole = b"".join(_after_head(one) for one in rest if one["kind"] == "response")
        events = b"".join(_payload(one) + b"\n\n" for one in rest if one["kind"] == "sse")
        assert (_after_head(request), whole + events) in answers


_MESSAGES = ("text", "binary")


def _payload(record: Mapping[str, Any]) -> bytes:
    return record["raw"].encode() if "raw" in record else b64decode(record["b64"])


def _after_head(record: Mapping[str, Any]) -> bytes:
    return _payload(record)[record["meta"]["head"] :]


def _messages(spoken: Spoken, side: str) -> Iterator[bytes]:
    """What one side of a socket said, message by message, read by the websockets library."""
    _, _, frames = getattr(spoken, side).partition(_HEAD_END)
    agreed = spoken.server.partition(_HEAD_END)[0].lower()
    deflate = [PerMessageDeflate(False, False, 15, 15)] if b"permessage-deflate" in agreed else []
    reader = StreamReader()
    reader.feed_data(frames)
    reader.feed_eof()
    message = b""
    while True:
        parsing = Frame.parse(reader.read_exact, mask=side == "client", max_size=None, extensions=deflate)
        try:
            frame = _result(parsing)
        except EOFError:
            return
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            message += frame.data
            if frame.fin:
                yield message
                message = b""


def _result(parsing: Generator[None, None, Frame]) -> Frame:
    while True:
        try:
            next(parsing)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # typeshed cannot say what a generator returns


def sockets(side: Sequence[Spoken]) -> int:
    """How many connections became WebSockets."""
    return len(dict(_sockets(side)))


def _sockets(side: Sequence[Spoken]) -> Iterator[tuple[bytes, Spoken]]:
    """Connections that became WebSockets, by the key that their client made up."""
    for spoken in side:
        if spoken.server.startswith(b"HTTP/1.1 101 "):
            found = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", spoken.client)
            assert found is not None
            yield found[1], spoken


def _neutral(head: bytes) -> bytes:
    """A request head without what a tap may rewrite."""
    head = re.sub(rb"^(\S+) \S+ ", rb"\1 TARGET ", head)
    return re.sub(rb"(?i)(\r\nhost: *)[^\r\n]*", rb"\1HOST", head)


def _exchanges(side: Sequence[Spoken]) -> Iterator[Exchange]:
    for spoken in side:
        if not spoken.server.startswith(b"HTTP/1.1 101 "):
            yield from _exchanges_of(spoken)


def _begins_as(one: Exchange, heard: Exchange) -> bool:
    same = one._replace(answer=b"", is_whole=False) == heard._replace(answer=b"")
    return same and one.answer.startswith(heard.answer)


def _exchanges_of(spoken: Spoken) -> Iterator[Exchange]:
    """The requests of one connection with their answers, read by h11 from the bytes that were kept."""
    requests, answers = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
    requests.receive_data(spoken.client)
    answers.receive_data(spoken.server)
    answers.receive_data(b"")
    while isinstance(request := requests.next_event(), h11.Request):
        body = b"".join(_pieces(requests))
        answers.send(h11.Request(method=request.method, target=request.target, headers=[("host", "x")]))
        answers.send(h11.EndOfMessage())
        response = answers.next_event()
        assert isinstance(response, h11.Response), response
        answer, is_whole = b"", True
        try:
            for piece in _pieces(answers):
                answer += piece
        except h11.RemoteProtocolError:
            # whether that is the client's doing or the tap's is the one thing that these bytes cannot say
            assert spoken.first == "client", f"the answer was cut before the client left: {answer[-200:]!r}"
            is_whole = False
        kept = tuple((name, value) for name, value in request.headers if name not in _OF_ONE_HOP)
        yield Exchange(request.method, request.target, kept, body, response.status_code, answer, is_whole)
        if not is_whole:
            return
        requests.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        requests.send(h11.EndOfMessage())
        if requests.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return
        requests.start_next_cycle()
        if answers.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return
        answers.start_next_cycle()


def _pieces(connection: h11.Connection) -> Iterator[bytes]:
    while isinstance(event := connection.next_event(), h11.Data):
        yield bytes(event.data)
    assert isinstance(event, h11.EndOfMessage), event


def _port_in(base_url: str) -> str:
    return base_url.rpartition(":")[2].partition("/")[0]
