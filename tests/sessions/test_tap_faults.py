"""The faults of `tests.faults`, held directly and through something: what is between must not be seen."""

from __future__ import annotations

import pytest

from tests.ends import Fault, Play, differences, play, witness
from tests.faults import FAULTS


async def direct(fault: Fault) -> Play:
    """The fault with nothing in between."""
    async with witness(fault) as server:
        return await play(fault, server, server.port)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_the_same_whenever_it_is_played(fault: Fault) -> None:
    assert differences(await direct(fault), await direct(fault)) == []
