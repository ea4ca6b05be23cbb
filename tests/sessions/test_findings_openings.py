"""How connections open: churn, refusals that come and go, what a fallback costs, what a refusal says."""

from __future__ import annotations

from sessions.finding import Finding
from sessions.records import Record
from tests import make
from tests.make import Wire
from tests.verdict import ids, judged


def refused(session: int, at: float, *, status: int = 403, kind: str = "forbidden", **meta: str) -> Record:
    return Wire(session, at=at).refused(kind, f"HTTP {status}", status=status, **meta)


def opened(many: int, seconds: float, client: str = "") -> list[Record]:
    """So many sockets, so many seconds apart, each with one turn and a close."""
    records = []
    for number in range(1, many + 1):
        wire = Wire(number, at=number * seconds)
        records += [wire.open(client=client), *wire.turn(f"resp_{number}"), wire.close()]
    return records


def last(records: list[Record]) -> Finding:
    return judged(records)[-1]


def test_a_refusal_after_many_openings_is_churn() -> None:
    finding = last([*opened(10, 0.5), refused(11, 5.5)])
    assert (finding.id, finding.who) == ("connection-churn", "client")
    assert "after 10 upgrades within" in finding.evidence


def test_many_openings_that_are_accepted_are_nobody_s_fault() -> None:
    assert judged(opened(30, 0.2)) == []


def test_a_refusal_between_acceptances_comes_and_goes() -> None:
    assert last([*opened(3, 30.0), refused(4, 100.0)]).id == "upgrade-forbidden-at-times"
    assert last([*opened(12, 30.0), refused(13, 400.0)]).id == "upgrade-forbidden-at-times"


def test_a_refusal_of_another_client_or_address_is_no_churn() -> None:
    other = refused(11, 5.5, client="another/1.0")
    assert last([*opened(10, 0.5, client="codex/1.0"), other]).id == "upgrade-forbidden"
    elsewhere = refused(11, 5.5, url="wss://api.openai.com/other")
    assert last([*opened(10, 0.5), elsewhere]).id == "upgrade-forbidden"


def test_evidence_quotes_what_came_with_a_refusal() -> None:
    wire = Wire()
    body = '{"error": {"code": "missing_scope"}}'
    (finding,) = judged([wire.refused("forbidden", "HTTP 403", status=403, body=body)])
    assert "missing_scope" in finding.evidence


def test_a_503_after_a_lost_connection_may_be_its_cool_down() -> None:
    wire = Wire()
    after = refused(2, 3.0, status=503, kind="http_status")
    assert "cool down" in last([wire.open(), wire.lost(), after]).evidence
    assert "cool down" not in last([wire.open(), wire.lost(), after._replace(elapsed=60.0)]).evidence


def test_a_fallback_after_several_tries_tells_what_it_cost() -> None:
    tries = [
        refused(n, n * 1.0, status=404, kind="not_found", client="codex_cli_rs/1.0") for n in range(1, 6)
    ]
    wire = Wire(6, at=6.2)
    post = [
        wire.asked({"model": "m", "input": "Hi"}, client="codex_cli_rs/1.0"),
        wire.answered(),
        *wire.streamed_all(make.answer("resp_1")),
        wire.ended(),
    ]
    found = judged([*tries, *post])
    assert ids(found) == {"no-websocket-route", "fallback-slow"}
    assert (found[-1].records, found[-1].turn) == ((0, 1, 2, 3, 4, 5), 1)
    assert "5 refused upgrades; 5.2 s" in found[-1].evidence
    assert ids(judged([tries[0], *post])) == {"no-websocket-route"}


def test_a_stream_without_an_event_is_told() -> None:
    wire = Wire()
    records = [wire.asked({"model": "m", "input": "Hi"}), wire.answered(), wire.ended()]
    (finding,) = judged(records)
    assert (finding.id, finding.turn) == ("stream-empty", 1)


def test_an_upgrade_that_works_with_a_model_only_tells_what_the_bare_one_wanted() -> None:
    bare, there = refused(1, 0.1), Wire(2, at=0.5)
    url = "wss://api.openai.com/v1/responses"
    found = judged([bare, there.open(f"{url}?model=gpt-5.4")])
    assert [(one.id, one.records) for one in found] == [
        ("upgrade-forbidden", (0,)),
        ("model-wanted-in-url", (0, 1)),
    ]
    assert ids(judged([bare, there.open(f"{url}?a=b")])) == {"upgrade-forbidden"}
    unknown = refused(1, 0.1, status=404, kind="not_found")
    assert ids(judged([unknown, there.open(f"{url}?model=gpt-5.4")])) == {"no-websocket-route"}


def test_a_compaction_that_nobody_serves_is_told() -> None:
    for status, expected in ((404, {"compact-missing"}), (405, {"compact-missing"}), (200, set())):
        wire = Wire()
        records = [
            wire.asked({"model": "m"}, target="/v1/responses/compact"),
            wire.answered({"output": []}, status=status),
            wire.ended(),
        ]
        assert {one for one in ids(judged(records)) if one != "turn-refused"} == expected


ORIGIN = '{"error": {"message": "Origin not allowed.", "code": "origin_not_allowed"}}'


def test_a_refusal_that_gives_another_reason_is_no_churn() -> None:
    def after(body: str) -> Finding:
        wire = Wire(11, at=5.5)
        return last([*opened(10, 0.5), wire.refused("forbidden", "HTTP 403", status=403, body=body)])

    assert (after(ORIGIN).id, after(ORIGIN).who) == ("upgrade-forbidden", "client")
    assert "Origin" in after(ORIGIN).remedy
    assert after('{"error": {"code": "account_deactivated"}}').id == "upgrade-forbidden-at-times"
    assert after('{"error": {"message": "Too many connections."}}').id == "connection-churn"
    assert after("<html>403</html>").id == "connection-churn"


def test_a_second_look_with_a_model_is_no_second_error() -> None:
    url = "wss://api.openai.com/v1/responses?model=gpt-5.4"
    found = judged([refused(1, 0.1), refused(2, 0.2, url=url)])
    assert [(one.id, one.session) for one in found] == [("upgrade-forbidden", 1)]
    assert len(judged([refused(1, 0.1), refused(2, 60.0, url=url)])) == 2
    assert len(judged([refused(1, 0.1), refused(2, 0.2)])) == 2


def test_a_fallback_that_costs_nothing_is_not_told() -> None:
    tries = [refused(n, n * 0.01) for n in range(1, 3)]
    post = Wire(3, at=0.1)
    records = [post.asked({"model": "m", "input": "Hi"}), post.answered()]
    assert "fallback-slow" not in ids(judged([*tries, *records, *post.streamed_all(make.answer("resp_1"))]))


def test_a_connection_that_ends_at_the_upgrade_was_not_answered() -> None:
    said = "the server closed the connection without an answer"
    (finding,) = judged([Wire().refused("protocol", said)])
    assert (finding.id, finding.who) == ("upgrade-unanswered", "proxy")
    (broken,) = judged([Wire().refused("protocol", "the 101 is not a valid upgrade: x", status=101)])
    assert broken.id == "not-http"
    assert "Sec-WebSocket-Accept" in broken.remedy
    (other,) = judged([Wire().refused("protocol", "the answer is not HTTP: it starts with SSH-2.0")])
    assert (other.id, other.who) == ("not-http", "network")
