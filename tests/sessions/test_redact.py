"""Credentials are out, whatever they hide in; everything else stays as it is."""

from __future__ import annotations

import json

import pytest

from sessions import redact

KEY = "sk-proj-Abc123Def456Ghi789"


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("Authorization", f"Bearer {KEY}", "Bearer ***"),
        ("Authorization", "Basic dXNlcjpwYXNz", "Basic ***"),
        ("Authorization", KEY, "***"),
        ("authorization", f"{KEY} and more", "***"),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNz", "Basic ***"),
        ("api-key", "0123", "***"),
        ("X-Api-Key", "0123", "***"),
        ("x-goog-api-key", "0123", "***"),
        ("Ocp-Apim-Subscription-Key", "0123", "***"),
        ("Helicone-Auth", "Bearer 0123", "***"),
        ("Cookie", "session=abc", "***"),
        ("Set-Cookie", "__cf_bm=abc; path=/", "***"),
        ("OpenAI-Organization", "org-x", "***"),
        ("OpenAI-Project", "proj_x", "***"),
        ("ChatGPT-Account-ID", "abc", "***"),
        ("x-codex-turn-state", "abc", "***"),
        ("x-oai-attestation", "abc", "***"),
        (
            "Sec-WebSocket-Protocol",
            f"realtime, openai-insecure-api-key.{KEY}",
            "realtime, openai-insecure-api-key.***",
        ),
        ("Location", "https://u:p@host/x?api_key=1&b=2", "https://***@host/x?api_key=***&b=2"),
        ("X-Debug", f"used {KEY} here", "used *** here"),
    ],
)
def test_headers_with_credentials(name: str, value: str, masked: str) -> None:
    clean, what = redact.header(name, value)
    assert clean == masked
    assert what == (name.lower(),) or what[0].startswith(("userinfo", "query"))
    assert redact.header(name, clean).value == clean


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-remaining-tokens", "149984"),
        ("x-ratelimit-limit-requests", "500"),
        ("x-codex-primary-used-percent", "12.5"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("retry-after", "7"),
        ("openai-model", "gpt-5.4"),
        ("x-request-id", "req_0123456789abcdef"),
        ("Content-Type", "application/json"),
    ],
)
def test_headers_without_credentials_stay(name: str, value: str) -> None:
    assert redact.header(name, value) == (value, ())


def test_header_pairs_keep_their_order_and_name_what_was_masked_once() -> None:
    pairs = [("Host", "h"), ("Authorization", "Bearer x"), ("Accept", "*/*"), ("authorization", "Bearer y")]
    clean, masked = redact.headers(pairs)
    assert [name for name, _ in clean] == ["Host", "Authorization", "Accept", "authorization"]
    assert masked == ("authorization",)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("wss://host/v1/responses?model=a", "wss://host/v1/responses?model=a"),
        ("wss://user:pass@host/v1", "wss://***@host/v1"),
        ("wss://user:p@ss@host/v1", "wss://***@host/v1"),
        ("wss://host/v1?api_key=abc&model=m", "wss://host/v1?api_key=***&model=m"),
        ("wss://host/v1?key=abc#x", "wss://host/v1?key=***#x"),
        ("wss://host/v1?max_tokens=5", "wss://host/v1?max_tokens=5"),
        ("https://proxy/forward?target=http://u:p@back/", "https://proxy/forward?target=http://***@back/"),
        (f"wss://host/{KEY}/v1", "wss://host/***/v1"),
        ("http://[fe80::1%25en0]:8080/v1", "http://[fe80::1%25en0]:8080/v1"),
    ],
)
def test_urls(url: str, clean: str) -> None:
    assert redact.url(url).value == clean
    assert redact.url(clean) == (clean, ())


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "xai-0123456789abcdef",
        "gsk_0123456789abcdef",
        "vck_0123456789abcdef",
        "ghp_0123456789abcdefABCDEF",
        "AIzaSyA0123456789abcdefghijklmnop",
        "org-Abc123Def456Ghi789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
    ],
)
def test_key_shaped_words_in_text(key: str) -> None:
    clean, what = redact.text(f"Incorrect API key provided: {key}.")
    assert clean == "Incorrect API key provided: ***."
    assert what == ("text",)


