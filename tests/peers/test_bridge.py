"""Real clients hold WebSocket conversations through the bridge with servers that are asked over HTTP only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.bridge import Bridge
from tests.peers.codex import PLAIN_MODEL, answer_in, configure, exec_command
from tests.peers.conftest import Facts, run_driver, start_fake, start_witness
from tests.peers.litellm import MODEL, LiteLLM
from tests.peers.room import Room

#: over HTTP LiteLLM writes a `model` into every event, which the bridge passes on
OF_LITELLM = {"unknown-field"}


@pytest.fixture(scope="module")
def proxy(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM 1.106.2, whose own upstream is asked over HTTP, too."""
    with Room() as room:
        server = start_fake(room, "--tls", home=home)
        yield room, LiteLLM(room, "litellm", {MODEL: server, PLAIN_MODEL: server}, home)


@pytest.fixture
def bridge(proxy: tuple[Room, LiteLLM], tmp_path: Path) -> Bridge:
    """A bridge before LiteLLM."""
    room, server = proxy
    return Bridge(room, server.base_url, tmp_path)


def _talk(scene: str, proxy: tuple[Room, LiteLLM], bridge: Bridge, home: Path) -> Facts:
    """A conversation of openai-python; the bridge is ended after it."""
    room, server = proxy
    facts = run_driver(
        room,
        "openai",
        "openai_sync.py",
        scene,
        bridge.base_url,
        home=home,
        environ={"OPENAI_API_KEY": server.key},
    )
    bridge.stop()
    assert server.key not in bridge.recording.read_text("utf-8")
    return facts


@pytest.mark.peer("openai", "litellm")
@pytest.mark.parametrize("scene", ["three_turns", "tool_call", "warm_up", "lanes"])
def test_openai_python_converses(
    scene: str, proxy: tuple[Room, LiteLLM], bridge: Bridge, tmp_path: Path
) -> None:
    """Chains with store false, though nothing upstream remembers; the judge finds nothing."""
    facts = _talk(scene, proxy, bridge, tmp_path)
    assert facts["errors"] == []
    assert {turn["status"] for turn in facts["turns"]} == {"completed"}
    told = " ".join(turn["final_text"] for turn in facts["turns"])
    if scene == "three_turns":
        assert "heron" in facts["turns"][2]["text"]
        parents = [turn["previous_response_id"] for turn in facts["turns"]]
        assert parents == [None, *(turn["id"] for turn in facts["turns"][:2])]
    elif scene == "tool_call":
        assert "3 degrees" in told
    elif scene == "warm_up":
        assert facts["turns"][0]["items"] == []
        assert told.strip()
    else:
        assert "planword" in facts["turns"][2]["text"]
    assert bridge.findings() == []
    assert bridge.notes() <= OF_LITELLM
    kinds = {record["kind"] for record in bridge.records()}
    assert kinds >= {"open", "text", "request", "response", "sse", "close"}


@pytest.mark.peer("openai", "litellm")
def test_openai_python_is_told_of_a_lost_parent(
    proxy: tuple[Room, LiteLLM], bridge: Bridge, tmp_path: Path
) -> None:
    """The exact code; LiteLLM is not asked, as it would go on without the chain's beginning."""
    facts = _talk("lost_parent", proxy, bridge, tmp_path)
    (error,) = facts["errors"]
    assert (error["status"], error["error"]["code"]) == (400, "previous_response_not_found")
    assert [turn["status"] for turn in facts["turns"]] == ["completed"]


@pytest.mark.peer("codex", "litellm")
@pytest.mark.parametrize("model", [MODEL, PLAIN_MODEL])
def test_codex_calls_a_tool(model: str, proxy: tuple[Room, LiteLLM], bridge: Bridge, tmp_path: Path) -> None:
    """Codex warms up, calls its tool and goes on, all on one socket with store false."""
    room, server = proxy
    home = tmp_path / "codex"
    home.mkdir()
    environ = {**configure(home, bridge.base_url, model), "LAB_KEY": server.key}
    words = ("-s", "danger-full-access", "Use exec_command to echo heron")
    done = room.run(exec_command(*words), environ=environ, folder=home)
    assert done.status == 0, done.stdout + done.stderr
    assert "With the results in hand" in answer_in(done.stdout)
    if model == PLAIN_MODEL:  # the other model's tool takes a script, and the fake server writes none
        assert '"command_execution"' in done.stdout
    bridge.stop()
    sockets = [one for one in bridge.state().sessions.values() if not one.is_http]
    assert len(sockets) == 1
    frames = [
        json.loads(one["raw"]) for one in bridge.records() if one["kind"] == "text" and one["dir"] == "client"
    ]
    assert {frame["store"] for frame in frames} == {False}
    assert bridge.findings() == []
    assert bridge.notes() <= OF_LITELLM


@pytest.mark.peer("codex")
def test_codex_calls_a_tool_of_the_fake_server_over_http(room: Room, tmp_path: Path) -> None:
    """The same without LiteLLM: no upgrade reaches the upstream, only POSTs."""
    witness = start_witness(room, home=tmp_path)
    bridge = Bridge(room, witness.base_url, tmp_path)
    home = tmp_path / "codex"
    home.mkdir()
    words = ("-s", "danger-full-access", "Use exec_command to echo heron")
    environ = configure(home, bridge.base_url)
    done = room.run(exec_command(*words), environ=environ, folder=home)
    assert done.status == 0, done.stdout + done.stderr
    assert "With the results in hand" in answer_in(done.stdout)
    bridge.stop()
    assert bridge.findings() == []
    assert bridge.notes() == set()
    requests = [request for visit in witness.visits() for request in visit["requests"]]
    assert {tuple(request) for request in requests} <= {
        ("POST", "/v1/responses", 200),
        ("GET", "/v1/models", 200),
    }


@pytest.mark.parametrize(
    ("script", "scene"),
    [
        pytest.param("agents_run.py", "tool_run", marks=pytest.mark.peer("agents")),
        pytest.param("openai_node.mjs", "three_turns", marks=pytest.mark.peer("node")),
        pytest.param("pydantic_ai_run.py", "tool_run", marks=pytest.mark.peer("pydantic-ai")),
    ],
)
def test_other_clients_converse(script: str, scene: str, room: Room, tmp_path: Path) -> None:
    """Each chains in its own way; none of them notices that its socket ends at the bridge."""
    environment = {"agents_run.py": "agents", "openai_node.mjs": "node"}.get(script, "pydantic-ai")
    witness = start_witness(room, home=tmp_path)
    bridge = Bridge(room, witness.base_url, tmp_path)
    run_driver(room, environment, script, scene, bridge.base_url, home=tmp_path)
    bridge.stop()
    state = bridge.state()
    turns = [turn for session in state.sessions.values() if not session.is_http for turn in session.turns]
    assert len(turns) >= 2
    assert {str(turn.status) for turn in turns} == {"completed"}
    assert bridge.findings() == []
    assert {request[2] for visit in witness.visits() for request in visit["requests"]} == {200}


@pytest.mark.peer("litellm")
def test_the_doctor_finds_nothing_that_fails(proxy: tuple[Room, LiteLLM], bridge: Bridge) -> None:
    """The whole battery, from the handshake to the chains, on the bridge before LiteLLM."""
    _, server = proxy
    arguments = ("doctor", bridge.base_url, "--json", "--model", MODEL)
    done = bridge.run(*arguments, environ={"OPENAI_API_KEY": server.key})
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    wrong = [one for one in report["checks"] if one["outcome"] in ("fail", "warn")]
    assert wrong == []
    assert done.status == 0
    bridge.stop()
