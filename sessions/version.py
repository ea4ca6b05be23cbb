"""Which turnscope this is; read from the installed package, so that one number exists."""

from __future__ import annotations


def version() -> str:
    """The version of the installed package; "0" when it runs from a folder that was never installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("turnscope")
    except PackageNotFoundError:
        return "0"
