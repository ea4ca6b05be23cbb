"""Facts out of bodies: right when the body is right, absent when it is not, never an exception."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import facts
from sessions.session import Failure, Usage
from tests import make

WRONG: list[Any] = [None, True, 5, 1.5, "x", [], ["x"], {}, {"x": 1}, float("nan"), 10**5_000, [[[]]]]


@pytest.mark.parametrize(
    ("meta", "who"),
    [
        ({"by": "tap", "detail": "the client went"}, "tap"),
        ({"detail": "the client went before it had an answer"}, "client"),
        ({"detail": "the tap was stopped"}, "tap"),
        ({"detail": "the server ended the connection"}, ""),
        ({"detail": "the clients"}, ""),
        ({"by": 1, "detail": None}, ""),
        ({}, ""),
    ],
)
def test_who_ended_it_is_said_by_its_name_or_its_words(meta: dict[str, Any], who: str) -> None:
    assert facts.ender(meta) == who


def test_usage_under_either_name() -> None:
    assert facts.usage(make.usage(1, 2, cached=3, reasoning=4)) == Usage(1, 2, 3, 3, None, 4)
    chat = {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert facts.usage(chat) == Usage(1, 2, 3, 1, None, 2)
    assert facts.usage({"input_tokens": 0}) == Usage(0)
    assert facts.usage({"input_tokens": "many"}) is None


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_nothing_of_the_wrong_kind_raises(wrong: Any) -> None:
    keys = ("error", "status", "status_code", "headers", "code", "message", "type", "param", "detail")
    for body in (
        dict.fromkeys(keys, wrong),
        {"error": dict.fromkeys(keys, wrong)},
        {"detail": wrong},
        {"headers": {"retry-after": wrong}},
    ):
        failure = facts.failure(body)
        assert all(
            isinstance(word, str) for word in (failure.code, failure.message, failure.type, failure.param)
        )
        assert all(isinstance(value, str) for value in failure.headers.values())
    facts.usage(wrong)
    facts.usage(
        {
            "input_tokens": wrong,
            "input_tokens_details": wrong,
            "output_tokens_details": {"reasoning_tokens": wrong},
        }
    )
    limits = facts.rate_limits(
        {
            "rate_limits": {"primary": {"used_percent": wrong, "window_minutes": wrong}, "x": wrong},
            "credits": wrong,
        }
    )
    assert all(isinstance(value, str) for value in limits.values())
    facts.rate_limits(
        {"rate_limits": wrong, "credits": {"has_credits": wrong, "balance": wrong, "unlimited": wrong}}
    )
    facts.answered_calls({"input": wrong})
    assert facts.answered_calls({"input": [wrong, {"type": wrong, "call_id": wrong}]}) == ()
    assert isinstance(facts.plain_input(wrong), str)
    assert isinstance(
        facts.plain_input([wrong, {"content": wrong}, {"content": [wrong, {"text": wrong}]}]), str
    )
    assert facts.quantity(wrong) is None or isinstance(wrong, int | float)


def test_a_detail_that_nests_very_deep_is_abridged() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    try:
        assert facts.failure({"detail": deep}).message == "\u2026"
    finally:
        while isinstance(deep, list):  # taken apart by hand: freeing it all at once recurses
            deep = deep.pop()


def test_a_fastapi_detail_is_kept_in_words() -> None:
    assert "field required" in facts.failure({"detail": [{"msg": "field required"}]}).message


def test_the_fields_of_a_failure() -> None:
    body = {
        "type": "error",
        "status": 429,
        "error": {"type": "t", "code": "c", "message": "m", "param": "p"},
        "headers": {"A": 1},
    }
    assert facts.failure(body) == Failure("c", "m", "t", "p", 429, {"A": "1"})
    assert facts.failure({"type": "error", "code": "c", "message": "m"}) == Failure("c", "m")
    assert facts.failure({"error": {"status": 503}}).status == 503


def test_codex_rate_limits_in_words() -> None:
    body = {
        "rate_limits": {
            "primary": {"used_percent": 12.5, "window_minutes": 300},
            "secondary": {"used_percent": 3},
        },
        "credits": {"has_credits": True, "unlimited": False, "balance": "9.99"},
    }
    assert facts.rate_limits(body) == {
        "primary": "12.5% used of 300 min",
        "secondary": "3% used",
        "credits": "9.99",
    }
    assert facts.rate_limits({"credits": {"has_credits": True, "unlimited": True}}) == {
        "credits": "unlimited"
    }


def test_headers_that_speak_of_limits() -> None:
    headers = {
        "X-RateLimit-Remaining-Tokens": "5",
        "Retry-After": "7",
        "x-codex-primary-used-percent": "1",
        "x-codex-turn-state": "secret",
        "Server": "x",
    }
    assert facts.limit_headers(headers) == {
        "x-ratelimit-remaining-tokens": "5",
        "retry-after": "7",
        "x-codex-primary-used-percent": "1",
    }


def test_limits_are_kept_by_name_and_not_without_end() -> None:
    kept: dict[str, str] = {}
    facts.keep_limits(kept, {f"limit {n}": "1" for n in range(500)})
    facts.keep_limits(kept, {"limit 0": "2", "new": "3"})
    assert (len(kept), kept["limit 0"], "new" in kept) == (100, "2", False)


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        (b"", {}),
        (b"GET / HTTP/1.1\r\nA: b\r\n\r\n", {}),
        (b"GET / HTTP/1.1\r\nA: b\r\n\r\nHTTP/1.1 101 S\r\nC: d\r\nC2:e\r\n\r\n", {"c": "d", "c2": "e"}),
        (b"HTTP/1.1 101 S\r\nVia: HTTP/1.1 proxy\r\nA: b\r\n\r\n", {"via": "HTTP/1.1 proxy", "a": "b"}),
        (b"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 101 S\r\nC: d\r\n\r\n", {"c": "d"}),
        (b"HTTP/1.1 403 F\r\nA: b\r\n\r\nHTTP/1.1 200 said the body\r\nX: y\r\n\r\n", {"a": "b"}),
        (b"HTTP/1.1 403 F\r\nno colon\r\nA: \xfc\r\n", {"a": "ü"}),
    ],
)
def test_headers_of_the_final_head(head: bytes, headers: dict[str, str]) -> None:
    assert facts.head_headers(head) == headers


def test_answered_calls_and_approvals() -> None:
    items = [
        make.function_output("call_1"),
        {"type": "shell_call_output", "call_id": "call_2"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1"},
        {"type": "message", "role": "user", "content": "x"},
        {"type": "function_call_output"},
    ]
    assert facts.answered_calls({"input": items}) == ("call_1", "call_2", "mcpr_1")


def test_the_words_of_an_input() -> None:
    items = [
        {"role": "user", "content": "One"},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Two"}, {"type": "input_image"}],
        },
        make.function_output("call_1"),
    ]
    assert facts.plain_input(items) == "One\nTwo"
    assert facts.plain_input("Just text") == "Just text"
