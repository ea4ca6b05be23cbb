"""The command line: the table of verbs, one parser for each, and how every command ends.

Its one rule: a verb's module is imported only when that verb runs, so that `--help` is quick and a command
without a screen never loads one. What a person did wrong is told with the nearest right thing, exit 2.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, NoReturn, Protocol

from sessions.errors import (
    ConnectError,
    LocalProtocolError,
    RecordingError,
    SessionsError,
    UsageError,
)
from sessions.exits import SENTENCES, Exit, exit_code
from sessions.redact import text
from sessions.talk import tell

Screen = Callable[[argparse.Namespace], int]


class KeyTable(NamedTuple):
    """The actions of the screen, as plain data, and what is wrong with a person's own keys."""

    actions: Sequence[Mapping[str, object]]  #: id, keys, is_own, where, does
    problems: Sequence[str]


Keys = Callable[[Mapping[str, str]], KeyTable]


class Verb(Protocol):
    """What a verb's module offers under the name VERB."""

    name: str

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's options."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Run it without a screen; returns an exit code."""
        ...


class Entry(NamedTuple):
    """A verb before its module is loaded."""

    module: str
    help: str
    screen: bool  #: whether it opens a screen when there is a terminal
    instead: str = "`turnscope send` or `turnscope info`"  #: without a terminal; "": its run says it


