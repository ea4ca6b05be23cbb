"""The command line: quick help, nearest right names, exit codes, and when a screen is taken."""

from __future__ import annotations

import argparse
import errno
import subprocess
import sys
import types
from collections.abc import Callable

import pytest

from sessions import cli
from sessions.contract import FailureClass
from sessions.errors import ConnectError, LocalProtocolError, RecordingError, SettingsError
from sessions.exits import Exit


class Echo:
    """A verb for tests: does what it was made with."""

    name = "echo"

    def __init__(self, act: Callable[[argparse.Namespace], int]) -> None:
        self.act = act

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Two options."""
        parser.add_argument("--colour", choices=["green", "yellow"])
        parser.add_argument("--json", action="store_true")

    def run(self, args: argparse.Namespace) -> int:
        """Act."""
        return self.act(args)


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make `turnscope echo` do this."""

    def install(do: Callable[[argparse.Namespace], int], *, screen: bool = False) -> None:
        module = types.ModuleType("echo_verb")
        module.VERB = Echo(do)  # type: ignore[attr-defined]  # a module made for the test
        monkeypatch.setitem(sys.modules, "echo_verb", module)
        entry = cli.Entry("echo_verb", "echo for tests", screen)
        monkeypatch.setattr(cli, "VERBS", {**cli.VERBS, "echo": entry})

    return install


def _raise(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def do(args: argparse.Namespace) -> int:
        raise error

    return do


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from sessions.cli import main\n"
        "code = main(['--help'])\n"
        "heavy = {'textual', 'rich', 'httpx', 'websockets', 'pydantic', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in ("demo", "connect", "send", "fake", "info", "exit codes"))


def test_help_of_a_verb_imports_no_screen() -> None:
    program = (
        "import sys\n"
        "from sessions.cli import main\n"
        "code = main(['info', '--help'])\n"
        "heavy = {'textual', 'rich', 'httpx', 'websockets', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--base-url" in done.stdout


def test_prompts_stand_on_both_sides_of_an_option() -> None:
    parser = cli.Parser()
    parser.add_argument("a")
    parser.add_argument("b", nargs="?")
    parser.add_argument("prompts", nargs="*")
    parser.add_argument("--model")
    for argv in (["x", "--model", "m", "y", "one", "two"], ["x", "y", "one", "--model", "m", "two"]):
        found = parser.read(argv)
        assert (found.a, found.b, found.prompts, found.model) == ("x", "y", ["one", "two"], "m")


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == Exit.DONE
    out = capsys.readouterr().out
    assert out.startswith("turnscope ")
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["ech"], "there is no verb 'ech'; did you mean echo?"),
        (["conect", "https://x"], "did you mean connect?"),
        (["https://x/v1"], "turnscope connect https://x/v1"),
        (["--versoin"], "did you mean --version?"),
        (["echo", "--color", "green"], "there is no option --color; did you mean --colour?"),
        (["echo", "--color=green"], "there is no option --color; did you mean --colour?"),
        (["echo", "--colour", "gren"], "did you mean green?"),
        (["echo", "--colour"], "expected one argument"),
        (["echo", "surplus"], "'surplus' is one argument too many"),
        (["info", "--bse-url", "x"], "did you mean --base-url?"),
        (["info", "--header", "nocolon"], "Name: value"),
        (["info", "--query", "x"], "name=value"),
        (["info", "--base-url", ""], "the address is empty"),
        (["info", ""], "the address is empty"),
        (["demo", "--rate", "fast"], "'fast' is not a number from 0"),
        (["demo", "--seed", "x"], "'x' is not a whole number"),
        (["info", "--age-limit", "-3"], "above 0"),
        (["info", "https://a/v1", "--base-url", "https://b/v1"], "given twice"),
        (["info", "--via", "x", "--no-proxy"], "not allowed with"),
    ],
)
def test_a_mistake_names_the_nearest_right_thing(
    argv: list[str], said: str, act: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    act(lambda args: 0)
    assert cli.main(argv) == Exit.USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectError(FailureClass.TCP, "x"), Exit.UNREACHABLE),
        (ConnectError(FailureClass.FORBIDDEN, "x"), Exit.REFUSED),
        (ConnectError(FailureClass.APP_SILENT, "x"), Exit.RAN_OUT),
        (ConnectError(FailureClass.CLOSED, "x"), Exit.FINDINGS),
        (LocalProtocolError("x"), Exit.FINDINGS),
        (RecordingError("x"), Exit.RECORDING),
        (SettingsError("x"), Exit.USAGE),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [SettingsError("x")])]), Exit.USAGE),
        (BaseExceptionGroup("tasks", [KeyboardInterrupt()]), Exit.INTERRUPTED),
    ],
)
def test_every_end_has_its_code(error: BaseException, code: Exit, act: Callable[..., None]) -> None:
    act(_raise(error))
    assert cli.main(["echo"]) == code


