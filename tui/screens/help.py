"""The help: the three keys to remember, then every key that works where the person is, then the words."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tui import keys
from tui.screens.reader import Reader

_WORDS = """\
words
  turn       one create and what came of it; T4 is the fourth of this recording
  lane       one queue of a socket (stream_id); a lane keeps its order, not its conversation
  parent     the response that a turn continues (previous_response_id)
  warm-up    a create with generate off: state without an answer
  following  a view shows the newest row; holding: it stays; frozen: its picture stands still
  memory     the newest answer of each lane lives in the socket; stored: on the server; evicted, lost: gone"""

_OWN_KEYS = (
    'Every key can be changed: [keys] in the settings file, then "session.branch" = "B".',
    "`turnscope info --keys` lists the ids of all actions; the palette shows them, too.",
)

#: an action that tells which screen this is -> its line of three keys
_THREE = {
    "replay.seek": keys.THREE_REPLAY_KEYS,
    "compare.read": keys.THREE_COMPARE_KEYS,
    "doctor.read": keys.THREE_DOCTOR_KEYS,
    "start.choose": keys.THREE_START_KEYS,
}


def help_page(screen: Screen[Any]) -> Reader:
    """The help for what works on this screen now."""
    active = {one.binding.id for one in screen.active_bindings.values() if one.binding.id}
    lines = [next((three for name, three in _THREE.items() if name in active), keys.THREE_KEYS), ""]
    for where in keys.Where:
        actions = [action for action in keys.ACTIONS if action.where is where and action.id in active]
        if not actions:
            continue
        lines.append(where.value)
        for action in actions:
            shown = " ".join(keys.display(key) for key in keys.keys_of(action))
            lines.append(f"  {shown:<16} {action.label:<16} {action.tooltip}")
        lines.append("")
    lines += [_WORDS, "", *_OWN_KEYS]
    return Reader("help", "\n".join(lines), "j k scroll   esc back")
