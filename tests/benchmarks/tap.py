"""What a tap costs: latency and rate, against a bare splice and, where it is found, mitmdump.

Every relay is a process of its own between the same server and client. 1,000 frames a second are timed one by
one, the order of the relays rotates from round to round; then 100,000 frames pass as quickly as they can. The
tap's figure for recording ends when the last of them is in its file. With mitmdump:

    python tests/peers/environment.py mitmproxy
    unshare -n sh -c 'ip link set lo up && python -m tests.benchmarks tap'
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sessions.wire.control import ask
from tests.benchmarks.figures import Figure, Ratio, percentile, report
from tests.peers.environment import is_ready, program

_ROUNDS = 5
_PACED = 1_000  # frames of one round, at 1,000 a second
_FLOOD = 100_000
_PAYLOAD_BYTES = 222
_FRAME_BYTES = _PAYLOAD_BYTES + 4
_ROOT = Path(__file__).resolve().parents[2]

_HEAD = (
    b"GET /v1/responses?frames=%d&paced=%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


# The two ends ---------------------------------------------------------------------------------------------


def _frame() -> bytes:
    begin = b'{"type":"response.output_text.delta","sent":"%019d","delta":"' % time.monotonic_ns()
    payload = begin + b"x" * (_PAYLOAD_BYTES - len(begin) - 2) + b'"}'
    return b"\x81\x7e" + len(payload).to_bytes(2) + payload


def _serve(connection: socket.socket) -> None:
    """Answer one upgrade with as many frames as its target asks for, each with the moment it was sent."""
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := connection.recv(65_536)):
                return
            head += more
        count = int(head.partition(b"frames=")[2].partition(b"&")[0])
        is_paced = head.partition(b"paced=")[2][:1] == b"1"
        connection.sendall(_SWITCHED)
        due = time.monotonic()
        if is_paced:
            for _ in range(count):
                due += 0.001
                time.sleep(max(0.0, due - time.monotonic()))
                connection.sendall(_frame())
        else:
            block = _frame() * 100
            for _ in range(count // 100):
                connection.sendall(block)
        connection.recv(65_536)  # until the client goes


def accept(listener: socket.socket) -> None:
    """Serve every client of this listener, each in a thread."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def receive(port: int, count: int, *, is_paced: bool) -> tuple[list[float], float]:
    """Microseconds each frame took, and seconds from the first byte to the last."""
    took: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as own:
        own.settimeout(300)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own.sendall(_HEAD % (count, is_paced))
        waiting = b""
        while b"\r\n\r\n" not in waiting:
            waiting += own.recv(65_536)
        waiting = waiting.partition(b"\r\n\r\n")[2]
        began = time.monotonic()
        received = len(waiting)
        while received < count * _FRAME_BYTES:
            more = own.recv(262_144)
            now = time.monotonic_ns()
            if not more:
                raise ConnectionResetError("the relay ended the connection")
            received += len(more)
            if is_paced:
                waiting += more
                while len(waiting) >= _FRAME_BYTES:
                    sent = int(waiting[4:_FRAME_BYTES].partition(b'"sent":"')[2][:19])
                    took.append((now - sent) / 1000)
                    waiting = waiting[_FRAME_BYTES:]
        return took, time.monotonic() - began


# The relays -----------------------------------------------------------------------------------------------


class _Bare(asyncio.Protocol):
    """Half of the least a splice can be: bytes over, nothing else."""

    def __init__(self, other: _Bare | None = None, port: int = 0) -> None:
        self.other = other
        self.port = port
        self.transport: asyncio.Transport | None = None
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.other is None:
            loop = asyncio.get_running_loop()
            _KEPT.add(loop.create_task(loop.create_connection(lambda: _Bare(self), "127.0.0.1", self.port)))
        else:
            self.other.other = self
            transport.write(self.other.early)

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


_KEPT: set[asyncio.Task[object]] = set()