START = "start"
VERBS: Mapping[str, Entry] = MappingProxyType(
    {
        START: Entry("sessions.commands.start", "the start screen; the same as no verb at all", True),
        "demo": Entry(
            "sessions.commands.demo", "a session with the built-in server: no key, no network", True
        ),
        "connect": Entry(
            "sessions.commands.connect", "a session of your own, direct or through a proxy", True
        ),
        "replay": Entry(
            "sessions.commands.replay",
            "a recording played again: pause, step, seek; `-` reads stdin",
            True,
            "`turnscope replay FILE --json`",
        ),
        "attach": Entry(
            "sessions.commands.attach",
            "the live end of a recording that somebody else writes",
            True,
            "`turnscope replay FILE --json`",
        ),
        "send": Entry(
            "sessions.commands.send", "send turns, chained in order, and print what crossed the wire", False
        ),
        "tap": Entry(
            "sessions.commands.tap",
            "between a client and its server: byte for byte, with a recording",
            True,
            "",
        ),
        "bridge": Entry(
            "sessions.commands.bridge", "WebSocket mode in front of a server that only speaks HTTP", False
        ),
        "fake": Entry("sessions.commands.fake", "a server that follows a script, with faults by name", False),
        "check": Entry("sessions.commands.check", "what is wrong with a recording; `-` reads stdin", False),
        "compare": Entry(
            "sessions.commands.compare",
            "one script on two endpoints, transports or recordings, and what differs",
            True,
            "`turnscope compare A B --plain`",
        ),
        "doctor": Entry(
            "sessions.commands.doctor",
            "what is wrong with an endpoint, in which hop, and what to change",
            True,
            "",
        ),
        "info": Entry(
            "sessions.commands.info", "versions, paths, settings with their sources, the endpoint", False
        ),
    }
)
#: what a write says when there is no room for it
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
#: what asks for a verb's face without a screen; a client inside a tap has the terminal for itself
_WITHOUT_SCREEN = (
    *("json", "headless", "plain", "client", "stop", "status", "tool_calls"),
    *("dry_run", "recorded", "markdown"),
)


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is an exception that names the nearest right thing."""

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse; what is left over is an error that names the nearest flag. Raises UsageError."""
        found, rest = self._read_known(argv)
        if rest:
            flag = next((one for one in rest if one.startswith("-")), "")
            if not flag:
                self.error(f"{rest[0]!r} is one argument too many")
            near = nearest(flag.partition("=")[0], _flags(self))
            self.error(f"there is no option {flag.partition('=')[0]}{near}")
        return found

    def _read_known(self, argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """What is known and what is left over; prompts may stand on both sides of an option."""
        if "--" in argv or not any(one.nargs == "*" and not one.option_strings for one in self._actions):
            return self.parse_known_args(argv)
        return self.parse_known_intermixed_args(argv)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; a wrong choice names the nearest right one."""
        if found := re.search(r"invalid choice: '?([^' ]*)'? \(choose from (.*)\)", message):
            message += nearest(found[1], re.findall(r"[\w.-]+", found[2]))
        raise UsageError(f"{message}\nTry `{self.prog} --help`.")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing when nothing is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def main(
    argv: Sequence[str] | None = None, *, screen: Screen | None = None, key_table: Keys | None = None
) -> int:
    """Run one command line; `screen` shows verbs that have a screen, when there is a terminal.

    `key_table` tells what keys that screen has with a person's own among them.
    """
    _set_up_streams()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv), screen, key_table)
        sys.stdout.flush()
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else Exit.USAGE
    except BrokenPipeError:
        _let_go_of_stdout()
        return Exit.DONE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SessionsError as error:
        return tell_error(error)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        return _end_of_space(error)
    except BaseExceptionGroup as group:
        return _end_of_group(group)
    return code


def tell_error(error: SessionsError) -> int:
    """Tell an error of ours on stderr; returns the exit code it stands for."""
    # a key that was typed in the wrong place stands in the message of the mistake
    lines = [f"turnscope: {text(str(error)).value}"]
    if isinstance(error, ConnectError):
        lines += [f"  cause:  {error.cause}", f"  remedy: {error.remedy}"]
        lines += [f"  body:   {line}" for line in error.body.splitlines()[:3] if line.strip()]
        tell("\n".join(lines))
        return exit_code(error.failure_class)
    tell("\n".join(lines))
    if isinstance(error, RecordingError):
        return Exit.RECORDING
    return Exit.FINDINGS if isinstance(error, LocalProtocolError) else Exit.USAGE


def _run(argv: list[str], screen: Screen | None, key_table: Keys | None) -> int:
    name, rest = _split(argv)
    if name is None:
        return _top(rest)
    entry = VERBS[name]
    verb: Verb = import_module(entry.module).VERB
    parser = Parser(
        prog="turnscope" if argv[:1] != [name] else f"turnscope {name}",
        description=f"turnscope {name}: {entry.help}.",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.prepare(parser)
    args = parser.read(rest)
    args.verb, args.key_table = name, key_table
    if entry.screen and not any(getattr(args, flag, False) for flag in _WITHOUT_SCREEN):
        if screen is not None and _has_terminal(is_stdin_read=getattr(args, "file", None) == "-"):
            return screen(args)
        if entry.instead:
            what = "the start screen" if name == START else f"turnscope {name}"
            tell(f"{what} needs a terminal; without one use {entry.instead}.")
            return Exit.USAGE
    return verb.run(args)


def _split(argv: list[str]) -> tuple[str | None, list[str]]:
    """The verb and its arguments; no verb means the start screen, None means the top's own flags."""
    if not argv:
        return START, []
    first = argv[0]
    if first in VERBS:
        return first, argv[1:]
    if first in ("-h", "--help", "--version"):
        return None, argv
    if first.startswith("-"):
        # A slip of the finger, and not an option of the start screen: `--model` is rather like `--help`.
        is_top = difflib.get_close_matches(first, ("--help", "--version"), n=1, cutoff=0.75)
        return (None if is_top else START), argv
    if "://" in first:
        raise UsageError(f"an address needs a verb: turnscope connect {first}")
    raise UsageError(f"there is no verb {first!r}{nearest(first, VERBS)}\nTry `turnscope --help`.")


def _top(argv: list[str]) -> int:
    parser = Parser(
        prog="turnscope",
        usage="turnscope [VERB] [OPTION ...]",
        description="A terminal inspector for the Responses API over WebSocket: wire truth, live.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    if parser.read(argv).version:
        from sessions.version import version

        sys.stdout.write(f"turnscope {version()}\n")
    return Exit.DONE


def _epilog() -> str:
    width = max(map(len, VERBS)) + 2
    verbs = [f"  {name:<{width}}{entry.help}" for name, entry in VERBS.items()]
    codes = [f"  {code.value:<{width}}{sentence}" for code, sentence in SENTENCES.items()]
    hint = "turnscope VERB --help tells a verb's options; without a verb the start screen opens."
    return "\n".join(["verbs:", *verbs, "", hint, "", "exit codes:", *codes])


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return sorted(set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", parser.format_help())))


def _has_terminal(*, is_stdin_read: bool = False) -> bool:
    """Whether a screen can be shown; where stdin is a recording, keys come from the terminal itself."""
    if os.environ.get("TERM") == "dumb":
        return False
    streams = (sys.stdout, sys.stderr) if is_stdin_read else (sys.stdin, sys.stdout, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def _end_of_group(group: BaseExceptionGroup[BaseException]) -> int:
    """How a command ends when tasks failed together: by the first error of ours, else by the group itself."""
    if group.subgroup(KeyboardInterrupt) is not None:
        return Exit.INTERRUPTED
    ours, others = group.split((SessionsError, OSError))
    if others is not None or ours is None:
        raise group
    first: BaseException = ours
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, SessionsError):
        return tell_error(first)
    if isinstance(first, OSError) and first.errno in _FULL:
        return _end_of_space(first)
    if not isinstance(first, BrokenPipeError):
        raise group
    _let_go_of_stdout()
    return Exit.DONE


def _end_of_space(error: OSError) -> int:
    tell(f"turnscope: the output cannot be written: {error.strerror}")
    _let_go_of_stdout()
    return Exit.RECORDING


def _set_up_streams() -> None:
    """Make stdin and stdout UTF-8 whatever the locale says, and stand in for one that was closed.

    JSON lines are UTF-8 everywhere. What is not UTF-8 on stdin becomes a surrogate, to be told by its line.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, or the interpreter complains about the broken pipe once more at its end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


__all__ = ["VERBS", "Entry", "KeyTable", "Parser", "Screen", "Verb", "main", "tell_error"]


if __name__ == "__main__":
    sys.exit(main())
