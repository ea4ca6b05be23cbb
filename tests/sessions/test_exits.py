"""One table of exit codes, complete."""

from __future__ import annotations

import pytest

from sessions.contract import FailureClass
from sessions.exits import SENTENCES, Exit, exit_code


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Exit)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (FailureClass.DNS, 3),
        (FailureClass.TCP, 3),
        (FailureClass.TLS, 3),
        (FailureClass.PROXY_CONNECT, 3),
        (FailureClass.UNAUTHORIZED, 4),
        (FailureClass.FORBIDDEN, 4),
        (FailureClass.NOT_FOUND, 3),
        (FailureClass.UPGRADE_REQUIRED, 3),
        (FailureClass.THROTTLED, 3),
        (FailureClass.HTTP_STATUS, 3),
        (FailureClass.UPGRADE_SILENT, 3),
        (FailureClass.POLICY_CLOSE, 4),
        (FailureClass.APP_SILENT, 6),
        (FailureClass.PROTOCOL, 3),
        (FailureClass.CLOSED, 1),
    ],
)
def test_every_failure_class_has_its_code(failure: FailureClass, code: int) -> None:
    assert exit_code(failure) == code
