"""`turnscope compare A B`: one script of turns on two sides, and what differs between them.

A side is an address or the file of a recording. stdout is the report, or with --json a line per difference
and a summary; talk goes to stderr. Nothing is asked twice, and nothing that the script does not say.
"""

from __future__ import annotations

import argparse

from sessions.commands.connection import add_connection_options, amount, count
from sessions.commands.creating import add_create_options
from sessions.errors import UsageError


class Compare:
    """Compare two endpoints, two transports or two recordings."""

    name = "compare"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add this verb's options."""
        parser.epilog = _LINES
        add = parser.add_argument
        add("a", metavar="A", help="a base URL, or the file of a recording")
        add("b", nargs="?", metavar="B", help="the other; left out with --transports")
        add("prompts", nargs="*", metavar="PROMPT", help="each is a turn that continues the one before")
        add("--script", metavar="FILE", help="the turns: a recording, or prompts and creates, one a line")
        add("--transports", action="store_true", help="compare A over WebSocket with A over HTTP + SSE")
        add("--plain", action="store_true", help="print the report as text, without a screen")
        add("--json", action="store_true", help="print a line of JSON per difference, and a summary")
        add("--max-output-tokens", type=count, metavar="N", help="limit of one answer")
        add(
            "--answer",
            action="append",
            default=[],
            metavar="NAME=OUTPUT",
            help="answer every call of this tool with this output; may be repeated",
        )
        add(
            "--silence",
            type=amount,
            default=120.0,
            metavar="SECONDS",
            help="give a side up when nothing comes for so long while a turn runs (120; 0: never)",
        )
        add("--no-record", action="store_true", help="keep no recordings of the two runs")
        other = parser.add_argument_group("of B, where it differs from A")
        other.add_argument("--profile-b", metavar="NAME", help="what is known of B")
        other.add_argument("--model-b", metavar="NAME", help="the model at B")
        other.add_argument("--api-key-env-b", metavar="NAME", help="the variable that holds B's key")
        other.add_argument("--transport-b", choices=["ws", "http"], help="how to speak with B")
        timed = parser.add_argument_group("time the transports")
        timed.add_argument(
            "--tool-calls",
            type=_numbers,
            metavar="N,N",
            help="with --transports: time workflows of so many tool calls over both, as 0,5,20",
        )
        timed.add_argument(
            "--rounds", type=count, metavar="N", help="how often each is timed (3); medians are told"
        )
        timed.add_argument(
            "--fresh-connections",
            action="store_true",
            help="a connection for every HTTP request, as where a proxy closes it after each answer",
        )
        add_create_options(parser)
        add_connection_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Run it without a screen; returns an exit code."""
        import asyncio

        if args.tool_calls is None:
            if args.rounds or args.fresh_connections:
                raise UsageError("--rounds and --fresh-connections belong to --tool-calls")
            from sessions.commands.comparing import Comparing

            return int(asyncio.run(Comparing(args).run()))
        from sessions.commands.timing import Timing

        return int(asyncio.run(Timing(args).run()))


_LINES = """\
with --json, one object a line:
  event error       a side that was refused: side A or B, failure_class, status,
                    detail, body, cause, remedy
  event difference  turn (0: the connection), what, weight (breaking, harmless),
                    a, b (plain values), title, meaning; what is one of opening
                    headers compression unsent status error items events order
                    keys text arguments ids settings usage finding streaming
                    timing ending
  event summary     a, b, turns, same_turns, breaking, harmless, recordings
with --json and --tool-calls:
  event workflow    tool_calls, turns, rounds (of which both transports were
                    measured), rounds_over (ws, http), websocket_ms, http_ms,
                    gain (a share of http_ms), websocket_opening_ms, connections
                    (ws, http); null where nothing was measured
  event error       a transport that is not to be had: side ws or http, the rest
                    as above
  event summary     base_url, rounds, fresh_connections, missing, problems
exit: 0 nothing breaking, 1 something breaking or not measured, 3 or 4 a side
could not be opened, 6 silence
"""


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers of tool calls: `0,5,20`."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) <= 200 for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers up to 200, such as 0,5,20")
    return tuple(dict.fromkeys(int(word) for word in words))


VERB = Compare()
