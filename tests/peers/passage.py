"""A passage: a plain splice that keeps every byte, to stand on both sides of a tap.

    python -m tests.peers.passage PORT FOLDER

It prints the port where it listens, then `began N` and `ended N` for each connection; passes it on to
127.0.0.1:PORT and writes what each side said into FOLDER as `N.client` and `N.server`, and into `N.first`
who ended it first. One rule: it knows nothing of HTTP or WebSocket, and shares no code with the product. It
ends when its standard input is closed.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import NamedTuple

_ABORT = struct.pack("ii", 1, 0)  # linger on, no seconds: closing sends a reset


class Spoken(NamedTuple):
    """What both sides of one connection said, as bytes."""

    client: bytes
    server: bytes
    first: str  #: who ended it first: "client" or "server"


def spoken_in(folder: Path) -> list[Spoken]:
    """Every connection that was passed on, in the order in which they came."""
    numbers = sorted(int(path.stem) for path in folder.glob("*.client"))
    return [
        Spoken(
            (folder / f"{number}.client").read_bytes(),
            (folder / f"{number}.server").read_bytes(),
            (folder / f"{number}.first").read_text(),
        )
        for number in numbers
    ]


def _pass_on(source: socket.socket, target: socket.socket, kept: Path, ends: list[str]) -> None:
    """Pass one direction on until it ends; an end or a reset is passed on as what it was.

    `ends` is told who has ended, which is the other side where nothing can be sent to it any more.
    """
    side = kept.suffix[1:]
    reader = {"client": "server", "server": "client"}[side]
    with kept.open("ab", buffering=0) as file:
        is_sending = False
        try:
            while chunk := source.recv(1 << 16):
                file.write(chunk)
                is_sending = True
                target.sendall(chunk)
                is_sending = False
            ends.append(side)
        except OSError:
            ends.append(reader if is_sending else side)
            with contextlib.suppress(OSError):
                target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                target.shutdown(socket.SHUT_RD)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _serve(client: socket.socket, port: int, folder: Path, number: int) -> None:
    _tell(f"began {number}")
    ends: list[str] = []
    for side in ("client", "server", "first"):
        (folder / f"{number}.{side}").touch()
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        client.close()
        _tell(f"ended {number}")
        return
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    back = threading.Thread(
        target=_pass_on, args=(server, client, folder / f"{number}.server", ends), daemon=True
    )
    back.start()
    _pass_on(client, server, folder / f"{number}.client", ends)
    back.join()
    (folder / f"{number}.first").write_text(ends[0])
    client.close()
    server.close()
    _tell(f"ended {number}")


def _accept(listening: socket.socket, port: int, folder: Path) -> None:
    number = 0
    while True:
        client, _ = listening.accept()
        number += 1
        threading.Thread(target=_serve, args=(client, port, folder, number), daemon=True).start()


def main() -> None:
    """Listen, say where, and pass everything on until standard input is closed."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listening, port, folder), daemon=True).start()
    _tell(f"listening on {listening.getsockname()[1]}")
    sys.stdin.read()


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")  # one write, so that lines of several threads do not mix
    sys.stdout.flush()


if __name__ == "__main__":
    main()
