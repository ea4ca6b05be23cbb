"""The script that makes environments: what it knows, where it keeps them, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.peers import environment
from tests.peers.environment import ENVIRONMENTS, cache_folder, is_ready, main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCOPE_PEERS", str(tmp_path))


def test_folders_are_chosen_by_the_environment() -> None:
    assert cache_folder({"TURNSCOPE_PEERS": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/turnscope/peers")
    assert cache_folder({}) == Path.home() / ".cache/turnscope/peers"


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["opnai"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "'opnai'" in told
    assert all(name in told for name in ENVIRONMENTS)


def test_the_list_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ENVIRONMENTS)
    assert all("not made" in line for line in lines)


def test_only_a_complete_environment_of_today_is_ready(tmp_path: Path) -> None:
    folder = tmp_path / "openai"
    folder.mkdir()
    receipt = folder / "turnscope-peer.json"
    assert not is_ready("openai")
    receipt.write_text(json.dumps({"requirements": ["openai==1"]}))
    assert not is_ready("openai")
    receipt.write_text("{")
    assert not is_ready("openai")
    receipt.write_text(json.dumps({"requirements": list(ENVIRONMENTS["openai"].requirements)}))
    assert is_ready("openai")


def test_a_failed_install_is_told_and_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """npm is looked for on a PATH that has nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["node"]) == 1
    assert "npm is not on the PATH" in capsys.readouterr().err
    assert not is_ready("node")


def test_what_is_ready_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # making it would fail
    folder = tmp_path / "node"
    folder.mkdir()
    receipt = {"requirements": list(ENVIRONMENTS["node"].requirements)}
    (folder / "turnscope-peer.json").write_text(json.dumps(receipt))
    assert main(["node"]) == 0
    assert capsys.readouterr().out == f"node: ready already, {environment.folder_of('node')}\n"
