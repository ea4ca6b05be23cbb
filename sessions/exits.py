"""Exit codes, one table for every verb, each with its sentence; scripts rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from sessions.contract import FailureClass


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    RECORDING = 5
    RAN_OUT = 6
    INTERRUPTED = 130


SENTENCES: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.DONE: "done; warnings are allowed",
        Exit.FINDINGS: "a turn failed, was cut or stayed incomplete, or a check found something",
        Exit.USAGE: "the command line or a setting is wrong, or a screen was asked for without a terminal",
        Exit.UNREACHABLE: "no connection: name, network, TLS, proxy, no such route, throttled, no answer",
        Exit.REFUSED: "refused: key, permission or policy",
        Exit.RECORDING: "a recording cannot be read or written",
        Exit.RAN_OUT: "silence, age or the token budget ended it",
        Exit.INTERRUPTED: "interrupted by Ctrl-C",
    }
)

_OTHERS: Mapping[FailureClass, Exit] = MappingProxyType(
    {
        FailureClass.UNAUTHORIZED: Exit.REFUSED,
        FailureClass.FORBIDDEN: Exit.REFUSED,
        FailureClass.POLICY_CLOSE: Exit.REFUSED,
        FailureClass.APP_SILENT: Exit.RAN_OUT,
        FailureClass.CLOSED: Exit.FINDINGS,
    }
)


def exit_code(failure_class: FailureClass) -> Exit:
    """The exit code of a failed opening or session."""
    return _OTHERS.get(failure_class, Exit.UNREACHABLE)
