"""A conversation as Markdown: complete, and unable to act in the document."""

from __future__ import annotations

import re

from sessions.records import Record
from sessions.reducer import Sessions, fold
from sessions.transcript import fence, markdown
from tests import make


def told(records: list[Record]) -> str:
    sessions: Sessions = fold(records)
    return markdown(sessions, records.__getitem__, sessions.turns)


def test_a_conversation_in_order() -> None:
    wire = make.Wire()
    text = told([wire.open(), *wire.turn("resp_1", "Lima.", input="Capital of Peru?")])
    assert text.startswith("# Conversation\n\nSession 1: `wss://api.openai.com/v1/responses`, direct\n")
    assert "## T1 `resp_1`: completed" in text
    assert text.index("Capital of Peru?") < text.index("Lima.") < text.index("20 tokens in, 8 out")


def test_headings_of_a_model_stay_inside_their_fence() -> None:
    wire = make.Wire()
    text = told([wire.open(), *wire.turn("resp_1", "# Not a heading\n```\ncode\n```\n## nor this")])
    outside = re.sub(r"(?ms)^(`{3,})[a-z]*\n.*?^\1$", "", text)
    assert [line for line in outside.splitlines() if line.startswith("#")] == [
        "# Conversation",
        "## T1 `resp_1`: completed",
    ]


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fence("a ````` b").startswith("``````\n")
    assert fence("") == ""


def test_calls_answers_and_errors_are_told() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create("Weather?")),
        *wire.got_all(make.call_answer("resp_1", {"call_1": '{"city": "Oslo"}', "call_2": "{}"})),
        wire.sent(make.create([make.function_output("call_1")], previous_response_id="resp_1")),
        wire.got(make.error("server_error", "No `luck`.", status=500)),
    ]
    text = told(records)
    assert "**Tool call** `get_weather` `call_1`" in text
    assert '"city": "Oslo"' in text
    assert text.count("Nobody has answered this call.") == 1
    assert "**Reply** `call_1`" in text
    assert "**Error** `server_error` status 500" in text
    assert "## T2, continues T1: errored" in text


def test_refusals_reasoning_and_unknown_items_are_told() -> None:
    wire = make.Wire()
    refused = {"id": "m1", "type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}
    records = [
        wire.open(),
        wire.sent(make.create("x")),
        wire.got(make.created("resp_1")),
        wire.got(make.item_done(make.reasoning("rs_1", "Weighing."), 0)),
        wire.got(make.item_done(refused, 1)),
        wire.got(make.item_done({"id": "n1", "type": "brand_new", "deep": {"x": 1}}, 2)),
        wire.got(make.incomplete("resp_1", "max_output_tokens")),
    ]
    text = told(records)
    assert "**Thinking**\n\n```\nWeighing.\n```" in text
    assert "**Refusal**\n\n```\nI can't.\n```" in text
    assert '"deep": {"x": 1}' in text
    assert "Incomplete: `max_output_tokens`" in text


def test_keys_and_escapes_do_not_reach_the_document() -> None:
    wire = make.Wire()
    text = told(
        [
            wire.open(),
            *wire.turn("resp_`1\x1b[2J", "sk-abcdefghijklmnop \x1b]52;c;x\x07", input="org-abcdef1234"),
        ]
    )
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "abcdefghij" not in text
    assert "abcdef1234" not in text
    assert "`` resp_`1" in text


def test_a_large_item_is_read_from_its_record() -> None:
    wire = make.Wire()
    output = "y" * 50_000
    records = [
        wire.open(),
        wire.sent(make.create("x")),
        wire.got(make.created("resp_1")),
        wire.got(
            make.item_done(
                {"id": "c1", "type": "mcp_call", "name": "f", "server_label": "s", "output": output}
            )
        ),
        wire.got(make.completed("resp_1")),
    ]
    assert output in told(records)
