"""The only door to httpx: plain HTTP beside the socket, on the same route, with the same trust and key.

Its one rule: a request leaves through our own dialling, so that proxies, certificates and failures are the
same as for the socket. Redirects are not followed, the environment is not read again, nothing is retried.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
import httpx

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.redact import text
from sessions.source import Clock
from sessions.version import version
from sessions.wire.clock import SystemClock
from sessions.wire.dial import Dial
from sessions.wire.plan import Plan
from sessions.wire.stream import ByteStream
from sessions.wire.upgrade import authorization_for, failure_class_for

MAX_BODY_BYTES = 16 * 1024 * 1024


class DialledTransport(httpx.AsyncBaseTransport):
    """One connection for one request, dialled as a plan says."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and read the whole answer; raises ConnectError."""
        plan = self._plan
        stream = await Dial(plan.endpoint, plan.route, plan.trust, self._clock).run(plan.open_timeout_seconds)
        try:
            async with asyncio.timeout(plan.open_timeout_seconds):
                return await _exchange(stream, request)
        except TimeoutError:
            said = f"no answer to {request.method} within {plan.open_timeout_seconds:g} s"
            raise ConnectError(FailureClass.APP_SILENT, said) from None
        except (h11.RemoteProtocolError, OSError) as error:
            raise ConnectError(FailureClass.PROTOCOL, f"the answer is not HTTP: {error}") from None
        finally:
            stream.close()


async def list_models(plan: Plan, *, clock: Clock | None = None) -> tuple[str, ...]:
    """The ids of the models that the server offers, in its order (GET models beside the responses path).

    Raises ConnectError, with the class of an HTTP status where there is one.
    """
    address = models_url(plan.endpoint.http_url, plan.endpoint.target)
    headers = {"Host": plan.endpoint.authority, "User-Agent": f"turnscope/{version()}"}
    if authorization := authorization_for(plan):
        headers["Authorization"] = authorization
    headers.update(
        (name, value) for name, value in plan.headers if not name.lower().startswith("sec-websocket-")
    )
    transport = DialledTransport(plan, clock or SystemClock())
    async with httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client:
        try:
            answer = await client.get(address, headers=headers, timeout=None)
        except httpx.HTTPError as error:
            raise ConnectError(FailureClass.PROTOCOL, str(error)) from None
    body = text(answer.text[:8192], plan.secrets).value
    if answer.status_code != 200:
        said = f"GET models: {answer.status_code} {answer.reason_phrase}".rstrip()
        raise ConnectError(failure_class_for(answer.status_code), said, status=answer.status_code, body=body)
    try:
        models = _model_ids(json.loads(answer.text))
    except (ValueError, RecursionError):
        models = None
    if models is None:
        said = "GET models answered 200, but not with a list of models"
        raise ConnectError(FailureClass.HTTP_STATUS, said, status=200, body=body)
    return models


def models_url(http_url: str, target: str) -> str:
    """The address of the model list: the last path segment of the target replaced, the query kept."""
    path, mark, query = target.partition("?")
    return f"{http_url[: len(http_url) - len(target)]}{path.rpartition('/')[0]}/models{mark}{query}"


def _model_ids(answer: Any) -> tuple[str, ...] | None:
    listed = answer.get("data", answer.get("models")) if isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        return None
    ids = (one if isinstance(one, str) else _id_of(one) for one in listed)
    return tuple(one for one in ids if one)


def _id_of(model: Any) -> str:
    """The id of one entry; some servers name it `slug` or `name`."""
    if not isinstance(model, dict):
        return ""
    return next((str(model[key]) for key in ("id", "slug", "name") if isinstance(model.get(key), str)), "")


async def _exchange(stream: ByteStream, request: httpx.Request) -> httpx.Response:
    connection = h11.Connection(h11.CLIENT)
    # One request a connection: the answer's end is then always known.
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"connection"]
    headers.append((b"Connection", b"close"))
    head = h11.Request(method=request.method, target=request.url.raw_path, headers=headers)
    body = await request.aread()
    sent = connection.send(head) or b""
    if body:
        sent += connection.send(h11.Data(data=body)) or b""
    sent += connection.send(h11.EndOfMessage()) or b""
    stream.write(sent)
    answer: h11.Response | None = None
    received = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.read_some())
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.Data):
            received += event.data
            if len(received) > MAX_BODY_BYTES:
                raise ConnectError(
                    FailureClass.HTTP_STATUS, f"the answer is longer than {MAX_BODY_BYTES} bytes"
                )
        elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
            break
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectError(FailureClass.PROTOCOL, "the server closed the connection without an answer")
    assert answer is not None
    return httpx.Response(answer.status_code, headers=answer.headers.raw_items(), content=bytes(received))
