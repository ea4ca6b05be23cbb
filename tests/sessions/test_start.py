"""The options of `turnscope` without a verb: those of a connection, none of them needed."""

from __future__ import annotations

import argparse
import io

import pytest

from sessions import cli
from sessions.commands.connect import VERB as CONNECT
from sessions.commands.start import VERB
from sessions.exits import Exit


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def options_of(verb: cli.Verb) -> set[str]:
    parser = argparse.ArgumentParser()
    verb.prepare(parser)
    return {option for action in parser._actions for option in action.option_strings}


def test_nothing_is_needed() -> None:
    parser = cli.Parser(prog="turnscope", allow_abbrev=False)
    VERB.prepare(parser)
    args = parser.read([])
    assert args.base_url is None
    assert args.url is None


def test_its_options_are_options_of_connect_too() -> None:
    # the screen hands its own arguments on when somebody chooses to connect
    assert options_of(VERB) <= options_of(CONNECT)
    assert {"--base-url", "--url", "--via", "--profile", "--no-record"} <= options_of(VERB)


def test_no_verb_and_the_word_start_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    codes, words = [], []
    for argv in ([], ["start"]):
        codes.append(cli.main(argv))
        words.append(capsys.readouterr().err)
    assert codes == [Exit.USAGE, Exit.USAGE]
    assert words[0] == words[1]
    assert "needs a terminal" in words[0]


@pytest.mark.parametrize(
    "option", ["--base-url", "--url", "--model", "--header", "--via", "--no-compression"]
)
def test_an_option_of_the_start_screen_needs_no_verb(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([option]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "there is no option" not in told


@pytest.mark.parametrize(("slip", "meant"), [("--verson", "--version"), ("--hlep", "--help")])
def test_a_slip_in_a_flag_of_the_top_is_named(
    slip: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([slip]) == Exit.USAGE
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_on_a_terminal_the_screen_gets_the_parsed_line(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[argparse.Namespace] = []

    def screen(args: argparse.Namespace) -> int:
        seen.append(args)
        return 0

    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert cli.main(["--base-url", "http://127.0.0.1:9/v1"], screen=screen) == Exit.DONE
    (args,) = seen
    assert (args.verb, args.base_url) == ("start", "http://127.0.0.1:9/v1")


def test_help_tells_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["start", "--help"]) == Exit.DONE
    told = capsys.readouterr().out
    assert all(option in told for option in ("--record", "--no-record"))
