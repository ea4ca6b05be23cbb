"""What can be done with the connection of a session screen: a rollover, another route, another address.

Its one rule: every way to another socket is chosen from words that say what it keeps, and a key never goes to
another origin. Sockets are opened by `connecting`; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions import survivors
from sessions.errors import SettingsError
from sessions.safe import safe_line
from sessions.session import remaining
from tui.figures import left_words
from tui.screens.ask import Ask
from tui.screens.choose import Choice, Choose

if TYPE_CHECKING:
    from sessions.wire.plan import Plan
    from tui.screens.session import SessionScreen


#: the way that is not spoken now, by whether HTTP is
_OTHER_WAY = {
    False: ("over HTTP", "the next turn goes as a POST with an event stream"),
    True: ("over a WebSocket", "the next turn goes on a new socket"),
}


class ConnectionMenu:
    """The connection menu of one session screen, and the dialogs behind it."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    @property
    def _plan(self) -> Plan | None:
        return self._screen.sockets.plan(self._screen.number)

    async def choose(self) -> None:
        """Offer what can be done with the connection, and do what is chosen."""
        screen = self._screen
        chosen = await screen.app.push_screen_wait(Choose("connection", self._choices(), self._about()))
        if chosen == "model":
            await screen.connecting.retry_with_model()
        elif chosen == "roll":
            await self._roll_over()
        elif chosen == "again":
            await screen.connecting.reopen()
        elif chosen == "other":
            await self.take_other_route()
        elif chosen == "via":
            await self._ask_for_proxy()
        elif chosen == "transport" and (plan := self._plan) is not None:
            await self._go_over(replace(plan, transport="ws" if self._speaks_http() else "http"))
        elif chosen == "address":
            await self._ask_for_address()
        elif chosen == "close":
            await screen.connecting.stop(screen.number)
        elif chosen.startswith("use "):
            screen.number = int(chosen[4:])
            screen.overview.show_scope(screen.scope)
        screen.describe()

    def _choices(self) -> list[Choice]:
        screen = self._screen
        is_live = screen.sockets.is_live(screen.number)
        other = self._other_plan()
        choices = []
        if screen.connecting.can_retry_with_model:
            choices.append(
                Choice("model", "try again with ?model= in the URL", "the server was seen to accept it")
            )
        if is_live:
            choices.append(
                Choice("roll", "roll over", "a new socket beside this one; which lanes survive is shown")
            )
        else:
            choices.append(Choice("again", "open a new socket", "the same address and route"))
        route = other.route.text if other else "there is none"
        choices.append(Choice("other", "the other route", route, other is not None))
        choices.append(Choice("via", "through another proxy", "an HTTP or SOCKS proxy's address"))
        if (plan := self._plan) is not None:
            title, note = _OTHER_WAY[self._speaks_http()]
            choices.append(Choice("transport", title, f"{note}; {plan.endpoint.authority}"))
        choices.append(Choice("address", "another address", "a base URL; the same recording"))
        for number in filter(screen.scope.has, screen.sockets.open_sessions):
            choices.append(Choice(f"use {number}", f"speak to socket {number}", "", number != screen.number))
        if is_live:
            choices.append(Choice("close", "close this socket", "says first what that costs"))
        return choices

    def _speaks_http(self) -> bool:
        session = self._screen.session
        return session is not None and session.is_http

    def _about(self) -> str:
        session = self._screen.session
        if session is None:
            return ""
        lines = [f"{session.url}   {session.route}", f"socket {session.number}: {session.phase.value}"]
        if session.opened >= 0 and not session.is_http:
            lines[-1] += f", {left_words(remaining(session, self._screen.sockets.now))} left"
        return "\n".join(safe_line(line, 200) for line in lines)

    async def _roll_over(self) -> None:
        screen = self._screen
        session = screen.session
        if session is None:
            return
        kept = survivors.survivors(screen.inspector.sessions, session, profile=screen.outgoing.profile)
        about = "\n".join(one.sentence for one in kept) or "Nothing was said on this socket yet."
        choices = (
            Choice("both", "open a new socket, keep this one", "close it when its answers have ended"),
            Choice("close", "open a new socket, close this one", "what lives in its memory only is lost"),
            Choice("stay", "stay", "nothing changes"),
        )
        chosen = await screen.app.push_screen_wait(Choose("roll over", choices, about))
        old = screen.number
        if chosen in ("both", "close") and await screen.connecting.reopen() and chosen == "close":
            await screen.sockets.close(old)

    # Other routes, other addresses ---------------------------------------------------------------------

    async def take_other_route(self) -> None:
        """Open a socket over the other route; the chain's next turn goes there."""
        other = self._other_plan()
        if other is None:
            await self._ask_for_proxy()
        else:
            await self._go_over(other)

    def _other_plan(self) -> Plan | None:
        """The plan of another route that was used here last; or this one without its proxy."""
        from sessions.wire.route import Route

        plan = self._plan
        if plan is None:
            return None
        for number in range(self._screen.number - 1, 0, -1):
            before = self._screen.sockets.plan(number) if self._screen.scope.has(number) else None
            if before is not None and (before.route, before.endpoint) != (plan.route, plan.endpoint):
                return before
        return None if plan.route.is_direct else replace(plan, route=Route(source="chosen by hand"))

    async def _go_over(self, plan: Plan) -> None:
        """Open a socket by a plan of another route and aim at the turn that the chain stood at."""
        screen = self._screen
        outgoing = screen.outgoing
        turn = outgoing.parent_turn(screen.session)
        if await screen.connecting.reopen(plan) and turn is not None and turn.response_id:
            outgoing.branch_from(turn)
        screen.describe()

    async def _ask_for_proxy(self) -> None:
        plan = self._plan
        if plan is None:
            return
        about = "http://host:port, https://…, socks5h://…; the chain's next turn goes through it."
        chosen = await self._ask_for_plan("through which proxy?", "http://", about, plan, through)
        if chosen is not None:
            await self._go_over(chosen)

    async def _ask_for_address(self) -> None:
        plan = self._plan
        if plan is None:
            return
        about = (
            "A base URL; /responses is appended. The key of this session goes to the same origin only: "
            "another one is opened without it."
        )
        chosen = await self._ask_for_plan("which address?", "", about, plan, elsewhere)
        if chosen is not None:
            await self._screen.connecting.reopen(chosen)
            self._screen.describe()

    async def _ask_for_plan(
        self, title: str, begun: str, about: str, plan: Plan, change: Callable[[Plan, str], Plan]
    ) -> Plan | None:
        """A plan changed by what a person types; what cannot be used is refused where it is typed."""

        def refuse(text: str) -> str:
            try:
                change(plan, text.strip())
            except SettingsError as error:
                return str(error)
            return ""

        typed = await self._screen.app.push_screen_wait(Ask(title, begun, about, refuse))
        return change(plan, typed.strip()) if typed is not None else None


def through(plan: Plan, address: str) -> Plan:
    """The plan with its route through this proxy; raises SettingsError."""
    from sessions.wire.route import route_for

    if not address:
        raise SettingsError("Give the proxy's address.")
    return replace(plan, route=route_for(plan.endpoint, {}, via=address, source="typed"))


def elsewhere(plan: Plan, address: str) -> Plan:
    """The plan for another address, without the key where that is another origin; raises SettingsError."""
    from sessions.secret import NO_SECRET
    from sessions.wire.endpoint import derive

    endpoint = derive(address)
    if endpoint.origin == plan.endpoint.origin:
        return replace(plan, endpoint=endpoint)
    return replace(plan, endpoint=endpoint, key=NO_SECRET, headers=(), profile="custom")
