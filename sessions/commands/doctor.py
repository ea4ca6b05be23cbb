"""`turnscope doctor [BASE_URL]`: a battery of checks against one endpoint, and whose the defects are to mend.

stdout has the report, as text to paste or as one JSON object; stderr how far it is, where a person looks at
it. What was found before Ctrl-C is kept and printed. Nothing that costs tokens runs beyond --budget.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from sessions.commands.connection import add_connection_options
from sessions.commands.creating import record_file
from sessions.errors import UsageError
from sessions.exits import Exit

if TYPE_CHECKING:
    from sessions.doctor.report import Examination

RULES = ("openai", "openresponses", "codex", "lenient")  # as sessions.doctor.rules has them


class Doctor:
    """Say what is wrong with an endpoint, in which hop, and what to change."""

    name = "doctor"

    def prepare(self, parser: argparse.ArgumentParser) -> None:
        """Add this verb's options."""
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
        parser.add_argument("--plain", action="store_true", help="print the report as text; never a screen")
        parser.add_argument(
            "--markdown", action="store_true", help="the same in a code fence, to paste into an issue"
        )
        parser.add_argument(
            "--rules", choices=RULES, help="whose contract counts; without it, the profile decides"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print the probes and what they can cost at most; send nothing",
        )
        parser.add_argument(
            "--budget",
            type=_tokens,
            metavar="N",
            help="stop before more tokens than this; 0 runs what is free where nobody's parent is refused",
        )
        parser.add_argument(
            "--only", metavar="ID,ID", help="these checks and what they stand on, as in B07,D03"
        )
        more = parser.add_argument_group("what is not tried unless it is asked for")
        more.add_argument("--slow", action="store_true", help="also idle waits of minutes")
        more.add_argument("--deep", action="store_true", help="larger frames, more tries")
        more.add_argument("--intrusive", action="store_true", help="also what may trip alarms or cost more")
        more.add_argument(
            "--second-key-env", metavar="NAME", help="a variable with somebody else's key (G06)"
        )
        more.add_argument("--forbidden-model", metavar="NAME", help="a model the key must not use (G07)")
        more.add_argument(
            "--allow-key-in-url", action="store_true", help="let G04 try the real key in the query"
        )
        other = parser.add_argument_group("compare and replay")
        other.add_argument(
            "--direct",
            metavar="URL",
            help="the same checks past the proxy, to see in which hop a defect lives",
        )
        other.add_argument("--direct-key-env", metavar="NAME", help="the variable with the key of --direct")
        other.add_argument(
            "--from", dest="recorded", metavar="FILE", help="judge this recording: no network, no cost"
        )
        other.add_argument(
            "--record", type=record_file, metavar="FILE", help="keep what crossed the wire in this file"
        )
        add_connection_options(parser, positional=True)

    def run(self, args: argparse.Namespace) -> int:
        """Run it without a screen; returns an exit code."""
        import json

        from sessions.doctor import report

        if args.json + args.plain + args.markdown > 1:
            raise UsageError("one of --json, --plain and --markdown, not both")
        if args.recorded is not None:
            found = _recorded(args)
        else:
            from sessions.commands.examining import Examining

            examining = Examining(args)
            if args.dry_run:
                battery, is_twice = examining.battery, bool(args.direct)
                sys.stdout.write(
                    json.dumps(report.dry_run_json(battery, is_twice=is_twice)) + "\n"
                    if args.json
                    else report.dry_run(battery, is_twice=is_twice)
                )
                return Exit.DONE
            found = examining.run()
        text = report.fenced(found) if args.markdown else report.plain(found)
        sys.stdout.write(json.dumps(report.as_json(found)) + "\n" if args.json else text)
        return report.exit_of(found)


def _recorded(args: argparse.Namespace) -> Examination:
    from pathlib import Path

    from sessions.doctor.offline import examine
    from sessions.doctor.rules import RULES as KNOWN
    from sessions.reading import Reading
    from sessions.settings import known_habits

    if any((args.address, args.base_url, args.url, args.direct, args.record, args.dry_run, args.only)):
        raise UsageError("--from FILE judges a recording; leave the address and what belongs to one out")
    path, habits = Path(args.recorded).expanduser(), known_habits()
    reading = Reading.open(path)
    try:
        return examine(reading, KNOWN[args.rules] if args.rules else None, path.name, habits)
    finally:
        reading.close()


def _tokens(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of tokens from 0")
    return int(text)


VERB = Doctor()