def test_an_error_that_is_not_ours_is_not_hidden(act: Callable[..., None]) -> None:
    act(_raise(ExceptionGroup("tasks", [SettingsError("x"), ZeroDivisionError()])))
    with pytest.raises(ExceptionGroup):
        cli.main(["echo"])


@pytest.mark.parametrize(
    "argv",
    [
        ["info", "--base-url", "sk-typed-in-the-wrong-place"],
        ["info", "--api-key-env", "sk-typed-in-the-wrong-place"],
        ["info", "--header", "Authorization sk-typed-in-the-wrong-place"],
        ["info", "--header", "Authorization sk-typed-in-the-wrong-place: x"],
        ["info", "--query", "sk-typed-in-the-wrong-place"],
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == Exit.USAGE
    captured = capsys.readouterr()
    assert "wrong-place" not in captured.err + captured.out


@pytest.mark.parametrize("is_grouped", [False, True])
def test_a_full_disk_behind_stdout_is_told(
    is_grouped: bool,
    act: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go: list[bool] = []
    monkeypatch.setattr(cli, "_let_go_of_stdout", lambda: let_go.append(True))
    error: Exception = OSError(errno.ENOSPC, "No space left on device")
    act(_raise(ExceptionGroup("tasks", [error]) if is_grouped else error))
    assert cli.main(["echo"]) == Exit.RECORDING
    assert "cannot be written: No space left on device" in capsys.readouterr().err
    assert let_go == [True]


def test_another_system_error_is_not_hidden(act: Callable[..., None]) -> None:
    act(_raise(PermissionError(errno.EACCES, "no")))
    with pytest.raises(PermissionError):
        cli.main(["echo"])


@pytest.mark.parametrize("closed", [0, 1])
def test_a_closed_stream_is_no_mistake(closed: int) -> None:
    program = f"import os, sys\nos.close({closed})\nos.execv(sys.executable, sys.argv[1:])\n"
    argv = [sys.executable, "-c", program, sys.executable, "-m", "sessions.cli", "--version"]
    ended = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_failed_opening_tells_cause_remedy_and_body(
    act: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    act(_raise(ConnectError(FailureClass.UNAUTHORIZED, "401", body="bad\x1b[2Jkey\nsecond")))
    assert cli.main(["echo"]) == Exit.REFUSED
    told = capsys.readouterr().err
    assert "remedy:" in told
    assert "second" in told
    assert "\x1b" not in told


def test_a_broken_pipe_ends_quietly_with_0() -> None:
    program = (
        "import sys, types\n"
        "from sessions import cli\n"
        "class V:\n"
        "    name = 'flood'\n"
        "    def prepare(self, parser): pass\n"
        "    def run(self, args):\n"
        "        for _ in range(100000): sys.stdout.write('x' * 80 + '\\n')\n"
        "        return 0\n"
        "sys.modules['flood'] = types.SimpleNamespace(VERB=V())\n"
        "cli.VERBS = {**cli.VERBS, 'flood': cli.Entry('flood', 'flood', False)}\n"
        "sys.exit(cli.main(['flood']))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        told = child.stderr.read()
        assert child.wait(timeout=60) == 0
    assert told == b""


class Terminal:
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Nowhere."""
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


def test_a_screen_is_taken_only_on_a_terminal(
    act: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def screen(args: argparse.Namespace) -> int:
        shown.append(args.verb)
        return 0

    act(lambda args: 7, screen=True)
    assert cli.main(["echo"], screen=screen) == Exit.USAGE
    assert "needs a terminal" in capsys.readouterr().err
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert cli.main(["echo"], screen=screen) == 0
    assert cli.main(["echo", "--json"], screen=screen) == 7
    assert shown == ["echo"]
    assert cli.main(["echo"]) == Exit.USAGE
    monkeypatch.setenv("TERM", "dumb")
    assert cli.main(["echo"], screen=screen) == Exit.USAGE
    assert shown == ["echo"]
