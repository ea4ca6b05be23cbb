"""The gates themselves: which are run, and that a failing one is said and counted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import check
from tests.peers.environment import ENVIRONMENTS


def test_the_quickest_gates_come_first_and_peers_last() -> None:
    names = [gate.name for gate in check.gates(is_fast=False, has_peers=True)]
    assert names == ["format", "lint", "layers", "types", "tests", "peers"]
    assert [gate.name for gate in check.gates(is_fast=True, has_peers=False)] == names[:-1]


def test_fast_runs_the_architecture_and_the_playbooks() -> None:
    (tests,) = [gate for gate in check.gates(is_fast=True, has_peers=False) if gate.name == "tests"]
    assert set(check.FAST_TESTS) <= set(tests.command)
    assert all((check.ROOT / path).exists() for path in check.FAST_TESTS)


def test_quick_environments_can_be_made() -> None:
    assert set(check.QUICK) <= set(ENVIRONMENTS)


@pytest.mark.parametrize(("status", "word"), [(0, "ok"), (3, "FAILED")])
def test_a_gate_says_how_it_went(status: int, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    program = f"import sys\nsys.stdout.write('first\\nSKIPPED why\\nlast\\n')\nsys.exit({status})"
    is_passed = check.run(check.Gate("trial", (sys.executable, "-c", program), is_told=True))
    told = capsys.readouterr().out.splitlines()
    assert is_passed == (status == 0)
    assert told[0].startswith(word)
    assert "trial" in told[0]
    assert [line.strip() for line in told[1:]] == (
        ["SKIPPED why", "last"] if is_passed else ["first", "SKIPPED why", "last"]
    )


@pytest.mark.parametrize("is_steady", [True, False])
def test_what_fails_beside_others_is_tried_by_itself_and_named(
    is_steady: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"
    body = "assert False" if is_steady else f"assert mark.exists() or mark.touch(), {'x' * 3!r}"
    (tmp_path / "test_trial.py").write_text(
        f"from pathlib import Path\nmark = Path({str(mark)!r})\ndef test_one():\n    {body}\n"
    )
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-c", "/dev/null")
    gate = check.Gate("trial", (*pytest_here, str(tmp_path)), is_told=True, workers=("-p", "no:xdist"))
    assert check.run(gate) != is_steady
    told = capsys.readouterr().out
    assert ("TWICE" in told, "UNSTEADY" in told) == (is_steady, not is_steady)
    assert told.startswith("FAILED" if is_steady else "ok")
    assert f"by themselves: 1 {'failed' if is_steady else 'passed'}" in told


def test_one_failing_gate_fails_the_run_and_the_rest_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (
        check.Gate(name, (sys.executable, "-c", code)) for name, code in (("good", ""), ("bad", "0/0"))
    )
    assert check.run_all([bad, good]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "FAILED: bad"
    assert any(line.startswith("ok") and "good" in line for line in told)
    assert check.run_all([good]) == 0


def test_what_the_peers_need_is_awaited_before_them_and_nothing_else_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, peers = (check.Gate(name, (sys.executable, "-c", "")) for name in ("first", "peers"))
    assert check.run_all([first, peers], before_peers=lambda: check.say("made")) == 0
    told = [
        line.split()[-3] if line.startswith("ok") else line for line in capsys.readouterr().out.splitlines()
    ]
    assert told == ["first", "made", "peers", "every gate passed"]
