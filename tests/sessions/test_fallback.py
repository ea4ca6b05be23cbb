"""Fallbacks in sentences: each of the ways in which real clients left WebSocket, or stayed with it."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.fallback import BOTH, FELL_BACK, GAVE_UP, HTTP_ONLY, Sentence, key_of, name_of, sentences
from sessions.finding import Severity
from sessions.records import Record
from sessions.reducer import fold
from tests import make
from tests.make import Wire

CODEX = {"client": "codex_cli_rs/0.169.0", "peer": "127.0.0.1:50001", "pair": "s-1"}
PYTHON = {"client": "OpenAI/Python 3.52.0", "peer": "127.0.0.1:50002"}
#: when Codex tries again: at once, then after 0.2 s and its doubles
STORM = (0.0, 0.04, 0.24, 0.64, 1.44, 3.04, 6.24)


class Line:
    """Sessions of one client, one after the other."""

    def __init__(self, who: dict[str, str], first: int = 1) -> None:
        self.who: dict[str, Any] = {**who}
        self.records: list[Record] = []
        self.next = first

    def wire(self, at: float) -> Wire:
        self.next += 1
        return Wire(self.next - 1, at=at, step=0.0)

    def refused(self, at: float, status: int, failure: str) -> None:
        self.records.append(self.wire(at).refused(failure, status=status, **self.who))

    def unreachable(self, at: float) -> None:
        self.records.append(self.wire(at).refused("tcp", "Connection refused", **self.who))

    def socket(self, at: float, *, answered: bool = True) -> None:
        wire = self.wire(at)
        self.records.append(wire.open(headers=None, **self.who))
        if answered:
            self.records += wire.turn(f"resp_{wire.session}")
        else:
            self.records += [wire.sent(make.create()), wire.close(1000)]

    def post(self, at: float) -> None:
        wire = self.wire(at)
        self.records += [wire.asked({"model": "m", "input": "Hi"}, **self.who), wire.answered()]

    def get(self, at: float) -> None:
        self.records.append(self.wire(at).asked(method="GET", target="/v1/models", **self.who))


def told(*lines: Line, now: float = 100.0) -> list[Sentence]:
    return list(sentences(fold([record for line in lines for record in line.records]), now))


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, "unauthorized"), (403, "forbidden"), (404, "not_found"), (500, "http_status")],
)
def test_codex_storms_and_then_posts(status: int, failure: str) -> None:
    line = Line(CODEX)
    line.get(0.0)
    for at in STORM:
        line.refused(at, status, failure)
    line.post(6.3)
    (one,) = told(line)
    assert (one.id, one.severity, one.is_fallback) == (FELL_BACK, Severity.WARNING, True)
    assert one.title == "Codex fell back to HTTP after 7 tries"
    assert one.detail == (
        f"It tried WebSocket 7 times within 6.2 s and got HTTP {status} each time. "
        "6.3 s after the first try it sent its turn by POST."
    )
    assert "426" in one.remedy
    assert one.sessions == (2, 3, 4, 5, 6, 7, 8, 9)


def test_a_426_is_one_try_and_no_alarm() -> None:
    line = Line(CODEX)
    line.refused(1.0, 426, "upgrade_required")
    line.post(1.02)
    line.post(9.0)
    (one,) = told(line)
    assert (one.id, one.severity) == (FELL_BACK, Severity.NOTE)
    assert one.title == "Codex fell back to HTTP after 1 try"
    assert one.detail == (
        "It tried WebSocket once and got HTTP 426. 20 ms later it sent its turn by POST, and 1 more since."
    )
    assert one.remedy.startswith("The server says on purpose")


def test_sockets_that_close_before_any_answer_are_tries_too() -> None:
    line = Line(CODEX)
    for at in (0.0, 0.2, 0.6):
        line.socket(at, answered=False)
    line.unreachable(1.0)
    line.post(1.5)
    (one,) = told(line)
    assert "got close 1000 by the server 3 times, then tcp." in one.detail


def test_a_socket_that_works_in_between_ends_the_tries() -> None:
    line = Line(CODEX)
    line.refused(0.0, 500, "http_status")
    line.socket(1.0)
    assert told(line) == []
    line.refused(2.0, 500, "http_status")
    line.post(3.0)
    (one,) = told(line)
    assert one.sessions == (3, 4)


def test_a_client_that_is_refused_and_does_not_post() -> None:
    line = Line({"client": "opencode/1.18.33", "peer": "127.0.0.1:7", "pair": "o-1"})
    for at in (0.0, 2.0, 6.0):
        line.refused(at, 403, "forbidden")
    assert told(line, now=8.0) == []  # it may still be about to
    (one,) = told(line, now=12.0)
    assert (one.id, one.title) == (GAVE_UP, "opencode was refused and has not fallen back to HTTP")
    assert (
        one.detail == "It tried WebSocket 3 times within 6.0 s and got HTTP 403 each time. No POST followed."
    )
    assert one.remedy


def test_a_client_that_the_tap_itself_refuses_is_told_of_no_server() -> None:
    line = Line({**PYTHON, "by": "tap"})
    line.refused(0.0, 403, "forbidden")
    (one,) = told(line, now=12.0)
    assert one.id == GAVE_UP
    assert one.remedy.startswith("The tap itself refused that")


def test_posts_without_any_try_are_pointed_out_with_the_recipe() -> None:
    line = Line(PYTHON)
    line.post(0.0)
    line.post(1.0)
    assert told(line, now=2.0) == []  # a socket may follow: some ask for a title first
    (one,) = told(line)
    assert (one.id, one.title) == (HTTP_ONLY, "openai-python asks over HTTP and has not tried WebSocket")
    assert one.detail.startswith("2 POSTs without any upgrade")
    assert "responses.connect()" in one.remedy
    unknown = Line({"client": "curl/8.5", "peer": "127.0.0.1:9"}, first=9)
    unknown.post(2.0)
    assert [one.title for one in told(unknown)] == ["curl asks over HTTP and has not tried WebSocket"]


def test_posts_beside_sockets_that_work_are_a_note() -> None:
    line = Line(PYTHON)
    line.socket(0.0)
    line.post(1.0)
    (one,) = told(line)
    assert (one.id, one.severity, one.sessions) == (BOTH, Severity.NOTE, (2,))
    assert one.detail.startswith("1 turn of 2 went by POST")
    titles = Line({**PYTHON, "pair": ""}, first=5)
    titles.post(2.0)
    paired = Line({**PYTHON, "pair": "p"})
    paired.socket(0.0)
    assert [one.id for one in told(paired, titles)] == [BOTH]


def test_two_programs_of_one_name_are_not_told_as_one() -> None:
    """Only a client's own id says for sure that a socket and a POST are the same program's."""
    by_name, ended, paired = Line(PYTHON), Line(PYTHON), Line({**PYTHON, "pair": "p"})
    for line in (by_name, paired):
        line.socket(0.0)
        line.post(1.0)
    ended.socket(0.0)
    ended.records.append(make.Wire(1, at=0.5, step=0.0).close())
    ended.post(1.0)
    (sure,), (seems,), (maybe,) = told(paired), told(by_name), told(ended)
    assert sure.title == "openai-python uses WebSocket and HTTP side by side"
    assert seems.title == "openai-python seems to use WebSocket and HTTP side by side"
    assert "Two programs of the same name would look the same." in seems.detail
    assert maybe.title == "openai-python may use WebSocket and HTTP, or there are two of it"
    assert "sockets that work" not in maybe.detail


def test_a_title_by_post_before_the_socket_is_no_alarm() -> None:
    line = Line({"client": "opencode/1.18.33 (linux)", "peer": "127.0.0.1:8", "pair": "ses_1"})
    line.post(0.0)
    assert told(line, now=0.1) == []
    line.socket(0.2)
    assert [(one.id, one.severity) for one in told(line)] == [(BOTH, Severity.NOTE)]


def test_clients_are_told_apart() -> None:
    codex, python = Line(CODEX), Line(PYTHON, first=11)
    codex.refused(0.0, 426, "upgrade_required")
    python.post(0.1)
    codex.post(0.2)
    assert {one.id: one.client for one in told(codex, python)} == {
        FELL_BACK: CODEX["client"],
        HTTP_ONLY: PYTHON["client"],
    }


def test_nothing_is_said_of_sockets_and_lists_of_models() -> None:
    line = Line(CODEX)
    line.get(0.0)
    line.socket(1.0)
    idle = Line({**CODEX, "pair": "s-2"}, first=10)
    idle.records.append(idle.wire(2.0).open(headers=None, **idle.who))
    assert told(line, idle) == []
    assert told() == []


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("codex_exec/0.169.0 (x)", "Codex"),
        ("pydantic-ai/2.68.0", "pydantic-ai"),
        ("curl", "curl"),
        ("", "a client without a name"),
    ],
)
def test_names_for_people(client: str, name: str) -> None:
    assert name_of(client) == name


def test_what_belongs_together() -> None:
    sessions = fold(
        [
            Wire(1).open(headers=None, client="a", peer="127.0.0.1:1", pair="p"),
            Wire(2).asked("{}", client="b", peer="127.0.0.1:2", pair="p"),
            Wire(3).open(headers=None, client="a", peer="127.0.0.1:3"),
            Wire(4).open(headers=None, client="a", peer="127.0.0.1:4"),
            Wire(5).open(headers=None, client="a", peer="127.0.0.2:4"),
        ]
    ).sessions
    keys = [key_of(one) for one in sessions.values()]
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert len(set(keys)) == 3
