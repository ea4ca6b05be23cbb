"""What each key of the session screen does, and when it works.

Its one rule: an action starts a flow of `sending`, `aiming`, `connecting`, `saving` or their like and does
nothing else. A read-only session has only the actions that are named here as reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tui import keys
from tui.widgets.body import Body
from tui.widgets.composer import Composer
from tui.widgets.views import CONNECTIONS, EVERY_VIEW

if TYPE_CHECKING:
    from sessions.inspector import Inspector
    from tui.aiming import Aiming
    from tui.connecting import Connecting
    from tui.connection_menu import ConnectionMenu
    from tui.found import Found
    from tui.kept import Kept
    from tui.launch import Launch
    from tui.saving import Saving
    from tui.selection import Selection
    from tui.sending import Sending
    from tui.tabs import Tabs
    from tui.ways_on import WaysOn

#: the actions that a read-only session has, too
_READING = frozenset(
    f"session.{name}"
    for name in (
        *("leave", "copy", "export", "picture", "zoom", "close", "connection", "stop", "ways_on"),
        *("retry_with_model", "show_findings", "next_turn", "previous_turn", "next_error", "previous_error"),
        *(f"show_{view}" for view in EVERY_VIEW),
        *("next_tab", "previous_tab", "letter_next_tab", "letter_previous_tab"),
    )
)
_WRITING = frozenset(
    action.method for action in keys.ACTIONS if action.id.startswith("session.") and action.id not in _READING
)


class SessionActions(Screen[None]):
    """The actions of a session screen over the flows that it holds."""

    inspector: Inspector
    launch: Launch | None
    is_read_only: bool
    aiming: Aiming
    connecting: Connecting
    found: Found
    menu: ConnectionMenu
    saving: Saving
    selection: Selection
    tabs: Tabs
    ways_on: WaysOn

    @property
    def kept(self) -> Kept:
        """What is kept of a person's writing."""
        return self.tabs.front.kept

    @property
    def sending(self) -> Sending:
        """What a person sends."""
        return self.tabs.front.sending

    @property
    def has_list(self) -> bool:
        """Whether there is a list of connections to go to."""
        return len(self.inspector.sessions.sessions) > 1 or self.tabs.are_named

    @property
    def composer(self) -> Composer:
        """The composer; there is none in a read-only session."""
        return self.query_one(Composer)

    @property
    def is_at_list(self) -> bool:
        """Whether the list of connections is what is shown."""
        return any(body.view == CONNECTIONS for body in self.query(Body))

    @property
    def is_overview(self) -> bool:
        """Whether the header tells of all connections together."""
        return self.is_at_list or (self.tabs.front.scope.is_all and self.tabs.are_named)

    def flow(self, steps: object) -> None:
        """Run the steps of an action that asks something on the way."""
        self.run_worker(steps, group="flow")  # type: ignore[arg-type]  # a coroutine of any result

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key works now; the footer shows only those that do."""
        if action in _WRITING and self.is_read_only:
            return False
        if action == "answer":
            return self.sending.has_open_calls
        if action == "steer":
            return self.sending.steerable is not None
        if action == "stop":
            return self.connecting.can_stop
        if action == "other_route":
            return self.launch is not None
        if action == "connection":
            return self.launch is not None
        if action == "ways_on":
            return self.ways_on.is_due
        if action == "retry_with_model":
            return self.connecting.can_retry_with_model
        if action in ("resend", "branch"):
            return self.tabs.front.scope.last_turn(self.inspector.sessions) is not None
        if action == "show_connections":
            return self.has_list and not self.is_at_list
        if action.endswith(("next_tab", "previous_tab")):
            return len(self.tabs.all) > 1
        if action == "add_tab":
            return self.launch is not None
        return True

    def action_send_now(self) -> None:
        """Send what the box holds."""
        self.composer.submit()

    def action_show_findings(self) -> None:
        """List what is wrong."""
        self.flow(self.found.show())

    def action_preview(self) -> None:
        """Show the frame."""
        self.flow(self.sending.preview())

    def action_letter_preview(self) -> None:
        """Show the frame."""
        self.action_preview()

    def action_edit_outside(self) -> None:
        """Write in $EDITOR."""
        self.sending.edit_outside()

    def action_letter_editor(self) -> None:
        """Write in $EDITOR."""
        self.action_edit_outside()

    def action_options(self) -> None:
        """Change what goes with every send."""
        self.flow(self.aiming.change_options())

    def action_toggle_mode(self) -> None:
        """Text or JSON."""
        self.sending.toggle_mode()

    def action_history(self) -> None:
        """Take something that was sent before."""
        self.flow(self.kept.take_from_history())

    def action_answer(self) -> None:
        """Answer the open calls."""
        self.flow(self.sending.answer_calls())

    def action_steer(self) -> None:
        """Steer the running answer."""
        self.flow(self.sending.steer())

    def action_branch(self) -> None:
        """Fork from the selected turn."""
        self.aiming.branch()

    def action_parent(self) -> None:
        """Choose the parent."""
        self.flow(self.aiming.choose_parent())

    def action_lane(self) -> None:
        """Choose the lane."""
        self.flow(self.aiming.choose_lane())

    def action_warm_up(self) -> None:
        """Prepare a warm-up."""
        self.aiming.prepare_warm_up()

    def action_resend(self) -> None:
        """Take the selected frame into the box."""
        self.sending.take_frame()

    def action_next_turn(self) -> None:
        """Select the turn after the selected one."""
        self.selection.step_turn(1)

    def action_previous_turn(self) -> None:
        """Select the turn before the selected one."""
        self.selection.step_turn(-1)

    def action_next_error(self) -> None:
        """Select the next turn that failed or was cut."""
        self.selection.step_error(1)

    def action_previous_error(self) -> None:
        """Select the failed turn before."""
        self.selection.step_error(-1)

    def action_next_tab(self) -> None:
        """Bring the next named session to the front."""
        self.tabs.step(1)

    def action_previous_tab(self) -> None:
        """Bring the named session before to the front."""
        self.tabs.step(-1)

    def action_letter_next_tab(self) -> None:
        """Bring the next named session to the front."""
        self.action_next_tab()

    def action_letter_previous_tab(self) -> None:
        """Bring the named session before to the front."""
        self.action_previous_tab()

    def action_add_tab(self) -> None:
        """Open one more session by name."""
        self.flow(self.tabs.add())

    def action_stop(self) -> None:
        """Close the socket, after saying what that costs."""
        self.flow(self.connecting.stop(self.connecting.meant))

    def action_other_route(self) -> None:
        """Go on over the other route."""
        self.flow(self.menu.take_other_route())

    def action_connection(self) -> None:
        """What can be done with the connection."""
        self.flow(self.menu.choose())

    def action_ways_on(self) -> None:
        """How the chain can go on."""
        self.flow(self.ways_on.choose())

    def action_retry_with_model(self) -> None:
        """Open once more with ?model= in the URL."""
        self.flow(self.connecting.retry_with_model())

    def action_copy(self) -> None:
        """Choose what to copy."""
        self.flow(self.saving.copy())

    def action_export(self) -> None:
        """Save the conversation."""
        self.flow(self.saving.export())

    def action_picture(self) -> None:
        """Save a picture."""
        self.saving.picture()

    def action_close(self) -> None:
        """Leave this session."""
        self.flow(self.connecting.leave())
