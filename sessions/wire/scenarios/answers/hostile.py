"""Text that tries to act on a terminal, and frames that try to break a reader.

Its one rule: everything is legal JSON in a legal order; frames that are neither come from the faults.
`/hostile line` sends one line of a million characters, `/hostile names` the same in type and tool names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sessions.wire.scenarios.answer import Ask, FunctionCall, Loose, Reasoning, Scenario, Step, Text

#: each tries something else; split anywhere by the deltas
PIECES = (
    "colour: \x1b[31mred\x1b[0m and a cleared screen \x1b[2J\x1b[H\n",
    "title: \x1b]0;owned\x07 clipboard: \x1b]52;c;b3duZWQ=\x07 link: \x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\\n",
    "one byte controls: \x9b31m \x9d0;owned\x9c \x90q\x9c\n",
    "markup: [bold red]not bold[/] [@click=app.quit]quit[/] [link=file:///etc/passwd]x[/link] [/]\n",
    "bidi: \u202egnp.exe\u202c \u2066isolated\u2069 \u200fmark\u200e\n",
    "no width: zero\u200bwidth joi\u200dner \u2060word \ufeffmark soft\u00adhyphen\n",
    "lines: \u2028separator \u2029paragraph\r\x08\x08\x7f backspaced \x00null \x1a\n",
    "tags: \U000e0041\U000e0042\U000e007f, wide: \uff21\u3000\u115f, stacked: e" + "\u0301" * 40 + "\n",
    "device: \x1b[6n\x1b[c\x1bP$q q\x1b\\ mouse: \x1b[?1003h paste: \x1b[?2004h alternate: \x1b[?1049h\n",
    "path: ../../../../etc/passwd ~/.ssh/id_rsa C:\\con.txt %s %n {0} $(reboot) `reboot`\n",
)


def answer(ask: Ask) -> Iterable[Step]:
    """The pieces, one character to a delta, so that every sequence is split."""
    if "line" in ask.text.split():
        return (Text("x" * 1_000_000, fragments=["x" * 65_536] * 15 + ["x" * 16_960]),)
    if "names" in ask.text.split():
        return tuple(_names())
    text = "".join(PIECES)
    return (
        Reasoning(("thinking \x1b]52;c;b3duZWQ=\x07 [bold]aloud[/]",)),
        Text(text, fragments=list(text)),
    )


def _names() -> Iterator[Step]:
    yield Loose({"type": "response.\x1b[31mred", "note": "[bold]an unknown type[/]\x07"})
    yield FunctionCall("get_\x1b[2J[@click=app.quit]x[/]", '{"\x1b]0;owned\x07":"\u202ereversed"}')
    yield Text("Names done.")


SCENARIO = Scenario(
    "hostile", "escape sequences, markup, bidi marks, zero widths; “/hostile line”, “/hostile names”", answer
)
