"""Every action of the screen in one table: id, keys, label, tooltip, and where its keys act.

Bindings, footer, palette, help and the user's own keys are all made from it, so none of them can differ.
There are two modes: typing (a text box has the focus, letters are text) and moving (letters act).
Nothing is done here; an action's id says which method does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from textual.binding import Binding


class Where(StrEnum):
    """Where the keys of an action act."""

    APP = "everywhere"
    REPLAY = "replay"
    SESSION = "session, typing too"
    MOVING = "session, moving"
    TYPING = "message box"
    PANE = "any view"
    TALK = "talk"
    EVENTS = "events"
    CHAIN = "chain"
    RAW = "raw"
    STATS = "stats"
    CONNECTIONS = "connections"
    LIVE = "any view of a live session"
    TAP = "a tap"
    START = "start"
    DIALOG = "dialogs"
    READING = "a text to read"
    RECIPES = "recipes"
    COMPARE = "a comparison"
    DOCTOR = "the doctor"
    ANSWERING = "answers to calls"


class Action(NamedTuple):
    """One thing a person can do."""

    id: str  #: `<owner>.<method>`: stable, used in the user's settings file
    keys: str  #: comma-separated
    label: str  #: one to three words, for the footer
    tooltip: str  #: one sentence, for help and palette
    where: Where
    rank: int = 0  #: place in the footer, 1 first; 0: never there
    is_priority: bool = False  #: acts before a text box sees the key

    @property
    def method(self) -> str:
        """The name after `action_` of the method that does it."""
        return self.id.partition(".")[2]


_A, _S, _M, _T, _P = Where.APP, Where.SESSION, Where.MOVING, Where.TYPING, Where.PANE
_R = Where.REPLAY

ACTIONS: tuple[Action, ...] = (
    Action(
        "app.help", "question_mark,f1", "help", "All keys that work here, and what the words mean.", _A, 90
    ),
    Action("app.command_palette", "ctrl+p,colon", "commands", "Find an action by its name.", _A, 80),
    Action("app.quit", "ctrl+q", "quit", "Leave; asks first while a socket is open.", _A, 95, True),
    Action("app.copy_or_hint", "ctrl+c", "copy", "Copy the selection; never ends a session.", _A),
    # -- the session, also from the message box
    Action("session.send_now", "f5", "send", "Send what the box describes, from anywhere.", _S),
    Action("session.edit_outside", "f4", "editor", "Write the message in $EDITOR.", _S),
    Action("session.preview", "f3", "preview", "Show the exact frame before it is sent.", _S),
    Action("session.options", "f2", "options", "Model, instructions, effort, limits, format, store.", _S),
    Action("session.toggle_mode", "ctrl+t", "text/JSON", "Write text, or the whole frame as JSON.", _S),
    Action(
        "session.history", "ctrl+r", "history", "Take a message sent before, or a draft that was not.", _S
    ),
    Action("session.leave", "escape", "back", "Leave the box, close what is open, one level up.", _S),
    # -- the session, letters
    Action("session.write", "i", "write", "Go to the message box.", _M, 1),
    Action(
        "session.answer", "t,f8", "answer calls", "Answer the open tool calls by hand, in one frame.", _S, 2
    ),
    Action("session.steer", "s", "steer", "Steer the running answer with one more message.", _M, 3),
    Action("session.branch", "b", "branch", "Make the selected turn the parent of the next send.", _M, 7),
    Action("session.parent", "P", "parent", "Choose the parent: a turn, a new chain, a full replay.", _M),
    Action("session.lane", "L", "lane", "Choose or name the lane of the next send.", _M, 11),
    Action("session.warm_up", "W", "warm up", "Prepare a warm-up: state without an answer.", _M),
    Action("session.resend", "r", "resend", "Edit the selected sent frame and send it again.", _M, 9),
    Action("session.stop", "X", "stop", "Stop by closing the socket; says first what that costs.", _M, 4),
    Action(
        "session.other_route", "o", "other route", "Take the chain's next turn over the other route.", _M, 12
    ),
    Action("session.connection", "c", "connection", "Reconnect, roll over, close, change the route.", _M, 13),
    Action("session.copy", "y", "copy", "Copy a value, an event, a turn, the conversation.", _M, 8),
    Action("session.export", "x", "save", "Save the conversation as Markdown.", _M, 14),
    Action("session.picture", "S", "picture", "Save a picture of the screen, secrets hidden.", _M),
    Action("session.letter_preview", "p", "preview", "Show the exact frame before it is sent.", _M),
    Action("session.letter_editor", "e", "editor", "Write the message in $EDITOR.", _M),
    Action("session.zoom", "z", "zoom", "Give the focused view the whole screen, and back.", _M, 15),
    Action("session.show_talk", "1", "talk", "Talk: the conversation.", _M),
    Action("session.show_events", "2", "events", "Events: every frame as a row.", _M),
    Action("session.show_chain", "3", "chain", "Chain: turns as a tree, with forks.", _M),
    Action("session.show_raw", "4", "raw", "Raw: the chosen event, byte for byte.", _M),
    Action("session.show_stats", "5", "stats", "Stats: counts, speed, usage, what is odd.", _M),
    Action("session.show_findings", "exclamation_mark", "findings", "What is wrong, and who mends it.", _M),
    Action("session.show_connections", "0", "connections", "All connections of this recording.", _M, 5),
    Action("session.next_tab", "f6", "next session", "The next named session.", _S, 7, True),
    Action("session.previous_tab", "f7", "session before", "The named session before.", _S, 0, True),
    Action("session.letter_next_tab", "greater_than_sign", "next session", "The next named session.", _M),
    Action(
        "session.letter_previous_tab", "less_than_sign", "session before", "The named session before.", _M
    ),
    Action("session.add_tab", "plus", "add session", "Open one more session of one's own, by name.", _M),
    Action("session.next_turn", "right_square_bracket", "next turn", "Select the next turn.", _M),
    Action("session.previous_turn", "left_square_bracket", "last turn", "Select the turn before.", _M),
    Action(
        "session.next_error", "right_curly_bracket", "next error", "Select the next event that failed.", _M
    ),
    Action(
        "session.previous_error", "left_curly_bracket", "last error", "Select the failed event before.", _M
    ),
    Action("session.ways_on", "O,f9", "ways on", "How this chain can go on, and at what cost.", _S, 2),
    Action("session.retry_with_model", "M", "try ?model=", "Open once more with ?model= in the URL.", _M, 1),
    Action("session.close", "q", "close", "Close this session; asks first while its socket is open.", _M),
    # -- the message box
    Action("composer.submit", "enter", "send", "Send the text; JSON is sent by F5.", _T, 1, True),
    Action("composer.new_line", "ctrl+j,alt+enter,shift+enter", "new line", "A new line.", _T, 2, True),
    # -- every view
    Action("pane.cursor_up", "up,k", "up", "One row up.", _P),
    Action("pane.cursor_down", "down,j", "down", "One row down.", _P),
    Action("pane.page_up", "pageup,ctrl+b", "page up", "One page up.", _P),
    Action("pane.page_down", "pagedown,ctrl+f", "page down", "One page down.", _P),
    Action("pane.half_up", "ctrl+u", "half up", "Half a page up.", _P),
    Action("pane.half_down", "ctrl+d", "half down", "Half a page down.", _P),
    Action("pane.top", "home,g", "top", "The first row.", _P),
    Action("pane.end", "end,G", "end", "The last row; follows again.", _P),
    Action("pane.toggle_follow", "F", "follow", "Follow what comes, or hold this place.", _P, 20),
    Action(
        "pane.toggle_freeze", "space", "freeze", "Freeze the picture; what comes is kept.", Where.LIVE, 21
    ),
    Action("pane.find", "slash", "find", "Find in everything, not only what is visible.", _P, 6),
    Action("pane.find_next", "n", "next match", "The next match.", _P),
    Action("pane.find_previous", "N", "match before", "The match before.", _P),
    Action("pane.toggle_wrap", "w", "wrap", "Wrap long lines, or cut them.", _P),
    Action("pane.shift_left", "left,h", "left", "Towards the start of long rows.", _P),
    Action("pane.shift_right", "right,l", "right", "Towards the end of long rows.", _P),
    Action("pane.open", "enter", "open", "Open what is selected, one level down.", _P),
    Action("talk.toggle_markdown", "m", "plain/markdown", "Plain text, or light Markdown.", Where.TALK),
    Action("events.edit_filter", "f", "filter", "Show only some events; ! negates.", Where.EVENTS, 4),
    Action("events.cycle_clock", "C", "clock", "Time since the turn, the start, or of day.", Where.EVENTS),
    Action("events.toggle_fold", "d", "fold deltas", "Fold runs of deltas into one row.", Where.EVENTS, 5),
    Action("connections.open_all", "a", "all", "Show all connections at once.", Where.CONNECTIONS, 4),
    Action("raw.cycle_view", "v", "view", "Tree, pretty, raw, hex.", Where.RAW, 4),
    # -- a replay: the playhead
    Action(
        "replay.toggle_play", "space", "play/pause", "Play from here, or pause; at the end: again.", _R, 1
    ),
    Action("replay.seek", "s", "seek", "Go to a time, a record, a turn or a share.", _R, 2),
    Action("replay.step_on", "full_stop", "step", "Pause one event on.", _R, 3),
    Action("replay.step_back", "comma", "step back", "Pause one event back.", _R, 7),
    Action("replay.turn_on", "greater_than_sign", "turn", "Pause where the next turn begins.", _R, 4),
    Action("replay.turn_back", "less_than_sign", "turn back", "Pause where the turn before begins.", _R),
    Action("replay.error_on", "e", "error", "Pause at the next error.", _R, 5),
    Action("replay.error_back", "E", "error back", "Pause at the error before.", _R),
    Action("replay.faster", "plus,equals_sign", "faster", "Play faster, up to 16x and max.", _R, 6),
    Action("replay.slower", "minus", "slower", "Play slower, down to 0.25x.", _R),
    Action("replay.jump_on", "right_parenthesis", "10 s on", "Ten seconds on.", _R),
    Action("replay.jump_back", "left_parenthesis", "10 s back", "Ten seconds back.", _R),
    Action("replay.go_live", "L", "end", "To the end; stays there while the file grows.", _R),
    Action("replay.toggle_silences", "u", "silences", "Cut silences to two seconds, or play them.", _R),
    Action("replay.keep", "K", "keep", "Mark the recording, so that no retention removes it; or not.", _R),
    Action("replay.close", "q", "leave", "Leave this screen; whoever writes is left alone.", _R, 89),
    # -- a tap
    Action(
        "tap.show_recipes", "R", "recipes", "How to point clients at this tap; y copies one.", Where.TAP, 3
    ),
    Action(
        "tap.show_happened", "H", "what happened", "What clients met, its cause and remedy.", Where.TAP, 2
    ),
    Action("recipes.copy_recipe", "y", "copy recipe", "Copy the recipe exactly.", Where.RECIPES, 1),
    # -- a comparison
    Action("compare.read", "enter", "read", "Read everything about the chosen row.", Where.COMPARE, 1),
    Action("compare.next_breaking", "n", "next breaking", "The next breaking difference.", Where.COMPARE, 2),
    Action("compare.breaking_before", "N", "breaking before", "The one before.", Where.COMPARE),
    Action("compare.toggle_harmless", "b", "only breaking", "Breaking ones only, or all.", Where.COMPARE, 3),
    Action("compare.copy_report", "y", "copy report", "Copy the whole report as text.", Where.COMPARE, 4),
    Action("compare.picture", "S", "picture", "Save a picture of the screen, secrets hidden.", Where.COMPARE),
    Action("compare.close", "q,escape", "leave", "Leave with the comparison's exit code.", Where.COMPARE, 5),
    Action("compare.cursor_down", "down,j", "down", "One row down.", Where.COMPARE),
    Action("compare.cursor_up", "up,k", "up", "One row up.", Where.COMPARE),
    Action("compare.page_down", "pagedown,ctrl+f", "page down", "One page down.", Where.COMPARE),
    Action("compare.page_up", "pageup,ctrl+b", "page up", "One page up.", Where.COMPARE),
    Action("compare.first", "home,g", "top", "The first row.", Where.COMPARE),
    Action("compare.last", "end,G", "end", "The last row.", Where.COMPARE),
    # -- the doctor
    Action("doctor.read", "enter", "read", "Read everything about the chosen check.", Where.DOCTOR, 1),
    Action(
        "doctor.next_problem", "n", "next problem", "The next check that failed or warns.", Where.DOCTOR, 2
    ),
    Action("doctor.problem_before", "N", "problem before", "The one before.", Where.DOCTOR),
    Action("doctor.toggle_problems", "o", "only problems", "Failures and warnings, or all.", Where.DOCTOR, 3),
    Action("doctor.rerun", "r", "try again", "Try the chosen check once more.", Where.DOCTOR, 4),
    Action("doctor.rerun_all", "R", "all again", "Run all again; says first what that costs.", Where.DOCTOR),
    Action("doctor.copy", "y", "copy report", "Copy the report, without any secret.", Where.DOCTOR, 5),
    Action("doctor.save", "x", "save report", "Save the report as text, or JSON.", Where.DOCTOR, 6),
    Action("doctor.picture", "S", "picture", "Save a picture of the screen, secrets hidden.", Where.DOCTOR),
    Action("doctor.close", "q,escape", "leave", "Leave with the exit code of the table.", Where.DOCTOR, 7),
    Action("doctor.cursor_down", "down,j", "down", "One row down.", Where.DOCTOR),
    Action("doctor.cursor_up", "up,k", "up", "One row up.", Where.DOCTOR),
    Action("doctor.page_down", "pagedown,ctrl+f", "page down", "One page down.", Where.DOCTOR),
    Action("doctor.page_up", "pageup,ctrl+b", "page up", "One page up.", Where.DOCTOR),
    Action("doctor.first", "home,g", "top", "The first row.", Where.DOCTOR),
    Action("doctor.last", "end,G", "end", "The last row.", Where.DOCTOR),
    # -- start
    Action("start.choose", "enter", "open", "Open the chosen way in.", Where.START, 1),
    Action("start.up", "up,k", "up", "The way in before.", Where.START),
    Action("start.down", "down,j", "down", "The next way in.", Where.START),
    Action("start.pick(1)", "1", "demo", "Take over the demonstration.", Where.START),
    Action("start.pick(2)", "2", "connect", "Connect to the resolved endpoint.", Where.START),
    Action("start.pick(3)", "3", "proxy or URL", "Connect to an address you type.", Where.START),
    Action("start.pick(4)", "4", "recording", "Read a recording.", Where.START),
    Action("start.pick(5)", "5", "settings", "See every setting and where it came from.", Where.START),
    # -- dialogs
    Action("dialog.close", "escape", "back", "Close, change nothing.", Where.DIALOG, 2),
    Action("dialog.accept", "f5", "go", "Do what the dialog says.", Where.DIALOG, 1),
    Action("reading.scroll_text_down", "j,down", "down", "One line down.", Where.READING),
    Action("reading.scroll_text_up", "k,up", "up", "One line up.", Where.READING),
    Action("reading.close", "q,enter", "close", "Close, change nothing.", Where.READING),
    Action("answering.toggle_raw", "ctrl+t", "form/raw", "Fields, or raw text.", Where.ANSWERING, 0, True),
    Action("answering.next_call", "pagedown", "next call", "The next open call.", Where.ANSWERING, 0, True),
    Action("answering.call_before", "pageup", "call before", "The call before.", Where.ANSWERING, 0, True),
)

#: contexts whose keys are live at the same time; within one of these no key may mean two things
TOGETHER: tuple[frozenset[Where], ...] = (
    *(
        frozenset({_A, *others, _P, view})
        for view in (Where.TALK, Where.EVENTS, Where.CHAIN, Where.RAW, Where.STATS, Where.CONNECTIONS)
        for others in ((_S, _M, Where.LIVE), (_S, _M, _R, Where.TAP))
    ),
    frozenset({_A, _S, _T}),
    frozenset({_A, Where.START}),
    frozenset({_A, Where.COMPARE}),
    frozenset({_A, Where.DOCTOR}),
    frozenset({_A, Where.DIALOG, Where.READING}),
    frozenset({_A, Where.DIALOG, Where.ANSWERING}),
    frozenset({_A, Where.DIALOG, Where.RECIPES}),
)

#: the session's actions that a replay has, too: they look, and neither send nor close anything of others
REPLAYED = frozenset(
    f"session.{name}"
    for name in (
        *("leave", "copy", "export", "picture", "zoom"),
        *("next_turn", "previous_turn", "next_error", "previous_error", "show_findings"),
        *(f"show_{view}" for view in ("talk", "events", "chain", "raw", "stats", "connections")),
    )
)

#: they stay in a footer that has no room for everything
ALWAYS = frozenset({"replay.close", "app.help"})

#: the first line of the help: what to remember if only three keys
THREE_KEYS = "If you remember only three keys:  i write   1-5 views   ? help"
THREE_COMPARE_KEYS = "If you remember only three keys:  n next breaking   Enter read   ? help"
THREE_DOCTOR_KEYS = "If you remember only three keys:  n next problem   Enter read   ? help"
THREE_START_KEYS = "If you remember only three keys:  1-5 go   Enter open   ? help"
THREE_REPLAY_KEYS = "If you remember only three keys:  space play/pause   s seek   ? help"


def bindings(*where: Where) -> list[Binding]:
    """The bindings of the actions that act in these places."""
    return [_binding(action) for action in ACTIONS if action.where in where]


def replay_bindings() -> list[Binding]:
    """The bindings of a replay: the playhead's, and those of the session that only look."""
    return [_binding(action) for action in ACTIONS if action.where is _R or action.id in REPLAYED]


