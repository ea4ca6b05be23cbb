"""Choosing a model: the server's own list where it has one, or a name that is typed; there is no default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from sessions.errors import ConnectError
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose

if TYPE_CHECKING:
    from sessions.wire.plan import Plan

_OFFERED = 300


async def choose_model(app: App[Any], plan: Plan | None, used: tuple[str, ...] = ()) -> str:
    """The model that the person chose, "" when none; asks the server for its list first, and says so.

    `used` are the models of other sessions, which stand first.
    """
    about = "No model is set, and a real server has no default. Choosing one goes on; esc sends nothing."
    choices = [Choice("\0type", "type a name", "")]
    if plan is not None:
        choices.insert(
            0, Choice("\0list", "ask the server for its list", f"GET models at {plan.endpoint.origin}")
        )
    choices = [*(Choice(model, model, "as in another session") for model in used), *choices]
    chosen = await app.push_screen_wait(Choose("which model?", choices, about))
    if chosen == "\0list" and plan is not None:
        chosen = await _from_list(app, plan)
    if chosen == "\0type":
        return await app.push_screen_wait(Ask("which model?", refuse=_refuse)) or ""
    return "" if chosen.startswith("\0") else chosen


async def _from_list(app: App[Any], plan: Plan) -> str:
    # The HTTP client is large and only needed here.
    from sessions.wire.http_client import list_models

    try:
        models = await list_models(plan)
    except ConnectError as error:
        about = f"The server gave no list: {error}"
        models = ()
    else:
        about = f"{len(models)} models at {plan.endpoint.origin}"
    choices = [Choice(model, model) for model in models[:_OFFERED]]
    choices.append(Choice("\0type", "type a name", ""))
    return await app.push_screen_wait(Choose("which model?", choices, about))


def _refuse(text: str) -> str:
    return "" if text.strip() else "Give the model's name, as the server knows it."
