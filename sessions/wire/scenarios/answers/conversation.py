"""The default scenario: a small friendly world with a memory.

Its one rule: an answer follows from the chain alone, so that what was forgotten by the server is missing
from the answer too. It knows a few capitals, sums, names and code words; it calls tools, thinks and declines
when the prompt gives a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from sessions.wire.scenarios.answer import Ask, Reasoning, Refusal, Scenario, Step, Text
from sessions.wire.scenarios.answers import flood, hosted, subjects, tools
from sessions.wire.scenarios.schema import Source, fitting

_CAPITALS = {
    "peru": "Lima",
    "norway": "Oslo",
    "japan": "Tokyo",
    "france": "Paris",
    "kenya": "Nairobi",
    "canada": "Ottawa",
    "india": "New Delhi",
    "brazil": "Brasília",
    "egypt": "Cairo",
    "germany": "Berlin",
    "italy": "Rome",
    "spain": "Madrid",
    "australia": "Canberra",
}
_CAPITAL = re.compile(r"capital of (?:the )?([a-z]+)", re.I)
_REMEMBER = re.compile(
    r"remember (?:that )?(?:the |this |my )?(?:code ?word|word|number|phrase)?(?: is|:)?\s*"
    r"[\"“']?([^\"”'.,!?\n]{1,60})",
    re.I,
)
_RECALL = re.compile(
    r"\b(?:what|which|say|repeat|tell me|recall)\b.*\b(?:word|remember|code|number|phrase|told you)\b", re.I
)
_NAME = re.compile(r"\b(?:my name is|i am called|call me)\s+([\w'-]+)", re.I)
_ASK_NAME = re.compile(r"\bwhat(?:'s| is) my name|who am i\b", re.I)
_SUM = re.compile(r"(-?\d+(?:\.\d+)?)\s*([-+*/x×÷]|plus|minus|times|divided by)\s*(-?\d+(?:\.\d+)?)", re.I)
_NEXT_SUM = re.compile(
    r"\b(multiply|times|divide|add|subtract|plus|minus|double|halve)\b(?:\D*?(-?\d+(?:\.\d+)?))?", re.I
)
_BEFORE = re.compile(
    r"\bwhat (?:did|have) (?:i|we) (?:say|said|ask|asked|talk)|before\?|first (?:question|thing)", re.I
)
_COUNT = re.compile(r"\bhow many (?:turns|questions|times)\b", re.I)
_GREETING = re.compile(r"^\W*(?:hi|hello|hey|good (?:morning|evening)|ahoy|ping)\b", re.I)
_BRIEF = re.compile(r"\b(?:terse|brief|short|one word|under \d+ words)\b", re.I)
_FLOOD = re.compile(r"^flood\s+\d+\s*$", re.I)


def answer(ask: Ask) -> Iterable[Step]:
    """What this world says to a prompt."""
    if _FLOOD.match(ask.text):
        return flood.answer(ask)
    return _answer(ask)


def _answer(ask: Ask) -> Iterator[Step]:
    lower = ask.text.lower()
    yield from _thinking(ask, lower)
    if "refuse" in lower:
        yield Refusal("I can't help with that.")
        return
    approved = list(hosted.resumed(ask))
    if approved:
        yield from approved
        return
    calls = list(tools.called(ask)) if not ask.outputs or tools.is_forced(ask) else []
    if calls:
        yield from calls
        return
    if ask.outputs:
        yield Text(_with_outputs(ask))
        return
    shaped = _structured(ask)
    yield Text(shaped if shaped is not None else reply(ask))


def _thinking(ask: Ask, lower: str) -> Iterator[Step]:
    asked = ask.create.body.get("reasoning")
    asked = asked if isinstance(asked, dict) else {}
    effort = asked.get("effort")
    if effort in ("none", "minimal") or not (effort or re.search(r"\bthink\b", lower)):
        return
    summaries: tuple[str, ...] = ()
    if asked.get("summary") or asked.get("generate_summary"):
        subject = ask.text[:60] or "what was sent"
        summaries = (f"**Reading the question**\n\nIt is about: {subject}",)
        if effort in ("high", "xhigh", "max"):
            summaries = (*summaries, "**Comparing answers**\n\nThe short one is enough.")
    yield Reasoning(summaries, tokens={"low": 16, "high": 192}.get(str(effort), 64))


def reply(ask: Ask) -> str:
    """The text of an ordinary answer."""
    text = ask.text
    brief = bool(_BRIEF.search(ask.create.instructions) or _BRIEF.search(text))
    if not text:
        kinds = sorted({str(part.get("type")) for part in _parts(ask)} - {"input_text", "None"})
        return (
            f"I got {', '.join(kinds)}, and no words with it."
            if kinds
            else "I am ready. What shall we look at?"
        )
    found = _RECALL.search(text) and not _REMEMBER.match(text)
    if found and (word := _last(ask, _REMEMBER)):
        return f"{word}." if brief else f"You asked me to remember “{word}”."
    if _ASK_NAME.search(text):
        name = _last(ask, _NAME)
        return f"Your name is {name}." if name else "You have not told me your name in this chain."
    if match := _NAME.search(text):
        return f"Nice to meet you, {match[1]}."
    known = None if brief else subjects.explained(text)
    if match := _REMEMBER.search(text):
        return " ".join(filter(None, (f"I will remember “{match[1].strip()}”.", known)))
    if known:
        return known
    if found:
        return "You have not asked me to remember anything in this chain."
    if match := _CAPITAL.search(text):
        city = _CAPITALS.get(match[1].lower())
        return f"{city}." if city else f"I do not know the capital of {match[1]}."
    number = _computed(ask)
    if number is not None:
        return f"{number:g}." if brief else f"That makes {number:g}."
    if _COUNT.search(text):
        return f"This is turn {len(ask.said) + 1} of this chain."
    if _BEFORE.search(text):
        if not ask.said:
            return "Nothing yet: this is the first turn of this chain."
        return f"First you said “{_quoted(ask.said[0].user)}”, and last “{_quoted(ask.said[-1].user)}”."
    if _GREETING.search(text):
        name = _last(ask, _NAME)
        return (
            f"Hello{', ' + name if name else ''}!"
            if brief
            else f"Hello{', ' + name if name else ''}! Ask me anything; I keep track of this chain."
        )
    return _echo(ask, brief)


def _echo(ask: Ask, brief: bool) -> str:
    said = f"You said “{_quoted(ask.text)}”."
    if brief:
        return said
    if not ask.said:
        return (
            f"{said} I am a small server that follows a script, so I answer from what stands in this chain. "
            "Tell me a word to remember, ask for a sum or a capital, or give me a tool to call."
        )
    number = len(ask.said) + 1
    return f"{said} That is turn {number} of this chain; before it you said “{_quoted(ask.said[-1].user)}”."


def _computed(ask: Ask, depth: int = 0) -> float | None:
    text = ask.text if depth == 0 else ask.said[-depth].user
    if match := _SUM.search(text):
        return _apply(match[2].lower(), float(match[1]), float(match[3]))
    if match := _NEXT_SUM.search(text):
        if depth >= len(ask.said) or depth > 50:
            return None
        earlier = _computed(ask, depth + 1)
        if earlier is None:
            return None
        verb = match[1].lower()
        if verb in ("double", "halve"):
            return _apply("*" if verb == "double" else "/", earlier, 2)
        return _apply(verb, earlier, float(match[2])) if match[2] else None
    return None


def _apply(operator: str, left: float, right: float) -> float | None:
    match operator:
        case "+" | "plus" | "add":
            return left + right
        case "-" | "minus" | "subtract":
            return left - right
        case "*" | "x" | "×" | "times" | "multiply":
            return left * right
        case _:
            return left / right if right else None


def _with_outputs(ask: Ask) -> str:
    told = "; ".join(f"{name} says {_readable(output)}" for name, output in ask.outputs)
    more = f" And to “{_quoted(ask.text)}”: {reply(ask)}" if ask.text else ""
    return f"With the results in hand: {told}.{more}"


def _readable(output: str) -> str:
    try:
        value = json.loads(output)
    except ValueError:
        return _quoted(output) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {part}" for key, part in value.items()) or "nothing"
    return _quoted(str(value))


def _structured(ask: Ask) -> str | None:
    wanted = ask.create.body.get("text")
    form = wanted.get("format") if isinstance(wanted, dict) else None
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return json.dumps({"answer": reply(ask)}, ensure_ascii=False)
    if form.get("type") != "json_schema":
        return None
    return json.dumps(fitting(form.get("schema"), Source(ask.text)), ensure_ascii=False)


def _last(ask: Ask, pattern: re.Pattern[str]) -> str | None:
    for said in reversed(ask.said):
        if match := pattern.search(said.user):
            return match[1].strip()
    match = pattern.search(ask.text)
    return match[1].strip() if match and not ask.text.rstrip().endswith("?") else None


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def _parts(ask: Ask) -> Iterator[dict[str, object]]:
    for item in ask.create.input:
        content = item.get("content")
        if isinstance(content, list):
            yield from (part for part in content if isinstance(part, dict))


SCENARIO = Scenario(
    "conversation",
    "a small world with a memory: words to remember, sums, capitals, tools (the default)",
    answer,
)
