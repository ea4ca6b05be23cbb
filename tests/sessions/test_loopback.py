"""Which hosts are this machine, by name alone."""

from __future__ import annotations

import pytest

from sessions.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "10.0.0.1", "128.0.0.1", "::2", "api.openai.com"])
def test_another_one(host: str) -> None:
    assert not is_loopback(host)
