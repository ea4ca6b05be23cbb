"""The FILE of `--from`: a recording read as a script, and what is wrong with it told in words.

Its one rule: a file that cannot be played ends the command before anything is opened. It only reads.
"""

from __future__ import annotations

from pathlib import Path

from sessions.errors import UsageError
from sessions.reading import Reading
from sessions.script import Frame, Script, read
from sessions.talk import tell


def read_script(name: str) -> Script:
    """The script of a recording; its damaged lines and HTTP exchanges are told on stderr.

    Raises RecordingError when it cannot be read, UsageError when no WebSocket session is in it.
    """
    path = Path(name).expanduser()
    reading = Reading.whole(path)
    try:
        script = read(reading.records(0, reading.known))
    finally:
        reading.close()
    for problem in reading.problems[:5]:
        tell(f"{path}, line {problem.line}: {problem.reason}; it is left out")
    if len(reading.problems) > 5:
        tell(f"{path}: {len(reading.problems) - 5} more lines are damaged and left out")
    if script.http:
        count = max(script.requests, 1)
        tell(f"{path}: {count} HTTP exchange{'' if count == 1 else 's'} left out; only WebSocket is played")
    if not script.sessions:
        raise UsageError(f"{path} has no WebSocket session to play")
    return script


def client_frames(script: Script, name: str) -> list[Frame]:
    """What the recorded clients sent, in order; raises UsageError when that is nothing."""
    frames = [step for step in script.steps if isinstance(step, Frame)]
    if not frames and not any(one.is_refused or one.ending for one in script.sessions.values()):
        raise UsageError(f"{name} has no frames of a client: there is nothing to play")
    return frames


def created_models(script: Script) -> tuple[str, ...]:
    """The models that the recorded creates ask for, in order, each once."""
    models = (turn.model for exchange in script.exchanges for turn in exchange.turns[:1])
    return tuple(dict.fromkeys(model for model in models if model))
