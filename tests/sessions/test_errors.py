"""Our own errors: one tree, one sentence each, with what, where and what to do."""

from __future__ import annotations

import inspect

import pytest

from sessions import errors
from sessions.contract import FAILURES, FailureClass
from sessions.errors import ConnectError, Damaged, RecordingError, SessionsError, SettingsError, TooNew


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
    assert all(issubclass(one, SessionsError) for one in classes)
    assert all(one.__name__ in (errors.__doc__ or "") for one in classes)
    assert issubclass(TooNew, RecordingError)
    assert issubclass(Damaged, RecordingError)


@pytest.mark.parametrize("failure_class", FailureClass)
def test_a_connect_error_knows_its_cause_and_remedy(failure_class: FailureClass) -> None:
    error = ConnectError(failure_class, "it said no", status=418, body="tea")
    assert (error.cause, error.remedy) == FAILURES[failure_class]
    assert str(error) == f"{failure_class}: it said no"
    assert (error.status, error.body, error.detail) == (418, "tea", "it said no")


def test_a_remedy_of_its_own_wins() -> None:
    error = ConnectError(FailureClass.FORBIDDEN, "", remedy="Add ?model=.")
    assert (error.remedy, str(error)) == ("Add ?model=.", "forbidden")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SettingsError("no such key"), "no such key"),
        (SettingsError("no such key", file="a.toml"), "a.toml: no such key"),
        (
            SettingsError("no such key", file="a.toml", line=3, nearest="model"),
            "a.toml:3: no such key; did you mean 'model'?",
        ),
    ],
)
def test_a_settings_error_says_where_and_what_instead(error: SettingsError, text: str) -> None:
    assert str(error) == text
