"""Hops that nobody here wrote, before fake servers: nginx, haproxy, tinyproxy, squid, mitmproxy.

Each is started in a room on a port of its own, with a configuration of a few lines in a folder of its own.
Its one rule: a hop is configured as people find it in the field, right or wrong, and never reaches beyond
the room.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.peers.conftest import KEY, ROOT
from tests.peers.environment import program
from tests.peers.room import Finished, Room

MODEL = "gpt-6-astra"
NGINX_PORT, HAPROXY_PORT, TINYPROXY_PORT, SQUID_PORT, MITMPROXY_PORT = 4101, 4102, 4103, 4104, 4105
_UPGRADING = (
    'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
)
_NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://{upstream}; {directives} }}
  }}
}}
"""
_HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:{port}
  default_backend replicas
backend replicas
  balance roundrobin
{servers}
"""
_TINYPROXY = """\
Port {port}
Listen 127.0.0.1
Timeout 60
Allow 127.0.0.1
ConnectPort {allowed}
"""
_NAMES = """\
def server_connect(data):
    data.server.address = ("127.0.0.1", {port})
"""
#: squid asks a program: a name and a password as one line in, OK or ERR out; it reads no file of a test's
_SQUID_LOGIN = """\
auth_param basic program /bin/sed -u s/^{name}.{password}$/OK/;t;s/.*/ERR/
acl known proxy_auth REQUIRED
http_access deny !known
"""
_SQUID = """\
http_port 127.0.0.1:{port}
acl allowed port {allowed}
{login}http_access allow allowed
http_access deny all
cache deny all
access_log none
cache_log stdio:/dev/stderr
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 1 seconds
pinger_enable off
cache_effective_user {user}
"""


def authority(base_url: str) -> str:
    """Host and port of a base URL."""
    return base_url.partition("://")[2].partition("/")[0]


def port_of(base_url: str) -> str:
    """The port of a base URL."""
    return authority(base_url).rpartition(":")[2]


def start_nginx(
    room: Room, upstream: str, folder: Path, *, is_upgrading: bool = True, directives: str = ""
) -> str:
    """Start nginx before a fake server, with its own defaults but for these directives; its base URL."""
    words = _NGINX.format(
        folder=folder,
        port=NGINX_PORT,
        upstream=authority(upstream),
        directives=f"{_UPGRADING if is_upgrading else ''} {directives}",
    )
    config = _written(folder / "nginx.conf", words)
    room.start([program("debian", "nginx"), "-c", config, "-p", folder, "-e", "stderr"], folder=folder)
    wait_for(room, NGINX_PORT)
    return f"http://127.0.0.1:{NGINX_PORT}/v1"


def start_haproxy(room: Room, upstreams: Sequence[str], folder: Path) -> str:
    """Start haproxy before several fake servers, each connection to the next; its base URL."""
    servers = "\n".join(f"  server s{n} {authority(one)}" for n, one in enumerate(upstreams))
    config = _written(folder / "haproxy.cfg", _HAPROXY.format(port=HAPROXY_PORT, servers=servers))
    room.start([program("debian", "haproxy"), "-db", "-f", config], folder=folder)
    wait_for(room, HAPROXY_PORT)
    return f"http://127.0.0.1:{HAPROXY_PORT}/v1"


def start_tinyproxy(room: Room, allowed: str, folder: Path) -> str:
    """Start tinyproxy, which tunnels to this port only; its URL."""
    words = _TINYPROXY.format(port=TINYPROXY_PORT, allowed=allowed)
    config = _written(folder / "tinyproxy.conf", words)
    room.start([program("debian", "tinyproxy"), "-d", "-c", config], folder=folder)
    wait_for(room, TINYPROXY_PORT)
    return f"http://127.0.0.1:{TINYPROXY_PORT}"


def start_squid(room: Room, allowed: str, folder: Path, *, login: tuple[str, str] = ("", "")) -> str:
    """Start squid, which tunnels to this port only, perhaps for one name and password only; its URL."""
    user = pwd.getpwuid(os.getuid()).pw_name
    asked = _SQUID_LOGIN.format(name=login[0], password=login[1]) if any(login) else ""
    words = _SQUID.format(
        port=SQUID_PORT,
        allowed=allowed,
        folder=folder,
        user="proxy" if user == "root" else user,
        login=asked,
    )
    config = _written(folder / "squid.conf", words)
    folder.chmod(0o777)  # squid leaves root behind
    room.start([program("debian", "squid"), "-N", "-f", config], folder=folder)
    wait_for(room, SQUID_PORT)
    return f"http://127.0.0.1:{SQUID_PORT}"


def start_mitmproxy(room: Room, upstream: str, folder: Path) -> tuple[str, Path]:
    """Start mitmdump as an outbound proxy that opens every TLS connection; its URL and its CA.

    In its eyes every name leads to this server, as no name leads anywhere in a room.
    """
    names = _written(folder / "names.py", _NAMES.format(port=port_of(upstream)))
    room.start(
        [
            program("mitmproxy", "mitmdump"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(MITMPROXY_PORT)),
            *("--set", f"confdir={folder}", "--set", "ssl_insecure=true", "--scripts", str(names)),
        ],
        environ={"HOME": str(folder)},
        folder=folder,
    )
    wait_for(room, MITMPROXY_PORT)
    return f"http://127.0.0.1:{MITMPROXY_PORT}", folder / "mitmproxy-ca-cert.pem"


def wait_for(room: Room, port: int, seconds: float = 30) -> None:
    """Wait until something listens on a port of the room; raises AssertionError when nothing does."""
    waiting = [sys.executable, "-m", "tests.peers.hops", str(port), str(seconds)]
    done = room.run(waiting, folder=ROOT, seconds=seconds + 30)
    assert done.status == 0, f"nothing listens on port {port}: {done.stderr}"


def turnscope(
    room: Room, home: Path, *arguments: str | Path, key: str = KEY, stdin: str = "", seconds: float = 120
) -> Finished:
    """One of our own command lines in the room."""
    return room.run(
        [sys.executable, "-m", "sessions.cli", *arguments],
        environ={"HOME": str(home), "OPENAI_API_KEY": key},
        folder=ROOT,
        stdin=stdin,
        seconds=seconds,
    )


def examined(room: Room, home: Path, *arguments: str | Path, key: str = KEY) -> dict[str, Any]:
    """What the doctor reports, its checks by id."""
    done = turnscope(room, home, "doctor", "--json", "--model", MODEL, *arguments, key=key)
    assert done.stdout, done.stderr
    assert key not in done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    report["checks"] = {one["id"]: one for one in report["checks"]}
    return report


def bad(report: dict[str, Any]) -> dict[str, str]:
    """The checks that warn or fail, with their outcomes."""
    checks = report["checks"].values()
    return {one["id"]: one["outcome"] for one in checks if one["outcome"] in ("warn", "fail")}


def found_in(room: Room, home: Path, recording: Path) -> dict[str, Any]:
    """What `check` finds in a recording, by id."""
    done = turnscope(room, home, "check", "--json", recording)
    assert done.stdout, done.stderr
    return {one["id"]: one for one in map(json.loads, done.stdout.splitlines()) if "id" in one}


def _written(path: Path, words: str) -> Path:
    path.write_text(words, "utf-8")
    return path


def main() -> int:
    """Wait until a port listens: this runs in the room."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return 0
        time.sleep(0.05)  # another program's start tells nobody
    return 1


if __name__ == "__main__":
    sys.exit(main())
