"""Two sides beside each other: what is a difference, how it is classed, and that equal records have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions.compare.alignment import Comparison, compare
from sessions.compare.contents import id_form
from sessions.compare.difference import WHAT, Weight
from sessions.compare.report import lines, plain, verdict
from sessions.compare.side import Side, read_side
from sessions.compare.timings import slower
from sessions.records import Record
from tests.make import (
    Body,
    Wire,
    answer,
    call_answer,
    completed,
    create,
    created,
    error,
    failed,
    incomplete,
    item_added,
    item_done,
    message,
    numbered,
    reasoning,
    text_delta,
    text_done,
    usage,
)


def side(label: str, *answers: list[Body], step: float = 0.01, **opening: Any) -> Side:
    """A side on a socket with these answers, one turn each."""
    wire = Wire(step=step)
    records: list[Record] = [wire.open(**opening)]
    for bodies in answers:
        records.append(wire.sent(create()))
        records += wire.got_all(bodies)
    return read_side(label, records)


def over_http(label: str, *answers: list[Body]) -> Side:
    """The same answers, each an HTTP exchange of its own."""
    records: list[Record] = []
    for number, bodies in enumerate(answers, start=1):
        wire = Wire(number, at=float(number))
        asked = create()
        del asked["type"]
        records += [
            wire.asked({**asked, "stream": True}),
            wire.answered(),
            *wire.streamed_all(bodies),
            wire.ended(),
        ]
    return read_side(label, records)


def between(one: list[Body], other: list[Body]) -> Comparison:
    """One turn with these answers."""
    return compare(side("A", one), side("B", other))


def found(comparison: Comparison) -> list[tuple[int, str, str]]:
    """Turn, word and weight of every difference."""
    return [(one.turn, one.what, one.weight.value) for one in comparison.differences]


def weights(comparison: Comparison, what: str) -> list[str]:
    """The weights of the differences with this word."""
    return [one.weight.value for one in comparison.differences if one.what == what]


ONE = answer("resp_1", "Hello there")


def test_the_same_records_differ_in_nothing() -> None:
    comparison = compare(side("A", ONE, answer("resp_2")), side("B", ONE, answer("resp_2")))
    assert found(comparison) == []
    assert not comparison.is_breaking
    assert [pair.number for pair in comparison.pairs] == [0, 1, 2]
    assert comparison.summary()["same_turns"] == 2


def test_other_ids_of_the_same_form_are_no_difference() -> None:
    assert found(between(ONE, answer("resp_9", "Hello there"))) == []


def test_other_words_are_harmless_and_lost_words_are_not() -> None:
    assert weights(between(ONE, answer("resp_1", "Good day")), "text") == ["harmless"]
    silent = [created("resp_1"), item_added(message("msg_resp_1")), item_done(message("msg_resp_1")),
              completed("resp_1", [message("msg_resp_1")], usage=usage())]  # fmt: skip
    assert weights(between(ONE, numbered(silent)), "text") == ["breaking"]


def test_a_missing_created_is_breaking_and_told_by_name() -> None:
    (one, *_) = [one for one in between(ONE, ONE[1:]).differences if one.what == "events"]
    assert (one.weight, one.a, one.b) == (Weight.BREAKING, ["response.created"], [])
    assert one.title == "only A has response.created"
    assert "id" in one.meaning


def test_an_unknown_event_and_a_missing_in_progress_are_harmless() -> None:
    vendor = {"type": "acme.progress", "percent": 3}
    assert weights(between(ONE, [*ONE[:2], vendor, *ONE[2:]]), "events") == ["harmless"]
    without = [body for body in ONE if body["type"] != "response.in_progress"]
    assert set(weights(between(ONE, without), "events")) <= {"harmless"}


def test_the_ending_under_another_name_is_breaking() -> None:
    done = [*ONE[:-1], {**ONE[-1], "type": "response.done"}]
    assert weights(between(ONE, done), "events") == ["breaking"]


def test_the_same_events_in_another_order_are_breaking() -> None:
    swapped = [*ONE]
    added = next(place for place, body in enumerate(ONE) if body["type"] == "response.output_item.added")
    swapped[added - 1], swapped[added] = swapped[added], swapped[added - 1]
    (one,) = [one for one in between(ONE, swapped).differences if one.what == "order"]
    assert one.weight is Weight.BREAKING
    assert "another order" in one.title


def test_another_ending_and_another_error_code_are_breaking() -> None:
    assert weights(between(ONE, [created("resp_1"), failed("resp_1")]), "status") == ["breaking"]
    one, other = [error("model_not_found")], [error("server_error")]
    assert weights(between(one, other), "error") == ["breaking"]
    worded = [error("model_not_found", "There is no such model.")]
    assert weights(between(one, worded), "error") == ["harmless"]


def test_keys_that_clients_read_are_breaking_and_others_harmless() -> None:
    unnumbered = [{key: value for key, value in body.items() if key != "sequence_number"} for body in ONE]
    (one,) = [one for one in between(ONE, unnumbered).differences if one.what == "keys"]
    assert one.weight is Weight.HARMLESS
    assert "numbers" in one.meaning
    bare = [
        {key: value for key, value in body.items() if key != "item_id"} if "delta" in body else body
        for body in ONE
    ]
    assert weights(between(ONE, bare), "keys") == ["breaking"]


def test_a_key_that_held_null_is_not_missed() -> None:
    """Left out or null, common clients read the same; with a value it is another matter."""

    def answered(**fields: Any) -> list[Body]:
        body = completed("resp_1", output=[])
        kept = {key: value for key, value in body["response"].items() if key not in ("error", "status")}
        return [created("resp_1"), {**body, "response": {**kept, **fields}}]

    full, bare = answered(error=None, status="completed"), answered(status="completed")
    (one,) = [one for one in between(full, bare).differences if one.what == "keys"]
    assert (one.weight, one.a, one.b) == (Weight.HARMLESS, ["response.error"], [])
    assert "null" in one.meaning
    lost = answered(error=None)
    assert weights(between(full, lost), "keys") == ["breaking"]


def test_the_end_of_a_chat_stream_is_called_by_its_name() -> None:
    wire = Wire(1, at=1.0)
    asked = create()
    del asked["type"]
    records = [wire.asked({**asked, "stream": True}), wire.answered(), *wire.streamed_all(ONE)]
    records += [wire.streamed("data: [DONE]"), wire.ended()]
    (one,) = [one for one in compare(over_http("A", ONE), read_side("B", records)).differences]
    assert (one.what, one.weight, one.b) == ("events", Weight.HARMLESS, ["[DONE]"])
    assert "Chat Completions" in one.meaning


def test_more_reasoning_is_harmless_and_words_instead_of_a_call_are_not() -> None:
    thought = reasoning("rs_1", "Hm.")
    with_thought = [*ONE[:2], item_added(thought), item_done(thought), *ONE[2:]]
    assert weights(between(ONE, with_thought), "items") == ["harmless"]
    assert weights(between(ONE, call_answer("resp_1", {"call_1": "{}"})), "items") == ["breaking"]


def test_other_calls_of_the_same_kind_and_a_refusal_are_the_models_choice() -> None:
    one, two = (
        call_answer("resp_1", {"call_1": "{}"}),
        call_answer("resp_1", {"call_1": "{}", "call_2": "{}"}),
    )
    assert weights(between(one, two), "items") == ["harmless"]
    assert weights(between(one, call_answer("resp_1", {"call_1": "{}"}, name="other")), "items") == [
        "harmless"
    ]
    declined = [
        {**body, "type": body["type"].replace("output_text", "refusal")}
        if "output_text" in body["type"]
        else body
        for body in ONE
    ]
    assert set(weights(between(ONE, declined), "events")) == {"harmless"}


def test_usage_that_is_missing_renamed_or_zero_is_breaking() -> None:
    def ended(counts: Any) -> list[Body]:
        final = dict(ONE[-1])
        final["response"] = {**final["response"], "usage": counts}
        return [*ONE[:-1], final]

    full = usage(20, 8)
    assert weights(between(ended(full), ended(None)), "usage") == ["breaking"]
    chat = {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28}
    assert weights(between(ended(full), ended(chat)), "usage") == ["breaking"]
    assert weights(between(ended(full), ended(usage(0, 8))), "usage") == ["breaking"]
    again = between(ended(full), ended(usage(60, 8)))
    assert weights(again, "usage") == ["harmless"]
    assert "billed again" in next(one.meaning for one in again.differences if one.what == "usage")


def test_a_changed_store_is_breaking_and_another_model_harmless() -> None:
    def echoed(**fields: Any) -> list[Body]:
        return [
            {**body, "response": {**body["response"], **fields}} if "response" in body else body
            for body in ONE
        ]

    assert weights(between(echoed(store=True), echoed(store=False)), "settings") == ["breaking"]
    assert weights(between(echoed(model="m"), echoed(model="n")), "settings") == ["harmless"]


def test_rewritten_ids_are_harmless_and_missing_ones_breaking() -> None:
    rewritten = answer("resp_" + "bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVy" * 4, "Hello there")
    assert "harmless" in weights(between(ONE, rewritten), "ids")
    nameless = [
        {**body, "response": {**body["response"], "id": ""}} if "response" in body else body for body in ONE
    ]
    assert "breaking" in weights(between(ONE, nameless), "ids")


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("resp_" + "0a" * 24, "resp_ + 48 hex"),
        ("call_Xy12", "call_ + letters and digits"),
        ("12345678-1234-1234-1234-123456789abc", "uuid"),
        ("", "none"),
        ("resp_" + "Zz" * 80, "resp_ + a long text, mostly an encoded route"),
    ],
)
def test_the_form_of_an_id_in_words(given: str, form: str) -> None:
    assert id_form(given) == form


def test_what_is_wrong_on_one_side_only_is_told_with_its_remedy() -> None:
    gap = [*ONE[:-1], {**ONE[-1], "sequence_number": 99}]
    (one,) = [one for one in between(ONE, gap).differences if one.what == "finding"]
    assert one.a is None
    assert "sequence" in str(one.b)
    assert one.title.startswith("only B: ")
    assert one.meaning
    assert not [one for one in between(gap, gap).differences if one.what == "finding"]


def test_a_refused_opening_is_breaking_and_the_turns_are_missing() -> None:
    wire = Wire()
    refused = read_side("B", [wire.refused("forbidden", status=403, body="no")])
    comparison = compare(side("A", ONE), refused)
    assert found(comparison) == [(0, "opening", "breaking"), (1, "unsent", "breaking")]
    assert comparison.differences[0].b == "refused with 403 (forbidden)"
    assert "refused" in comparison.differences[1].title


def test_headers_and_compression_are_harmless_and_dates_are_none() -> None:
    one = side("A", ONE, headers={"server": "nginx", "date": "today", "x-request-id": "1"})
    other = side("B", ONE, headers={"server": "envoy", "date": "tomorrow", "x-request-id": "2"},
                 compression="permessage-deflate")  # fmt: skip
    comparison = compare(one, other)
    assert found(comparison) == [(0, "headers", "harmless"), (0, "compression", "harmless")]
    assert comparison.differences[0].title == "header server: A nginx, B envoy"


def test_what_a_product_tells_of_itself_is_one_difference() -> None:
    own = {"x-litellm-version": "1", "x-litellm-model-id": "m", "x-powered-by": "Express"}
    comparison = compare(side("A", ONE), side("B", ONE, headers=own))
    assert found(comparison) == [(0, "headers", "harmless")] * 2
    by, together = comparison.differences
    assert by.title == "header x-powered-by: A has none, B Express"
    assert together.title == "only B has the headers x-litellm-model-id, x-litellm-version"
    assert (together.a, together.b) == (None, ["x-litellm-model-id", "x-litellm-version"])


def test_a_selected_subprotocol_is_breaking() -> None:
    other = side("B", ONE, headers={"sec-websocket-protocol": "realtime"})
    assert found(compare(side("A", ONE), other)) == [(0, "headers", "breaking")]


def test_an_end_by_the_server_is_breaking_and_the_unsent_turn_says_why() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(create()), *wire.got_all(ONE), wire.close(1001)]
    comparison = compare(side("A", ONE, ONE), read_side("B", records))
    assert (0, "ending", "breaking") in found(comparison)
    (unsent,) = [one for one in comparison.differences if one.what == "unsent"]
    assert unsent.title == "only A was asked; at B its connection had ended"


def test_a_socket_and_http_that_say_the_same_do_not_differ() -> None:
    comparison = compare(side("A", ONE, answer("resp_2")), over_http("B", ONE, answer("resp_2")))
    assert comparison.b.is_http
    assert found(comparison) == []


def test_a_steered_answer_breaks_nothing_where_nobody_can_steer() -> None:
    steered = [
        *answer("resp_1", "Hello there")[:-1],
        incomplete("resp_1", "steered"),
        *answer("resp_2", "Two"),
    ]
    comparison = compare(side("A", steered), over_http("B", ONE))
    assert [(one.what, one.weight.value) for one in comparison.differences if one.what == "status"] == [
        ("status", "harmless")
    ]
    assert "over HTTP a create has one response" in comparison.differences[0].meaning
    same_way = compare(side("A", steered), side("B", ONE))
    assert weights(same_way, "status") == ["breaking"]


def test_over_two_transports_who_answered_and_how_long_the_way_took_count() -> None:
    wire = Wire()
    asked = create()
    del asked["type"]
    records = [
        wire.asked({**asked, "stream": True}),
        wire.answered(headers={"server": "nginx", "cache-control": "no-cache"}, ms=900.0, tcp_ms=1.0),
        *wire.streamed_all(ONE),
        wire.ended(),
    ]
    over = read_side("B", records)
    slow = side("A", ONE, headers={"server": "envoy"}, tcp_ms=1.0, upgrade_ms=400.0)
    comparison = compare(slow, over)
    assert found(comparison) == [(0, "headers", "harmless"), (0, "timing", "harmless")]
    assert comparison.differences[0].meaning.startswith("The two transports may be answered by different")
    assert comparison.differences[1].title == "opening: A 401 ms, B 1 ms (401x)"


def test_an_error_of_http_and_one_of_a_socket_with_the_same_code_break_nothing() -> None:
    wire = Wire()
    asked = {"model": "m", "input": "Hi", "stream": True}
    inner = {
        "message": "It is wrong.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    http = read_side("B", [wire.asked(asked), wire.answered({"error": inner}, status=400), wire.ended()])
    comparison = compare(side("A", [error("model_not_found")]), http)
    assert weights(comparison, "error") == []
    assert weights(comparison, "status") == []
    assert [
        one for one in comparison.differences if one.what == "keys" and one.weight is Weight.BREAKING
    ] == []


def test_times_count_only_when_a_person_would_notice() -> None:
    assert slower("A", "B", 10, 30) == ""
    assert slower("A", "B", 400, 460) == ""
    assert slower("A", "B", 20, 340) == "A 20 ms, B 340 ms (17x)"
    slow = compare(side("A", ONE), side("B", ONE, step=0.2))
    assert {what for _, what, _ in found(slow)} == {"timing"}
    assert {weight for _, _, weight in found(slow)} == {"harmless"}


def test_an_answer_that_comes_at_once_is_told_beside_one_that_streams() -> None:
    text = "one two three four five six seven eight nine ten"
    bodies = answer("resp_1", text)

    def paced(is_held: bool) -> Side:
        wire = Wire(step=0.0001)
        records = [wire.open(), wire.sent(create())]
        wire.wait(2.0 if is_held else 0.01)
        for body in bodies:
            if not is_held:
                wire.wait(0.2)
            records.append(wire.got(body))
        return read_side("B" if is_held else "A", records)

    (one,) = [one for one in compare(paced(False), paced(True)).differences if one.what == "streaming"]
    assert one.title.startswith("B gives all deltas at once")


def test_arguments_that_are_no_json_on_one_side_are_breaking() -> None:
    good = call_answer("resp_1", {"call_1": '{"city":"Oslo"}'})
    other = call_answer("resp_1", {"call_1": '{"city":"Rome"}'})
    bad = call_answer("resp_1", {"call_1": '{"city":'})
    assert weights(between(good, other), "arguments") == ["harmless"]
    assert weights(between(good, bad), "arguments") == ["breaking"]


@pytest.mark.parametrize("hostile", ["\x1b[2J", "‮", "\u0007"])
def test_nothing_of_a_server_acts_on_a_terminal(hostile: str) -> None:
    strange = [
        created("resp_1"),
        {"type": f"x{hostile}y"},
        item_added(message("msg_1")),
        text_delta("msg_1", hostile),
        text_done("msg_1", hostile),
        item_done(message("msg_1", hostile)),
        completed("resp_1", [message("msg_1", hostile)], usage=usage()),
    ]
    report = "\n".join(plain(between(ONE, numbered(strange))))
    assert hostile not in report
    assert "where B has x" in report or "only B has x" in report


def test_the_report_tells_a_repeated_difference_once() -> None:
    def unnumbered(bodies: list[Body]) -> list[Body]:
        return [{key: value for key, value in body.items() if key != "sequence_number"} for body in bodies]

    two = answer("resp_2")
    comparison = compare(side("A", ONE, two), side("B", unnumbered(ONE), unnumbered(two)))
    report = list(plain(comparison))
    assert report[0].startswith("A  wss://api.openai.com/v1/responses  over WebSocket, 2 turns")
    assert any(line.startswith("  harmless  keys: ") for line in report)
    assert any("as in turn 1" in line for line in report[report.index("turn 2:") :])
    assert report[-1] == verdict(comparison)
    assert "0 breaking" in verdict(comparison)
    *rest, summary = lines(comparison)
    assert len(rest) == summary["harmless"] == len(comparison.differences)
    assert {one["what"] for one in rest} <= set(WHAT)


SHAPES: list[Callable[[], list[Body]]] = [
    lambda: [],
    lambda: [{"no": "type"}],
    lambda: [created("resp_1")],
    lambda: [{"type": "response.completed", "response": 3}],
    lambda: [{"type": "response.output_item.done", "item": [], "output_index": "x"}],
    lambda: [{"type": "error", "error": "text"}],
]


@pytest.mark.parametrize("shape", SHAPES)
def test_nonsense_is_compared_without_raising(shape: Callable[[], list[Body]]) -> None:
    comparison = between(ONE, shape())
    assert comparison.is_breaking
    assert list(plain(comparison))


def test_what_follows_from_a_call_or_a_failure_is_harmless_where_only_one_side_has_it() -> None:
    def talk(label: str, *turns: tuple[Body, list[Body]]) -> Side:
        wire = Wire()
        records = [wire.open()]
        for asked, bodies in turns:
            records += [wire.sent(asked), *wire.got_all(bodies)]
        return read_side(label, records)

    last = (create("Thanks"), answer("resp_9", "Bye."))
    calls = (create("Weather?"), call_answer("resp_1", {"call_1": "{}"}))
    output = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    one = talk("A", calls, (create([output]), answer("resp_2", "Rain.")), last)
    other = talk("B", (create("Weather?"), answer("resp_3", "I cannot say.")), last)
    comparison = compare(one, other)
    assert [pair.number for pair in comparison.pairs if pair.differences] == [1, 2]
    assert weights(comparison, "unsent") == ["harmless"]
    assert "B's model called none" in comparison.pairs[2].differences[0].title

    again = talk("B", (create("Weather?"), numbered([failed("resp_4")])), *[
        (create("Weather?"), answer("resp_5", "Rain.")), last])  # fmt: skip
    comparison = compare(talk("A", (create("Weather?"), answer("resp_6", "Rain.")), last), again)
    assert weights(comparison, "status") == ["breaking"]
    assert weights(comparison, "unsent") == ["harmless"]
    assert not comparison.pairs[3].differences


def test_other_numbers_of_the_same_difference_are_told_once_in_the_report() -> None:
    one, other = side("A", ONE, answer("resp_2")), side("B", ONE, answer("resp_2"), step=0.2)
    comparison = compare(one, other)
    assert len(weights(comparison, "timing")) > 2
    told = list(plain(comparison))
    assert sum("timing: whole turn" in line for line in told) == 1
    assert any("as in turn 1" in line for line in told)


def test_an_output_that_only_one_final_object_has_is_breaking_unless_its_profile_is_known_for_it() -> None:
    final = {**ONE[-1], "response": {**ONE[-1]["response"], "output": []}}
    empty = [*ONE[:-1], final]
    assert weights(between(ONE, empty), "finding") == ["breaking"]
    assert weights(between(empty, empty), "finding") == []
    wire = Wire()
    records = [wire.open(), wire.sent(create()), *wire.got_all(empty)]
    known = read_side("B", records, {"openai": ("final-empty",)})
    assert weights(compare(side("A", ONE), known), "finding") == ["harmless"]
