"""The options of `turnscope demo`: plain, and never a reason to run without a screen."""

from __future__ import annotations

import argparse
from importlib import import_module

import pytest

from sessions import cli
from sessions.commands.demo import RATE, VERB
from sessions.exits import Exit


def parsed(*argv: str) -> argparse.Namespace:
    parser = cli.Parser(prog="turnscope demo", allow_abbrev=False)
    VERB.prepare(parser)
    return parser.read(argv)


def test_without_options_it_is_a_conversation_at_a_readable_rate() -> None:
    args = parsed()
    assert args.scenario == "conversation"
    assert args.rate == RATE
    assert args.fault == []
    assert args.age_limit is None
    assert not args.read_only
    assert not args.no_record


def test_the_age_limit_faults_and_seed_are_taken() -> None:
    args = parsed("tools", "--age-limit", "90", "--fault", "426", "--fault", "silence", "--seed", "7")
    assert (args.scenario, args.age_limit, args.fault, args.seed) == ("tools", 90, ["426", "silence"], 7)


@pytest.mark.parametrize("wrong", ["soon", "-1", "0"])
def test_an_age_limit_that_is_no_time_is_a_usage_error(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", "--age-limit", wrong]) == Exit.USAGE
    assert "--age-limit" in capsys.readouterr().err


def test_a_wrong_flag_names_the_nearest_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--age-limt", "90"]) == Exit.USAGE
    assert "did you mean --age-limit?" in capsys.readouterr().err


def test_without_a_terminal_it_says_what_serves_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo"]) == Exit.USAGE
    assert "needs a terminal" in capsys.readouterr().err


def test_the_verb_is_in_the_table_under_its_own_name() -> None:
    assert import_module(cli.VERBS["demo"].module).VERB is VERB
    assert cli.VERBS[VERB.name].screen


def test_help_tells_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--help"]) == Exit.DONE
    told = capsys.readouterr().out
    assert all(option in told for option in ("--record", "--no-record"))