@pytest.mark.parametrize(
    "text", ["task-management-of-the-day", "org-chart-department", "risk-0123456789", "sk-"]
)
def test_ordinary_words_are_no_keys(text: str) -> None:
    assert redact.text(text) == (text, ())


def test_known_secrets_go_wherever_they_stand_and_the_longest_first() -> None:
    assert redact.text("a hunter22 b hunter2 c", ["hunter2", "hunter22"]).value == "a *** b *** c"
    assert redact.text("abc", ["abc"]).value == "abc"  # too short to be told from a word


def test_a_payload_without_credentials_is_the_very_same_bytes() -> None:
    value = b'{"type":"x",  "n": 1.0, "t":"\\u00e4", "authorization":"shown", "mcp":1}'
    clean = redact.payload(value, ["not-in-there"])
    assert clean.masked == ()
    assert clean.value is value


def test_a_known_key_in_a_payload_is_replaced_and_nothing_else() -> None:
    value = b'{"input":"my key is ' + KEY.encode() + b'","n":1.0}'
    assert redact.payload(value, [KEY]) == (b'{"input":"my key is ***","n":1.0}', ("key",))


def test_mcp_tools_lose_their_credentials_and_other_tools_nothing() -> None:
    tools = [
        {"type": "mcp", "server_label": "a", "authorization": 'tok"en', "headers": {"X-Key": "k", "n": 1}},
        {"headers": {"X": "y"}, "server_label": "b", "type": "mcp"},
        {
            "type": "function",
            "name": "f",
            "parameters": {"headers": {"type": "object"}, "authorization": "shown"},
        },
    ]
    value = json.dumps(
        {"type": "response.create", "tools": tools, "input": '"type":"mcp","authorization":"said"'}
    ).encode()
    clean, masked = redact.payload(value)
    body = json.loads(clean)
    assert body["tools"][0]["authorization"] == "***"
    assert body["tools"][0]["headers"] == {"X-Key": "***", "n": 1}
    assert body["tools"][1]["headers"] == {"X": "***"}
    assert body["tools"][2] == tools[2]
    assert body["input"] == '"type":"mcp","authorization":"said"'
    assert set(masked) == {"mcp authorization", "mcp headers"}
    assert redact.payload(clean) == (clean, ())


@pytest.mark.parametrize(
    "value",
    [
        b'"mcp" "headers" {{{{',
        b']]}}"mcp","authorization":"x"',
        b'{"type":"mcp","headers":{"a":"b"',
        b'"mcp"' + b'{"headers":' * 5_000,
        b'{"type":"mcp","authorization":"' + b"\\" * 9_999,
        b'\xff{"type":"mcp","authorization":"\xfe"}',
    ],
)
def test_payloads_that_are_no_json_do_not_break_it(value: bytes) -> None:
    clean = redact.payload(value).value
    assert redact.payload(clean).value == clean


def test_a_screen_shows_no_account() -> None:
    text = f"{KEY} org-Abc123Def456 proj_Xyz789Abc0 user-A1b2c3d4 and organisation"
    assert redact.screen(text) == "*** *** *** user-*** and organisation"


def test_a_mask_has_no_part_of_the_secret() -> None:
    assert redact.mask(KEY) == "***"
    assert redact.mask("") == ""


def test_every_credential_of_a_head_is_known_by_its_exact_text() -> None:
    head = (
        "GET http://me:pass%2Fword1@host/v1?api_key=query%20key1&model=a-long-model HTTP/1.1\r\n"
        "authorization: Bearer opaque-bearer\r\nX-Api-Key: opaque/api-key\n"
        "Proxy-Authorization: Basic bWU6aHVzaC1odXNo\r\n"
        "Cookie: theme=dark; sid=0123456789abcdef\r\nOpenAI-Organization: org-of-somebody\r\n"
        "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.in-protocol\r\nApi-Key: short\r\n\r\n"
    )
    assert set(redact.credentials(head)) == {
        *("pass%2Fword1", "pass/word1", "pass\\/word1", "query%20key1", "query key1", "opaque-bearer"),
        *("opaque/api-key", "opaque\\/api-key", "bWU6aHVzaC1odXNo", "me:hush-hush", "hush-hush"),
        *("0123456789abcdef", "in-protocol"),
    }