def _binding(action: Action) -> Binding:
    return Binding(
        ",".join(keys_of(action)),
        action.method,
        action.label,
        show=action.rank > 0,
        tooltip=action.tooltip,
        id=action.id,
        priority=action.is_priority,
    )


def keys_of(action: Action, own: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The keys of an action in the framework's long form; the person's own ones replace ours."""
    text = (own or {}).get(action.id, action.keys)
    return tuple(binding.key for binding in Binding.make_bindings([Binding(text, action.method)]))


def display(key: str) -> str:
    """A key as footer, palette and help write it."""
    return DISPLAYED.get(key, key)


def action(action_id: str) -> Action:
    """The action of this id; raises KeyError when there is none."""
    return BY_ID[action_id]


def in_footer(active: Iterable[str], *, is_typing: bool = False, limit: int = 7) -> tuple[Action, ...]:
    """Of the actions that work now (by id) those for the footer, the most needed first, and `ALWAYS`."""
    works = [BY_ID[name] for name in active if name in BY_ID]
    if is_typing:
        typing = sorted((one for one in works if one.id in _TYPING), key=_typing_rank)
        if typing and typing[0].id == "composer.submit":
            typing = [one for one in typing if one.id != "session.send_now"]  # one way to send is enough
        return tuple(typing[:limit])
    shown = sorted((one for one in works if one.rank), key=lambda one: one.rank)
    if len(shown) > limit:
        always = [one for one in shown if one.id in ALWAYS]
        others = [one for one in shown if one.id not in ALWAYS]
        shown = [*others[: limit - len(always)], *always]
    return tuple(shown)


def _typing_rank(action: Action) -> int:
    return _TYPING.index(action.id)


#: the footer while somebody writes
_TYPING = (
    "composer.submit",
    "session.send_now",
    "composer.new_line",
    "session.next_tab",
    "session.answer",
    "session.ways_on",
    "session.preview",
    "session.options",
    "session.leave",
    "app.help",
)
#: every action by its id
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
#: how footer, palette and help write keys that have longer names
DISPLAYED: Mapping[str, str] = {
    "exclamation_mark": "!",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "full_stop": ".",
    "comma": ",",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "space": "space",
    "escape": "esc",
    "enter": "Enter",
    "pageup": "pgup",
    "pagedown": "pgdn",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}
