"""Real clients talk through the tap: no byte changes, and the recording tells what they said and heard."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import pytest

from sessions.commands.introduction import introduction
from sessions.fallback import sentences
from tests.peers.codex import MODEL, PLAIN_MODEL, answer_in, configure, exec_command
from tests.peers.conftest import KEY, Facts, run_driver
from tests.peers.environment import program
from tests.peers.room import Room
from tests.peers.tapped import PORT, Tapped, assert_recorded, assert_same_bytes, sockets
from tests.peers.terminal import Terminal

TAP_URL = f"http://127.0.0.1:{PORT}/v1"
#: says what ended its one turn, and which server it speaks to is nowhere in it
_APP = """
from openai import OpenAI

with OpenAI().responses.connect() as connection:
    connection.response.create(model="m", input="Say hi.")
    for event in connection:
        if event.type in ("response.completed", "response.failed", "error"):
            print(event.type)
            break
"""


@pytest.fixture
def room() -> Iterator[Room]:
    """A network for each test, so that the tap always has the same port."""
    with Room() as made:
        yield made


@pytest.fixture
def tapped(room: Room, tmp_path: Path) -> Tapped:
    """A line that stands, its tap not yet started."""
    return Tapped(room, tmp_path)


def _finish(tapped: Tapped, *found: str, connections: Container[int]) -> list[dict[str, Any]]:
    """Stop the tap and look at everything; the turns that the recording tells."""
    tapped.stop()
    return _judged(tapped, *found, connections=connections)


def _judged(tapped: Tapped, *found: str, connections: Container[int]) -> list[dict[str, Any]]:
    """What must hold for every conversation, once the tap has ended; the turns that the recording tells.

    What its check has `found` is all that it may find.
    """
    seen = tapped.finish()
    assert_same_bytes(seen)
    assert_recorded(seen)
    assert sockets(seen.before) in connections
    assert KEY not in tapped.recording.read_text("utf-8")
    summary = tapped.checked(*found)
    turns = tapped.replayed()
    assert summary["turns"] == len(turns) == sum(map(_creates, seen.visits))
    assert {turn["status"] for turn in turns} <= {"completed"}
    return turns


def _creates(visit: Facts) -> int:
    """How many creates one connection brought, as frames or as requests."""
    posts = [request for request in visit["requests"] if request[0] == "POST"]
    return len(posts) or len(visit["frames"])


def _heard(turns: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(turn["response_id"], turn["text"]) for turn in turns]


@pytest.mark.peer("openai")
@pytest.mark.parametrize("scene", ["three_turns", "tool_call", "warm_up", "lanes"])
def test_openai_python_is_passed_on(tapped: Tapped, tmp_path: Path, scene: str) -> None:
    """Ids and texts of every turn are those that the library handed to its caller."""
    tapped.start()
    facts = run_driver(tapped.room, "openai", "openai_sync.py", scene, tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=[1])
    assert sorted(_heard(turns)) == sorted((turn["id"], turn["text"]) for turn in facts["turns"])


@pytest.mark.peer("openai")
def test_a_token_in_the_path_is_taken_off_and_kept_nowhere(tapped: Tapped, tmp_path: Path) -> None:
    """A client that can add no header shows it in its base URL; the server and the recording never see it."""
    token = "heron-peer-token-0123456789"
    tapped.start("--token-env", "TAP_TOKEN", environ={"TAP_TOKEN": token})
    assert token in tapped.base_url
    facts = run_driver(tapped.room, "openai", "openai_sync.py", "three_turns", tapped.base_url, home=tmp_path)
    tapped.stop()
    seen = tapped.finish()
    assert_same_bytes(seen)
    assert_recorded(seen)
    assert [visit["requests"] for visit in seen.visits] == [[["GET", "/v1/responses", 101]]]
    assert all(token.encode() not in spoken.client for spoken in seen.behind)
    assert token not in tapped.recording.read_text("utf-8")
    tapped.checked()
    assert _heard(tapped.replayed()) == [(turn["id"], turn["text"]) for turn in facts["turns"]]


@pytest.mark.peer("agents")
def test_openai_agents_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """It offers compression and uses it; the tap reads a copy and passes on what it got."""
    tapped.start()
    facts = run_driver(tapped.room, "agents", "agents_run.py", "tool_run", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=[1])
    assert [turn["response_id"] for turn in turns] == facts["responses"]
    assert turns[-1]["text"] == facts["output"]


@pytest.mark.peer("node")
def test_openai_for_node_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """The JavaScript library."""
    tapped.start()
    facts = run_driver(tapped.room, "node", "openai_node.mjs", "three_turns", tapped.base_url, home=tmp_path)
    assert _heard(_finish(tapped, connections=[1])) == [(turn["id"], turn["text"]) for turn in facts["turns"]]


@pytest.mark.peer("pydantic-ai")
def test_pydantic_ai_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """It chains by itself."""
    tapped.start()
    script = "pydantic_ai_run.py"
    facts = run_driver(tapped.room, "pydantic-ai", script, "tool_run", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=[1])
    assert [turns[1]["text"], turns[2]["text"]] == facts["outputs"]


@pytest.mark.peer("pydantic-ai")
def test_pydantic_ai_overflows_through_the_tap(tapped: Tapped, tmp_path: Path) -> None:
    """One of three runs has the socket, two are plain requests; all three stand in one timeline."""
    tapped.start()
    script = "pydantic_ai_run.py"
    facts = run_driver(tapped.room, "pydantic-ai", script, "three_at_once", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=[1])
    assert sorted(turn["text"] for turn in turns) == sorted(facts["outputs"])


@pytest.mark.peer("codex")
def test_codex_is_passed_on_with_a_tool_call(tapped: Tapped, tmp_path: Path) -> None:
    """A warm-up, a call and its answer on one compressed socket, whose TCP just ends."""
    tapped.start()
    words = ("-s", "danger-full-access", "Use exec_command to echo heron")
    done = tapped.room.run(
        exec_command(*words), environ=configure(tmp_path, tapped.base_url, PLAIN_MODEL), folder=tmp_path
    )
    assert done.status == 0, done.stdout + done.stderr
    assert '"command_execution"' in done.stdout
    warm_up, asked, answered = _finish(tapped, connections=[1])
    assert (warm_up["text"], warm_up["calls"]) == ("", [])
    assert [(call["name"], call["answered"]) for call in asked["calls"]] == [("exec_command", True)]
    assert answered["text"] == answer_in(done.stdout)
    parents = [turn["previous_response_id"] for turn in (warm_up, asked, answered)]
    assert parents == [None, warm_up["response_id"], asked["response_id"]]


@pytest.mark.peer("codex")
def test_codex_falls_back_through_the_tap(room: Room, tmp_path: Path) -> None:
    """The 426 reaches Codex as it was; what it does instead stands in the same timeline."""
    tapped = Tapped(room, tmp_path, "426")
    tapped.start()
    environ = configure(tmp_path, tapped.base_url)
    done = room.run(exec_command("Remember the word heron."), environ=environ, folder=tmp_path)
    assert done.status == 0, done.stdout + done.stderr
    (turn,) = _finish(tapped, "websocket-off", connections=[0])
    assert turn["text"] == answer_in(done.stdout)
    state = tapped.state()
    (told,) = sentences(state, now=60.0)
    assert (told.id, told.severity) == ("fell-back", "note")
    assert told.title == "Codex fell back to HTTP after 1 try"
    assert "HTTP 426" in told.detail
    assert [state.sessions[number].is_http for number in told.sessions] == [False, True]


@pytest.mark.peer("codex")
def test_codex_tries_again_through_the_tap(room: Room, tmp_path: Path) -> None:
    """A 403 is tried seven times within seconds; every try, and the POST after them, is told as one story."""
    tapped = Tapped(room, tmp_path, "403")
    tapped.start()
    environ = configure(tmp_path, tapped.base_url)
    done = room.run(exec_command("Remember the word heron."), environ=environ, folder=tmp_path)
    assert done.status == 0, done.stdout + done.stderr
    (turn,) = _finish(tapped, "upgrade-forbidden", "fallback-slow", connections=[0])
    assert turn["text"] == answer_in(done.stdout)
    (told,) = sentences(tapped.state(), now=60.0)
    assert (told.id, told.severity, len(told.sessions)) == ("fell-back", "warning", 8)
    assert "HTTP 403 each time" in told.detail


@pytest.mark.peer("openai")
def test_a_client_that_asks_over_http_is_told(tapped: Tapped, tmp_path: Path) -> None:
    """Lists of models are passed on too, and are no turns; a turn without any upgrade is pointed out."""
    tapped.start()
    run_driver(tapped.room, "openai", "openai_http.py", "models", tapped.base_url, home=tmp_path)
    facts = run_driver(tapped.room, "openai", "openai_http.py", "stream", tapped.base_url, home=tmp_path)
    tapped.stop()
    seen = tapped.finish()
    assert_same_bytes(seen)
    assert_recorded(seen)
    tapped.checked()
    (turn,) = tapped.replayed()
    assert turn["text"] == facts["accumulated"]
    (told,) = sentences(tapped.state(), now=60.0)
    assert told.id == "http-only"
    assert told.title == "openai-python asks over HTTP and has not tried WebSocket"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="a terminal in a room needs tmux")
@pytest.mark.peer("codex")
def test_interactive_codex_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """On a terminal it opens more connections than one, and shows what came through the tap."""
    tapped.start()
    terminal = Terminal(
        tapped.room,
        [program("codex", "codex"), "-s", "danger-full-access", "-a", "never"],
        folder=tmp_path,
        environ=configure(tmp_path, tapped.base_url, PLAIN_MODEL),
    )
    terminal.until(lambda screen: "›" in screen)
    terminal.type("Remember the word heron.")
    terminal.until(lambda screen: "› Remember the word heron." in screen)
    terminal.press("Enter")
    terminal.until(lambda screen: "will remember" in screen)
    terminal.type("Use exec_command to say heron")
    terminal.until(lambda screen: "› Use exec_command to say heron" in screen)
    terminal.press("Enter")
    answer = "With the results in hand: exec_command"
    shown = terminal.until(lambda screen: answer in screen)
    terminal.close()
    tapped.room.end_strays()  # its background server holds the connections
    turns = _finish(tapped, connections=range(2, 9))
    texts = [turn["text"] for turn in turns]
    assert any("will remember" in text and text in shown for text in texts)
    assert any(text.startswith(answer) for text in texts)


@pytest.mark.peer("codex")
def test_codex_runs_inside_the_tap(tapped: Tapped, tmp_path: Path) -> None:
    """Its stdin, stdout and exit code are its own; ours goes to stderr, and the tap ends with it."""
    environ = configure(tmp_path, tapped.base_url)
    settings = (tmp_path / "config.toml").read_bytes()
    command = tapped.command("--", *exec_command("-"))
    done = tapped.room.run(
        command, environ={**environ, **tapped.environ}, folder=tmp_path, stdin="Remember the word heron."
    )
    assert done.status == 0, done.stdout + done.stderr
    assert (tmp_path / "config.toml").read_bytes() == settings
    assert done.stderr.splitlines()[0] == f"turnscope attach {tapped.recording}"
    turns = _judged(tapped, connections=[1])
    assert "heron" in turns[-1]["text"]
    assert turns[-1]["text"] == answer_in(done.stdout)


@pytest.mark.peer("openai")
def test_a_library_inside_the_tap_finds_it_by_its_environment(tapped: Tapped, tmp_path: Path) -> None:
    """Nothing in it names the tap; a base URL that it had before is not used."""
    script = tmp_path / "app.py"
    script.write_text(_APP)
    command = tapped.command("--", program("openai", "python"), script)
    environ = {
        **tapped.environ,
        "HOME": str(tmp_path),
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    }
    done = tapped.room.run(command, environ=environ, folder=tmp_path)
    assert done.status == 0, done.stdout + done.stderr
    assert done.stdout == "response.completed\n"
    assert "nothing came" not in done.stderr
    tapped.checked()
    assert [turn["status"] for turn in tapped.replayed()] == ["completed"]


@pytest.mark.peer("codex")
def test_the_command_that_is_told_for_codex_goes_through_the_tap(tapped: Tapped, tmp_path: Path) -> None:
    """Without it Codex would go to its own provider; no file is written for it by us."""
    words = [str(word) for word in exec_command("-m", MODEL, "Remember the word heron.")]
    ours = [str(word) for word in tapped.command()]
    told = introduction(words, TAP_URL, TAP_URL, ours, {"CODEX_HOME": str(tmp_path)}).splitlines()
    assert "Codex does not go by OPENAI_BASE_URL" in told[1]
    environ = {
        **tapped.environ,
        "HOME": str(tmp_path),
        "CODEX_HOME": str(tmp_path),
        "OPENAI_API_KEY": KEY,
    }
    done = tapped.room.run(shlex.split(told[2]), environ=environ, folder=tmp_path)
    assert done.status == 0, done.stdout + done.stderr
    assert "may pass by the tap" not in done.stderr
    assert not (tmp_path / "config.toml").exists()
    tapped.checked()
    assert "heron" in tapped.replayed()[-1]["text"]


@pytest.mark.peer("codex")
def test_a_client_that_fails_inside_the_tap_fails_as_it_does_outside(tapped: Tapped, tmp_path: Path) -> None:
    """The exit code and every word are those of the client."""
    environ = {**configure(tmp_path, tapped.base_url), **tapped.environ}
    wrong = exec_command("--no-such-option")
    outside = tapped.room.run(wrong, environ=environ, folder=tmp_path)
    inside = tapped.room.run(tapped.command("--", *wrong), environ=environ, folder=tmp_path)
    assert outside.status != 0
    assert (inside.status, inside.stdout) == (outside.status, outside.stdout)
    assert outside.stderr in inside.stderr
