"""What `compare` says of programs that nobody here wrote: what breaks a client, and what none notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.peers.compared import compared
from tests.peers.conftest import Fake, start_fake
from tests.peers.hops import start_haproxy, start_nginx
from tests.peers.library import THERMOMETER
from tests.peers.litellm import MODEL, LiteLLM
from tests.peers.room import Room

DEBIAN = pytest.mark.peer("debian")
LITELLM = pytest.mark.peer("litellm")
FAULTS = ("403", "abort-mid-stream")
AS = ("--model", MODEL)


class Ways(NamedTuple):
    """The fake server directly, and through LiteLLM."""

    room: Room
    direct: Fake
    proxy: LiteLLM


@pytest.fixture(scope="module")
def ways(home: Path) -> Iterator[Ways]:
    """LiteLLM 1.106.2, whose upstreams are one clean server and two that go wrong."""
    with Room() as room:
        upstreams = {MODEL: start_fake(room, "--tls", home=home)}
        for fault in FAULTS:
            upstreams[f"{MODEL}-{fault}"] = start_fake(room, "--tls", f"--fault={fault}", home=home)
        direct = start_fake(room, home=home)
        yield Ways(room, direct, LiteLLM(room, "litellm", upstreams, home))


@pytest.mark.parametrize("hop", ["nginx", "haproxy"])
@DEBIAN
def test_a_good_hop_changes_nothing_but_headers(hop: str, tmp_path: Path) -> None:
    """No difference in any turn, and none between the two transports through it."""
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        if hop == "nginx":
            base_url = start_nginx(room, server.base_url, tmp_path)
        else:
            base_url = start_haproxy(room, [server.base_url], tmp_path)
        beside = compared(room, tmp_path, server.base_url, base_url, *AS)
        across = compared(room, tmp_path, base_url, "--transports", *AS)
    assert (beside.status, beside.breaking) == (0, [])
    if hop == "nginx":
        (header,) = beside.titles("headers")
        assert header.startswith("header server: A has none, B nginx/")
        assert beside.harmless == [(0, "headers")]
    else:
        assert beside.harmless == []
    assert (across.status, across.differences) == (0, [])


@DEBIAN
def test_a_hop_without_upgrade_headers_cannot_be_used(tmp_path: Path) -> None:
    """Only the opening differs, and what was not asked because of it."""
    with Room() as room:
        server = start_fake(room, home=tmp_path)
        base_url = start_nginx(room, server.base_url, tmp_path, is_upgrading=False)
        beside = compared(room, tmp_path, server.base_url, base_url, *AS)
    assert beside.status == 3  # could not connect
    assert beside.breaking == [(0, "opening"), (1, "unsent"), (2, "unsent")]
    (title,) = beside.titles("opening")
    assert "refused with 426 (upgrade_required)" in title


@LITELLM
def test_litellm_rewrites_ids_and_loses_the_parent(ways: Ways, tmp_path: Path) -> None:
    """Another form of ids is harmless, as each side gives its own; a parent that is not echoed is not."""
    room, direct, proxy = ways
    beside = compared(room, tmp_path, direct.base_url, proxy.base_url, *AS, key=proxy.key)
    assert beside.status == 1
    assert beside.breaking == [(2, "finding")]
    (parent,) = beside.titles("finding")
    assert parent.startswith("only B: the response names another parent than the create")
    assert {what for _, what in beside.harmless} == {"headers", "ids"}
    assert [turn for turn, what in beside.harmless if what == "ids"] == [1, 2]
    assert all("mostly an encoded route" in title for title in beside.titles("ids"))


@LITELLM
def test_litellm_carries_a_tool_there_and_back(ways: Ways, tmp_path: Path) -> None:
    """Nothing of the call is lost: the same ids and parent as ever, and nothing else."""
    room, direct, proxy = ways
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([THERMOMETER]))
    arguments = (*AS, "--tools", tools, "--answer", "read_thermometer=3 degrees")
    prompts = ("How warm is it in Oslo? Use read_thermometer.", "And in words?")
    beside = compared(room, tmp_path, direct.base_url, proxy.base_url, *arguments, *prompts, key=proxy.key)
    assert beside.summary["turns"] == 3
    assert beside.breaking == [(2, "finding"), (3, "finding")]
    assert {what for _, what in beside.harmless} == {"headers", "ids"}


@LITELLM
def test_litellm_passes_an_unknown_parent_on(ways: Ways, tmp_path: Path) -> None:
    """The upstream's own error comes through unchanged."""
    room, direct, proxy = ways
    script = tmp_path / "script.txt"
    lost = {"type": "response.create", "input": "Say hello.", "previous_response_id": "resp_nobody"}
    script.write_text(f"{json.dumps(lost)}\nSay hello.\n")
    arguments = (*AS, "--script", script)
    beside = compared(room, tmp_path, direct.base_url, proxy.base_url, *arguments, key=proxy.key)
    assert (beside.status, beside.breaking) == (0, [])
    assert [turn for turn, _ in beside.harmless if turn] == [2]


@LITELLM
def test_litellm_says_of_a_refused_upstream_what_no_client_can_use(ways: Ways, tmp_path: Path) -> None:
    """The turn comes to another end, its error has neither status nor code, and the socket goes with it."""
    room, direct, proxy = ways
    arguments = (*AS, "--model-b", f"{MODEL}-403", direct.base_url, proxy.base_url, "Say hello.")
    beside = compared(room, tmp_path, *arguments, key=proxy.key)
    assert beside.status == 1
    # on a busy machine our own close leaves before LiteLLM's comes
    assert {*beside.breaking, (0, "ending")} == {(0, "ending"), (1, "status")}
    assert "only B: an error has no code" in " ".join(beside.titles("finding"))
    assert "only B: an error frame has no status" in " ".join(beside.titles("finding"))


@LITELLM
def test_litellm_hides_the_end_of_its_upstream(ways: Ways, tmp_path: Path) -> None:
    """The turn that never ends is cut by the patience of whoever asked."""
    room, direct, proxy = ways
    arguments = (*AS, "--model-b", f"{MODEL}-abort-mid-stream", "--silence", "3")
    beside = compared(room, tmp_path, direct.base_url, proxy.base_url, *arguments, key=proxy.key)
    assert beside.status == 1
    assert beside.breaking == [(1, "status"), (2, "unsent")]
    assert beside.titles("status") == ["A ended completed, B cut"]


@LITELLM
def test_the_two_transports_of_litellm_differ_harmlessly(ways: Ways, tmp_path: Path) -> None:
    """Over HTTP it tells of itself, leaves out what is null, adds fields, and ends with [DONE]."""
    room, _, proxy = ways
    across = compared(room, tmp_path, proxy.base_url, "--transports", *AS, key=proxy.key)
    assert (across.status, across.breaking) == (0, [])
    assert any("x-litellm-" in title for title in across.titles("headers"))
    assert "only B has [DONE]" in across.titles("events")
    assert all("only B has" in title for title in across.titles("usage"))
    missing = {path for one in across.differences if one["what"] == "keys" for path in one["a"]}
    assert missing >= {"response.error", "response.incomplete_details"}  # they held null
