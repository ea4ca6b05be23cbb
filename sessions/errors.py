"""Errors that are ours to raise; a peer's mistake is a record, never an exception.

SessionsError
  ConnectError          an opening failed; carries its failure class
  LocalProtocolError    we were about to do what the contract forbids
  RecordingError        a recording cannot be read or written
    TooNew              written by a newer turnscope
    Damaged             not a recording, or its header is broken
  SettingsError         a setting is wrong: file, line, key, nearest valid key
  UsageError            a command line is wrong
"""

from __future__ import annotations

from sessions.contract import FAILURES, FailureClass


class SessionsError(Exception):
    """The root of all errors of this package; its text is one sentence for a person."""


class ConnectError(SessionsError):
    """An opening failed, for a reason that has a class, a cause and a remedy."""

    received: bytes = b""  #: what a hop answered instead, head and body as they crossed the wire

    def __init__(
        self, failure_class: FailureClass, detail: str, *, status: int = 0, body: str = "", remedy: str = ""
    ) -> None:
        self.failure_class = failure_class
        self.detail = detail
        self.status = status
        self.body = body
        self.cause, usual = FAILURES[failure_class]
        self.remedy = remedy or usual
        super().__init__(f"{failure_class}: {detail}" if detail else str(failure_class))


class LocalProtocolError(SessionsError):
    """We were about to send something that the contract or the state of the session forbids."""


class RecordingError(SessionsError):
    """A recording cannot be read or written."""


class TooNew(RecordingError):
    """The recording was written by a newer version than this one can read."""


class Damaged(RecordingError):
    """The file is not a recording, or its header cannot be read."""


class SettingsError(SessionsError):
    """A setting is wrong; says file, line, key and the nearest valid key where they are known."""

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, key: str = "", nearest: str = ""
    ) -> None:
        self.file, self.line, self.key, self.nearest = file, line, key, nearest
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{where}{message}{hint}")


class UsageError(SessionsError):
    """A command line asks for something that does not exist or does not fit together."""
