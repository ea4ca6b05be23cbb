"""A socket on which nobody speaks is ended by nginx after its own 60 s: the doctor waits, `check` reads.

It takes more than a minute, because nothing here is shortened; in a file of its own, others run beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.conftest import start_fake
from tests.peers.hops import bad, examined, found_in, start_nginx
from tests.peers.room import Room

pytestmark = pytest.mark.peer("debian")


def test_nginx_ends_an_idle_socket_after_a_minute(tmp_path: Path) -> None:
    """Its default is told with its name and what to change, of the run and of its recording."""
    recording = tmp_path / "run.jsonl"
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        base_url = start_nginx(room, server.base_url, tmp_path)
        report = examined(room, tmp_path, base_url, "--only", "F09", "--record", recording)
        found = found_in(room, tmp_path, recording)
    assert bad(report) == {}
    verdict = report["checks"]["F09"]
    assert (verdict["outcome"], verdict["findings"]) == ("info", ["idle-limit"])
    assert "without a close frame after 60." in verdict["evidence"]
    assert report["capabilities"]["idle"] == "60 s"
    assert report["capabilities"]["product"].startswith("looks like nginx")
    assert "nginx: Raise proxy_read_timeout" in verdict["remedy"]
    assert set(found) == {"idle-limit"}
    assert (found["idle-limit"]["severity"], found["idle-limit"]["who"]) == ("warning", "proxy")
    assert "nginx: Raise proxy_read_timeout" in found["idle-limit"]["remedy"]