async def _splice(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Bare(port=port), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def _process(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=_ROOT, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def _bare(upstream: int) -> Iterator[int]:
    with _process([sys.executable, "-m", "tests.benchmarks.tap", "splice", str(upstream)]) as process:
        yield int(_line(process))


@contextmanager
def tapped(upstream: int, recording: Path) -> Iterator[int]:
    """A tap in a process of its own before this port; gives its own."""
    command = [sys.executable, "-m", "sessions.cli", "tap", "--headless", "--listen", "127.0.0.1:0"]
    command += ["--upstream", f"http://127.0.0.1:{upstream}/v1", "--record", str(recording)]
    with _process(command) as process:
        yield int(json.loads(_line(process))["base_url"].rpartition(":")[2].partition("/")[0])


@contextmanager
def _mitmdump(mitmdump: str, upstream: int) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [mitmdump, "-q", "--mode", f"reverse:http://127.0.0.1:{upstream}"]
    with _process([*command, "--listen-host", "127.0.0.1", "-p", str(port)]):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port


def mitmdump_path() -> str:
    """Where mitmdump is: named by the variable MITMDUMP, on the path, or in the environment of the peers.

    The last one only where nothing but loopback exists, as `unshare -n` makes it; empty when there is none.
    """
    if named := os.environ.get("MITMDUMP") or shutil.which("mitmdump"):
        return named
    is_alone = [name for _, name in socket.if_nameindex()] == ["lo"]
    return str(program("mitmproxy", "mitmdump")) if is_alone and is_ready("mitmproxy") else ""


# The run --------------------------------------------------------------------------------------------------


def _recorded(recording: Path, wanted: int) -> None:
    """Wait until the tap has written this many records down."""
    while int(ask(recording, "status")["records"]) < wanted:
        time.sleep(0.02)


def run() -> None:
    """Measure and report."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    upstream = int(listener.getsockname()[1])
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnscope-benchmark-")))
        recording = folder / "tap.jsonl"
        ports = {
            "direct": upstream,
            "bare splice": stack.enter_context(_bare(upstream)),
            "tap": stack.enter_context(tapped(upstream, recording)),
        }
        if mitmdump := mitmdump_path():
            ports["mitmdump"] = stack.enter_context(_mitmdump(mitmdump, upstream))
        _report_latency(ports)
        _report_flood(ports, recording)


def _report_latency(ports: dict[str, int]) -> None:
    names = list(ports)
    middles: dict[str, list[float]] = {name: [] for name in names}
    tails: dict[str, list[float]] = {name: [] for name in names}
    for port in ports.values():
        receive(port, 200, is_paced=True)  # everything loaded, every path warm
    for turn in range(_ROUNDS):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            took, _ = receive(ports[name], _PACED, is_paced=True)
            middles[name].append(percentile(took, 0.5))
            tails[name].append(percentile(took, 0.99))
    figures = [Figure(f"{name}, p50", "us", tuple(middles[name])) for name in names]
    figures += [Figure(f"{name}, p99", "us", tuple(tails[name])) for name in names]
    middle: dict[str, float] = {name: Figure(name, "us", tuple(middles[name])).median for name in names}
    ratios = [Ratio("tap's p50 to the bare splice's", middle["tap"] / middle["bare splice"], 1.25, False)]
    if "mitmdump" in middle:
        added = (middle["tap"] - middle["direct"]) / max(1.0, middle["mitmdump"] - middle["direct"])
        ratios.append(Ratio("what the tap adds to what mitmdump adds, p50", added, 0.25, False))
    report(f"latency of a frame at 1,000 frames a second, {_PACED} frames a round", figures, ratios)


def _report_flood(ports: dict[str, int], recording: Path) -> None:
    rates: dict[str, list[float]] = {name: [] for name in (*ports, "tap, recorded")}

    def flood(name: str) -> None:
        before = int(ask(recording, "status")["records"]) if name == "tap" else 0
        began = time.monotonic()
        _, seconds = receive(ports[name], _FLOOD, is_paced=False)
        rates[name].append(_FLOOD / seconds)
        if name == "tap":
            _recorded(recording, before + _FLOOD)
            rates["tap, recorded"].append(_FLOOD / (time.monotonic() - began))

    if "mitmdump" in ports:
        flood("mitmdump")  # once: it takes most of a minute, and more for each frame the more there were
    names = [name for name in ports if name != "mitmdump"]
    for turn in range(3):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            flood(name)
    figures = [Figure(name, "frames/s", tuple(found)) for name, found in rates.items()]
    ratios = []
    if "mitmdump" in ports:
        middle = {figure.name: figure.median for figure in figures}
        ratios.append(
            Ratio("tap, recorded, to mitmdump", middle["tap, recorded"] / middle["mitmdump"], 40.0, True)
        )
    report(f"{_FLOOD:,} frames as quickly as they pass", figures, ratios)


if __name__ == "__main__":
    if sys.argv[1:2] == ["splice"]:
        asyncio.run(_splice(int(sys.argv[2])))
    else:
        run()
