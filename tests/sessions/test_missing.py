"""A missing package is installed into the environment that runs, whoever made that."""

from __future__ import annotations

import sys
from pathlib import Path

from sessions.wire.missing import remedy

WHERE = "Install it into the environment that runs turnscope: "


def test_pip_of_the_running_environment_is_named() -> None:
    assert remedy("python-socks[asyncio]", "/opt/venv/bin/python", has_pip=True) == (
        f"{WHERE}/opt/venv/bin/python -m pip install 'python-socks[asyncio]'"
    )


def test_an_environment_without_pip_is_reached_by_uv() -> None:
    told = remedy("trustme", "/opt/venv/bin/python", has_pip=False)
    assert told == f"{WHERE}uv pip install --python /opt/venv/bin/python trustme"


def test_the_home_folder_is_not_written_out_and_spaces_are_quoted() -> None:
    told = remedy("trustme", f"{Path.home()}/my tools/bin/python", has_pip=True)
    assert told == f"{WHERE}~/'my tools/bin/python' -m pip install trustme"


def test_this_environment_is_the_one_that_is_meant() -> None:
    assert Path(sys.executable).name in remedy("trustme")
