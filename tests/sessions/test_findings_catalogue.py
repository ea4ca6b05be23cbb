"""The catalogue: every id explains itself, every claim of a rule stands in it, and nothing in it is idle."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sessions.findings
from sessions.findings.catalogue import CATALOGUE, Entry

SOURCE = "\n".join(
    path.read_text()
    for path in Path(sessions.findings.__file__).parent.glob("*.py")
    if path.stem != "catalogue"
)


@pytest.mark.parametrize(("name", "entry"), CATALOGUE.items(), ids=list(CATALOGUE))
def test_an_entry_explains_itself(name: str, entry: Entry) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", name)
    assert entry.title
    assert not entry.title.endswith(".")
    assert len(entry.title) <= 80
    assert entry.remedy.endswith(".")


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_is_claimed_by_a_rule(name: str) -> None:
    assert f'"{name}"' in SOURCE


def test_every_claim_is_in_the_catalogue() -> None:
    assert set(re.findall(r'Claim\(\s*"([^"]+)"', SOURCE)) <= set(CATALOGUE)
