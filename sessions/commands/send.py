"""`turnscope send`: turns chained in order on one socket, one JSON line a record, no screen.

stdout is data (the recording's lines and a summary, or with --text only the answers); talk goes to stderr.
Nothing is sent that the command line or stdin did not ask for: a tool is answered only with --answer.
"""

from __future__ import annotations

import argparse
import sys

from sessions.commands.connection import add_connection_options, add_recording_options, amount, count
from sessions.commands.creating import add_create_options
from sessions.errors import UsageError


class Send:
    """Send turns and print what crossed the wire."""

    name = "send"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add this verb's options."""
        parser.add_argument(
            "prompts",
            nargs="*",
            metavar="PROMPT",
            help="each is a turn that continues the one before; `-` reads frames from stdin, one a line",
        )
        parser.add_argument(
            "--turns", type=count, metavar="N", help="repeat a single prompt as N chained turns"
        )
        parser.add_argument("--text", action="store_true", help="print only the answers' text, as it arrives")
        parser.add_argument("--json", action="store_true", help="print JSON lines; this is the default")
        parser.add_argument(
            "--answer",
            action="append",
            default=[],
            metavar="NAME=OUTPUT",
            help="answer every call of this tool with this output; may be repeated",
        )
        parser.add_argument("--max-output-tokens", type=count, metavar="N", help="limit of one answer")
        parser.add_argument("--lane", metavar="NAME", help="send on this named lane (stream_id)")
        parser.add_argument(
            "--silence",
            type=amount,
            default=300.0,
            metavar="SECONDS",
            help="give up when nothing comes for so long while a turn runs (300; 0 waits without end)",
        )
        again = parser.add_argument_group("from a recording")
        again.add_argument(
            "--from",
            dest="script",
            metavar="FILE",
            help="send what the clients in this recording sent; answers of another shape are told, exit 1",
        )
        again.add_argument("--dry-run", action="store_true", help="print the frames of --from, open nothing")
        again.add_argument(
            "--allow-masked",
            action="store_true",
            help="send frames of --from although secrets in them are ***",
        )
        add_create_options(parser)
        add_connection_options(parser)
        add_recording_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Run it; returns an exit code."""
        import asyncio

        from sessions.commands.sending import Sending

        if args.script is not None:
            return _from_recording(args)
        if args.dry_run or args.allow_masked:
            raise UsageError("--dry-run and --allow-masked belong to --from FILE")
        if not args.prompts:
            raise UsageError("send what? Give one PROMPT or more, or `-` to read frames from stdin")
        if args.turns and len(args.prompts) > 1:
            raise UsageError("--turns repeats a single prompt; with several prompts leave it out")
        if "-" in args.prompts:
            _refuse_beside_stdin(args)
        sending = Sending(args, sys.stdin)
        return int(asyncio.run(sending.run()))


def _refuse_beside_stdin(args: argparse.Namespace) -> None:
    """Frames from stdin leave as they were written; raises UsageError for what would shape them."""
    if len(args.prompts) > 1:
        raise UsageError("`-` reads every turn from stdin; leave the other prompts out")
    if given := _shaping(args):
        raise UsageError(f"frames from stdin leave as they were written; leave out {', '.join(given)}")


def _from_recording(args: argparse.Namespace) -> int:
    """Play the client half of a recording; raises UsageError for what would shape its frames."""
    given = [
        *(["the prompts"] if args.prompts else []),
        *_shaping(args),
        *(["--model"] if args.model else []),
    ]
    if given:
        raise UsageError(f"--from sends what was recorded; leave out {', '.join(given)}")
    import asyncio

    from sessions.commands.rehearsal import Rehearsal, print_frames
    from sessions.commands.script_file import client_frames, read_script

    script = read_script(args.script)
    frames = client_frames(script, args.script)
    if args.dry_run:
        print_frames(frames)
        return 0
    return int(asyncio.run(Rehearsal(args, script, frames).run()))


def _shaping(args: argparse.Namespace) -> list[str]:
    """The given options that would shape a create."""
    shaping = {
        "--turns": args.turns,
        "--tools": args.tools,
        "--answer": args.answer,
        "--instructions": args.instructions,
        "--effort": args.effort,
        "--max-output-tokens": args.max_output_tokens,
        "--lane": args.lane,
        "--store": args.store,
    }
    return [flag for flag, value in shaping.items() if value not in (None, [])]


VERB = Send()
