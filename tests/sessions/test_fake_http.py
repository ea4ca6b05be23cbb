"""The fake server over plain HTTP: JSON, event streams, compaction, models, stored responses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.sessions.fake_client import (
    Event,
    body_of,
    connected,
    get,
    http,
    id_of,
    post,
    serving,
    status_of,
    text_of,
)

TOOL = {"type": "function", "name": "temp", "parameters": {"type": "object", "properties": {}}}


def _create(text: Any = "Capital of Peru?", **fields: Any) -> Event:
    return {"model": "gpt-6-astra", "input": text, **fields}


def _events(response: bytes) -> list[Event]:
    assert b"text/event-stream" in response
    lines = [line for line in response.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line[6:]) for line in lines]


async def test_a_post_is_answered_with_the_response_object() -> None:
    async with serving() as server:
        answer = await http(server, post("/v1/responses", _create()))
    body = body_of(answer)
    assert status_of(answer) == 200
    assert (body["object"], body["status"]) == ("response", "completed")
    assert body["output"][0]["content"][0]["text"] == "Lima."
    assert body["usage"]["total_tokens"] > 0


async def test_a_post_with_stream_is_an_event_stream_of_the_same_events() -> None:
    async with serving() as server:
        events = _events(await http(server, post("/v1/responses", _create(stream=True))))
        async with connected(server) as one:
            over_socket = await one.turn("Capital of Peru?")
    assert [event["type"] for event in events] == [event["type"] for event in over_socket]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert text_of(events) == "Lima."


async def test_an_error_inside_an_event_stream_is_flat() -> None:
    async with serving(faults=("error-mid-stream",)) as server:
        events = _events(await http(server, post("/v1/responses", _create(stream=True))))
    assert [event["code"] for event in events if event["type"] == "error" and "error" not in event]


async def test_nothing_is_steered_over_http_so_a_create_has_one_response_that_completes() -> None:
    async with serving() as server:
        events = _events(await http(server, post("/v1/responses", _create("/every", stream=True))))
    assert not [event["type"] for event in events if event["type"].startswith("response.steer")]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events if "response" in event][-1] == "response.completed"
    assert [event["type"] for event in events].count("response.created") == 1


async def test_a_chain_over_http_stands_on_what_is_stored() -> None:
    async with serving() as server:
        first = body_of(await http(server, post("/v1/responses", _create("Remember the word heron."))))
        second = body_of(
            await http(
                server,
                post("/v1/responses", _create("What was the word?", previous_response_id=first["id"])),
            )
        )
        async with connected(server) as one:
            third = await one.turn("What was the word?", previous_response_id=second["id"])
            unstored = await one.turn("Hi", store=False)
        lost = await http(
            server, post("/v1/responses", _create("And?", previous_response_id=id_of(unstored)))
        )
    assert "heron" in second["output"][0]["content"][0]["text"]
    assert "heron" in text_of(third)
    assert status_of(lost) == 400
    assert body_of(lost)["error"]["code"] == "previous_response_not_found"


async def test_a_stored_response_can_be_read_and_deleted() -> None:
    async with serving() as server:
        made = body_of(await http(server, post("/v1/responses", _create())))
        path = f"/v1/responses/{made['id']}"
        read = await http(server, get(path))
        gone = await http(server, get(path, method="DELETE"))
        after = await http(server, get(path))
        wrong = await http(server, get(path, method="PUT"))
    assert body_of(read) == made
    assert body_of(gone)["deleted"] is True
    assert (status_of(after), status_of(wrong)) == (404, 404)


@pytest.mark.parametrize("key", ["type", "stream_id", "generate"])
async def test_keys_of_the_socket_are_unknown_to_http(key: str) -> None:
    async with serving() as server:
        answer = await http(server, post("/v1/responses", _create(**{key: "response.create"})))
    error = body_of(answer)["error"]
    assert (status_of(answer), error["code"], error["param"]) == (400, "unknown_parameter", key)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_object_is_a_400(body: bytes) -> None:
    async with serving() as server:
        answer = await http(server, post("/v1/responses", body))
        compact = await http(server, post("/v1/responses/compact", body))
    assert (status_of(answer), body_of(answer)["error"]["code"]) == (400, "invalid_json")
    assert status_of(compact) == 400


async def test_a_missing_output_is_a_400_over_http_too() -> None:
    async with serving() as server:
        first = body_of(await http(server, post("/v1/responses", _create("temp please", tools=[TOOL]))))
        answer = await http(server, post("/v1/responses", _create("And?", previous_response_id=first["id"])))
    assert first["output"][0]["type"] == "function_call"
    assert (status_of(answer), body_of(answer)["error"]["param"]) == (400, "input")


async def test_compaction_gives_items_that_begin_a_new_chain() -> None:
    async with serving() as server:
        history = [{"role": "user", "content": "One"}, {"role": "user", "content": "Two"}]
        body = body_of(await http(server, post("/v1/responses/compact", _create(history))))
        assert [item["type"] for item in body["output"]] == ["message", "compaction"]
        assert body["output"][1]["encrypted_content"]
        async with connected(server) as one:
            events = await one.turn([*body["output"], {"role": "user", "content": "Capital of Peru?"}])
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["previous_response_id"] is None


async def test_compaction_of_an_unknown_chain_is_refused() -> None:
    async with serving() as server:
        answer = await http(
            server, post("/v1/responses/compact", _create([], previous_response_id="resp_no"))
        )
    assert body_of(answer)["error"]["code"] == "previous_response_not_found"


async def test_models_are_listed_and_looked_up() -> None:
    async with serving(models=("one", "two")) as server:
        listed = body_of(await http(server, get("/v1/models")))
        found = await http(server, get("/v1/models/two"))
        missing = await http(server, get("/v1/models/three"))
    assert [model["id"] for model in listed["data"]] == ["one", "two"]
    assert body_of(found)["object"] == "model"
    assert (status_of(missing), body_of(missing)["error"]["code"]) == (404, "model_not_found")


async def test_a_plain_get_of_the_path_says_upgrade() -> None:
    async with serving() as server:
        answer = await http(server, get("/v1/responses"))
        other = await http(server, get("/v1/responses", method="PUT"))
    assert (status_of(answer), status_of(other)) == (426, 405)
    assert b"upgrade: websocket" in answer
    assert "WebSocket" in body_of(answer)["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/chat/completions", "/v1/responsesx", "/../etc/passwd"])
async def test_other_paths_are_404_as_json(path: str) -> None:
    async with serving() as server:
        answer = await http(server, get(path))
    assert (status_of(answer), "error" in body_of(answer)) == (404, True)


async def test_no_key_is_401_everywhere() -> None:
    async with serving() as server:
        for raw in (
            post("/v1/responses", _create(), key=False),
            get("/v1/models", key=False),
            get("/v1/models", headers="Authorization: Basic eA==\r\nConnection: close\r\n", key=False),
        ):
            assert status_of(await http(server, raw)) == 401


async def test_one_connection_takes_several_requests_and_then_an_upgrade() -> None:
    async with serving() as server:
        keep = "Connection: keep-alive\r\n"
        answer = await http(
            server,
            get("/v1/models", headers=keep)
            + post("/v1/responses", _create(), headers=keep)
            + get("/v1/models", method="HEAD"),
        )
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.rpartition(b"\r\n\r\n")[2] == b""
    assert [status for _, _, status in server.log[0].requests] == [200, 200, 200]


async def test_a_chunked_body_after_100_continue() -> None:
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        body = json.dumps(_create()).encode()
        for part in (body[:10], body[10:]):
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        writer.write(b"0\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert body_of(answer)["output"][0]["content"][0]["text"] == "Lima."


async def test_the_rate_paces_an_event_stream() -> None:
    async with serving(rate=50) as server:
        began = asyncio.get_running_loop().time()
        events = _events(await http(server, post("/v1/responses", _create("Remember it", stream=True))))
        count = sum("delta" in event for event in events)
        assert asyncio.get_running_loop().time() - began >= count / 50


# Dialects and faults over HTTP ----------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "status"), [("401", 401), ("429", 429), ("500", 500)])
async def test_what_is_about_who_asks_is_answered_over_http_too(fault: str, status: int) -> None:
    async with serving(faults=[f"{fault}@1"]) as server:
        first = await http(server, post("/v1/responses", _create()))
        second = await http(server, post("/v1/responses", _create()))
    assert (status_of(first), status_of(second)) == (status, 200)
    assert "error" in body_of(first)


@pytest.mark.parametrize("fault", ["426", "403", "404", "503", "silent-upgrade", "1008-after-101"])
async def test_what_is_about_sockets_leaves_http_alone(fault: str) -> None:
    async with serving(faults=[fault]) as server:
        assert status_of(await http(server, post("/v1/responses", _create()))) == 200


async def test_events_go_wrong_over_http_as_on_a_socket() -> None:
    async with serving(faults=["failed@1", "sequence-gap@2", "unknown-event@3"]) as server:
        runs = [_events(await http(server, post("/v1/responses", _create(stream=True)))) for _ in range(3)]
    assert runs[0][-1]["type"] == "response.failed"
    assert runs[1][-1]["sequence_number"] - runs[1][-2]["sequence_number"] == 6
    assert "response.sparkle.added" in [event["type"] for event in runs[2]]


async def test_an_error_in_mid_stream_is_the_last_event_and_flat() -> None:
    async with serving(faults=["error-mid-stream"]) as server:
        events = _events(await http(server, post("/v1/responses", _create(stream=True))))
    assert (events[-1]["type"], events[-1]["message"]) == ("error", "Broken.")
    assert "error" not in events[-1]


@pytest.mark.parametrize("fault", ["abort-mid-stream:fin", "close-1011-mid-stream"])
async def test_a_stream_that_is_cut_has_no_end(fault: str) -> None:
    async with serving(faults=[fault]) as server:
        answer = await http(server, post("/v1/responses", _create("Remember the word heron.", stream=True)))
    assert b"response.output_text.delta" in answer
    assert not answer.endswith(b"0\r\n\r\n")


async def test_odd_frames_are_odd_events() -> None:
    async with serving(faults=["non-json@1", "done-marker@2", "burst:0@3", "fragmented@4"]) as server:
        answers = [await http(server, post("/v1/responses", _create(stream=True))) for _ in range(4)]
    assert b"data: <html>502 Bad Gateway</html>\n\n" in answers[0]
    assert b"data: [DONE]\n\n" in answers[1]
    assert all(answer.endswith(b"0\r\n\r\n") for answer in answers)


async def test_a_dialect_speaks_over_http_too() -> None:
    async with serving(dialect="llm-interactive-proxy") as server:
        events = _events(await http(server, post("/v1/responses", _create(stream=True))))
        whole = body_of(await http(server, post("/v1/responses", _create())))
    assert events[-1]["type"] == "response.done"
    assert "prompt_tokens" in whole["usage"]
    async with serving(dialect="litellm") as server:
        first = body_of(await http(server, post("/v1/responses", _create("Remember the word heron."))))
        second = await http(
            server, post("/v1/responses", _create("Which word?", previous_response_id=first["id"]))
        )
    assert first["id"].startswith("resp_bGl0ZWxsbT")
    assert status_of(second) == 200
    async with serving(dialect="codex") as server:
        stored = await http(server, post("/v1/responses", _create(store=True)))
        plain = await http(server, post("/v1/responses", _create(store=False)))
    assert (status_of(stored), status_of(plain)) == (400, 200)


async def test_the_log_keeps_what_was_posted() -> None:
    async with serving() as server:
        await http(server, post("/v1/responses", _create("Hello")))
    assert [json.loads(one)["input"] for one in server.log[0].received] == ["Hello"]
