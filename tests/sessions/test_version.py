"""The version is a number, installed or not."""

from __future__ import annotations

from sessions.version import version


def test_version_starts_with_a_digit() -> None:
    assert version()[0].isdigit()
